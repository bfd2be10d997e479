"""The start of the machine: checked by the firmware, locked down, and the newest installed version?"""

from typing import Any

from appliance.contract.health import BootPart, Verdict

_FIRMWARE = "enrol the fleet's keys in the firmware's set-up and switch Secure Boot on"


def judge(found: dict[str, Any], version: str | None) -> BootPart:
    """Was the machine started by signed code, and does nothing wait for another start?

    Whether a profile demands Secure Boot is the operator's to know; each that we ship does, so without it nothing on
    the box proves what was started.
    """
    waiting, required = found["waiting"], found["reboot_required"]
    values: dict[str, Any] = {
        "slot": found["slot"], "image_version": version, "uefi": found["uefi"], "secure_boot": found["secure_boot"],
        "setup_mode": found["setup_mode"], "lockdown": found["lockdown"], "pending_reboot": bool(waiting or required),
        "pending_version": waiting,
    }  # fmt: skip

    def part(verdict: Verdict, reason: str, next_action: str = "") -> BootPart:
        return BootPart(verdict=verdict, reason=reason, next_action=next_action, **values)

    if not found["uefi"]:
        return part(Verdict.CRITICAL, "started without UEFI, so nothing checked what was started", _FIRMWARE)
    if not found["secure_boot"]:
        return part(Verdict.CRITICAL, "Secure Boot is off", _FIRMWARE)
    if found["setup_mode"]:
        return part(Verdict.CRITICAL, "the firmware is in setup mode: keys can be replaced without one", _FIRMWARE)
    if found["lockdown"] is None:
        return part(Verdict.UNKNOWN, "this kernel does not say whether it is locked down", "look on the box")
    if found["lockdown"] == "none":
        return part(
            Verdict.DEGRADED, "the kernel is not locked down: root may change it while it runs",
            "boot the signed image with its own kernel command line",
        )  # fmt: skip
    if waiting or required:
        what = f"version {waiting} is installed and not started" if waiting else "an installed change waits for a start"
        return part(Verdict.DEGRADED, what, "reboot the machine in its maintenance window")
    slot = found["slot"] or "a slot without a label"
    return part(Verdict.OK, f"Secure Boot on, kernel locked down ({found['lockdown']}), {slot}, nothing newer waits")

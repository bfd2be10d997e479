"""Checks of the boot chain: secure_boot_on, usr_verified."""

from __future__ import annotations

from fleetctl.checks.context import CheckContext
from fleetctl.checks.result import CheckResult, critical, first_unreadable, ok, unknown
from fleetctl.facts.base import Unreadable

USR_DEVICE = "usr"


def secure_boot_on(context: CheckContext) -> CheckResult:
    """The firmware checks signatures, and its keys cannot be replaced without one."""
    name = "secure_boot_on"
    required = context.profile.spec.secure_boot.required
    wanted = "Secure Boot on, not in setup mode" if required else "not required by the profile"
    facts = context.facts.secure_boot
    if isinstance(facts, Unreadable):
        return unknown(name, wanted=wanted, because=facts)
    if not facts.uefi:
        seen = "started without UEFI"
    else:
        seen = f"Secure Boot {'on' if facts.enabled else 'off'}{', setup mode' if facts.setup_mode else ''}"
    if required and not (facts.uefi and facts.enabled and not facts.setup_mode):
        return critical(
            name,
            seen=seen,
            wanted=wanted,
            reason=f"the firmware's variables SecureBoot and SetupMode say: {seen}",
            next_action="enrol the fleet's keys in the firmware's set-up and switch Secure Boot on",
        )
    return ok(name, seen=seen, wanted=wanted, reason="compared the firmware's variables SecureBoot and SetupMode")


def usr_verified(context: CheckContext) -> CheckResult:
    """The running /usr is the one that was built: command line, kernel's dm-verity device and our build agree."""
    name = "usr_verified"
    built = context.wanted.usr_root_hash
    facts, verity, disks = context.facts.system, context.facts.verity, context.facts.disks
    wanted = "usrhash=, the dm-verity device of /usr and the built image have one root hash"
    if (
        isinstance(built, Unreadable)
        or isinstance(facts, Unreadable)
        or isinstance(verity, Unreadable)
        or isinstance(disks, Unreadable)
    ):
        return unknown(name, wanted=wanted, because=first_unreadable(facts, verity, disks, built) or "")
    layers = disks.layers_below("/usr") or ()
    device = verity.named(layers[-1].name) if layers else None
    kernel = device.root_hash if device else "none"
    seen = f"usrhash={_short(facts.usrhash)}, dm-verity {_short(kernel)}, built {_short(built)}"
    problems = []
    if device is None or device.name != USR_DEVICE:
        problems.append("/usr is not mounted from the dm-verity device usr")
    elif device.corrupted:
        problems.append("the kernel met a block of /usr that does not match")
    if facts.usrhash != kernel:
        problems.append("usrhash= on the kernel's command line differs from the dm-verity device")
    if kernel != built:
        problems.append("the dm-verity device differs from the built image")
    if problems:
        return critical(
            name,
            seen=seen,
            wanted=wanted,
            reason="; ".join(problems),
            next_action="boot the image that fleetctl image build made; if this one should run, build it here first",
        )
    return ok(name, seen=seen, wanted=wanted, reason="all three are equal, and the kernel has met no wrong block")


def _short(digest: str) -> str:
    return f"{digest[:12]}…" if len(digest) > 12 else digest or "absent"

"""What a check or an Xid means: for `fleetctl health explain`. Every name that a reason can carry stands here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from appliance.contract.gpu_rules import OF_A_WATCH
from appliance.contract.xid import POLICIES, policy_of
from fleetctl.errors import UsageError
from fleetctl.nearest import nearest
from fleetctl.remote.poll_outcome import WORDS, Outcome

_XID_SOURCE = "NVIDIA, GPU deployment and management: Xid errors (catalogue); verdict and action of ours: gpu-watch.md"
_POLLING = "docs/design/polling.md"
_HEALTH = "docs/design/health.md"


@dataclass(frozen=True)
class Explanation:
    """One name, what it says, what a person does, and where that comes from."""

    name: str
    kind: Literal["check", "xid", "outcome"]
    meaning: str
    verdict: str
    next_action: str
    nvidia_action: str = ""
    source: str = ""


def _check(name: str, meaning: str, verdict: str, action: str, source: str = _HEALTH) -> Explanation:
    return Explanation(name, "check", meaning, verdict, action, source=source)


_OWN = (
    _check("image", "The image that runs is the sealed one, and dm-verity checks it.", "critical", "provision again"),
    _check("boot", "Secure Boot is on, the slot is known, and no reboot waits.", "critical or degraded",
           "reboot in a window, or look at the firmware's keys"),
    _check("services", "Every unit of the appliance runs, in its sandbox, without restart loops.", "critical",
           "journalctl -u UNIT on the machine's console"),
    _check("engines", "Each engine answers, with the sealed weights, and its queue moves.", "critical or degraded",
           "systemctl status of the engine's unit on the machine's console"),
    _check("models", "The weights that the engines loaded are the sealed ones.", "critical", "provision again"),
    _check("gateway", "The gateway answers, its store and audit log take writes.", "critical",
           "systemctl status appliance-gateway.service on the machine's console"),
    _check("audit", "The audit log has a recent checkpoint and verified on the box.", "critical or degraded",
           "fleetctl audit verify with a copy of the log; docs/operate/verify-the-audit-log.md"),
    _check("gpus", "What the GPU watch read and judged; see the gpu_ checks.", "as its worst check",
           "fleetctl health gpu SITE"),
    _check("storage", "State volume mounted and encrypted, RAID whole, drives not worn out.", "critical or degraded",
           "replace the named disk; fleetctl disk status SITE"),
    _check("isolation", "The live firewall rules are the sealed ones.", "critical",
           "fleetctl site provision SITE; fleetctl egress prove SITE"),
    _check("certificates", "No certificate on the box expires soon.", "degraded", "fleetctl site provision SITE"),
    _check("disk", "Room is left on every file system.", "degraded or critical", "make room, or add disks"),
    _check("clock", "The box's clock follows a time server.", "degraded", "look at the time server in egress.allow"),
    _check("faults", "A snapshot holds the worst faults; more were found than fit.", "degraded",
           "appliancectl health faults on the machine's console"),
    _check("own_word", "The box's verdict of itself is not that of its parts.", "as the box says",
           "fleetctl site verify SITE: it reads the box by another way"),
    _check("clock_agrees", "The box's clock agrees with this machine's.", "degraded",
           "check the time server in spec.egress.allow, and this machine's clock", _POLLING),
    _check("snapshot_signed", "The snapshot is signed by the key that was pinned at provisioning.", "degraded",
           "fleetctl site provision SITE pins the key", _POLLING),
    _check("release_image", "The image that runs is the one that was built for this fleet.", "degraded",
           "fleetctl site provision SITE, or fleetctl health drift to see who else differs", _POLLING),
    _check("release_model", "Each task runs the model that its release or the site file names, with its root hash.",
           "degraded", "fleetctl site provision SITE", _POLLING),
    _check("gpu_xid", "The driver reported an Xid; give its number for what that one means.", "by the Xid",
           "fleetctl health explain NUMBER", _XID_SOURCE),
    _check("reachable", "The site answers its health port with its certificate; see the outcomes for what it may be.",
           "unknown", "fleetctl status says which outcome it was", _POLLING),
    _check("operator_certificate", "The operator's own certificate is good for 90 days: then every site refuses it.",
           "degraded, critical in its last 14 days", "fleetctl keys renew", _POLLING),
    _check("driver_stuck", "A call into the GPU driver did not come back in 10 s.", "critical", "reboot the machine",
           "docs/design/gpu-reading.md"),
)  # fmt: skip


_READING = "docs/design/gpu-reading.md, which names NVIDIA's documents"
_WATCH = "docs/design/gpu-watch.md"
_DRAIN = "drain the GPU and reset it"
_GPU = (
    ("gpu_library", "NVML can be asked, and the driver is the one that the profile wants.", "critical",
     "reboot, or install the right driver"),
    ("gpu_count", "As many GPUs as the profile wants, on the bus and in NVML.", "critical",
     "look for Xid 79; reseat the card"),
    ("gpu_ecc", "ECC is as the profile wants it, also after the next reset.", "degraded", "set ECC, then reset"),
    ("gpu_errors", "No uncorrectable memory error since the driver was loaded.", "critical", _DRAIN),
    ("gpu_ecc_uncorrectable", "Memory of the card was wrong and could not be corrected.", "critical", _DRAIN),
    ("gpu_sram_threshold", "NVML says that the SRAM had more errors than it may.", "critical", "replace the card"),
    ("gpu_rows", "No row remap waits or failed, and spare rows are left.", "degraded or critical",
     "drain, reset in a window; a failed remap: replace the card"),
    ("gpu_remap_pending", "A bad row is replaced at the next reset. These cards cannot contain it until then.",
     "degraded; critical with Xid 48", f"{_DRAIN} in the maintenance window; no rollout until then"),
    ("gpu_remap_failed", "A bad row could not be replaced.", "critical", "replace the card"),
    ("gpu_remaps_used_up", "512 rows were replaced for uncorrectable errors, which is NVIDIA's limit.", "degraded",
     "plan a replacement"),
    ("gpu_bank_used_up", "A bank of memory has no spare row left.", "degraded", "plan a replacement"),
    ("gpu_recovery", "The driver asks for no recovery action (NVML's field 230).", "critical", "do what it says"),
    ("gpu_recovery_action", "The driver asks for a reset, a reboot or a drain (NVML's field 230).", "critical",
     "do what it says"),
    ("gpu_inforom", "The card's own configuration store is valid.", "degraded", "ask the vendor's support"),
    ("gpu_clocks", "Nothing but load and settings lowers the clocks at this moment.", "degraded",
     "look at cooling and power supply"),
    ("gpu_temperature", "More than 5 °C are left to the temperature at which the card slows down.", "degraded",
     "look at the cooling"),
    ("gpu_slowdown", "The hardware did not slow itself down 0.6 times a minute over ten minutes.",
     "degraded or critical", "look at cooling and power supply"),
    ("gpu_pcie", "As many PCIe lanes as the card and the profile want.", "degraded or critical", "reseat the card"),
    ("gpu_link", "PCIe generation under load, and at most 16 replays a minute.", "degraded",
     "reseat the card; look at the riser"),
    ("gpu_pcie_width", "A card has fewer PCIe lanes than it should; half or less is critical.",
     "degraded or critical", "reseat the card"),
    ("gpu_pcie_generation", "A card at work stays below its PCIe generation.", "degraded", "reseat the card"),
    ("gpu_pcie_replays", "More than 16 PCIe replays a minute.", "degraded", "look at the riser"),
    ("gpu_hardware_slowdown", "The hardware slows itself down again and again.", "degraded or critical",
     "look at cooling and power supply"),
    ("gpu_software_thermal", "The driver lowers the clocks for heat, over time.", "degraded", "look at the airflow"),
    ("gpu_lost", "A card that NVML counted is gone from the bus.", "critical",
     "look for Xid 79; reboot; then reseat the card"),
    ("gpu_serial", "A card has another serial than at provisioning.", "degraded", "check the assets"),
    ("gpu_vbios", "A card has another vBIOS than at provisioning.", "degraded", "check the assets"),
    ("gpu_events", "Xids can be heard, from NVML or from the kernel's log.", "unknown",
     "appliancectl health faults on the machine's console; is appliance-gpu-watch.service running?"),
    ("driver_unusable", "NVML cannot be asked.", "critical", "reboot, or install the right driver"),
    ("driver_not_loaded", "The NVIDIA driver is not loaded.", "critical", "reboot, or install the right driver"),
    ("driver_version", "Another driver than the profile wants.", "critical", "install the right driver"),
    ("gpu_identity", "The same cards as at provisioning: serial and vBIOS.", "degraded", "check the assets"),
    ("gpu_persistence", "The driver stays loaded without a client.", "degraded", "enable the persistence daemon"),
)  # fmt: skip


def _rules() -> dict[str, Explanation]:
    return {
        name: _check(name, meaning, verdict, action, _WATCH if name not in _OF_RULES else _READING)
        for name, meaning, verdict, action in _GPU
    }


_OF_RULES = frozenset(rule.check for rule in OF_A_WATCH)


def _outcome(outcome: Outcome) -> Explanation:
    words = WORDS[outcome]
    verdict = "ok" if outcome is Outcome.ANSWERED else "critical" if words.alarming else "unknown"
    return Explanation(
        outcome.value, "outcome", f"{words.said}.", verdict, words.next_action.format(site="SITE"), source=_POLLING
    )


def known() -> dict[str, Explanation]:
    """Everything that has a name."""
    return {**{each.name: each for each in _OWN}, **_rules(), **{each.value: _outcome(each) for each in Outcome}}


def explain(name: str) -> Explanation:
    """The explanation of a check, an outcome or an Xid (`79` or `xid79`). `UsageError` names the nearest ones."""
    wanted = name.strip().lower().replace("-", "_")
    number = wanted.removeprefix("gpu_").removeprefix("xid").strip("_ :")
    if number.isdigit() and len(number) <= 6:
        return _xid(int(number))
    every = known()
    if wanted in every:
        return every[wanted]
    hint = nearest(wanted[:60], every, f"an Xid's number, or one of: {', '.join(every)}", most=3)
    raise UsageError(f"nothing is known as {name[:60]!r}", hint=hint)


def _xid(number: int) -> Explanation:
    policy = policy_of(number)
    action = f"{policy.action}; when it comes again: {policy.repeated}" if policy.repeated else policy.action
    if number in POLICIES:
        meaning = f"An error that NVIDIA's driver reported as Xid {number}."
    else:
        near = ", ".join(map(str, sorted(POLICIES, key=lambda each: abs(each - number))[:3]))
        meaning = f"No action is published for Xid {number}, and unknown is never healthy. Nearest with one: {near}."
    return Explanation(
        f"xid{number}", "xid", meaning, policy.verdict.value, action, nvidia_action=policy.catalogue, source=_XID_SOURCE
    )

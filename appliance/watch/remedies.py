"""What shows that a fault is remedied, for each kind: docs/design/gpu-watch.md has the table with its reasons."""

from collections.abc import Sequence
from enum import Enum

from appliance.contract.gpu import Gpu, Value
from appliance.contract.gpu_evidence import Found
from appliance.contract.health import Verdict
from appliance.contract.xid import RECOVERY_ACTION_CHANGED, policy_of
from appliance.watch.fault_record import XID, FaultRecord


class Remedy(Enum):
    """What has to be seen."""

    READING = "a clean reading"
    RESET = "a reset or a reboot, and a clean reading"
    REBOOT = "a reboot, and a clean reading"
    REPLACED = "another card in the slot"
    NEXT_BOOT = "the next boot"
    NOBODY = "an acknowledgement alone"


OF_KIND: dict[str, Remedy] = {
    # The volatile counter is 0 again, no remap is pending, field 230 is 0: the value itself says that it was reset.
    "gpu_ecc_uncorrectable": Remedy.READING,
    "gpu_remap_pending": Remedy.READING,
    "gpu_recovery_action": Remedy.READING,
    "gpu_inforom": Remedy.READING,
    "gpu_sram_threshold": Remedy.REPLACED,
    "gpu_remap_failed": Remedy.REPLACED,
    "gpu_remaps_used_up": Remedy.REPLACED,
    "gpu_bank_used_up": Remedy.REPLACED,
    "gpu_hardware_slowdown": Remedy.READING,
    "gpu_software_thermal": Remedy.READING,
    "gpu_pcie_width": Remedy.READING,
    "gpu_pcie_generation": Remedy.READING,
    # Ten quiet minutes are no repair: whoever looked at the riser had the machine off.
    "gpu_pcie_replays": Remedy.REBOOT,
    "gpu_identity": Remedy.READING,
    "gpu_serial": Remedy.READING,
    "gpu_vbios": Remedy.READING,
    "gpu_count": Remedy.READING,
    "gpu_lost": Remedy.REBOOT,
    "driver_stuck": Remedy.REBOOT,
    "driver_unusable": Remedy.READING,
}
_OF_XID: dict[int, Remedy] = {
    **dict.fromkeys((46, 48, 62, 63, 95, 109, 110, 119, 120, 140, 143, 158), Remedy.RESET),
    64: Remedy.REPLACED,
    RECOVERY_ACTION_CHANGED: Remedy.READING,
}
# A GPU whose memory or driver still shows something is not clean, whatever else was done.
CLEAN_RULES = ("gpu_library", "gpu_count", "gpu_errors", "gpu_rows", "gpu_recovery", "gpu_inforom")


def remedy_of(fault: FaultRecord) -> Remedy:
    """What has to be seen for this fault to be over."""
    if fault.check != XID:
        return OF_KIND.get(fault.check, Remedy.NOBODY)
    if fault.code is None:
        return Remedy.NOBODY
    # What is only logged waits for nobody. What a restart of a service would remedy cannot be seen from here.
    if policy_of(fault.code).verdict is Verdict.OK or fault.after is not None:
        return Remedy.NEXT_BOOT
    return _OF_XID.get(fault.code, Remedy.REBOOT)


def is_clean(subject: str, found: Sequence[tuple[str, Found]]) -> bool:
    """Whether a reading showed this GPU there, with nothing wrong with it, and nothing unknown. `found` is by rule."""
    own = [each.finding for rule, each in found if rule in CLEAN_RULES and each.subject == subject]
    return bool(own) and all(finding.verdict is Verdict.OK for finding in own)


def why_cleared(
    fault: FaultRecord,
    *,
    boot_id: str,
    kind_is_clean: bool,
    gpu_is_clean: bool,
    gpu: Gpu | None,
) -> str:
    """Why the fault is over; empty while it is not.

    `kind_is_clean`: the reading says that this kind of fault is not there. `gpu` is what is in the fault's slot now.
    """
    remedy = remedy_of(fault)
    rebooted = fault.last_boot != boot_id
    clean = gpu_is_clean if fault.check == XID else kind_is_clean
    card = gpu.uuid.value if gpu and isinstance(gpu.uuid, Value) else ""
    if clean and fault.card and card and card != fault.card and remedy is not Remedy.NOBODY:
        return "another card is in the slot, and its reading is clean"
    if remedy is Remedy.NEXT_BOOT and rebooted:
        return "the machine was started anew; it was only logged"
    if remedy is Remedy.REBOOT and rebooted and clean:
        return "rebooted, and the reading is clean"
    if remedy is Remedy.RESET and clean and rebooted:
        return "rebooted, and the reading is clean"
    if remedy is Remedy.RESET and clean and fault.recovery_seen:
        return "the driver asked for a recovery, and asks no more; the reading is clean"
    if remedy is Remedy.READING and fault.code == RECOVERY_ACTION_CHANGED:
        wants_none = gpu and isinstance(gpu.recovery_action, Value) and gpu.recovery_action.value == 0
        return "field 230 wants no recovery action" if wants_none else ""
    if remedy is Remedy.READING and clean:
        return "a reading shows it no more"
    return ""

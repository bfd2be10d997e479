"""What an Xid means: NVIDIA's action for it, and our verdict and action.

The numbers and NVIDIA's actions are those of NVIDIA's Xid catalogue (Xid errors, GPU deployment and management
documentation); the verdicts are ours, on the rule that an Xid without a published action is unknown, which is never
healthy. Whoever counts Xids over a longer time than one run judges them by the same table.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from appliance.contract.finding import Finding
from appliance.contract.gpu import CountReading, NotSupported, Unread, Value
from appliance.contract.health import Verdict
from appliance.contract.recovery import judge_recovery

# Ours: an application error that comes back this often in a day is no accident of the application.
REPEATED_PER_DAY = 3

UNCONTAINED_MEMORY_ERROR = 48
PREEMPTIVE_CLEANUP = 45
FELL_OFF_THE_BUS = 79
RECOVERY_ACTION_CHANGED = 154


@dataclass(frozen=True)
class XidPolicy:
    """`catalogue` is NVIDIA's action, `action` ours; `repeated` replaces it from `REPEATED_PER_DAY` on."""

    catalogue: str
    verdict: Verdict
    action: str
    repeated: str = ""


_APPLICATION = XidPolicy(
    "restart application",
    Verdict.DEGRADED,
    "restart the service that used the GPU",
    f"{REPEATED_PER_DAY} in a day: run NVIDIA's diagnostic, then replace the card or look at the software",
)
_TREND = XidPolicy("ignore", Verdict.OK, "watch whether there are more of them")
_RESET = XidPolicy("reset GPU", Verdict.CRITICAL, "drain the GPU and reset it")
_UNPUBLISHED = XidPolicy("none published", Verdict.UNKNOWN, "ask the vendor's support what this Xid means")

POLICIES: dict[int, XidPolicy] = {
    **dict.fromkeys((13, 31, 32, 68, 69, 94), _APPLICATION),
    43: XidPolicy("ignore", Verdict.OK, "look at the Xid that came with it"),
    PREEMPTIVE_CLEANUP: XidPolicy("own workflow", Verdict.DEGRADED, "follow NVIDIA's workflow for Xid 45"),
    63: XidPolicy("ignore", Verdict.DEGRADED, "reset the GPU in the maintenance window"),
    **dict.fromkeys((92, 93), _TREND),
    UNCONTAINED_MEMORY_ERROR: XidPolicy(
        "workflow 48", Verdict.CRITICAL, "drain the GPU, reset it, and look at the row remaps"
    ),
    **dict.fromkeys((46, 62, 95, 109, 110, 119, 120, 140, 143, 158), _RESET),
    64: XidPolicy("reset GPU, contact support", Verdict.CRITICAL, "replace the card"),
    FELL_OFF_THE_BUS: XidPolicy(
        "restart machine", Verdict.CRITICAL, "reboot the machine", "replace the card, its slot or its riser"
    ),
    54: XidPolicy("check mechanicals", Verdict.CRITICAL, "look at the card's power cable"),
    # It says that the recovery action changed; what it is now, only field 230 of NVML tells.
    RECOVERY_ACTION_CHANGED: XidPolicy(
        "informational", Verdict.UNKNOWN, "read the recovery action: fleetctl site preflight"
    ),
}


def policy_of(xid: int) -> XidPolicy:
    """The policy for one Xid; for one that the catalogue gives no action for, unknown."""
    return POLICIES.get(xid, _UNPUBLISHED)


def judge_xids(xids: Sequence[int]) -> list[Finding]:
    """One finding for each kind of Xid of one GPU. `xids` are those of at most a day, in the order of their time."""
    after = xids[0] if xids and xids[0] != PREEMPTIVE_CLEANUP else None
    return [judge_xid(xid, count, after=after) for xid, count in Counter(xids).items()]


def judge_xid(xid: int, count: int, *, after: int | None = None, recovery: CountReading | None = None) -> Finding:
    """What one kind of Xid of one GPU means that came `count` times in a day.

    `after` is an Xid of the same GPU that came before it; `recovery` is field 230 as it was read since.
    """
    policy = policy_of(xid)
    said = f"{count} × Xid {xid} (catalogue: {policy.catalogue})"
    if xid == PREEMPTIVE_CLEANUP and after is not None:
        # The driver cleaned up after the Xid before: that one is judged.
        return Finding(Verdict.OK, f"{said} after Xid {after}", noted=True)
    if xid == RECOVERY_ACTION_CHANGED and recovery is not None and not isinstance(recovery, Unread):
        return _what_field_230_says(said, recovery)
    # Losing a card once asks for a reboot, losing it again is the hardware.
    often = 2 if xid == FELL_OFF_THE_BUS else REPEATED_PER_DAY
    action = policy.repeated if policy.repeated and count >= often else policy.action
    return Finding(policy.verdict, said, action, noted=True)


def _what_field_230_says(said: str, recovery: Value[int] | NotSupported) -> Finding:
    if isinstance(recovery, NotSupported):
        action = "ask the vendor's support: the driver told of an action, and does not tell which"
        return Finding(Verdict.UNKNOWN, f"{said}; field 230 is not supported", action, noted=True)
    found = judge_recovery(recovery.value)
    return replace(found, said=f"{said}; field 230: {found.said}", noted=True)

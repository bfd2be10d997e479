"""Room on the disks."""

from collections.abc import Sequence
from typing import Any

from appliance.contract.health import DiskPart, DiskSpace, Verdict, worst

# Journals and images need room to turn over: 10 % leaves time to act, 3 % is a service that soon cannot write.
_DEGRADED_PERCENT, _CRITICAL_PERCENT = 10, 3


def judge(found: Sequence[dict[str, Any]]) -> DiskPart:
    """Is there room?"""
    spaces = tuple(DiskSpace.model_validate(each) for each in found)

    def judged(space: DiskSpace) -> Verdict:
        percent = 100 * space.free_mib / space.size_mib if space.size_mib else 0
        if percent < _CRITICAL_PERCENT:
            return Verdict.CRITICAL
        return Verdict.DEGRADED if percent < _DEGRADED_PERCENT else Verdict.OK

    words = ", ".join(f"{space.mount}: {space.free_mib} of {space.size_mib} MiB free" for space in spaces)
    verdict = worst([judged(space) for space in spaces])
    return DiskPart(
        verdict=verdict, reason=f"{words} (wanted: {_DEGRADED_PERCENT} %)",
        next_action="" if verdict is Verdict.OK else "remove old images or enlarge the volume",
        file_systems=spaces,
    )  # fmt: skip

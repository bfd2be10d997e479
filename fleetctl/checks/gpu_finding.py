"""What every GPU check shares: a finding about one GPU, how a GPU is named, and how findings become one result."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from appliance.contract.burnin import GpuBurnIn
from appliance.contract.gpu import Gpu, GpuReport, NotSupported, Unread, Value
from appliance.contract.health import Verdict, worst
from fleetctl.checks.context import CheckContext
from fleetctl.checks.gpu_match import assigned
from fleetctl.checks.result import CheckResult, ok, unknown
from fleetctl.facts.base import Unreadable
from fleetctl.models.profile import GpuRequirement

T = TypeVar("T")

RESEAT = "look for Xid 79 in the kernel log; reseat the card"
_AGAIN = "run it again; if it stays, look at the machine's console"
# NVML's error codes (nvmlReturn_t) that say by themselves what to do.
GPU_IS_LOST = 15
_BY_ERROR = {
    13: "install a driver that knows this call",  # NVML_ERROR_FUNCTION_NOT_FOUND
    GPU_IS_LOST: RESEAT,
    16: "drain the GPU and reset it",  # NVML_ERROR_RESET_REQUIRED
}


@dataclass(frozen=True)
class Finding:
    """What one value of one GPU means. `noted`: the reason says it although it is ok."""

    verdict: Verdict
    said: str
    next_action: str = ""
    noted: bool = False


def fine(said: str) -> Finding:
    return Finding(Verdict.OK, said)


def bad(verdict: Verdict, said: str, next_action: str) -> Finding:
    return Finding(verdict, said, next_action)


def not_supported(what: str) -> Finding:
    """Ok, and said: the driver answered that this GPU does not have it, and nothing that the profile wants needs it."""
    return Finding(Verdict.OK, f"{what}: not supported by this GPU", noted=True)


def unreadable(what: str, reading: Unread) -> Finding:
    action = _BY_ERROR.get(reading.nvml_error or 0, _AGAIN)
    return Finding(Verdict.UNKNOWN, f"{what} could not be read: {reading.reason}", action)


def judged(
    what: str,
    reading: Value[T] | NotSupported | Unread,
    judge: Callable[[T], Finding],
    *,
    unsupported: Finding | None = None,
) -> Finding:
    """Judge one reading: each of the three answers has its own finding."""
    if isinstance(reading, Unread):
        return unreadable(what, reading)
    if isinstance(reading, NotSupported):
        return unsupported or not_supported(what)
    return judge(reading.value)


def name_of(gpu: Gpu | GpuBurnIn) -> str:
    """Index, the end of the UUID and the PCI id, as far as they are known."""
    known = []
    if isinstance(gpu.uuid, Value):
        known.append(f"…{gpu.uuid.value[-8:]}")
    if isinstance(gpu.pci_id, Value):
        known.append(gpu.pci_id.value)
    return f"GPU {gpu.index}" + (f" ({', '.join(known)})" if known else "")


def no_gpu_wanted(check: str) -> CheckResult:
    return ok(check, seen="not looked for", wanted="none", reason="the profile wants no GPU")


def report_of(check: str, context: CheckContext, wanted: str) -> GpuReport | CheckResult:
    """The reading, or the result of a check that has none."""
    facts = context.facts.gpus
    if facts is None:
        return unknown(check, wanted=wanted, because="the GPUs were not read")
    if isinstance(facts, Unreadable):
        return unknown(check, wanted=wanted, because=facts)
    return facts.report


def per_gpu(
    check: str,
    context: CheckContext,
    *,
    wanted: str,
    compared: str,
    judge: Callable[[Gpu, GpuRequirement], Sequence[Finding]],
) -> CheckResult:
    """Judge every GPU that NVML counts. `compared` is the reason when all are ok and nothing has to be noted."""
    requirements = context.profile.spec.gpus
    if not requirements:
        return no_gpu_wanted(check)
    report = report_of(check, context, wanted)
    if isinstance(report, CheckResult):
        return report
    if not report.gpus:
        why = report.library.reason or "NVML counts none"
        return unknown(check, wanted=wanted, because=f"no GPU could be asked: {why}")
    matches = assigned(report.gpus, requirements)
    # A GPU that fits no requirement is gpu_count's finding; here it is held to the first one.
    found = [(gpu, finding) for gpu in report.gpus for finding in judge(gpu, matches.get(gpu.index) or requirements[0])]
    return together(check, [(name_of(gpu), finding) for gpu, finding in found], wanted=wanted, compared=compared)


def together(check: str, found: Sequence[tuple[str, Finding]], *, wanted: str, compared: str) -> CheckResult:
    """One result of findings about named parts. `compared` is the reason when all are ok and nothing is noted."""
    said = [(name, finding) for name, finding in found if finding.noted or finding.verdict is not Verdict.OK]
    return CheckResult(
        check=check,
        verdict=worst([finding.verdict for _, finding in found]),
        seen=_listed(found),
        wanted=wanted,
        reason=_listed(said) or compared,
        next_action="; ".join(dict.fromkeys(finding.next_action for _, finding in found if finding.next_action)),
    )


def _listed(found: Sequence[tuple[str, Finding]]) -> str:
    names: dict[str, list[str]] = {}
    for name, finding in found:
        names.setdefault(finding.said, []).append(name)
    return "; ".join(f"{', '.join(named)}: {said}" for said, named in names.items())

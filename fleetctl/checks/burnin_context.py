"""What a check of a burn-in may look at, and how it collects its findings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from appliance.contract.burnin import BurnInProgress, BurnInReport, GpuBurnIn
from appliance.contract.finding import Finding, bad, judged, name_of
from appliance.contract.gpu import GpuReport, NotSupported, Unread, Value
from appliance.contract.health import Verdict
from fleetctl.checks.gpu_finding import together
from fleetctl.checks.result import CheckResult, unknown
from fleetctl.models.profile import GpuRequirement, HardwareProfile

T = TypeVar("T")
Reading = Value[T] | NotSupported | Unread

AGAIN = "run it again; if it stays, look at the machine's console"


@dataclass(frozen=True)
class BurnInContext:
    """`minutes` were asked for. Without a `report`, `why` says what happened, `next_action` what to do about it, and
    `progress` is what was last heard; `idle` is the reading of the GPUs before the load, None when there is none."""

    profile: HardwareProfile
    minutes: float
    report: BurnInReport | None
    why: str = ""
    next_action: str = AGAIN
    progress: BurnInProgress | None = None
    idle: GpuReport | None = None


def no_report(check: str, context: BurnInContext, wanted: str) -> CheckResult:
    """Unknown: the box sent no report."""
    heard = f", last heard after {context.progress.elapsed_s / 60:.1f} min" if context.progress else ""
    result = unknown(check, wanted=wanted, because=f"there is no report: {context.why}{heard}")
    return result.model_copy(update={"seen": "no report", "next_action": context.next_action})


class BurnInNotes:
    """Findings about named parts, on their way to one result."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._found: list[tuple[str, Finding]] = []

    def about(self, name: str) -> None:
        """What follows is about this part."""
        self._name = name

    def add(self, finding: Finding) -> None:
        self._found.append((self._name, finding))

    def measured(self, what: str, reading: Reading[T], judge: Callable[[T], Finding]) -> None:
        """Judge a value that the load must have measured: "not supported" leaves nothing to judge."""
        missing = bad(Verdict.UNKNOWN, f"{what} was not measured: not supported", AGAIN)
        self.add(judged(what, reading, judge, unsupported=missing))

    def shown(self, what: str, reading: Reading[T], judge: Callable[[T], Finding]) -> None:
        """Judge a value that a GPU need not have: "not supported" is said and ok."""
        self.add(judged(what, reading, judge))

    def ended(self, how: str | None, reason: str) -> None:
        """A part that did not run for its whole time is unknown, whatever it found until then."""
        if how != "finished":
            said = f"ended: {how or 'it does not say how'}" + (f", {reason}" if reason else "")
            self.add(bad(Verdict.UNKNOWN, said, "remove the cause and run it again"))

    def result(self, check: str, *, wanted: str, compared: str) -> CheckResult:
        return together(check, self._found, wanted=wanted, compared=compared)


def each_gpu(
    check: str,
    context: BurnInContext,
    *,
    wanted: str,
    compared: str,
    judge: Callable[[GpuBurnIn, BurnInNotes], None],
) -> CheckResult:
    """Judge every GPU of the report."""
    report = context.report
    if report is None:
        return no_report(check, context, wanted)
    if not report.gpus:
        because = report.library.reason if report.library else "the box was not asked for them"
        return unknown(check, wanted=wanted, because=f"no GPU was under load: {because or 'NVML counts none'}")
    notes = BurnInNotes("")
    for gpu in report.gpus:
        notes.about(name_of(gpu))
        judge(gpu, notes)
    return notes.result(check, wanted=wanted, compared=compared)


def by_dcgm(report: BurnInReport | None) -> bool:
    """Whether DCGM's diagnostic loaded the GPUs, in place of our own load."""
    return report is not None and report.dcgm is not None and report.dcgm.state == "ran"


def without_own_load(gpu: GpuBurnIn, context: BurnInContext, notes: BurnInNotes) -> bool:
    """Note why this GPU has no figures of our own load, if it has none. Where DCGM loaded it, gpu_diagnostic judges."""
    if gpu.load == "own":
        return False
    if by_dcgm(context.report):
        notes.add(Finding(Verdict.OK, "DCGM's diagnostic loaded it in place of our own load", noted=True))
    else:
        notes.add(bad(Verdict.UNKNOWN, f"it was not under load: {gpu.reason or 'no reason given'}", AGAIN))
    return True


def requirement_of(gpu: GpuBurnIn, requirements: Sequence[GpuRequirement]) -> GpuRequirement:
    """The requirement that names this GPU, else the first: whether it fits is for preflight's gpu_count."""
    named = gpu.name.value if isinstance(gpu.name, Value) else ""
    return next((each for each in requirements if each.reference == named), requirements[0])

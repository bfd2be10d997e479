"""Equals compared with each other: gpu_spread, and disks of one model.

One part says nothing about how fast it should be; its equals in the same machine, under the same load, do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from statistics import median

from appliance.contract.burnin import DriveBurnIn, GpuBurnIn
from appliance.contract.finding import Finding, bad, fine
from appliance.contract.gpu import NotSupported, Unread, Value
from appliance.contract.health import Verdict
from fleetctl.checks.burnin_context import AGAIN, BurnInContext, BurnInNotes, by_dcgm, each_gpu
from fleetctl.checks.result import CheckResult

# Ours. Equal cards differ by one or two percent; more has a cause: heat, power, a slot, or the card.
SLOWER_PERCENT = 5
MUCH_SLOWER_PERCENT = 20

_SLOW_TWIN = "swap it with its twin: does the slowness go with the card, or stay with the slot?"


@dataclass(frozen=True)
class Measure:
    """One figure by which equal GPUs are compared; more is better. `own_load` alone measures it, or NVML does."""

    title: str
    unit: str
    own_load: bool
    read: Callable[[GpuBurnIn], Value[float] | NotSupported | Unread]


def _mean_clock(gpu: GpuBurnIn) -> Value[float] | NotSupported | Unread:
    clock = gpu.sm_clock_mhz
    return Value[float](value=clock.value.mean) if isinstance(clock, Value) else clock


MEASURES: tuple[Measure, ...] = (
    Measure("tensor", "TFLOP/s", True, lambda gpu: gpu.tensor_tflops),
    Measure("memory", "GB/s", True, lambda gpu: gpu.memory_gb_per_s),
    Measure("PCIe to GPU", "GB/s", True, lambda gpu: gpu.pcie_to_gpu_gb_per_s),
    Measure("PCIe from GPU", "GB/s", True, lambda gpu: gpu.pcie_from_gpu_gb_per_s),
    Measure("mean SM clock", "MHz", False, _mean_clock),
)


def equals_of(gpu: GpuBurnIn, gpus: Sequence[GpuBurnIn]) -> list[GpuBurnIn]:
    """The other GPUs of the same name; none for one whose name is not known."""
    if not isinstance(gpu.name, Value):
        return []
    return [other for other in gpus if other is not gpu and other.name == gpu.name]


def slower_percent(measure: Measure, gpu: GpuBurnIn, gpus: Sequence[GpuBurnIn]) -> float | None:
    """By how much the GPU is slower than the median of its equals (negative: faster); None with nothing to compare."""
    own = measure.read(gpu)
    others = [reading.value for other in equals_of(gpu, gpus) if isinstance(reading := measure.read(other), Value)]
    return _slower(own.value, others) if isinstance(own, Value) else None


def _slower(own: float, others: Sequence[float]) -> float | None:
    middle = median(others) if others else 0.0
    return (1 - own / middle) * 100 if middle > 0 else None


def gpu_spread(context: BurnInContext) -> CheckResult:
    """No GPU is slower than its equals."""
    gpus = context.report.gpus if context.report else ()

    def judge(gpu: GpuBurnIn, notes: BurnInNotes) -> None:
        if not isinstance(gpu.name, Value):
            notes.measured("the GPU's name", gpu.name, fine)
        elif not equals_of(gpu, gpus):
            notes.add(Finding(Verdict.OK, f"it has no twin: the only {gpu.name.value}", noted=True))
        else:
            for measure in MEASURES:
                _compare(measure, gpu, gpus, context, notes)

    return each_gpu(
        "gpu_spread",
        context,
        wanted=f"at most {SLOWER_PERCENT} % slower than the median of the GPUs of the same name",
        compared="compared TFLOP/s, memory GB/s, PCIe GB/s and mean SM clock of GPUs of the same name",
        judge=judge,
    )


def _compare(
    measure: Measure, gpu: GpuBurnIn, gpus: Sequence[GpuBurnIn], context: BurnInContext, notes: BurnInNotes
) -> None:
    if measure.own_load and gpu.load == "none" and by_dcgm(context.report):
        notes.add(Finding(Verdict.OK, "DCGM's diagnostic loaded it: only the clocks can be compared", noted=True))
        return

    def verdict(own: float) -> Finding:
        said = f"{measure.title} {own:.4g} {measure.unit}"
        slower = slower_percent(measure, gpu, gpus)
        if slower is None:
            return bad(Verdict.UNKNOWN, f"{said}, and no equal GPU has this figure", AGAIN)
        return _slow(said, slower, "slow twin, ", _SLOW_TWIN)

    notes.measured(measure.title, measure.read(gpu), verdict)


def _slow(said: str, slower: float, word: str, action: str) -> Finding:
    if slower <= SLOWER_PERCENT:
        return fine(said)
    severity = Verdict.CRITICAL if slower > MUCH_SLOWER_PERCENT else Verdict.DEGRADED
    return bad(severity, f"{said}: {word}{slower:.0f} % slower than its equals", action)


def drive_spread(drive: DriveBurnIn, drives: Sequence[DriveBurnIn]) -> Iterator[Finding]:
    """A disk against the others of its model, in sequential and in random reads; a slower one is degraded at most."""
    equals = [
        other
        for other in drives
        if other is not drive and isinstance(drive.model, Value) and other.model == drive.model
    ]
    for title, name in (("sequential", "sequential_mb_per_s"), ("random", "random_mb_per_s")):
        own = getattr(drive, name)
        if not isinstance(own, Value):
            why = own.reason if isinstance(own, Unread) else "not supported"
            yield bad(Verdict.UNKNOWN, f"{title} reads were not measured: {why}", AGAIN)
            continue
        others = [reading.value for other in equals if isinstance(reading := getattr(other, name), Value)]
        slower = _slower(own.value, others)
        said = f"{title} {own.value:.4g} MB/s"
        if slower is not None and slower > MUCH_SLOWER_PERCENT:
            action = "look at the disk's slot, firmware and SMART values; replace it if it stays slow"
            yield bad(Verdict.DEGRADED, f"{said}, {slower:.0f} % slower than the disks of its model", action)
        else:
            yield fine(said)

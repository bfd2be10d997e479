"""What our own load found on each GPU, and how warm it became: gpu_memory, gpu_compute, gpu_heat."""

from __future__ import annotations

from collections.abc import Callable

from appliance.contract.burnin import GpuBurnIn, GpuNow, Series, SlowdownReason, Slowdowns
from appliance.contract.finding import Finding, bad, fine
from appliance.contract.health import Verdict
from fleetctl.checks.burnin_context import AGAIN, BurnInContext, BurnInNotes, each_gpu, without_own_load
from fleetctl.checks.result import CheckResult, critical

_REPLACE = "replace the card"
_COOLING = "look at cooling and power supply"

# Margin to the slowdown temperature, and 0.6 hardware slowdowns a minute over ten minutes: docs/design/gpu-reading.md.
_LEAST_MARGIN_C = 5
# The box tells for how long a reason stood, not how often it came. A look a minute would meet it 0.6 times a minute
# when it stands for 0.6 of the time (ours).
_CRITICAL_PART_OF_TIME = 0.6
_LEAST_OBSERVED_S = 600.0
# Ours: a software thermal slowdown that stood for a minute in all is more than the fans catching up.
_SUSTAINED_S = 60.0

_HARDWARE: tuple[SlowdownReason, ...] = ("hw_slowdown", "hw_thermal_slowdown", "hw_power_brake_slowdown")


def gpu_memory(context: BurnInContext) -> CheckResult:
    """Every word of GPU memory was read back as it was written."""
    wanted = "no wrong word"
    heard = _heard_wrong("gpu_memory", context, wanted, lambda gpu: (gpu.memory_errors, "wrong words"))
    if heard is not None:
        return heard

    def judge(gpu: GpuBurnIn, notes: BurnInNotes) -> None:
        if without_own_load(gpu, context, notes):
            return
        notes.measured("memory errors", gpu.memory_errors, lambda count: _wrong_words(gpu, count))
        notes.measured("memory passes", gpu.memory_passes, _passes)
        notes.measured("tested memory", gpu.memory_tested_mib, lambda mib: fine(f"{mib} MiB tested"))

    compared = "compared every word that was read with the pattern that was written"
    return each_gpu("gpu_memory", context, wanted=wanted, compared=compared, judge=judge)


def _wrong_words(gpu: GpuBurnIn, count: int) -> Finding:
    said = f"{count} wrong words"
    if not count:
        return fine(said)
    first = gpu.first_wrong_word
    if first is not None:
        said += f", the first at {first.offset_bytes}: {first.seen} in place of {first.wanted} ({first.pattern})"
    return bad(Verdict.CRITICAL, said, _REPLACE)


def _passes(count: int) -> Finding:
    said = f"{count} passes"
    return fine(said) if count else bad(Verdict.UNKNOWN, "no pass over the memory was finished", "give it more minutes")


def _heard_wrong(
    check: str, context: BurnInContext, wanted: str, errors: Callable[[GpuNow], tuple[int, str]]
) -> CheckResult | None:
    """An error that a progress line told of stays one, also when the report never came."""
    now = context.progress.gpus if context.report is None and context.progress else ()
    wrong = ", ".join(f"GPU {gpu.index}: {count} {what}" for gpu in now for count, what in [errors(gpu)] if count)
    if not wrong:
        return None
    reason = f"{wrong}, before it ended without a report: {context.why}"
    return critical(check, seen=wrong, wanted=wanted, reason=reason, next_action=_REPLACE)


def gpu_compute(context: BurnInContext) -> CheckResult:
    """The tensor cores computed what is exactly known."""
    wanted = "no wrong result"
    heard = _heard_wrong("gpu_compute", context, wanted, lambda gpu: (gpu.tensor_errors, "wrong results"))
    if heard is not None:
        return heard

    def judge(gpu: GpuBurnIn, notes: BurnInNotes) -> None:
        if without_own_load(gpu, context, notes):
            return
        notes.measured("tensor errors", gpu.tensor_errors, _wrong_results)
        notes.measured("TFLOP/s", gpu.tensor_tflops, _tflops)

    compared = "compared the results of the tensor cores with the exact ones"
    return each_gpu("gpu_compute", context, wanted=wanted, compared=compared, judge=judge)


def _wrong_results(count: int) -> Finding:
    said = f"{count} wrong results"
    return bad(Verdict.CRITICAL, said, _REPLACE) if count else fine(said)


def _tflops(tflops: float) -> Finding:
    return fine(f"{tflops:.1f} TFLOP/s") if tflops else bad(Verdict.UNKNOWN, "nothing was computed", AGAIN)


def gpu_heat(context: BurnInContext) -> CheckResult:
    """The GPU stays away from its slowdown temperature, and nothing but the load lowers its clocks."""

    def judge(gpu: GpuBurnIn, notes: BurnInNotes) -> None:
        notes.shown("temperature", gpu.temperature_c, lambda series: fine(f"at most {series.max:.0f} °C"))
        notes.shown("margin temperature", gpu.margin_c, _margin)
        notes.measured("clocks event reasons", gpu.slowdowns, _slowdowns)

    return each_gpu(
        "gpu_heat",
        context,
        wanted=f"more than {_LEAST_MARGIN_C} °C of margin, no slowdown by heat or power",
        compared="compared the least margin, and for how long each reason to slow down stood",
        judge=judge,
    )


def _margin(series: Series) -> Finding:
    said = f"least margin {series.min:.0f} °C"
    if series.min <= 0:
        return bad(Verdict.UNKNOWN, f"{said}, which is unreliable", "look at the temperature and the cooling yourself")
    return bad(Verdict.DEGRADED, said, "look at the cooling") if series.min <= _LEAST_MARGIN_C else fine(said)


def _slowdowns(slowdowns: Slowdowns) -> Finding:
    observed_s = slowdowns.observed_s
    if not observed_s:
        return bad(Verdict.UNKNOWN, "the clocks were not observed under load", AGAIN)
    # A reason that one sample alone showed is listed with 0 s: it was seen all the same.
    lasted_s = {each.reason: each.seconds for each in slowdowns.reasons}
    named = [f"{reason} {seconds:.0f} s" for reason, seconds in lasted_s.items()]
    said = f"{', '.join(named) or 'no slowdown'} in {observed_s:.0f} s"
    hardware_s = max(lasted_s.get(reason, 0.0) for reason in _HARDWARE)
    if hardware_s >= _CRITICAL_PART_OF_TIME * observed_s and observed_s >= _LEAST_OBSERVED_S:
        return bad(Verdict.CRITICAL, said, _COOLING)
    if "unnamed" in lasted_s:
        return bad(Verdict.UNKNOWN, f"{said}; unnamed is no reason that we know", "see the driver's release notes")
    if any(reason in lasted_s for reason in _HARDWARE):
        return bad(Verdict.DEGRADED, said, _COOLING)
    if lasted_s.get("sw_thermal_slowdown", 0.0) >= _SUSTAINED_S:
        return bad(Verdict.DEGRADED, said, "look at the airflow")
    return fine(said)

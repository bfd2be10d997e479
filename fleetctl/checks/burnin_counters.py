"""What the driver counted while the GPUs were loaded, and DCGM's word: gpu_pcie_load, gpu_ecc_load, gpu_xid,
gpu_diagnostic.

Thresholds, verdicts and actions are those of docs/design/gpu-reading.md and appliance/contract/xid.py.
"""

from __future__ import annotations

from collections.abc import Callable

from appliance.contract.burnin import BurnInReport, Change, DcgmResult, DcgmTest, GpuBurnIn, Span, XidEvent
from appliance.contract.finding import Finding, bad, fine, not_supported
from appliance.contract.gpu import Gpu, Unread, Value
from appliance.contract.health import Verdict
from appliance.contract.xid import UNCONTAINED_MEMORY_ERROR, judge_xids
from fleetctl.checks.burnin_context import AGAIN, BurnInContext, BurnInNotes, each_gpu, no_report, requirement_of
from fleetctl.checks.result import CheckResult, degraded, ok, unknown

_RESEAT = "reseat the card"
_RESET = "drain the GPU and reset it"
_REPLACE = "replace the card"
# Corrected errors of the link: what a Gen4 ×16 link may have and be healthy.
_MAX_REPLAYS_PER_MINUTE = 16


def _idle_of(gpu: GpuBurnIn, context: BurnInContext) -> Gpu | None:
    """The same card in the reading before the load."""
    listed = context.idle.gpus if context.idle else ()
    return next((each for each in listed if isinstance(each.uuid, Value) and each.uuid == gpu.uuid), None)


def gpu_pcie_load(context: BurnInContext) -> CheckResult:
    """Under load the link has all its lanes and its full generation, and repeats little."""
    minutes = context.report.duration_s / 60 if context.report else 0.0
    requirements = context.profile.spec.gpus

    def judge(gpu: GpuBurnIn, notes: BurnInNotes) -> None:
        idle = _idle_of(gpu, context)
        lanes = idle.pcie_width_max if idle else None
        wanted = requirement_of(gpu, requirements).min_pcie_width
        expected = max(wanted, lanes.value if isinstance(lanes, Value) else 0)
        notes.measured("PCIe width", gpu.pcie_width, lambda span: _width(span, expected))
        notes.shown("PCIe generation", gpu.pcie_generation, lambda span: _generation(span, idle))
        notes.shown("PCIe replays", gpu.pcie_replays, lambda change: _replays(change, minutes))

    return each_gpu(
        "gpu_pcie_load",
        context,
        wanted=f"the lanes and generation of card and slot, at most {_MAX_REPLAYS_PER_MINUTE} replays a minute",
        compared="compared lanes and generation under load with card, slot and profile, and the replays with the time",
        judge=judge,
    )


def _width(span: Span, expected: int) -> Finding:
    said = f"×{span.lowest} of ×{expected}"
    if span.lowest * 2 <= expected:
        return bad(Verdict.CRITICAL, said, _RESEAT)
    return fine(said) if span.lowest >= expected else bad(Verdict.DEGRADED, said, _RESEAT)


def _generation(span: Span, idle: Gpu | None) -> Finding:
    """The highest counts: at the edges of the load the link is idle, and slow by design."""
    if idle is None:
        return bad(Verdict.UNKNOWN, "there is no reading from before the load to compare the generation with", AGAIN)
    most = idle.pcie_generation_max
    if isinstance(most, Unread):
        return bad(Verdict.UNKNOWN, f"the largest PCIe generation could not be read: {most.reason}", AGAIN)
    if not isinstance(most, Value):
        return not_supported("largest PCIe generation")
    said = f"generation {span.highest} of {most.value}"
    return fine(said) if span.highest >= most.value else bad(Verdict.DEGRADED, said, _RESEAT)


def _since(what: str, change: Change, judge: Callable[[int], Finding]) -> Finding:
    """Judge by how much a counter rose; one that fell was reset, and nobody knows what it would have shown."""
    if change.after < change.before:
        return bad(Verdict.UNKNOWN, f"{what} fell from {change.before} to {change.after}: it was reset", AGAIN)
    return judge(change.after - change.before)


def _replays(change: Change, minutes: float) -> Finding:
    def rate(rose: int) -> Finding:
        said = f"{rose} replays in {minutes:.1f} min"
        if rose > _MAX_REPLAYS_PER_MINUTE * minutes:
            return bad(Verdict.DEGRADED, said, "reseat the card; replace the riser if it stays")
        return fine(said)

    return _since("the replay counter", change, rate)


def gpu_ecc_load(context: BurnInContext) -> CheckResult:
    """Under load no uncorrectable error came up, and no row of memory waits for its replacement."""
    requirements = context.profile.spec.gpus

    def judge(gpu: GpuBurnIn, notes: BurnInNotes) -> None:
        counted = notes.measured if requirement_of(gpu, requirements).ecc == "on" else notes.shown
        counted("uncorrectable errors", gpu.uncorrected_ecc, _uncorrected)
        notes.shown("corrected errors", gpu.corrected_ecc, _corrected)
        notes.shown("remapped rows", gpu.remapped_uncorrectable, _remapped)
        notes.shown("pending remap", gpu.remap_pending, lambda waits: _pending(gpu, waits))
        notes.shown("failed remap", gpu.remap_failed, _failed)

    return each_gpu(
        "gpu_ecc_load",
        context,
        wanted="no new uncorrectable error, no remap pending or failed",
        compared="compared the error counters before and after the load, and the row remaps",
        judge=judge,
    )


def _uncorrected(change: Change) -> Finding:
    def rose(count: int) -> Finding:
        said = f"{count} new uncorrectable errors"
        return bad(Verdict.CRITICAL, said, f"{_RESET}; replace it if they come back") if count else fine(said)

    return _since("the counter of uncorrectable errors", change, rose)


def _corrected(change: Change) -> Finding:
    return _since(
        "the counter of corrected errors",
        change,
        lambda count: Finding(Verdict.OK, f"{count} new corrected errors", noted=count > 0),
    )


def _remapped(change: Change) -> Finding:
    def rose(count: int) -> Finding:
        said = f"{count} rows newly remapped for uncorrectable errors"
        return bad(Verdict.DEGRADED, said, f"{_RESET}, and run it again") if count else fine(said)

    return _since("the counter of remapped rows", change, rose)


def _pending(gpu: GpuBurnIn, waits: bool) -> Finding:
    if not waits:
        return fine("no remap pending")
    xids = [event.xid for event in gpu.xids.value] if isinstance(gpu.xids, Value) else []
    if UNCONTAINED_MEMORY_ERROR in xids:
        return bad(Verdict.CRITICAL, f"a remap is pending after Xid {UNCONTAINED_MEMORY_ERROR}", _RESET)
    return bad(Verdict.DEGRADED, "a remap is pending", f"{_RESET}, and run it again")


def _failed(has: bool) -> Finding:
    return bad(Verdict.CRITICAL, "a remap failed", _REPLACE) if has else fine("no remap failed")


def gpu_xid(context: BurnInContext) -> CheckResult:
    """The driver told of no fault by Xid."""

    def judge(gpu: GpuBurnIn, notes: BurnInNotes) -> None:
        if isinstance(gpu.xids, Value) and gpu.xids.value:
            for finding in judge_xids([event.xid for event in gpu.xids.value]):
                notes.add(finding)
        else:
            notes.measured("Xid events", gpu.xids, lambda events: fine("no Xid"))
        # Once for all: the log's lines are not taken apart by card.
        if context.report is not None and gpu is context.report.gpus[-1]:
            _logged(context, notes)

    return each_gpu(
        "gpu_xid",
        context,
        wanted="no Xid",
        compared="compared the Xids that NVML told of with NVIDIA's catalogue, and their number with the kernel log",
        judge=judge,
    )


def _logged(context: BurnInContext, notes: BurnInNotes) -> None:
    report = context.report
    if report is None or isinstance(report.machine_errors, Unread):
        return  # machine_errors says why
    told: list[XidEvent] = [event for gpu in report.gpus if isinstance(gpu.xids, Value) for event in gpu.xids.value]
    logged = report.machine_errors.value.xid
    if logged > len(told):
        notes.about("kernel log")
        said = f"{logged} lines with an Xid, and NVML told of {len(told)}"
        notes.add(bad(Verdict.UNKNOWN, said, "read the kernel log: journalctl -k -g Xid"))


def gpu_diagnostic(context: BurnInContext) -> CheckResult:
    """DCGM's diagnostic passed, where the profile's GPUs are on its list."""
    requirements = context.profile.spec.gpus
    own = [each.reference for each in requirements if each.diagnostic == "own"]
    if len(own) == len(requirements):
        names = ", ".join(own)
        reason = f"the profile has diagnostic: own for {names}, which is for cards that DCGM's list does not have"
        return ok("gpu_diagnostic", seen="not run", wanted="our own load", reason=reason)
    wanted = "DCGM's diagnostic passed"
    if context.report is None:
        return no_report("gpu_diagnostic", context, wanted)
    dcgm = context.report.dcgm
    if dcgm is None or dcgm.state != "ran":
        why = "the box was not asked for it" if dcgm is None else dcgm.reason or f"it says {dcgm.state}"
        if dcgm is not None and dcgm.state == "not_run" and _own_load_ran(context.report):
            return degraded(
                "gpu_diagnostic",
                seen="our own load",
                wanted=wanted,
                reason=f"DCGM's diagnostic did not run: {why}; our own load ran in its place",
                next_action="run DCGM's diagnostic by hand, or accept the answer of gpu_memory and gpu_compute",
            )
        mixed = f"; the profile also counts {', '.join(own)}, which DCGM's list does not have" if own else ""
        return unknown("gpu_diagnostic", wanted=wanted, because=f"DCGM's diagnostic did not run: {why}{mixed}")
    return _tests(dcgm, wanted)


def _own_load_ran(report: BurnInReport) -> bool:
    return bool(report.gpus) and all(gpu.load == "own" for gpu in report.gpus)


def _tests(dcgm: DcgmResult, wanted: str) -> CheckResult:
    notes = BurnInNotes("DCGM")
    for test in dcgm.tests:
        notes.add(_test(test))
    if not any(test.status in ("pass", "warn", "fail") for test in dcgm.tests):
        notes.add(bad(Verdict.UNKNOWN, f"{len(dcgm.tests)} tests, none of which ran", AGAIN))
    return notes.result("gpu_diagnostic", wanted=wanted, compared="compared the result of each of DCGM's tests")


def _test(test: DcgmTest) -> Finding:
    said = f"{test.name}{'' if test.gpu is None else f' on GPU {test.gpu}'}: {test.status} {test.detail}".strip()
    if test.status == "fail":
        return bad(Verdict.CRITICAL, said, "do what DCGM says; replace the card if it fails again")
    if test.status == "warn":
        return bad(Verdict.DEGRADED, said, "do what DCGM says, and run it again")
    if test.status == "unknown":
        return bad(Verdict.UNKNOWN, said, AGAIN)
    return Finding(Verdict.OK, said, noted=test.status == "skip")

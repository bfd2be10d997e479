"""A burn-in against the profile: burnin_finished, memory_load, drives_load, machine_errors, and the list of all checks.

Thresholds marked "ours" have no source but our own judgement; docs/operate/burn-in.md says how to read the results.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from appliance.contract.burnin import BurnInReport, DriveBurnIn, MachineErrors
from appliance.contract.finding import Finding, bad, fine, name_of
from appliance.contract.gpu import Interruption, Unread
from appliance.contract.health import Verdict
from fleetctl.checks.burnin_context import BurnInContext, BurnInNotes, no_report
from fleetctl.checks.burnin_counters import gpu_diagnostic, gpu_ecc_load, gpu_pcie_load, gpu_xid
from fleetctl.checks.burnin_gpu import gpu_compute, gpu_heat, gpu_memory
from fleetctl.checks.burnin_spread import MUCH_SLOWER_PERCENT, drive_spread, gpu_spread
from fleetctl.checks.gpu_finding import together
from fleetctl.checks.result import CheckResult, unknown
from fleetctl.models.profile import HardwareProfile

BurnInCheck = Callable[[BurnInContext], CheckResult]

# Ours: a run that says it finished may be shorter than what was asked by what its parts need to wind down.
_LEAST_PART_OF_TIME = 0.98
_LOST = "look for an Xid in the kernel log; reboot the machine, and run it again"


def burnin_checks(profile: HardwareProfile) -> Sequence[BurnInCheck]:
    """The checks of a burn-in, in the order in which they are shown. A profile without GPUs has none about GPUs."""
    about_gpus: tuple[BurnInCheck, ...] = (
        gpu_memory,
        gpu_compute,
        gpu_spread,
        gpu_heat,
        gpu_pcie_load,
        gpu_ecc_load,
        gpu_xid,
        gpu_diagnostic,
    )
    return (burnin_finished, *(about_gpus if profile.spec.gpus else ()), memory_load, drives_load, machine_errors)


def burnin_finished(context: BurnInContext) -> CheckResult:
    """Every part ran for the time that was asked for, on every GPU of the profile."""
    report = context.report
    wanted = f"{context.minutes:g} min of load"
    if report is None:
        return no_report("burnin_finished", context, wanted)
    found = [_duration(report, context.minutes), *_ends(report)]
    counted = sum(gpu.count for gpu in context.profile.spec.gpus)
    if len(report.gpus) < counted:
        said = f"{len(report.gpus)} of the profile's {counted} GPUs took part"
        found.append(bad(Verdict.UNKNOWN, said, "fleetctl site preflight says what is missing"))
    return together(
        "burnin_finished",
        [("the machine", finding) for finding in found],
        wanted=wanted,
        compared="compared the time of the load and its end with what was asked for",
    )


def _duration(report: BurnInReport, minutes: float) -> Finding:
    said = f"{report.duration_s / 60:.1f} of {minutes:g} min, {report.ended}"
    if report.ended != "finished":
        why = f": {report.reason}" if report.reason else ""
        return bad(Verdict.UNKNOWN, said + why, "remove the cause and run it again")
    if report.duration_s < minutes * 60 * _LEAST_PART_OF_TIME:
        return bad(Verdict.UNKNOWN, f"{said}, which is too short", "run it again")
    return fine(said)


def _ends(report: BurnInReport) -> list[Finding]:
    found = []
    for gpu in report.gpus:
        end = gpu.ended_early
        if end is None:
            continue
        said = f"the load of {name_of(gpu)} ended early ({end.cause}) {end.call} {end.detail}".strip()
        lost = end.cause != "stopped"
        found.append(bad(Verdict.CRITICAL if lost else Verdict.UNKNOWN, said, _LOST if lost else "run it again"))
    return found + ([_unobserved(report.observation_ended)] if report.observation_ended else [])


def _unobserved(why: Interruption) -> Finding:
    said = f"NVML could not be read to the end ({why.cause} in {why.call}): {why.detail}"
    # As gpu_library: a slow driver is accused of nothing, a stuck or crashed one is.
    return bad(Verdict.UNKNOWN if why.cause == "slow" else Verdict.CRITICAL, said, _LOST)


def memory_load(context: BurnInContext) -> CheckResult:
    """The machine's memory gave back what was written to it."""
    wanted = "no failed verification"
    report = context.report
    if report is None:
        return no_report("memory_load", context, wanted)
    memory = report.memory
    if memory is None or memory.state == "not_run":
        because = memory.reason if memory else "the box was not asked for it"
        return unknown("memory_load", wanted=wanted, because=f"the memory was not loaded: {because}")
    notes = BurnInNotes(memory.tool)
    notes.measured("errors", memory.errors, _memory_errors)
    notes.measured("tested memory", memory.mib, lambda mib: fine(f"{mib} MiB"))
    notes.ended(memory.ended, memory.reason)
    return notes.result("memory_load", wanted=wanted, compared="compared what was written with what was read back")


def _memory_errors(count: int) -> Finding:
    said = f"{count} failed verifications"
    action = "test the memory modules one by one; replace the bad one"
    return bad(Verdict.CRITICAL, said, action) if count else fine(said)


def drives_load(context: BurnInContext) -> CheckResult:
    """Every data disk was read without an error, and equal disks are equally fast."""
    wanted = f"no read error, equal disks within {MUCH_SLOWER_PERCENT} %"
    report = context.report
    if report is None:
        return no_report("drives_load", context, wanted)
    if report.drives is None or isinstance(report.drives, Unread):
        because = report.drives.reason if report.drives else "the box was not asked for it"
        return unknown("drives_load", wanted=wanted, because=f"the disks were not read: {because}")
    drives = report.drives.value
    if not drives:
        return unknown("drives_load", wanted=wanted, because="the box found no data disk to read")
    notes = BurnInNotes("")
    for drive in drives:
        notes.about(drive.device)
        _drive(drive, drives, notes)
    return notes.result("drives_load", wanted=wanted, compared="compared read errors, and speeds of equal disks")


def _drive(drive: DriveBurnIn, drives: Sequence[DriveBurnIn], notes: BurnInNotes) -> None:
    if drive.state == "not_run":
        notes.add(bad(Verdict.UNKNOWN, f"not read: {drive.reason}", "remove the cause and run it again"))
        return
    notes.measured("read errors", drive.errors, _drive_errors)
    notes.ended(drive.ended, drive.reason)
    for finding in drive_spread(drive, drives):
        notes.add(finding)


def _drive_errors(count: int) -> Finding:
    said = f"{count} read errors"
    return bad(Verdict.CRITICAL, said, "replace the disk") if count else fine(said)


def machine_errors(context: BurnInContext) -> CheckResult:
    """The kernel logged no fault of processors, memory, buses or disks while the load ran."""
    wanted = "no fault in the kernel log"
    report = context.report
    if report is None:
        return no_report("machine_errors", context, wanted)
    if isinstance(report.machine_errors, Unread):
        because = f"the kernel log could not be read: {report.machine_errors.reason}"
        return unknown("machine_errors", wanted=wanted, because=because)
    errors: MachineErrors = report.machine_errors.value
    kinds = (
        (errors.mce, "machine check events", Verdict.CRITICAL, "replace the processor or memory module that it names"),
        (errors.edac, "memory errors (EDAC)", Verdict.DEGRADED, "reseat or replace the memory module that it names"),
        (errors.pcie, "PCI Express errors (AER)", Verdict.DEGRADED, "reseat the card that it names"),
        (errors.storage, "I/O errors of disks", Verdict.CRITICAL, "replace the disk that it names"),
    )
    found = [bad(verdict, f"{count} {what}", action) for count, what, verdict, action in kinds if count]
    if found and errors.first_lines:
        found.append(Finding(Verdict.OK, f"first: {errors.first_lines[0]}", noted=True))
    named = [("kernel log", finding) for finding in found or [fine("no fault")]]
    compared = "compared the kernel log since the start with the marks of MCE, EDAC, AER and I/O errors"
    return together("machine_errors", named, wanted=wanted, compared=compared)

"""GPUs against the profile: gpu_library, gpu_count, gpu_ecc, gpu_pcie, gpu_persistence.

Thresholds, verdicts and actions are those of docs/design/gpu-reading.md, which names their sources.
"""

from __future__ import annotations

from collections.abc import Sequence

from appliance.contract.gpu import EccMode, Gpu, GpuReport, NotSupported, Unread, Value
from appliance.contract.health import Verdict, worst
from fleetctl.checks.context import CheckContext, WantedEngine
from fleetctl.checks.gpu_finding import (
    GPU_IS_LOST,
    RESEAT,
    Finding,
    bad,
    fine,
    judged,
    name_of,
    no_gpu_wanted,
    per_gpu,
    report_of,
    unreadable,
)
from fleetctl.checks.gpu_match import assigned, parts, shortfalls
from fleetctl.checks.result import CheckResult, critical, ok, unknown
from fleetctl.models.profile import GpuRequirement

_REINSTALL = "reboot; if it stays, reinstall the driver"
_SURPLUS = "remove it, or use a profile that counts it"


def gpu_library(context: CheckContext) -> CheckResult:
    """NVML loads, every call answers in time, and the driver is new enough for the profile and for the built engine."""
    requirements = context.profile.spec.gpus
    if not requirements:
        return no_gpu_wanted("gpu_library")
    engine = context.wanted.engine
    demanded = [gpu.min_driver for gpu in requirements if gpu.min_driver]
    # An engine that was not built yet demands nothing; provisioning refuses to go on without one.
    demanded += [engine.min_driver] if isinstance(engine, WantedEngine) else []
    least = max(demanded, key=parts, default="")
    wanted = f"driver {least} or newer" if least else "any driver"
    report = report_of("gpu_library", context, wanted)
    if isinstance(report, CheckResult):
        return report
    version = report.library.driver_version
    seen = f"driver {version.value}" if isinstance(version, Value) else f"NVML {report.library.state.replace('_', ' ')}"
    problem = _interruption(report) or _library_state(report)
    if problem is None:
        problem = _driver(version, least)
    if problem.verdict is Verdict.UNKNOWN:
        return unknown("gpu_library", wanted=wanted, because=problem.said)
    if problem.verdict is Verdict.CRITICAL:
        action = problem.next_action
        return critical("gpu_library", seen=seen, wanted=wanted, reason=problem.said, next_action=action)
    return ok("gpu_library", seen=seen, wanted=wanted, reason=problem.said)


def _interruption(report: GpuReport) -> Finding | None:
    why = report.interruption
    if why is None:
        return None
    call = why.call + ("" if why.gpu is None else f" of GPU {why.gpu}")
    if why.cause == "slow":
        return bad(Verdict.UNKNOWN, f"the reading was not finished, at {call}: {why.detail}", "")
    if why.cause == "stuck":
        return bad(Verdict.CRITICAL, f"the driver is stuck in {call}: {why.detail}", "reboot")
    return bad(Verdict.CRITICAL, f"the reading broke off in {call}: {why.detail}", _REINSTALL)


def _library_state(report: GpuReport) -> Finding | None:
    library = report.library
    if library.state == "ready":
        return None
    return bad(Verdict.CRITICAL, f"NVML is not ready ({library.state.replace('_', ' ')}): {library.reason}", _REINSTALL)


def _driver(version: Value[str] | NotSupported | Unread, least: str) -> Finding:
    def judge(given: str) -> Finding:
        if not least:
            return fine("NVML was initialized; the profile wants no particular driver")
        try:
            newer = parts(given) >= parts(least)
        except ValueError:
            return bad(Verdict.UNKNOWN, f"the driver's version {given!r} is not understood", "")
        if newer:
            return fine(f"NVML was initialized; compared driver {given} with {least}")
        return bad(Verdict.CRITICAL, f"driver {given} is older than {least}", f"install driver {least} or newer")

    silent = bad(Verdict.CRITICAL, "the driver does not say its version", _REINSTALL)
    return judged("the driver's version", version, judge, unsupported=silent)


def gpu_count(context: CheckContext) -> CheckResult:
    """As many GPUs as the profile wants, each meeting its figures, and the same ones on the bus as in NVML."""
    requirements = context.profile.spec.gpus
    if not requirements:
        return no_gpu_wanted("gpu_count")
    wanted = ", ".join(map(_figures, requirements))
    report = report_of("gpu_count", context, wanted)
    if isinstance(report, CheckResult):
        return report
    matches = assigned(report.gpus, requirements)
    found = [*_against_bus(report), *_lost(report), *_counted(report, requirements, matches)]
    differences = [
        f"{name_of(gpu)} is {gpu.name.value}, the reference is {matches[gpu.index].reference}"
        for gpu in report.gpus
        if gpu.index in matches and isinstance(gpu.name, Value) and gpu.name.value != matches[gpu.index].reference
    ]
    difference = "; ".join(differences)
    compared = "compared count, memory and compute capability with the profile, and NVML's list with the PCI bus"
    return CheckResult(
        check="gpu_count",
        verdict=worst([finding.verdict for finding in found] or [Verdict.OK]),
        seen=_seen(report),
        wanted=wanted,
        reason="; ".join([finding.said for finding in found] or [compared, *differences]),
        next_action="; ".join(dict.fromkeys(finding.next_action for finding in found)),
        difference=difference,
    )


def _figures(requirement: GpuRequirement) -> str:
    least = [f"at least {requirement.min_memory_mib} MiB"]
    if requirement.min_compute_capability:
        least.append(f"compute capability {requirement.min_compute_capability}")
    return f"{requirement.count} × {requirement.reference} ({', '.join(least)})"


def _seen(report: GpuReport) -> str:
    listed = [f"{name_of(gpu)} {gpu.name.value if isinstance(gpu.name, Value) else 'not named'}" for gpu in report.gpus]
    bus = f"{len(report.bus.value)} on the bus" if isinstance(report.bus, Value) else "bus unreadable"
    return f"{'; '.join(listed) or 'none in NVML'}; {bus}"


def _against_bus(report: GpuReport) -> list[Finding]:
    if isinstance(report.bus, Unread):
        return [unreadable("the PCI bus", report.bus)]
    if isinstance(report.count, Unread):
        return []  # NVML was not asked: gpu_library says why, and there is no list to compare
    listed = {gpu.pci_id.value for gpu in report.gpus if isinstance(gpu.pci_id, Value)}
    on_bus = set(report.bus.value)
    found = [
        bad(Verdict.CRITICAL, f"{pci_id} is in NVML and not on the bus", RESEAT) for pci_id in sorted(listed - on_bus)
    ]
    for gpu in report.gpus:
        if isinstance(gpu.pci_id, Unread) and not _is_lost(gpu):
            # Any of those that NVML does not name may be this one.
            return [*found, unreadable(f"the PCI id of {name_of(gpu)}", gpu.pci_id)]
    missing = sorted(on_bus - listed)
    return found + [
        bad(Verdict.CRITICAL, f"{pci_id} is on the bus and NVML names no GPU there", RESEAT) for pci_id in missing
    ]


def _is_lost(gpu: Gpu) -> bool:
    readings = (getattr(gpu, name) for name in type(gpu).model_fields)
    return any(isinstance(reading, Unread) and reading.nvml_error == GPU_IS_LOST for reading in readings)


def _lost(report: GpuReport) -> list[Finding]:
    return [
        bad(Verdict.CRITICAL, f"{name_of(gpu)} is lost (NVML error {GPU_IS_LOST})", RESEAT)
        for gpu in report.gpus
        if _is_lost(gpu)
    ]


def _counted(
    report: GpuReport, requirements: Sequence[GpuRequirement], matches: dict[int, GpuRequirement]
) -> list[Finding]:
    if isinstance(report.count, Unread):
        if isinstance(report.bus, Value) and len(report.bus.value) < sum(each.count for each in requirements):
            return [bad(Verdict.CRITICAL, f"the bus shows {len(report.bus.value)} GPUs", RESEAT)]
        return [bad(Verdict.UNKNOWN, f"NVML's count could not be read: {report.count.reason}", "see gpu_library")]
    found = [_unmatched(gpu, requirements) for gpu in report.gpus if gpu.index not in matches and not _is_lost(gpu)]
    undecided = sum(finding.verdict is Verdict.UNKNOWN for finding in found)
    for requirement in requirements:
        there = sum(match is requirement for match in matches.values())
        if there + undecided < requirement.count:
            said = f"{there} GPUs meet the requirement of {requirement.count} × {requirement.reference}"
            found.append(bad(Verdict.CRITICAL, said, RESEAT))
    return found


def _unmatched(gpu: Gpu, requirements: Sequence[GpuRequirement]) -> Finding:
    missed = [shortfalls(gpu, requirement) for requirement in requirements]
    for each in missed:
        if isinstance(each, Unread):
            return unreadable(f"the figures of {name_of(gpu)}", each)
    if [] in missed:
        return bad(Verdict.CRITICAL, f"{name_of(gpu)} is one more than the profile counts", _SURPLUS)
    words = "; ".join(dict.fromkeys(word for each in missed if isinstance(each, list) for word in each))
    return bad(Verdict.CRITICAL, f"{name_of(gpu)}: {words}", "use a GPU that meets the profile")


def gpu_ecc(context: CheckContext) -> CheckResult:
    """The ECC mode is the profile's, now and after the next reset."""
    wanted = " or ".join(dict.fromkeys(f"ECC {gpu.ecc}" for gpu in context.profile.spec.gpus))

    def judge(gpu: Gpu, requirement: GpuRequirement) -> list[Finding]:
        demanded = requirement.ecc == "on"

        def mode(ecc: EccMode) -> Finding:
            now, later = ("on" if on else "off" for on in (ecc.current, ecc.pending))
            said = f"ECC {now}" + ("" if now == later else f", {later} after the next reset")
            if demanded and not ecc.pending:
                return bad(Verdict.DEGRADED, said, "set ECC on (nvidia-smi --ecc-config=1), then reset the GPU")
            if now != later:
                return bad(Verdict.DEGRADED, said, "drain the GPU and reset it")
            return fine(said)

        without = bad(
            Verdict.CRITICAL, "ECC: not supported by this GPU", "use a GPU that has ECC, as the profile demands"
        )
        return [judged("ECC mode", gpu.ecc, mode, unsupported=without if demanded else None)]

    return per_gpu(
        "gpu_ecc", context, wanted=wanted, compared="compared the ECC mode, current and pending", judge=judge
    )


def gpu_pcie(context: CheckContext) -> CheckResult:
    """Every lane of the link is in use. The generation is not judged: it drops at idle by design."""
    least = " or ".join(dict.fromkeys(f"×{gpu.min_pcie_width}" for gpu in context.profile.spec.gpus))

    def judge(gpu: Gpu, requirement: GpuRequirement) -> list[Finding]:
        most = gpu.pcie_width_max
        expected = max(requirement.min_pcie_width, most.value if isinstance(most, Value) else 0)

        def width(lanes: int) -> Finding:
            said = f"×{lanes} of ×{expected}"
            if lanes * 2 <= expected:
                return bad(Verdict.CRITICAL, said, "reseat the card")
            return fine(said) if lanes >= expected else bad(Verdict.DEGRADED, said, "reseat the card")

        silent = bad(Verdict.CRITICAL, "PCIe width: not supported by this GPU", "use a GPU that tells its width")
        found = [judged("PCIe width", gpu.pcie_width, width, unsupported=silent)]
        return found if isinstance(most, Value) else [*found, judged("largest PCIe width", most, width)]

    return per_gpu(
        "gpu_pcie",
        context,
        wanted=f"{least}, and all that card and slot have",
        compared="compared the lanes in use with those of card, slot and profile; the generation is not judged at idle",
        judge=judge,
    )


def gpu_persistence(context: CheckContext) -> CheckResult:
    """The driver stays loaded between two users of the GPU."""

    def judge(gpu: Gpu, requirement: GpuRequirement) -> list[Finding]:
        def mode(on: bool) -> Finding:
            enable = "enable nvidia-persistenced"
            return fine("persistence on") if on else bad(Verdict.DEGRADED, "persistence off", enable)

        return [judged("persistence mode", gpu.persistence, mode)]

    return per_gpu(
        "gpu_persistence", context, wanted="persistence on", compared="compared the persistence mode", judge=judge
    )

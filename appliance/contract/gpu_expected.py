"""Rules that hold GPUs against the profile: gpu_library, gpu_count, gpu_ecc, gpu_pcie, gpu_persistence.

Thresholds, verdicts and actions are those of docs/design/gpu-reading.md, which names their sources.
"""

from collections.abc import Sequence

from appliance.contract.finding import (
    GPU_IS_LOST,
    RESEAT,
    Finding,
    Judgement,
    actions_of,
    bad,
    fine,
    judged,
    name_of,
    not_known,
    shortened,
    subject_of,
    unreadable,
)
from appliance.contract.gpu import EccMode, Gpu, NotSupported, Unread, Value
from appliance.contract.gpu_evidence import (
    DRIVER,
    MACHINE,
    PROVISION_AGAIN,
    UNKNOWN_WANTED,
    Evidence,
    Found,
    GpuRule,
    Wants,
    each_gpu,
)
from appliance.contract.gpu_match import parts, shortfalls
from appliance.contract.gpu_wanted import WantedGpu
from appliance.contract.health import Verdict, worst

_REINSTALL = "reboot; if it stays, reinstall the driver"
_SURPLUS = "remove it, or use a profile that counts it"
_NOT_SAID = bad(Verdict.UNKNOWN, UNKNOWN_WANTED, PROVISION_AGAIN)


def _least_driver(wants: Wants) -> str:
    return max((gpu.min_driver for gpu in wants or () if gpu.min_driver), key=parts, default="")


def _library_wanted(wants: Wants) -> str:
    least = _least_driver(wants)
    return f"driver {least} or newer" if least else "any driver"


def _library(evidence: Evidence) -> list[Found]:
    problem = _interruption(evidence) or _library_state(evidence)
    if problem is not None:
        return [Found(DRIVER, DRIVER, problem)]
    version = evidence.report.library.driver_version
    answers = fine("every call was answered", "driver_stuck", "driver_unusable")
    return [Found(DRIVER, DRIVER, found) for found in (_driver(version, evidence.wants), answers)]


def _interruption(evidence: Evidence) -> Finding | None:
    why = evidence.report.interruption
    if why is None:
        return None
    call = why.call + ("" if why.gpu is None else f" of GPU {why.gpu}")
    if why.cause == "slow":
        return bad(Verdict.UNKNOWN, f"the reading was not finished, at {call}: {why.detail}", "")
    if why.cause == "stuck":
        return bad(Verdict.CRITICAL, f"the driver is stuck in {call}: {why.detail}", "reboot", "driver_stuck")
    return bad(Verdict.CRITICAL, f"the reading broke off in {call}: {why.detail}", _REINSTALL, "driver_unusable")


def _library_state(evidence: Evidence) -> Finding | None:
    library = evidence.report.library
    if library.state == "ready":
        return None
    said = f"NVML is not ready ({library.state.replace('_', ' ')}): {library.reason}"
    return bad(Verdict.CRITICAL, said, _REINSTALL, "driver_unusable")


def _driver(version: Value[str] | NotSupported | Unread, wants: Wants) -> Finding:
    least = _least_driver(wants)

    def judge(given: str) -> Finding:
        if wants is None:
            return _NOT_SAID
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


def _library_judgement(evidence: Evidence, found: Sequence[Found]) -> Judgement:
    problem = found[0].finding
    wanted = _library_wanted(evidence.wants)
    if problem.verdict is Verdict.UNKNOWN and problem is not _NOT_SAID:
        return not_known("gpu_library", wanted=wanted, because=problem.said)
    library = evidence.report.library
    version = library.driver_version
    seen = f"driver {version.value}" if isinstance(version, Value) else f"NVML {library.state.replace('_', ' ')}"
    return Judgement(
        check="gpu_library",
        verdict=problem.verdict,
        seen=seen,
        wanted=wanted,
        reason=shortened(problem.said),
        next_action=problem.next_action,
    )


GPU_LIBRARY = GpuRule("gpu_library", _library_wanted, _library, _library_judgement)


def _count_wanted(wants: Wants) -> str:
    return UNKNOWN_WANTED if wants is None else ", ".join(map(_figures, wants))


def _figures(requirement: WantedGpu) -> str:
    least = [f"at least {requirement.min_memory_mib} MiB"]
    if requirement.min_compute_capability:
        least.append(f"compute capability {requirement.min_compute_capability}")
    return f"{requirement.count} × {requirement.reference} ({', '.join(least)})"


def _count(evidence: Evidence) -> list[Found]:
    return [*_against_bus(evidence), *_lost(evidence), *_counted(evidence)]


def _count_judgement(evidence: Evidence, every: Sequence[Found]) -> Judgement:
    found = [each.finding for each in every if each.finding.verdict is not Verdict.OK]
    matches = evidence.matches
    differences = [
        f"{name_of(gpu)} is {gpu.name.value}, the reference is {matches[gpu.index].reference}"
        for gpu in evidence.report.gpus
        if gpu.index in matches and isinstance(gpu.name, Value) and gpu.name.value != matches[gpu.index].reference
    ]
    compared = "compared count, memory and compute capability with the profile, and NVML's list with the PCI bus"
    return Judgement(
        check="gpu_count",
        verdict=worst([finding.verdict for finding in found] or [Verdict.OK]),
        seen=shortened(_seen(evidence)),
        wanted=shortened(_count_wanted(evidence.wants)),
        reason=shortened("; ".join([finding.said for finding in found] or [compared, *differences])),
        next_action=shortened(actions_of(found)),
        difference=shortened("; ".join(differences)),
    )


GPU_COUNT = GpuRule("gpu_count", _count_wanted, _count, _count_judgement)


def _seen(evidence: Evidence) -> str:
    report = evidence.report
    listed = [f"{name_of(gpu)} {gpu.name.value if isinstance(gpu.name, Value) else 'not named'}" for gpu in report.gpus]
    bus = f"{len(report.bus.value)} on the bus" if isinstance(report.bus, Value) else "bus unreadable"
    return f"{'; '.join(listed) or 'none in NVML'}; {bus}"


def _machine(finding: Finding) -> Found:
    return Found(MACHINE, MACHINE, finding)


def _against_bus(evidence: Evidence) -> list[Found]:
    report = evidence.report
    if isinstance(report.bus, Unread):
        return [_machine(unreadable("the PCI bus", report.bus))]
    if isinstance(report.count, Unread):
        return []  # NVML was not asked: gpu_library says why, and there is no list to compare
    listed = {gpu.pci_id.value for gpu in report.gpus if isinstance(gpu.pci_id, Value)}
    on_bus = set(report.bus.value)
    found = [_missing(pci_id, "in NVML and not on the bus") for pci_id in sorted(listed - on_bus)]
    for gpu in report.gpus:
        if isinstance(gpu.pci_id, Unread) and not _is_lost(gpu):
            # Any of those that NVML does not name may be this one.
            return [*found, _machine(unreadable(f"the PCI id of {name_of(gpu)}", gpu.pci_id))]
    return found + [_missing(pci_id, "on the bus and NVML names no GPU there") for pci_id in sorted(on_bus - listed)]


def _missing(pci_id: str, where: str) -> Found:
    return Found(pci_id, pci_id, bad(Verdict.CRITICAL, f"{pci_id} is {where}", RESEAT, "gpu_lost"))


def _is_lost(gpu: Gpu) -> bool:
    readings = (getattr(gpu, name) for name in type(gpu).model_fields)
    return any(isinstance(reading, Unread) and reading.nvml_error == GPU_IS_LOST for reading in readings)


def _lost(evidence: Evidence) -> list[Found]:
    """One finding for each GPU: it is lost, or it answers from where the bus shows it."""
    bus = evidence.report.bus
    found = []
    for gpu in evidence.report.gpus:
        place = gpu.pci_id.value if isinstance(gpu.pci_id, Value) else ""
        if _is_lost(gpu):
            # Without its place on the bus the missing place is the fault, which is more than an index tells.
            kind = ("gpu_lost",) if place or not isinstance(bus, Value) else ()
            said = f"{name_of(gpu)} is lost (NVML error {GPU_IS_LOST})"
            found.append(Found(subject_of(gpu), name_of(gpu), bad(Verdict.CRITICAL, said, RESEAT, *kind)))
        elif isinstance(bus, Value) and place in bus.value:
            found.append(Found(place, name_of(gpu), fine("is there", "gpu_lost")))
    return found


def _counted(evidence: Evidence) -> list[Found]:
    report, requirements = evidence.report, evidence.wants
    if requirements is None:
        return [_machine(_NOT_SAID)]
    if isinstance(report.count, Unread):
        if isinstance(report.bus, Value) and len(report.bus.value) < sum(each.count for each in requirements):
            said = f"the bus shows {len(report.bus.value)} GPUs"
            return [_machine(bad(Verdict.CRITICAL, said, RESEAT, "gpu_count"))]
        said = f"NVML's count could not be read: {report.count.reason}"
        return [_machine(bad(Verdict.UNKNOWN, said, "see gpu_library"))]
    found = [
        _unmatched(gpu, requirements) for gpu in report.gpus if gpu.index not in evidence.matches and not _is_lost(gpu)
    ]
    undecided = sum(finding.verdict is Verdict.UNKNOWN for finding in found)
    for requirement in requirements:
        there = sum(match is requirement for match in evidence.matches.values())
        if there + undecided < requirement.count:
            said = f"{there} GPUs meet the requirement of {requirement.count} × {requirement.reference}"
            found.append(bad(Verdict.CRITICAL, said, RESEAT, "gpu_count"))
    return [_machine(finding) for finding in found or [fine("as many as wanted", "gpu_count")]]


def _unmatched(gpu: Gpu, requirements: Sequence[WantedGpu]) -> Finding:
    missed = [shortfalls(gpu, requirement) for requirement in requirements]
    for each in missed:
        if isinstance(each, Unread):
            return unreadable(f"the figures of {name_of(gpu)}", each)
    if [] in missed:
        return bad(Verdict.CRITICAL, f"{name_of(gpu)} is one more than the profile counts", _SURPLUS, "gpu_count")
    words = "; ".join(dict.fromkeys(word for each in missed if isinstance(each, list) for word in each))
    return bad(Verdict.CRITICAL, f"{name_of(gpu)}: {words}", "use a GPU that meets the profile", "gpu_count")


def _ecc_wanted(wants: Wants) -> str:
    modes = dict.fromkeys(f"ECC {gpu.ecc}" for gpu in wants or ())
    return " or ".join(modes) or UNKNOWN_WANTED


def _ecc(gpu: Gpu, evidence: Evidence) -> list[Finding]:
    wanted = evidence.wanted_of(gpu)
    demanded = wanted is not None and wanted.ecc == "on"

    def mode(ecc: EccMode) -> Finding:
        now, later = ("on" if on else "off" for on in (ecc.current, ecc.pending))
        said = f"ECC {now}" + ("" if now == later else f", {later} after the next reset")
        if demanded and not ecc.pending:
            return bad(Verdict.DEGRADED, said, "set ECC on (nvidia-smi --ecc-config=1), then reset the GPU")
        if now != later:
            return bad(Verdict.DEGRADED, said, "drain the GPU and reset it")
        if wanted is None:
            return bad(Verdict.UNKNOWN, f"{said}; {UNKNOWN_WANTED}", PROVISION_AGAIN)
        return fine(said)

    without = bad(Verdict.CRITICAL, "ECC: not supported by this GPU", "use a GPU that has ECC, as the profile demands")
    if wanted is None:
        without = bad(Verdict.UNKNOWN, f"ECC: not supported by this GPU; {UNKNOWN_WANTED}", PROVISION_AGAIN)
    return [judged("ECC mode", gpu.ecc, mode, unsupported=without if demanded or wanted is None else None)]


GPU_ECC = each_gpu("gpu_ecc", _ecc, wanted=_ecc_wanted, compared="compared the ECC mode, current and pending")


def _pcie_wanted(wants: Wants) -> str:
    least = " or ".join(dict.fromkeys(f"×{gpu.min_pcie_width}" for gpu in wants or ()))
    return f"{least}, and all that card and slot have" if least else f"all that card and slot have; {UNKNOWN_WANTED}"


def _pcie(gpu: Gpu, evidence: Evidence) -> list[Finding]:
    most, wanted = gpu.pcie_width_max, evidence.wanted_of(gpu)
    expected = max(wanted.min_pcie_width if wanted else 0, most.value if isinstance(most, Value) else 0)

    def width(lanes: int) -> Finding:
        said = f"×{lanes} of ×{expected}"
        if expected and lanes * 2 <= expected:
            return bad(Verdict.CRITICAL, said, "reseat the card")
        if lanes < expected:
            return bad(Verdict.DEGRADED, said, "reseat the card")
        return fine(said) if wanted else bad(Verdict.UNKNOWN, f"{said}; {UNKNOWN_WANTED}", PROVISION_AGAIN)

    silent = bad(Verdict.CRITICAL, "PCIe width: not supported by this GPU", "use a GPU that tells its width")
    found = [judged("PCIe width", gpu.pcie_width, width, unsupported=silent, faults=("gpu_pcie_width",))]
    return found if isinstance(most, Value) else [*found, judged("largest PCIe width", most, width)]


GPU_PCIE = each_gpu(
    "gpu_pcie",
    _pcie,
    wanted=_pcie_wanted,
    compared="compared the lanes in use with those of card, slot and profile; the generation is not judged at idle",
)


def _persistence(on: bool) -> Finding:
    return fine("persistence on") if on else bad(Verdict.DEGRADED, "persistence off", "enable nvidia-persistenced")


GPU_PERSISTENCE = each_gpu(
    "gpu_persistence",
    lambda gpu, _: [judged("persistence mode", gpu.persistence, _persistence)],
    wanted="persistence on",
    compared="compared the persistence mode",
)

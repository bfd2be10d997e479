"""Rules that one reading cannot answer: gpu_slowdown, gpu_link, and gpu_identity, which needs what was recorded.

Thresholds, verdicts and actions are those of docs/design/gpu-watch.md, which names their sources.
"""

from collections.abc import Sequence

from appliance.contract.finding import Finding, bad, fine, judged, not_supported, unreadable
from appliance.contract.gpu import Gpu, NotSupported, Unread, Value
from appliance.contract.gpu_evidence import (
    MACHINE,
    PROVISION_AGAIN,
    Evidence,
    Found,
    GpuRule,
    each_gpu,
)
from appliance.contract.gpu_wanted import RecordedGpu
from appliance.contract.gpu_watch import GpuRates
from appliance.contract.health import Verdict

# The field facts: so many hardware slowdowns a minute over ten minutes are critical, so many replays a minute too many
# for a Gen4 ×16 link.
CRITICAL_SLOWDOWNS_PER_MIN = 0.6
MAX_REPLAYS_PER_MIN = 16
# Ours: a software thermal slowdown in half of the readings of ten minutes is more than the fans catching up.
SUSTAINED_SHARE = 0.5

_COOLING = "look at cooling and power supply"
_ASSET = "check the asset: which card is this; then provision the site again, which records it"
_NOT_WATCHED = bad(Verdict.UNKNOWN, "no readings over time yet", "wait for the watch's next readings")


def _rates(gpu: Gpu, evidence: Evidence) -> GpuRates | None:
    return (evidence.rates or {}).get(gpu.index)


def _slowdown(gpu: Gpu, evidence: Evidence) -> Sequence[Finding]:
    rates = _rates(gpu, evidence)
    if rates is None:
        return [_NOT_WATCHED]
    return [
        judged("hardware slowdowns", rates.hardware_slowdowns_per_min, _hardware_rate),
        judged("software thermal slowdown", rates.software_thermal_share, _thermal, faults=("gpu_software_thermal",)),
    ]


def _hardware_rate(per_min: float) -> Finding:
    said = f"{per_min:.1f} hardware slowdowns/min over ten minutes"
    if per_min >= CRITICAL_SLOWDOWNS_PER_MIN:
        return bad(Verdict.CRITICAL, said, _COOLING, "gpu_hardware_slowdown")
    if per_min > 0:  # fewer than that are a state of these ten minutes, which neither opens a fault nor closes one
        return bad(Verdict.DEGRADED, said, _COOLING)
    return fine(said, "gpu_hardware_slowdown")


def _thermal(share: float) -> Finding:
    said = f"software thermal slowdown in {share:.0%} of the readings of ten minutes"
    return bad(Verdict.DEGRADED, said, "look at the airflow") if share >= SUSTAINED_SHARE else fine(said)


GPU_SLOWDOWN = each_gpu(
    "gpu_slowdown",
    _slowdown,
    wanted=f"no hardware slowdown, software thermal slowdown in less than {SUSTAINED_SHARE:.0%} of the readings",
    compared="compared the clocks event reasons of ten minutes",
)


def _link(gpu: Gpu, evidence: Evidence) -> Sequence[Finding]:
    rates = _rates(gpu, evidence)
    if rates is None:
        return [_NOT_WATCHED]
    return [
        _generation(gpu, rates),
        judged("PCIe replays", rates.pcie_replays_per_min, _replays, faults=("gpu_pcie_replays",)),
    ]


def _generation(gpu: Gpu, rates: GpuRates) -> Finding:
    """Judged only under load: at idle the link slows down by design, which says nothing."""
    seen, most = rates.pcie_generation_under_load, gpu.pcie_generation_max
    if isinstance(gpu.pcie_generation, Unread):
        return unreadable("PCIe generation", gpu.pcie_generation)
    if isinstance(most, Unread):
        return unreadable("largest PCIe generation", most)
    if isinstance(seen, NotSupported) or isinstance(most, NotSupported):
        return not_supported("PCIe generation")
    if isinstance(seen, Unread):
        return Finding(Verdict.OK, "PCIe generation: not judged at idle")
    said = f"generation {seen.value} of {most.value} under load"
    if seen.value < most.value:
        return bad(Verdict.DEGRADED, said, "reseat the card", "gpu_pcie_generation")
    return fine(said, "gpu_pcie_generation")


def _replays(per_min: float) -> Finding:
    said = f"{per_min:.1f} PCIe replays/min"
    return bad(Verdict.DEGRADED, said, "look at the riser") if per_min > MAX_REPLAYS_PER_MIN else fine(said)


GPU_LINK = each_gpu(
    "gpu_link",
    _link,
    wanted=f"the card's PCIe generation under load, at most {MAX_REPLAYS_PER_MIN} replays a minute",
    compared="compared the generation under load with the card's, and the replays with the time",
)


def _identity(gpu: Gpu, evidence: Evidence) -> Sequence[Finding]:
    if not evidence.recorded:
        return [bad(Verdict.UNKNOWN, "no card was recorded for this box", PROVISION_AGAIN)]
    if isinstance(gpu.uuid, Unread):
        return [unreadable("UUID", gpu.uuid)]
    uuid = gpu.uuid.value if isinstance(gpu.uuid, Value) else ""
    known = next((each for each in evidence.recorded if each.uuid == uuid), None)
    if known is None:
        return [bad(Verdict.DEGRADED, "another card than those recorded", _ASSET, "gpu_identity")]
    return [_compared("serial", gpu.serial, known.serial), _compared("vBIOS", gpu.vbios, known.vbios)]


def _compared(what: str, reading: Value[str] | NotSupported | Unread, recorded: str | None) -> Finding:
    def judge(found: str) -> Finding:
        if found != recorded:
            said = f"{what} {found}, recorded {recorded or 'none'}"
            return bad(Verdict.DEGRADED, said, _ASSET, f"gpu_{what.lower()}")
        return fine(f"{what} {found}", f"gpu_{what.lower()}", *(("gpu_identity",) if what == "serial" else ()))

    without = None
    if recorded is not None:
        without = bad(Verdict.DEGRADED, f"{what}: not supported by this GPU, recorded {recorded}", _ASSET)
    return judged(what, reading, judge, unsupported=without)


_CARDS = each_gpu(
    "gpu_identity",
    _identity,
    wanted="serial and vBIOS as recorded",
    compared="compared UUID, serial and vBIOS with those that provisioning recorded",
)


def _missing(recorded: Sequence[RecordedGpu], evidence: Evidence) -> list[Found]:
    """Recorded cards that are not there, where every card that is there says who it is."""
    uuids = [gpu.uuid for gpu in evidence.report.gpus]
    if not uuids or any(not isinstance(uuid, Value) for uuid in uuids):
        return []
    there = {uuid.value for uuid in uuids if isinstance(uuid, Value)}
    return [
        Found(MACHINE, f"…{each.uuid[-8:]}", bad(Verdict.DEGRADED, "recorded, and not there", _ASSET))
        for each in recorded
        if each.uuid not in there
    ]


GPU_IDENTITY = GpuRule(
    "gpu_identity",
    _CARDS.wanted,
    lambda evidence: [*_CARDS.find(evidence), *_missing(evidence.recorded or (), evidence)],
    _CARDS.conclude,
)

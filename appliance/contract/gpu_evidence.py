"""What GPUs are judged from, and what a rule about them is: findings, and how they become one judgement."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from appliance.contract.finding import Finding, Judgement, name_of, not_known, subject_of, together
from appliance.contract.gpu import Gpu, GpuReport
from appliance.contract.gpu_match import assigned
from appliance.contract.gpu_wanted import RecordedGpu, WantedGpu
from appliance.contract.gpu_watch import GpuRates

UNKNOWN_WANTED = "what the profile wants is not known on this box"
PROVISION_AGAIN = "provision the site again with this fleetctl"
Wants = Sequence[WantedGpu] | None
"""What the profile wants; None where nobody said it."""

MACHINE = "machine"
DRIVER = "driver"


@dataclass(frozen=True)
class Evidence:
    """One reading, and what stands beside it.

    `wants` and `recorded` are None where nobody said them (a box that an older fleetctl provisioned); `rates` is None
    where there is one reading alone. `xids` has, by a GPU's index, the Xids that are not dealt with.
    """

    report: GpuReport
    wants: Wants
    recorded: Sequence[RecordedGpu] | None = None
    rates: Mapping[int, GpuRates] | None = None
    xids: Mapping[int, frozenset[int]] = field(default_factory=dict)

    @cached_property
    def matches(self) -> Mapping[int, WantedGpu]:
        """GPU index → the requirement that it meets."""
        return assigned(self.report.gpus, self.wants or ())

    def wanted_of(self, gpu: Gpu) -> WantedGpu | None:
        """The requirement to which a GPU is held; one that fits none is held to the first, and gpu_count says so."""
        if not self.wants:
            return None
        return self.matches.get(gpu.index) or self.wants[0]


@dataclass(frozen=True)
class Found:
    """A finding, with what a fault of it is kept under and how a person calls that."""

    subject: str
    name: str
    finding: Finding


@dataclass(frozen=True)
class GpuRule:
    """One check of GPUs. `wanted` says what would be right, `find` finds, `conclude` makes one judgement of that."""

    check: str
    wanted: Callable[[Wants], str]
    find: Callable[[Evidence], Sequence[Found]]
    conclude: Callable[[Evidence, Sequence[Found]], Judgement]

    def judge(self, evidence: Evidence) -> Judgement:
        """Judge."""
        return self.conclude(evidence, self.find(evidence))


def each_gpu(
    check: str,
    judge: Callable[[Gpu, Evidence], Sequence[Finding]],
    *,
    wanted: str | Callable[[Wants], str],
    compared: str,
) -> GpuRule:
    """A rule that judges every GPU that NVML counts. `compared` is the reason when nothing else has to be said."""

    def words(wants: Wants) -> str:
        return wanted if isinstance(wanted, str) else wanted(wants)

    def find(evidence: Evidence) -> list[Found]:
        return [
            Found(subject_of(gpu), name_of(gpu), finding)
            for gpu in evidence.report.gpus
            for finding in judge(gpu, evidence)
        ]

    def conclude(evidence: Evidence, found: Sequence[Found]) -> Judgement:
        if not evidence.report.gpus:
            why = evidence.report.library.reason or "NVML counts none"
            return not_known(check, wanted=words(evidence.wants), because=f"no GPU could be asked: {why}")
        named = [(each.name, each.finding) for each in found]
        return together(check, named, wanted=words(evidence.wants), compared=compared)

    return GpuRule(check, words, find, conclude)

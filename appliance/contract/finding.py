"""A finding about one GPU, how a GPU is named, and how findings become one judgement. Used on both sides of the line."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Protocol, TypeVar

from pydantic import Field

from appliance.contract.faults import Kind
from appliance.contract.gpu import NotSupported, PciIdReading, TextReading, Unread, Value
from appliance.contract.model import ContractModel
from appliance.contract.part import Verdict, worst

T = TypeVar("T")

RESEAT = "look for Xid 79 in the kernel log; reseat the card"
REPLACE = "replace the card"
AGAIN = "run it again; if it stays, look at the machine's console"
# NVML's error codes (nvmlReturn_t) that say by themselves what to do.
GPU_IS_LOST = 15
_BY_ERROR = {
    13: "install a driver that knows this call",  # NVML_ERROR_FUNCTION_NOT_FOUND
    GPU_IS_LOST: RESEAT,
    16: "drain the GPU and reset it",  # NVML_ERROR_RESET_REQUIRED
}
_MAX_TEXT = 2000

_Text = Annotated[str, Field(max_length=_MAX_TEXT)]


class Judgement(ContractModel):
    """One judgement. `reason` states what was compared and nothing more.

    `difference` names a part that is another than the profile's reference and meets the requirement all the same.
    """

    check: Kind
    verdict: Verdict
    seen: _Text
    wanted: _Text
    reason: _Text
    next_action: _Text = ""
    difference: _Text = ""


def shortened(text: str) -> str:
    """A text that fits into a judgement."""
    return text if len(text) <= _MAX_TEXT else f"{text[: _MAX_TEXT - 1]}…"


@dataclass(frozen=True)
class Finding:
    """What one value of one GPU means. `noted`: the reason says it although it is ok.

    `faults` are the kinds of fault that the value speaks of: a finding that is ok says that none of them is there, one
    that is degraded or critical that each of them is; an unknown one says neither. A state of the moment is no fault.
    """

    verdict: Verdict
    said: str
    next_action: str = ""
    noted: bool = False
    faults: tuple[str, ...] = ()


def fine(said: str, *faults: str) -> Finding:
    return Finding(Verdict.OK, said, faults=faults)


def bad(verdict: Verdict, said: str, next_action: str, *faults: str) -> Finding:
    return Finding(verdict, said, next_action, faults=faults)


def not_supported(what: str) -> Finding:
    """Ok, and said: the driver answered that this GPU does not have it, and nothing that the profile wants needs it."""
    return Finding(Verdict.OK, f"{what}: not supported by this GPU", noted=True)


def unreadable(what: str, reading: Unread) -> Finding:
    action = _BY_ERROR.get(reading.nvml_error or 0, AGAIN)
    return Finding(Verdict.UNKNOWN, f"{what} could not be read: {reading.reason}", action)


def judged(
    what: str,
    reading: Value[T] | NotSupported | Unread,
    judge: Callable[[T], Finding],
    *,
    unsupported: Finding | None = None,
    faults: tuple[str, ...] = (),
) -> Finding:
    """Judge one reading: each of the three answers has its own finding.

    `faults` are the kinds of fault that the value tells of; a finding that names its own keeps them.
    """
    if isinstance(reading, Unread):
        return unreadable(what, reading)
    if isinstance(reading, NotSupported):
        return unsupported or not_supported(what)
    found = judge(reading.value)
    return found if found.faults else replace(found, faults=faults)


class Named(Protocol):
    """What a GPU is named by."""

    @property
    def index(self) -> int: ...
    @property
    def uuid(self) -> TextReading: ...
    @property
    def pci_id(self) -> PciIdReading: ...


def name_of(gpu: Named) -> str:
    """Index, the end of the UUID and the PCI id, as far as they are known."""
    known = []
    if isinstance(gpu.uuid, Value):
        known.append(f"…{gpu.uuid.value[-8:]}")
    if isinstance(gpu.pci_id, Value):
        known.append(gpu.pci_id.value)
    return f"GPU {gpu.index}" + (f" ({', '.join(known)})" if known else "")


def together(check: str, found: Sequence[tuple[str, Finding]], *, wanted: str, compared: str) -> Judgement:
    """One judgement of findings about named parts. `compared` is the reason when all are ok and nothing is noted."""
    said = [(name, finding) for name, finding in found if finding.noted or finding.verdict is not Verdict.OK]
    return Judgement(
        check=check,
        verdict=worst([finding.verdict for _, finding in found]),
        seen=shortened(_listed(found)),
        wanted=shortened(wanted),
        reason=shortened(_listed(said) or compared),
        next_action=shortened(actions_of([finding for _, finding in found])),
    )


def actions_of(found: Sequence[Finding]) -> str:
    """Every next action, once."""
    return "; ".join(dict.fromkeys(finding.next_action for finding in found if finding.next_action))


def _listed(found: Sequence[tuple[str, Finding]]) -> str:
    names: dict[str, list[str]] = {}
    for name, finding in found:
        names.setdefault(finding.said, []).append(name)
    return "; ".join(f"{', '.join(named)}: {said}" for said, named in names.items())


def not_known(check: str, *, wanted: str, because: str) -> Judgement:
    """Could not be judged: what it needs is not there."""
    return Judgement(
        check=check,
        verdict=Verdict.UNKNOWN,
        seen="unreadable",
        wanted=shortened(wanted),
        reason=shortened(because),
        next_action=AGAIN,
    )

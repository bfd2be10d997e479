"""Faults: what went wrong on a box, as events that stay until they are remediated or acknowledged.

A fault is no gauge. It says when it was first and last seen, in which boot, how often, and what a person does next. It
outlives the reading that showed it, a restart of what watches, and a reboot.
"""

from hashlib import sha256
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from appliance.contract.model import ContractModel
from appliance.contract.part import Verdict

MAX_FAULTS = 512
"""A fault is one kind on one GPU, so that even a full server has fewer."""

# No control characters: these words end up on somebody's terminal.
FaultId = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,47}$", description="Short, stable, and easy to type.")]
Kind = Annotated[str, Field(pattern=r"^[a-z0-9_]{1,48}$")]
Subject = Annotated[str, Field(min_length=1, max_length=96, pattern=r"^[^\x00-\x1f\x7f]+$")]
Said = Annotated[str, Field(max_length=500, pattern=r"^[^\x00-\x1f\x7f]*$")]
BootId = Annotated[str, Field(pattern=r"^[0-9a-f-]{1,40}$")]
Times = Annotated[int, Field(ge=0)]
Who = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]+$")]
FaultState = Literal["open", "acknowledged", "cleared"]


class Fault(ContractModel):
    """One kind of fault on one GPU, however often it came.

    `open`: nobody has dealt with it. `acknowledged`: a person has said what is done about it; it counts again when it
    comes again. `cleared`: it was seen to be gone in the way that this kind demands (docs/design/gpu-watch.md).
    """

    id: FaultId
    check: Annotated[Kind, Field(description="What found it, like gpu_xid, gpu_ecc_uncorrectable or driver_stuck.")]
    code: Annotated[int | None, Field(ge=0, lt=2**32, description="The Xid, if it is one.")] = None
    subject: Annotated[Subject, Field(description="The GPU's PCI id, else its UUID's end; or what else it is about.")]
    first_seen: AwareDatetime
    last_seen: AwareDatetime
    first_boot_id: BootId
    last_boot_id: BootId
    count: Annotated[Times, Field(description="How often it came since it is open.")]
    count_24h: Annotated[Times, Field(description="How often in the last 24 hours, to five minutes.")]
    state: FaultState
    verdict: Verdict
    reason: Said
    next_action: Said = ""
    acknowledged_by: Who | None = None
    acknowledged_at: AwareDatetime | None = None
    acknowledged_note: Said = ""
    cleared_at: AwareDatetime | None = None
    cleared_because: Said = ""


class FaultList(ContractModel):
    """What `appliancectl health faults -o json` prints: every fault, worst and newest first."""

    schema_version: Literal["faults/v1"] = "faults/v1"
    faults: Annotated[tuple[Fault, ...], Field(max_length=MAX_FAULTS)]


def fault_id(check: str, code: int | None, subject: str) -> str:
    """The same id for the same kind of fault on the same GPU, always: `xid79-3b1c9a`, `ecc-uncorrectable-04f2d7`."""
    name = check.removeprefix("gpu_").replace("_", "-")[:40] + ("" if code is None else str(code))
    return f"{name}-{sha256(f'{check} {code} {subject}'.encode()).hexdigest()[:6]}"


def is_healthy(faults: tuple[Fault, ...]) -> bool:
    """Whether nothing waits for a person: every fault is acknowledged, cleared, or only logged."""
    return all(fault.state != "open" or fault.verdict is Verdict.OK for fault in faults)

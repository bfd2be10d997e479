"""An entry of the audit log: one decision, without patient data.

Content appears as a commitment (HMAC-SHA-256 under a key of the encounter) or, where it is ours and no secret, as a
SHA-256. Words are from closed lists or identifiers; free text does not fit.
"""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from appliance.contract.model import ContractModel, Sha256Hex

MAX_ENTRY_BYTES = 16 * 1024

Word = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_.-]{0,63}$")]
Id = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:@/+-]{0,199}$")]
Number = Annotated[float, Field(ge=-1e12, le=1e12, allow_inf_nan=False)]


class Actor(ContractModel):
    """Who decided: a person by the identity provider's subject, a system by its certificate, or the appliance."""

    subject: Id
    role: Word
    issuer: Annotated[str, Field(max_length=200)] = ""
    break_glass: bool = False


class Digest(ContractModel):
    """What was read or written, by name. `commitment`: keyed by the encounter; `sha256`: plain, of no secret."""

    name: Word
    algorithm: Literal["sha256", "commitment"]
    value: Sha256Hex


class Tool(ContractModel):
    """What worked on it: a model, an adapter, a prompt, a table, with the digest that identifies it."""

    kind: Literal["model", "adapter", "prompt", "template", "table", "vocabulary", "program"]
    name: Id
    digest: Annotated[Sha256Hex | None, Field(description="None: it has none, for instance a program of the image.")]


class AuditEntry(ContractModel):
    """One decision. The log gives it its index; `at` is the box's clock."""

    schema_version: Literal["audit-entry/v1"] = "audit-entry/v1"
    at: datetime
    event: Annotated[Word, Field(description="For instance draft.completed, consent.recorded, access.break_glass.")]
    actor: Actor
    encounter: Annotated[Id | None, Field(description="The encounter's random identifier.")] = None
    subject: Annotated[Id | None, Field(description="The document, transcript or recording it is about.")] = None
    inputs: Annotated[tuple[Digest, ...], Field(max_length=40)] = ()
    tools: Annotated[tuple[Tool, ...], Field(max_length=20)] = ()
    considered: Annotated[tuple[Digest, ...], Field(max_length=60)] = ()
    produced: Annotated[tuple[Digest, ...], Field(max_length=40)] = ()
    outcome: Word = "done"
    reason: Annotated[Word | None, Field(description="From a closed list; words of a person are committed to.")] = None
    action: Annotated[Word | None, Field(description="What was refused, in the words of the access table.")] = None
    confidence: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] | None = None
    numbers: Annotated[dict[Word, Number], Field(max_length=30, default_factory=dict)]

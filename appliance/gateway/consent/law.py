"""The table of recording laws: one row for each US state and DC, dated, and identified by its digest.

What a row says is shown and never decides: every state counts as all-party until counsel's overrides say otherwise.
"""

import hashlib
import json
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from importlib.resources import files
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from appliance.errors import UsageError
from appliance.gateway.consent.refusal import ConsentError

STATES = frozenset((
    "AL", "AK", "AZ", "AR", "CA", "CO", "CT", "DE", "DC", "FL", "GA", "HI", "ID", "IL", "IN", "IA", "KS",
    "KY", "LA", "ME", "MD", "MA", "MI", "MN", "MS", "MO", "MT", "NE", "NV", "NH", "NJ", "NM", "NY", "NC",
    "ND", "OH", "OK", "OR", "PA", "RI", "SC", "SD", "TN", "TX", "UT", "VT", "VA", "WA", "WV", "WI", "WY",
))  # fmt: skip
"""The 50 states and DC, by their USPS codes."""


class Rule(StrEnum):
    """How a state's law is commonly classed."""

    ALL_PARTY = "all_party"
    ONE_PARTY = "one_party"
    MIXED = "mixed"  # differs by medium, or between statutes
    CONTESTED = "contested"  # courts or authors disagree


class StateLaw(BaseModel):
    """One row. `citation` is null where none was checked; nothing is filled in by guess."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    state: Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
    name: Annotated[str, Field(max_length=60)]
    rule: Rule
    citation: Annotated[str, Field(max_length=200)] | None
    note: Annotated[str, Field(max_length=200)] = ""


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    schema_version: Literal["recording-law/v1"]
    version: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,39}$")]
    as_of: date
    about: Annotated[str, Field(max_length=1000)]
    states: tuple[StateLaw, ...]


_DOCUMENT = TypeAdapter(_Document)


@dataclass(frozen=True)
class LawTable:
    """The table. `sha256` is of the file's bytes; the audit log names it with each decision."""

    version: str
    as_of: date
    sha256: str
    laws: dict[str, StateLaw]

    def law(self, state: str) -> StateLaw:
        """Return the row of a state. Raises ConsentError state-unknown: a place is never guessed."""
        found = self.laws.get(state)
        if found is None:
            raise ConsentError("state-unknown")
        return found


def parse(data: bytes) -> LawTable:
    """Return the table. Raises UsageError unless it holds each state exactly once."""
    hint = "put back the table of the release"
    try:
        document = _DOCUMENT.validate_python(json.loads(data))
    except (ValidationError, ValueError) as error:
        raise UsageError(f"the table of recording laws does not parse: {type(error).__name__}", hint=hint) from None
    names = [law.state for law in document.states]
    if set(names) != STATES or len(names) != len(STATES):
        wrong = sorted(STATES.symmetric_difference(names)) or sorted({name for name in names if names.count(name) > 1})
        raise UsageError(f"the table of recording laws misses, adds or repeats {', '.join(wrong)}", hint=hint)
    digest = hashlib.sha256(data).hexdigest()
    return LawTable(document.version, document.as_of, digest, {law.state: law for law in document.states})


def load() -> LawTable:
    """Return the table of this release."""
    return parse(files(__package__).joinpath("recording_law.json").read_bytes())

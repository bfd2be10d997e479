"""Counsel's overrides: which states need only one party's consent, on whose word, and until when."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import combinations
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from appliance.clinical.document import Notice
from appliance.clinical.model import Identifier
from appliance.errors import UsageError
from appliance.gateway.consent.law import STATES, LawTable, Rule

MAX_BYTES = 256 * 1024
_MAX_VALIDITY = timedelta(days=731)  # laws change: counsel looks again at least every two years


class Override(BaseModel):
    """One decision of counsel, in force from `effective_from` until the day before `expires_on`.

    `parties` is `one` to loosen, `all` to say so expressly. A state that the table does not class as one-party is
    loosened only with `against_table`, so that a slip of the pen cannot do it. `reference` names counsel's paper.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: Identifier
    states: Annotated[frozenset[str], Field(min_length=1, max_length=51)]
    parties: Literal["one", "all"]
    decided_by: Annotated[str, Field(min_length=3, max_length=200)]
    decided_on: date
    effective_from: date
    expires_on: date
    reference: Annotated[str, Field(min_length=3, max_length=400)]
    against_table: bool = False

    @model_validator(mode="after")
    def _sound(self) -> Self:
        unknown = sorted(self.states - STATES)
        if unknown:
            raise ValueError(f"override {self.id}: {len(unknown)} of the states are no US state and not DC")
        if not self.decided_on <= self.effective_from < self.expires_on:
            raise ValueError(f"override {self.id}: wanted decided_on <= effective_from < expires_on")
        if self.expires_on - self.effective_from > _MAX_VALIDITY:
            raise ValueError(f"override {self.id}: it lasts longer than {_MAX_VALIDITY.days} days")
        return self

    def in_force(self, on: date) -> bool:
        """Whether it applies on a day."""
        return self.effective_from <= on < self.expires_on


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    schema_version: Literal["consent-overrides/v1"]
    overrides: Annotated[tuple[Override, ...], Field(max_length=200)]


_DOCUMENT = TypeAdapter(_Document)


@dataclass(frozen=True)
class Overrides:
    """All of counsel's decisions, and the digest of the file that they came from (None: there is no file)."""

    entries: tuple[Override, ...] = ()
    sha256: str | None = None

    def of(self, state: str, on: date) -> Override | None:
        """Return the one in force for a state."""
        return next((entry for entry in self.entries if state in entry.states and entry.in_force(on)), None)

    def notices(self, on: date) -> tuple[Notice, ...]:
        """Return what somebody must look at: expired decisions, which count no more."""
        return tuple(
            Notice(code="override-expired", text=f"Override {entry.id} expired on {entry.expires_on} and is ignored.")
            for entry in self.entries
            if entry.expires_on <= on
        )


def parse(data: bytes, table: LawTable) -> Overrides:
    """Return the overrides of a file. Raises UsageError; a file that is not wholly sound is not used at all."""
    hint = "let counsel correct the file of consent overrides; without it every state is all-party"
    try:
        if len(data) > MAX_BYTES:
            raise ValueError(f"the file is larger than {MAX_BYTES} bytes")
        entries = _DOCUMENT.validate_python(json.loads(data, object_pairs_hook=_no_name_twice)).overrides
        _check(entries, table)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(map(str, first["loc"])) or "the document"
        raise UsageError(f"consent overrides: {where}: {first['msg']}", hint=hint) from None
    except (ValueError, RecursionError) as error:
        raise UsageError(f"consent overrides: {error}", hint=hint) from None
    return Overrides(entries, hashlib.sha256(data).hexdigest())


def _check(entries: Iterable[Override], table: LawTable) -> None:
    found = list(entries)
    if len({entry.id for entry in found}) != len(found):
        raise ValueError("an id is given twice")
    for entry in found:
        strict = sorted(state for state in entry.states if table.law(state).rule is not Rule.ONE_PARTY)
        if entry.parties == "one" and strict and not entry.against_table:
            raise ValueError(
                f"override {entry.id} loosens {', '.join(strict)}, which the table does not class as one-party;"
                " wanted against_table: true"
            )
    for first, second in combinations(found, 2):
        both = first.states & second.states
        if both and first.effective_from < second.expires_on and second.effective_from < first.expires_on:
            raise ValueError(f"overrides {first.id} and {second.id} are in force at once for {', '.join(sorted(both))}")


def _no_name_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name is given twice in one object")
    return found

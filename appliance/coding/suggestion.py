"""What coding hands from part to part: mentions of a text with their status, entries of a table, suggestions."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from pydantic import BaseModel, ConfigDict, Field


class CodeSystem(StrEnum):
    """The systems that tables are kept for."""

    ICD_10_CM = "icd-10-cm"
    ICD_11_MMS = "icd-11-mms"
    HCPCS = "hcpcs"
    CPT = "cpt"

    @property
    def uri(self) -> str:
        """The name that FHIR R4 gives it (https://hl7.org/fhir/R4/terminologies-systems.html, terminology.hl7.org)."""
        return _URIS[self]


_URIS = {
    CodeSystem.ICD_10_CM: "http://hl7.org/fhir/sid/icd-10-cm",
    CodeSystem.ICD_11_MMS: "http://id.who.int/icd/release/11/mms",
    CodeSystem.HCPCS: "http://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets",
    CodeSystem.CPT: "http://www.ama-assn.org/go/cpt",
}


class Assertion(StrEnum):
    """How the text holds a statement; only what is present is coded as present."""

    PRESENT = "present"
    NEGATED = "negated"
    HISTORICAL = "historical"
    FAMILY = "family"
    POSSIBLE = "possible"
    HYPOTHETICAL = "hypothetical"
    """ "return if you have a fever": planned, advised, conditional."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A clause or sentence of a text with the section that it stands in.

    Args:
        start: Offset of its first character.
        end: Offset behind its last.
        section: A key such as "assessment", "family_history"; empty when unknown.
    """

    start: int
    end: int
    section: str


@dataclass(frozen=True, slots=True)
class Note:
    """Notes of a table's entry, as printed.

    Args:
        kind: "includes", "inclusion_term", "excludes1", "excludes2", "code_first", "use_additional", "code_also",
            "seventh_character", "definition", "note" (any other of the publisher's).
        text: The note.
    """

    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One code of a table.

    Args:
        code: As written in practice ("E11.9").
        title: Its full title.
        billable: Whether it is complete (a header or a code that lacks characters is not).
        parent: The code above it; empty at the top (a chapter is no code).
        notes: Its own notes; those of the codes above hold as well (`CodeTable.inherited`).
    """

    code: str
    title: str
    billable: bool
    parent: str
    notes: tuple[Note, ...] = ()


class CodeTable(Protocol):
    """A dated table, read-only, safe to use from several threads."""

    @property
    def system(self) -> CodeSystem: ...

    @property
    def version(self) -> str:
        """As the publisher names it ("2026-04-01")."""
        ...

    @property
    def digest(self) -> str:
        """SHA-256 of the pack, hexadecimal."""
        ...

    def lookup(self, code: str) -> Entry | None:
        """With or without the dot, in any case."""
        ...

    def entries(self) -> Iterable[Entry]:
        """All, in the table's order."""
        ...

    def inherited(self, code: str, kind: str) -> tuple[Note, ...]:
        """Notes of a kind that hold for a code: its own, then those of the codes above it."""
        ...

    def billable_on(self, code: str, day: datetime.date) -> bool:
        """Whether a claim of that date of service may carry the code."""
        ...


class Evidence(BaseModel):
    """The words of the source that a suggestion rests on."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    start: int = Field(ge=0, description="Offset of the first character in the source.")
    end: int = Field(ge=0, description="Offset behind the last character.")
    quote: str = Field(description="The source between them, word for word.")


class Suggestion(BaseModel):
    """A code for a coder to accept or refuse; never more than a suggestion."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    code: str
    title: str
    system: CodeSystem
    table_version: str
    table_digest: str = Field(description="SHA-256 of the code pack, hexadecimal.")
    evidence: tuple[Evidence, ...] = Field(min_length=1)
    assertion: Assertion
    confidence: float = Field(ge=0, le=1, description="Calibrated: of suggestions with 0.9, nine in ten are right.")
    question: str = Field(
        "",
        description="What a coder has to decide because the text leaves it open; empty: only the code itself.",
    )
    findings: tuple[str, ...] = Field((), description="Edits that the code fails on the date of service.")


class Suggester(Protocol):
    """Suggests codes; no network, no text in logs."""

    def suggest(self, text: str, *, on: datetime.date) -> Sequence[Suggestion]:
        """Suggestions for a text and a date of service, the most confident first."""
        ...

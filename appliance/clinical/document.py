"""A drafted document: sections of statements, each with the places of the sources that support it."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from appliance.clinical.model import ClinicalModel, Confidence, Identifier, Span

MAX_STATEMENT_CHARS = 4_000


class DocumentKind(StrEnum):
    """What can be drafted."""

    VISIT_NOTE = "visit_note"
    RECORD_SUMMARY = "record_summary"
    PRIOR_AUTH_APPEAL = "prior_auth_appeal"
    REFERRAL_LETTER = "referral_letter"
    PATIENT_LETTER = "patient_letter"
    DISCHARGE_INSTRUCTIONS = "discharge_instructions"
    FRONT_DESK_TEMPLATE = "front_desk_template"


class FindingKind(StrEnum):
    """What a statement says that its sources do not.

    `unsupported`: no place says it at all. `doubtful_source`: the place itself is one on which two decodings disagree.
    """

    NUMBER = "number"
    DRUG = "drug"
    DOSE = "dose"
    LATERALITY = "laterality"
    NEGATION = "negation"
    DATE = "date"
    DEMOGRAPHIC = "demographic"
    UNSUPPORTED = "unsupported"
    DOUBTFUL_SOURCE = "doubtful_source"


class Evidence(Span):
    """A place of a source that supports a statement."""

    source: Identifier
    score: Annotated[Confidence, Field(description="How much of the statement this place carries; not a probability.")]


class Finding(Span):
    """A piece of a statement that its sources do not support; the span is in the statement's text."""

    kind: FindingKind
    seen: Annotated[str, Field(max_length=200, description="What the statement says.")]
    wanted: Annotated[str, Field(max_length=300, description="What the sources say in its place; empty: nothing.")] = ""


class Grounding(ClinicalModel):
    """A statement held against the sources. `supported` only without a finding."""

    status: Literal["supported", "unsupported"]
    evidence: Annotated[tuple[Evidence, ...], Field(max_length=20)] = ()
    findings: Annotated[tuple[Finding, ...], Field(max_length=50)] = ()


class Statement(ClinicalModel):
    """One sentence of a document. `author`: the model's text, or what a person wrote in its place."""

    id: Identifier
    text: Annotated[str, Field(min_length=1, max_length=MAX_STATEMENT_CHARS)]
    author: Literal["model", "clinician", "template"] = "model"
    grounding: Grounding | None = None


class Section(ClinicalModel):
    """A titled part of a document."""

    name: Identifier
    title: Annotated[str, Field(max_length=200)]
    statements: Annotated[tuple[Statement, ...], Field(max_length=500)] = ()


class Notice(ClinicalModel):
    """Something a reader must know about the document that is no statement of it. Never silent, never PHI."""

    code: Identifier
    text: Annotated[str, Field(max_length=500)]


class Document(ClinicalModel):
    """A document at one moment of its life. What state it is in stands beside it, not in it."""

    kind: DocumentKind
    template: Identifier
    sections: Annotated[tuple[Section, ...], Field(max_length=40)]
    notices: Annotated[tuple[Notice, ...], Field(max_length=50)] = ()

    def text(self) -> str:
        """Return the document as plain text: titles, then the statements of each section."""
        blocks = []
        for section in self.sections:
            lines = "\n".join(statement.text for statement in section.statements)
            blocks.append(f"{section.title}\n{lines}" if lines else section.title)
        return "\n\n".join(blocks) + "\n"

    def statements(self) -> tuple[Statement, ...]:
        """Return all statements in reading order."""
        return tuple(statement for section in self.sections for statement in section.statements)

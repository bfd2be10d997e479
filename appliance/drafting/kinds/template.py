"""A template: which sections a document has and what belongs into each. Practices supply their own as JSON."""

import hashlib
import json
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, ValidationError, field_validator, model_validator

from appliance.clinical.document import DocumentKind
from appliance.clinical.model import ClinicalModel
from appliance.drafting.bounded_json import JsonRefusedError, parse
from appliance.drafting.consent import mentions_consent
from appliance.drafting.neutral import neutralise
from appliance.errors import UsageError

MAX_TEMPLATE_BYTES = 64 * 1024
# A longer sentence is none. Engines expand the bound into their grammar, so it also costs; see docs/design/drafting.md.
MAX_SENTENCE_CHARS = 600
_MAX_DEPTH = 8

SectionName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
Placeholder = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]


def _of_ours(text: str) -> str:
    """Refuse what must not get into a prompt: control marks, and words that would ask for consent statements."""
    if neutralise(text).changed or "\n" in text:
        raise ValueError("holds line breaks, hidden characters or marks of a chat format")
    if mentions_consent(text):
        raise ValueError("asks for a consent statement; those come from the recorded event only")
    return text


class TemplateSection(ClinicalModel):
    """One section.

    `origin`: `model` writes it; `facts` fills it from a structured record where there is one, and the model otherwise;
    `consent` holds the line of the recorded event, and the model is never asked for it.
    """

    name: SectionName
    title: Annotated[str, Field(min_length=1, max_length=200)]
    guidance: Annotated[str, Field(max_length=1000)] = ""
    required: bool = False
    max_statements: Annotated[int, Field(ge=1, le=200)] = 30
    max_chars: Annotated[int, Field(ge=20, le=MAX_SENTENCE_CHARS, description="Of one statement.")] = MAX_SENTENCE_CHARS
    origin: Literal["model", "facts", "consent"] = "model"

    @field_validator("title", "guidance")
    @classmethod
    def _safe(cls, text: str, info: object) -> str:
        # A title may say "Consent": the section that the recorded event fills has to be called something.
        return _of_ours(text) if getattr(info, "field_name", "") == "guidance" else _title(text)


def _title(text: str) -> str:
    if neutralise(text).changed or "\n" in text:
        raise ValueError("holds line breaks, hidden characters or marks of a chat format")
    return text


class Template(ClinicalModel):
    """A document's form. `grade_level`: the US school grade that a patient's text should not exceed."""

    id: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9.-]{0,59}$")]
    version: Annotated[int, Field(ge=1, le=1_000_000)]
    kind: DocumentKind
    title: Annotated[str, Field(min_length=1, max_length=200)]
    guidance: Annotated[str, Field(max_length=2000)] = ""
    sections: Annotated[tuple[TemplateSection, ...], Field(min_length=1, max_length=40)]
    grade_level: Annotated[int, Field(ge=3, le=16)] | None = None
    placeholders: Annotated[tuple[Placeholder, ...], Field(max_length=40)] = ()

    _safe = field_validator("guidance")(_of_ours)
    _safe_title = field_validator("title")(_title)

    @model_validator(mode="after")
    def _whole(self) -> Self:
        names = [section.name for section in self.sections]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"sections: the name {twice[0]} is used twice")
        consents = [section for section in self.sections if section.origin == "consent"]
        if consents and self.kind is not DocumentKind.VISIT_NOTE:
            raise ValueError("sections: only a visit note has a section of origin consent")
        if len(consents) > 1:
            raise ValueError("sections: more than one has the origin consent")
        if not any(section.origin == "model" for section in self.sections):
            raise ValueError("sections: none has the origin model, so there is nothing to draft")
        if any(section.origin == "facts" for section in self.sections) and self.kind is not DocumentKind.RECORD_SUMMARY:
            raise ValueError("sections: only a record summary has sections of origin facts")
        if self.placeholders and self.kind is not DocumentKind.FRONT_DESK_TEMPLATE:
            raise ValueError("placeholders: only a front-desk template has them")
        return self

    @property
    def reference(self) -> str:
        """Identifier and version as they stand in a document, for instance visit-note:v1."""
        return f"{self.id}:v{self.version}"

    @property
    def sha256(self) -> str:
        """Digest of the canonical form (keys sorted, defaults written out): the same content, the same digest."""
        text = json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()

    def section(self, name: str) -> TemplateSection:
        """Return the section of that name; KeyError without one."""
        for section in self.sections:
            if section.name == name:
                return section
        raise KeyError(name)


def load_template(data: bytes, *, name: str) -> Template:
    """Read a template. Raises UsageError that names every wrong place, for instance `sections.2.max_statements`."""
    hint = f"correct {name}; docs/design/drafting.md lists what a template may hold"
    try:
        given = parse(data, max_bytes=MAX_TEMPLATE_BYTES, max_depth=_MAX_DEPTH)
    except JsonRefusedError as error:
        raise UsageError(f"{name}: {error}", hint=hint) from None
    try:
        return Template.model_validate_json(json.dumps(given), strict=True)
    except ValidationError as error:
        places = [f"{'.'.join(map(str, one['loc'])) or 'template'}: {one['msg']}" for one in error.errors()]
        raise UsageError(f"{name}: " + "; ".join(places[:10]), hint=hint) from None

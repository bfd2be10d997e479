"""What a document may state facts from: a transcript, a record, or the fields of a form."""

import hashlib
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from appliance.clinical.model import ClinicalModel, Confidence, Identifier, Seconds, Span

MAX_SOURCE_CHARS = 2_500_000


class Speaker(StrEnum):
    """Who said it. `unknown`: the method could not tell, and nobody guessed."""

    CLINICIAN = "clinician"
    PATIENT = "patient"
    OTHER = "other"
    UNKNOWN = "unknown"


class Passage(Span):
    """A piece of a source that can be cited: a turn of a transcript, an entry of a record."""

    speaker: Speaker | None = None
    start_s: Seconds | None = None
    end_s: Seconds | None = None
    label: Annotated[str, Field(max_length=200, description="For instance Condition 2019-03-04, or Page 3.")] = ""


class Doubt(Span):
    """A piece of a source that must not be trusted without a look: two decodings heard different things."""

    kind: Literal["number", "word"]
    alternatives: Annotated[tuple[Annotated[str, Field(max_length=200)], ...], Field(max_length=8)] = ()
    confidence: Confidence | None = None


class Source(ClinicalModel):
    """One source. Offsets are in code points of `text`; passages are in order and do not overlap."""

    id: Identifier
    kind: Literal["transcript", "record", "form"]
    text: Annotated[str, Field(max_length=MAX_SOURCE_CHARS)]
    passages: tuple[Passage, ...] = ()
    doubts: tuple[Doubt, ...] = ()

    @model_validator(mode="after")
    def _inside(self) -> Self:
        at = 0
        for passage in self.passages:
            if passage.start < at or passage.end > len(self.text):
                raise ValueError(f"{self.id}: passages must be in order, apart and inside of the text")
            at = passage.end
        if any(doubt.end > len(self.text) for doubt in self.doubts):
            raise ValueError(f"{self.id}: a doubt lies outside of the text")
        return self

    @property
    def sha256(self) -> str:
        """Digest of the canonical form. It identifies the content, so it is kept as secret as the content."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()

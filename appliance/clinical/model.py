"""The base of the clinical models, and positions in a text."""

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

Identifier = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,99}$")]
"""An identifier of ours. It never holds patient data."""

Confidence = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Seconds = Annotated[float, Field(ge=0, le=7 * 86400, allow_inf_nan=False)]
Offset = Annotated[int, Field(ge=0, le=10_000_000)]


class ClinicalModel(BaseModel):
    """Frozen, and strict about what it was not told of: what is stored or signed must not hold unread keys."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Span(ClinicalModel):
    """A piece of a text: [start, end) in Unicode code points."""

    start: Offset
    end: Offset

    @model_validator(mode="after")
    def _forward(self) -> Self:
        if self.end <= self.start:
            raise ValueError(f"a span must hold at least one character, [{self.start}, {self.end}) does not")
        return self

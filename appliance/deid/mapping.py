"""What a surrogate stands for: a document that whoever keeps it must seal, because it holds every identifier."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import date
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from appliance.deid.identifier import IdentifierKind
from appliance.errors import UsageError

MAX_MAPPING_BYTES = 64 * 1024 * 1024
_Text = Annotated[str, Field(max_length=10_000)]
_Offset = Annotated[int, Field(ge=0, le=2**31)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class MappedWord(_Part):
    """A word of names, addresses, places and facilities. It stands for the same word wherever it stands."""

    surrogate: Annotated[str, Field(min_length=1, max_length=100)]
    original: Annotated[str, Field(min_length=1, max_length=10_000, description="As it was first written.")]
    kind: IdentifierKind
    initial: Annotated[bool, Field(description="One letter: it counts only beside another word of a name.")] = False


class MappedPhrase(_Part):
    """A number, an address, a facility: whatever is put back as a whole only."""

    surrogate: Annotated[str, Field(min_length=1, max_length=10_000)]
    original: Annotated[str, Field(min_length=1, max_length=10_000)]
    kind: IdentifierKind


class MappedDate(_Part):
    """A date that was moved. `fields`: what of it was written (y, m, d); the rest is a reference."""

    surrogate: Annotated[date, Field(strict=False)]
    original: Annotated[date, Field(strict=False)]
    fields: Literal["ymd", "md", "ym", "m"]
    bare: Annotated[bool, Field(description="It was written as 3/5, which may be something else elsewhere.")] = False
    # Written only where it is so: a release from before it reads every mapping without such a date.
    day_first: Annotated[
        bool,
        Field(description="It was written in figures with the day before the month.", exclude_if=lambda so: not so),
    ] = False


class Piece(_Part):
    """Characters [start, end) of a text that was made, and what they were."""

    start: _Offset
    end: _Offset
    original: _Text
    kind: IdentifierKind


class MadeText(_Part):
    """A text that was made, known by its digest, so that it can be undone exactly."""

    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    pieces: Annotated[tuple[Piece, ...], Field(max_length=1_000_000)]

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        at = 0
        for piece in self.pieces:
            if not at <= piece.start <= piece.end:
                raise ValueError("pieces must be in order and apart")
            at = piece.end
        return self


class Mapping(_Part):
    """Everything that was replaced, for one encounter. It holds PHI: seal it, and give it to nobody with the text.

    `plain`: what stands in the texts by itself and looks like a surrogate or a date: it is never put back in a text
    that somebody rewrote.
    """

    schema_version: Literal["deid-mapping/v1"] = "deid-mapping/v1"
    words: Annotated[tuple[MappedWord, ...], Field(max_length=200_000)] = ()
    phrases: Annotated[tuple[MappedPhrase, ...], Field(max_length=200_000)] = ()
    dates: Annotated[tuple[MappedDate, ...], Field(max_length=200_000)] = ()
    ages: Annotated[tuple[_Text, ...], Field(max_length=10_000)] = ()
    plain: Annotated[tuple[_Text, ...], Field(max_length=200_000)] = ()
    texts: Annotated[tuple[MadeText, ...], Field(max_length=10_000)] = ()

    def __repr__(self) -> str:
        return f"Mapping({len(self.words) + len(self.phrases) + len(self.dates)} entries)"

    def dumps(self) -> str:
        """Return it as JSON."""
        return self.model_dump_json()


def loads(data: bytes, origin: str) -> Mapping:
    """Read a mapping; `origin` is its file, for messages. Raises UsageError, which never repeats what it holds."""
    hint = "give the file that --mapping wrote, unchanged"
    if len(data) > MAX_MAPPING_BYTES:
        raise UsageError(f"{origin}: {len(data)} bytes", hint=f"a mapping has at most {MAX_MAPPING_BYTES} bytes")
    try:
        found = Mapping.model_validate_json(data)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
        if first["type"] == "json_invalid":
            raise UsageError(f"{origin}: {json_place(data)}", hint=hint) from None
        where = ".".join(map(str, first["loc"])) or "the document"
        raise UsageError(f"{origin}: {where}: {first['type'].replace('_', ' ')}", hint=hint) from None
    if "schema_version" not in found.model_fields_set:
        # Every field has a default: without this, an empty object would be a mapping of nothing.
        raise UsageError(f"{origin}: schema_version: missing", hint=hint)
    return found


def json_place(data: bytes) -> str:
    """Say where a text stops being JSON, by line and column, without its content."""
    try:
        json.loads(data)
    except json.JSONDecodeError as error:
        return f"line {error.lineno}, column {error.colno}: not JSON ({error.msg})"
    except (UnicodeDecodeError, RecursionError, ValueError):
        return "not JSON in UTF-8"
    return "not JSON as RFC 8259 has it"


def spans(pieces: Iterable[Piece]) -> tuple[tuple[int, int], ...]:
    """Return where pieces lie."""
    return tuple((piece.start, piece.end) for piece in pieces)

"""The evaluation set: an archive with `index.json` and the recordings that it names. Its identity is its SHA-256.

What was really said stands in the index, written by people, with the places that matter marked: numbers, drugs, doses
and negations. Recordings are synthetic, or of patients who consented to this use; the index says which.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, ValidationError, model_validator

from appliance.clinical.document import DocumentKind
from appliance.clinical.model import ClinicalModel, Identifier, Span
from appliance.clinical.source import Passage, Source, Speaker
from appliance.contract.health_reading import check_bounds
from appliance.contract.release import ComponentName, Line
from appliance.drafting.kinds.template import Template
from appliance.errors import UsageError
from appliance.evaluation.measures import Kind, Marked
from appliance.evaluation.tape import HINT, Archive, Member, members

INDEX = "index.json"
MAX_SET_BYTES = 1 << 30
MAX_INDEX_BYTES = 16 << 20
# An alignment takes the product of both lengths in bytes.
MAX_WORDS = 5_000
AudioName = Annotated[str, StringConstraints(pattern=r"^audio/[A-Za-z0-9][A-Za-z0-9._-]{0,80}\.(wav|flac)$")]
ClipSeconds = Annotated[float, Field(gt=0, le=4 * 3600, allow_inf_nan=False)]


class Expected(Span):
    """A place of a turn's text that must be heard exactly."""

    kind: Kind


class SaidTurn(ClinicalModel):
    """What one speaker said, and the places in it that matter."""

    speaker: Speaker
    text: Annotated[str, Field(min_length=1, max_length=100_000, pattern=r"^[^\x00-\x1f\x7f]+$")]
    expected: Annotated[tuple[Expected, ...], Field(max_length=2000)] = ()

    @model_validator(mode="after")
    def _inside(self) -> Self:
        for each in self.expected:
            if not self.text[each.start : each.end].strip() or each.end > len(self.text):
                raise ValueError(f"expected: [{each.start}, {each.end}) marks no word of the text")
        return self


class Encounter(ClinicalModel):
    """A recorded visit. `draft`: what is drafted from the reference, by `template` if there is one; None: nothing."""

    id: Identifier
    audio: AudioName
    seconds: ClipSeconds
    language: Annotated[str, Field(pattern=r"^[a-z]{2,3}$")] = "en"
    turns: Annotated[tuple[SaidTurn, ...], Field(min_length=1, max_length=5000)]
    draft: DocumentKind | None = None
    template: Template | None = None

    @model_validator(mode="after")
    def _bounded(self) -> Self:
        words = sum(len(turn.text.split()) for turn in self.turns)
        if words > MAX_WORDS:
            raise ValueError(f"turns: {words} words, at most {MAX_WORDS}; split the encounter")
        if self.template is not None and self.template.kind is not self.draft:
            raise ValueError("template: it is of another kind than the draft")
        return self

    @property
    def reference(self) -> str:
        """What was said, as one text."""
        return " ".join(turn.text for turn in self.turns)

    def marked(self) -> tuple[Marked, ...]:
        """The places that matter, in `reference`."""
        found, at = [], 0
        for turn in self.turns:
            found += [Marked(each.kind, at + each.start, at + each.end) for each in turn.expected]
            at += len(turn.text) + 1
        return tuple(found)

    def source(self) -> Source:
        """The reference as drafting reads a transcript: a line for each turn."""
        text, passages = "", []
        for turn in self.turns:
            start = len(text) + len(turn.speaker.value) + 2
            text += f"{turn.speaker.value}: {turn.text}\n"
            passages.append(Passage(start=start, end=start + len(turn.text), speaker=turn.speaker))
        return Source(id="transcript", kind="transcript", text=text, passages=tuple(passages))


class Silence(ClinicalModel):
    """A recording in which nobody speaks."""

    id: Identifier
    audio: AudioName
    seconds: ClipSeconds


class Index(ClinicalModel):
    """`index.json`."""

    schema_version: Literal["evaluation-set/v1"]
    name: ComponentName
    about: Line
    recordings: Annotated[Literal["synthetic", "consented"], Field(description="Whose voices these are.")]
    vocabulary: Annotated[tuple[Annotated[str, Field(min_length=1, max_length=100)], ...], Field(max_length=500)] = ()
    encounters: Annotated[tuple[Encounter, ...], Field(min_length=1, max_length=500)]
    silences: Annotated[tuple[Silence, ...], Field(max_length=200)]

    @model_validator(mode="after")
    def _apart(self) -> Self:
        for names in ([each.id for each in self.clips], [each.audio for each in self.clips]):
            if twice := sorted({name for name in names if names.count(name) > 1}):
                raise ValueError(f"{twice[0]} stands in it twice")
        return self

    @property
    def clips(self) -> tuple[Encounter | Silence, ...]:
        """Everything with a recording."""
        return (*self.encounters, *self.silences)


@dataclass(frozen=True)
class EvaluationSet:
    """A set that was read and is whole: every recording that the index names is there, and nothing else."""

    index: Index
    archive: Archive
    files: Mapping[str, Member]

    @cached_property
    def sha256(self) -> str:
        """The set's identity."""
        return hashlib.sha256(self.archive).hexdigest()

    def audio(self, clip: Encounter | Silence) -> bytes:
        """The recording."""
        member = self.files[clip.audio]
        return self.archive[member.start : member.start + member.size]

    def lacking(self, *, drafting: bool) -> list[str]:
        """Return what a measure would need and the set does not have: such a set measures nothing there."""
        kinds = {each.kind for encounter in self.index.encounters for each in encounter.marked()}
        wanted = {
            "a number that is marked": "number" in kinds, "a drug or dose that is marked": kinds & {"drug", "dose"},
            "a negation that is marked": "negation" in kinds, "a recording of silence": self.index.silences,
            "an encounter with a draft": not drafting or any(each.draft for each in self.index.encounters),
        }  # fmt: skip
        return [what for what, there in wanted.items() if not there]


def read_set(archive: Archive) -> EvaluationSet:
    """Read a set. Raises UsageError."""
    if len(archive) > MAX_SET_BYTES:
        raise UsageError(f"the evaluation set has more than {MAX_SET_BYTES} bytes", hint="split it")
    files = members(archive)
    if INDEX not in files:
        raise UsageError(f"the evaluation set has no {INDEX}", hint=HINT)
    text = archive[files[INDEX].start : files[INDEX].start + files[INDEX].size]
    hint = f"correct {INDEX} of the set"
    try:
        check_bounds(text, MAX_INDEX_BYTES)
        index = Index.model_validate_json(text)
    except ValidationError as problem:
        first = problem.errors(include_url=False, include_context=False, include_input=False)[0]
        where = ".".join(str(each) for each in first["loc"]) or "the document"
        raise UsageError(f"{INDEX}: {where}: {first['msg']}"[:400], hint=hint) from None
    except ValueError as problem:
        raise UsageError(f"{INDEX}: {problem}"[:400], hint=hint) from None
    named = {clip.audio for clip in index.clips}
    for name in sorted(named ^ (files.keys() - {INDEX})):
        what = "is named and not there" if name in named else "is there and not named"
        raise UsageError(f"the evaluation set: {name[:120]!r} {what}", hint=hint)
    return EvaluationSet(index, archive, files)

"""A transcript: who said what, when, and how sure the recogniser was."""

from typing import Annotated, Literal

from pydantic import Field

from appliance.clinical.model import ClinicalModel, Confidence, Seconds
from appliance.clinical.source import Doubt, Passage, Source, Speaker

MAX_TURNS = 20_000


class Word(ClinicalModel):
    """One word as it was heard. `alternatives`: what a second decoding heard in its place, if it heard otherwise."""

    text: Annotated[str, Field(max_length=200)]
    start_s: Seconds
    end_s: Seconds
    confidence: Confidence
    doubt: Literal["number", "word"] | None = None
    alternatives: Annotated[tuple[Annotated[str, Field(max_length=200)], ...], Field(max_length=8)] = ()


class Turn(ClinicalModel):
    """What one speaker said without a break. `text` is the words joined by single blanks."""

    speaker: Speaker
    start_s: Seconds
    end_s: Seconds
    words: Annotated[tuple[Word, ...], Field(min_length=1, max_length=20_000)]

    @property
    def text(self) -> str:
        """The turn as one line."""
        return " ".join(word.text for word in self.words)


class Unclear(ClinicalModel):
    """A stretch whose text was left out, because it was likely invented."""

    start_s: Seconds
    end_s: Seconds


class Transcript(ClinicalModel):
    """A whole recording."""

    language: Annotated[str, Field(max_length=20)]
    duration_s: Seconds
    speech_s: Seconds
    turns: Annotated[tuple[Turn, ...], Field(max_length=MAX_TURNS)] = ()
    unclear: Annotated[tuple[Unclear, ...], Field(max_length=MAX_TURNS)] = ()
    speaker_method: Annotated[str, Field(max_length=100, description="channels, voices or none; see docs.")] = "none"

    def source(self, identifier: str = "transcript") -> Source:
        """Return it as a source: a line for each turn, the passage without the speaker's name."""
        pieces: list[str] = []
        passages: list[Passage] = []
        doubts: list[Doubt] = []
        at = 0
        for turn in self.turns:
            label = f"{turn.speaker.value}: "
            start = at + len(label)
            for word in turn.words:
                if word.doubt is not None and word.text:
                    doubts.append(
                        Doubt(
                            start=start, end=start + len(word.text), kind=word.doubt, alternatives=word.alternatives,
                            confidence=word.confidence,
                        )
                    )  # fmt: skip
                start += len(word.text) + 1
            line = label + turn.text
            passages.append(
                Passage(
                    start=at + len(label), end=at + len(line), speaker=turn.speaker, start_s=turn.start_s,
                    end_s=turn.end_s,
                )
            )  # fmt: skip
            pieces.append(line)
            at += len(line) + 1
        return Source(
            id=identifier, kind="transcript", text="\n".join(pieces), passages=tuple(passages), doubts=tuple(doubts)
        )

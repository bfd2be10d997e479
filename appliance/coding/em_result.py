"""What E/M support answers: facts with their places, the elements, the verdict on a claimed code."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from appliance.coding.em_reading import Statement
from appliance.coding.em_rules import Level
from appliance.coding.em_words import marked


class Verdict(StrEnum):
    """Nothing here ever says that more could be billed."""

    SUPPORTS = "supports"
    SUPPORTS_LESS = "supports less"
    QUESTIONS = "questions"


@dataclass(frozen=True, slots=True)
class Found:
    """Something found in a note.

    Args:
        kind: What it counts as, or would count as ("order", "prescription drug management").
        key: What makes it unique: the same test, source or problem counts once.
        start: Offset in the note.
        end: Offset behind.
        reason: Why it counts, or why it does not.
        counted: Whether it counts.
        level: For problems and risk: the level it stands for.
        minutes: For time.
    """

    kind: str
    key: str
    start: int
    end: int
    reason: str
    counted: bool = True
    level: Level = Level.NONE
    minutes: int = 0


@dataclass(frozen=True, slots=True)
class Reading:
    """What one part read: its level (NONE for time), what it found, what a coder has to settle."""

    level: Level
    found: tuple[Found, ...]
    questions: tuple[str, ...] = ()


def found_in(
    statement: Statement, start: int, end: int, kind: str, key: str, reason: str, *, counted: bool = True,
    level: Level = Level.NONE, minutes: int = 0,
) -> Found:  # fmt: skip
    """A finding at [start, end) of a statement."""
    offset = statement.start
    return Found(kind, key, offset + start, offset + end, reason, counted, level, minutes)


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Fact(_Frozen):
    """A place of the note and what it is taken for."""

    kind: str
    start: int = Field(ge=0, description="Offset of the first character in the note.")
    end: int = Field(ge=0, description="Offset behind the last character.")
    quote: str = Field(description="The note between them, each blank written as the mark of reports.")
    counted: bool
    reason: str = Field(description="Why it counts or does not, blanks marked.")


class Element(_Frozen):
    """One of the three elements of decision making, or time."""

    name: Literal["problems", "data", "risk", "time"]
    level: str = Field(description="none, straightforward, low, moderate or high; for time: minutes or none.")
    enough: bool = Field(False, description="It meets the claimed code; nothing beyond is judged.")
    facts: tuple[Fact, ...]


class Support(_Frozen):
    """What the documentation of one visit supports."""

    schema_version: Literal["em-support/v1"] = "em-support/v1"
    visit: str
    day: str = Field(description="Date of service, ISO 8601.")
    rules: str = Field(description="The rules that held on that day.")
    claimed: str | None
    verdict: Verdict
    supported: str | None = Field(description="The highest code that the note supports, never above a claimed one.")
    by: tuple[Literal["time", "mdm"], ...] = Field(description="What reaches the code.")
    mdm: str = Field(description="Level that two of the three elements meet.")
    minutes: int | None = Field(description="Total minutes that count; null when the note states none.")
    elements: tuple[Element, ...]
    missing: tuple[str, ...] = Field(description="What the next code asks for and the note does not show.")
    questions: tuple[str, ...]


def fact_of(found: Found, text: str) -> Fact:
    """A finding as the report carries it."""
    return Fact(
        kind=marked(found.kind), start=found.start, end=found.end, quote=marked(text[found.start : found.end]),
        counted=found.counted, reason=marked(found.reason),
    )  # fmt: skip

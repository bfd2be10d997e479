"""What the documentation of a visit supports, by time or by decision making; it lowers or questions, and never raises.

CPT lets the clinician choose time or decision making, so the higher of the two is what the note supports. Against a
claimed code nothing beyond the claim is judged or said.
"""

from __future__ import annotations

import datetime
import re
from dataclasses import dataclass

from appliance.coding.assertion import StatusReader
from appliance.coding.em_data import read_data
from appliance.coding.em_own import own_output
from appliance.coding.em_problems import read_problems
from appliance.coding.em_reading import MAX_STATEMENT_CHARS, deciding, documenting, statements
from appliance.coding.em_result import Element, Reading, Support, Verdict, fact_of
from appliance.coding.em_risk import read_risk
from appliance.coding.em_rules import (
    CONSULTATIONS,
    MINIMUM_TIMES_SINCE,
    Family,
    Level,
    VisitCode,
    family_of,
    family_of_code,
    two_of_three,
)
from appliance.coding.em_time import read_time
from appliance.coding.em_words import phrase
from appliance.errors import UsageError

MAX_NOTE_CHARS = 60_000
"""A signed note has a few thousand characters; a longer text is no note of one visit."""
_BLANKS = re.compile(r"\s{1000}")

_NO_CONSULTATIONS_SINCE = datetime.date(2010, 1, 1)


@dataclass(frozen=True, slots=True)
class _Read:
    problems: Reading
    data: Reading
    risk: Reading
    time: Reading
    sectioned: bool
    too_long: int

    @property
    def mdm(self) -> Level:
        """Without a problem there is no decision about one."""
        if self.problems.level is Level.NONE:
            return Level.NONE
        return two_of_three(self.problems.level, self.data.level, self.risk.level)

    @property
    def minutes(self) -> int | None:
        return next((found.minutes for found in self.time.found if found.counted), None)


def support(text: str, *, visit: str, on: datetime.date, claimed: str | None = None) -> Support:
    """Judge a signed note.

    Args:
        text: The note.
        visit: The kind of visit, a key of `FAMILIES`.
        on: Date of service.
        claimed: The code that is claimed, if any; nothing above it is ever said.

    Raises:
        UsageError: An unknown kind of visit, a claimed code that is none of E/M, or a note that is empty or too long.
        RefusedError: The date of service lies before the rules.
    """
    family = family_of(visit, on)
    if not text.strip():
        raise UsageError("the note is empty", hint="give the text of the signed note")
    if len(text) > MAX_NOTE_CHARS:
        raise UsageError(f"the note has {len(text)} characters", hint=f"one visit's note, at most {MAX_NOTE_CHARS}")
    if (blank := _BLANKS.search(text)) is not None:
        line = text[: blank.start()].count("\n") + 1
        raise UsageError(f"line {line} of the note: over 1,000 blanks in a row", hint="give the note as it was signed")
    if claimed is not None and family_of_code(claimed) is None:
        raise UsageError(f"--claimed: {claimed} is no E/M code with a level", hint=f"one of {_names(family)}")
    own = own_output(text)
    if own is not None:
        return _without_level(family, on, claimed, phrase("own_output", span=f"{own[0]}-{own[1]}"))
    if claimed is not None and family.find(claimed) is None:
        known = claimed in family.others
        sentence = (
            phrase("not_told", claimed=claimed) if known else phrase("other_family", claimed=claimed, visit=family.name)
        )
        return _without_level(family, on, claimed, sentence)
    return _judged(family, on, claimed, text, _read(text, family, on))


def _names(family: Family) -> str:
    return ", ".join(code.code for code in family.codes)


def _rules(on: datetime.date) -> str:
    return "minimum times" if on >= MINIMUM_TIMES_SINCE else "time ranges"


def _without_level(family: Family, on: datetime.date, claimed: str | None, question: str) -> Support:
    return Support(
        visit=family.name, day=on.isoformat(), rules=_rules(on), claimed=claimed, verdict=Verdict.QUESTIONS,
        supported=None, by=(), mdm=Level.NONE.word, minutes=None, elements=(), missing=(), questions=(question,),
    )  # fmt: skip


def _read(text: str, family: Family, on: datetime.date) -> _Read:
    note = statements(text)
    held, decided = documenting(note), deciding(note)
    timed = any(code.minutes for code in family.codes)
    return _Read(
        problems=read_problems(decided, StatusReader(text).assertion),
        data=read_data(held),
        risk=read_risk(decided),
        time=read_time(held, on, family.implausible_min, decides=timed),
        too_long=sum(len(one.text) > MAX_STATEMENT_CHARS for one in note),
        sectioned=any(one.section in {"assessment", "plan"} for one in note),
    )


def _judged(family: Family, on: datetime.date, claimed: str | None, text: str, read: _Read) -> Support:
    by_mdm = family.code(read.mdm)
    by_time = family.by_time(read.minutes, on) if read.minutes is not None else None
    best = max((code for code in (by_mdm, by_time) if code is not None), key=family.codes.index, default=None)
    claim = family.find(claimed) if claimed is not None else None
    kept = best is not None and claim is not None and claim.level <= best.level
    reached = claim if kept else best
    if reached is None:
        verdict = Verdict.QUESTIONS
    elif claim is not None and not kept:
        verdict = Verdict.SUPPORTS_LESS
    else:
        verdict = Verdict.SUPPORTS
    # A claim that is supported is the end of it: what lies above would tell how to bill more.
    ceiling = claim.level if claim is not None and kept else Level.HIGH
    goal = None if kept else (claim if claim is not None else family.above(best))
    by: list[str] = []
    if reached is not None:
        by += ["time"] * (by_time is not None and by_time.level >= reached.level)
        by += ["mdm"] * (by_mdm is not None and by_mdm.level >= reached.level)
    minutes = read.minutes
    if minutes is not None and claim is not None and kept and (least := claim.minimum(on)) is not None:
        minutes = min(minutes, least)
    return Support(
        visit=family.name, day=on.isoformat(), rules=_rules(on), claimed=claimed, verdict=verdict,
        supported=reached.code if reached is not None else None, by=tuple(by),
        mdm=min(read.mdm, ceiling).word, minutes=minutes, elements=_elements(read, text, ceiling, minutes),
        missing=_missing(goal, on, read), questions=_questions(family, on, read),
    )  # fmt: skip


def _elements(read: _Read, text: str, ceiling: Level, minutes: int | None) -> tuple[Element, ...]:
    made = [
        Element(
            name=name, level=min(reading.level, ceiling).word,
            enough=ceiling < Level.HIGH and reading.level >= ceiling,
            facts=tuple(fact_of(found, text) for found in reading.found),
        )
        for name, reading in (("problems", read.problems), ("data", read.data), ("risk", read.risk))
    ]  # fmt: skip
    time = Element(
        name="time", level="none" if minutes is None else f"{minutes} minutes",
        enough=minutes is not None and minutes != read.minutes,
        facts=tuple(fact_of(found, text) for found in read.time.found),
    )  # fmt: skip
    return (*made, time)


def _missing(goal: VisitCode | None, on: datetime.date, read: _Read) -> tuple[str, ...]:
    if goal is None:
        return ()
    lines = []
    if (least := goal.minimum(on)) is not None:
        seen = "no time" if read.minutes is None else f"{read.minutes} minutes"
        lines.append(phrase("missing_clock", code=goal.code, seen=seen, wanted=f"{least} minutes"))
    for name, reading in (("problems", read.problems), ("data", read.data), ("risk", read.risk)):
        if reading.level < goal.level:
            lines.append(
                phrase("missing_element", code=goal.code, element=name, seen=reading.level.word, wanted=goal.level.word)
            )
    return (*lines, phrase("missing_two", code=goal.code))


def _questions(family: Family, on: datetime.date, read: _Read) -> tuple[str, ...]:
    asked = [
        phrase("question", question=one)
        for reading in (read.problems, read.data, read.risk, read.time)
        for one in reading.questions
    ]
    if read.too_long:
        asked.append(phrase("too_long", count=read.too_long))
    if not read.sectioned:
        asked.append(phrase("no_sections"))
    if family.name in CONSULTATIONS:
        asked.append(phrase("consultation", day=_NO_CONSULTATIONS_SINCE.isoformat()))
    return tuple(asked)

"""The problems that a note addresses, their class and level; an unclear class goes to the lower one."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from appliance.coding.em_assertion import status
from appliance.coding.em_lexicon import Term, drugs, problems_in, tests
from appliance.coding.em_reading import Statement
from appliance.coding.em_result import Found, Reading, found_in
from appliance.coding.em_rules import Level
from appliance.coding.suggestion import Assertion

# What a class stands for when one problem of it is addressed, in our words.
_ONE = {
    "minor": (Level.STRAIGHTFORWARD, "self-limited or minor"),
    "open": (Level.STRAIGHTFORWARD, "of a class that the note leaves open"),
    "acute": (Level.LOW, "acute and uncomplicated"),
    "symptom": (Level.LOW, "a new complaint without systemic signs"),
    "chronic": (Level.LOW, "chronic and taken as stable"),
    "systemic": (Level.MODERATE, "acute with systemic symptoms"),
    "injury": (Level.MODERATE, "an acute complicated injury"),
    "uncertain": (Level.MODERATE, "new and undiagnosed with an uncertain prognosis"),
    "worse": (Level.MODERATE, "chronic and worse or short of its goal"),
    "severe": (Level.HIGH, "chronic and severely worse"),
    "threat": (Level.HIGH, "a threat to life or bodily function"),
}
_WORSE = re.compile(
    r"\b(?:worse(?:ning|ned)?|uncontrolled|decompensat\w+|exacerbat\w+|flar(?:e|es|ed|ing)(?:[- ]?up)?"
    r"|progress(?:ing|ion|ed)"
    r"|not (?:well |adequately |optimally |yet )?(?:controlled|at goal)|poorly[- ]controlled|inadequately controlled"
    r"|sub-?optimal(?:ly controlled)?|above goal|not at (?:target|goal)|acute on chronic|deteriorat\w+|refractory"
    r"|(?:having|experienc\w+|developed|due to|because of) (?:\w+ ){0,2}side effects?)\b",
    re.IGNORECASE,
)
_SEVERE = re.compile(
    r"\b(?:severe(?:ly)? (?:exacerbat\w+|decompensat\w+|worse\w*|uncontrolled|progression)|life[- ]threatening)\b",
    re.IGNORECASE,
)
# A problem that another clinician looks after is only noted here, unless something is done about it.
_ELSEWHERE = re.compile(
    r"\b(?:managed|followed|treated|handled) by (?:(?:her|his|their|the|an?|outside) )?(?:dr\b|doctor|\w+olog\w+"
    r"|psychiatr\w+|pcp|primary|specialist|surgeon|another|other|outside|pain clinic)|\bdefer\w* to\b"
    r"|\bper (?:cardiology|nephrology|oncology|neurology|endocrin\w+|psychiatry|pulmon\w+|rheumat\w+)\b"
    r"|\bkeep (?:her|his|the|their) (?:appointment|follow[- ]up) with\b",
    re.IGNORECASE,
)
_HEADING_WORDS = 9
# "A man of 60 who presents with": why somebody came, not what was addressed.
# A line that begins with what was done names no problem.
_DOES = re.compile(
    r"\b(?:review\w*|discuss\w*|continu\w*|start\w*|take\w*|monitor\w*|order\w*|check\w*|explain\w*|recommend\w*"
    r"|educat\w*"
    r"|counsel\w*|encourag\w*|advis\w*|prescri\w*|refer\w*|patient|she|he|they|return|call|avoid)\b",
    re.IGNORECASE,
)
_INTRODUCES = re.compile(
    r"\b(?:presents?|presented|presenting|complain\w*|year[- ]old|is here|seen (?:today )?for)\b", re.I
)
_BETTER = re.compile(
    r"\b(?:well[- ]controlled|stable|improv\w+|better|at goal|resolv\w+|under (?:good )?control|doing well)\b",
    re.IGNORECASE,
)
# Headings of an assessment that name no problem.
_NO_PROBLEM = re.compile(
    r"\b(?:visit|exam\w*|physical|maintenance|follow[- ]?up|screening|well[- ]child|wellness|preventi\w+"
    r"|counsel\w*|instructions?|smear|vaccin\w*|immuniz\w*|return|status post|s/p|medications?|refills?)\b",
    re.IGNORECASE,
)
_LABEL = re.compile(
    r"^\s*(?:patient agreements?|medical reasoning|additional testing|medical treatment|patient education\w*|plan"
    r"|follow[- ]up|note)\b[^:]*:",
    re.IGNORECASE,
)


@dataclass
class _Problem:
    key: str
    kind: str
    found: Found
    body: list[Statement] = field(default_factory=list)


def read_problems(deciding: Sequence[Statement], held_as: Callable[[int, int], Assertion]) -> Reading:
    """Read the problems of the assessment and plan: each once, however often it is named.

    Args:
        deciding: The statements in which problems are addressed.
        held_as: How the whole note holds the mention at [start, end). What counts is present by it and by the strict
            reading of its sentence: two readings made apart, and a doubt of either is enough.
    """
    problems: dict[str, _Problem] = {}
    left: list[Found] = []
    questions: list[str] = []
    current: _Problem | None = None
    for one in deciding:
        terms = problems_in(one.text)
        held = {term: _held(one, term, held_as) for term in terms}
        present = [term for term in terms if held[term] is Assertion.PRESENT]
        left += [_uncounted(one, term, held[term]) for term in terms if term not in present]
        heading = (
            one.heads
            and len(one.text.split()) <= _HEADING_WORDS
            and not _LABEL.match(one.text)
            and not (terms and _DOES.search(one.text[: terms[0].start]))
        )
        if heading and len({term.kind for term in present}) > 1:
            # "Reflux with nausea": the complaint belongs to the condition.
            present = [term for term in present if term.kind != "symptom"]
        if heading and present:
            current = problems.setdefault(present[0].key, _new(one, present[0]))
        opens = heading or (current is None and not _INTRODUCES.search(one.text))
        for term in present:
            # Below a heading the names in running text explain that problem; without one they open their own.
            own = opens or _stated(one, term)
            if term.key not in problems and own and (heading or term.kind != "symptom"):
                problems[term.key] = _new(one, term)
        if heading and not terms:
            current = problems.setdefault(one.text.casefold(), _open(one)) if _numbered(one) else None
        if current is not None:
            current.body.append(one)
        for term in present:
            if term.key in problems and problems[term.key] is not current:
                problems[term.key].body.append(one)
    counted = [_judged(problem, questions) for problem in problems.values()]
    return Reading(_level(counted), tuple(found for found, _ in counted) + tuple(left), tuple(dict.fromkeys(questions)))


def _stated(one: Statement, term: Term) -> bool:
    """Whether a sentence of running text begins with a problem and tells its course: "DM2 at goal, continue ..."."""
    before = one.text[: term.start]
    course = _BETTER.search(one.text) or _WORSE.search(one.text)
    return len(before.split()) <= 2 and course is not None and not _DOES.search(before)


def _new(one: Statement, term: Term) -> _Problem:
    found = found_in(one, term.start, term.end, term.kind, term.key, "", level=_ONE[term.kind][0])
    return _Problem(term.key, term.kind, found)


def _open(one: Statement) -> _Problem:
    return _Problem(one.text, "open", found_in(one, 0, len(one.text), "open", one.text.casefold(), ""))


def _numbered(one: Statement) -> bool:
    """Whether a line that names no known condition looks like the name of a problem."""
    return (
        one.section == "assessment"
        and ":" not in one.text
        and len(one.text.split()) <= 6
        and not _NO_PROBLEM.search(one.text)
        and next(drugs().find(one.text), None) is None
        and next(tests().find(one.text), None) is None
        and status(one.text, 0, len(one.text)) is Assertion.PRESENT
    )


def _held(one: Statement, term: Term, held_as: Callable[[int, int], Assertion]) -> Assertion:
    strict = status(one.text, term.start, term.end)
    return strict if strict is not Assertion.PRESENT else held_as(one.start + term.start, one.start + term.end)


def _uncounted(one: Statement, term: Term, held: Assertion) -> Found:
    return found_in(one, term.start, term.end, term.kind, term.key, f"the note holds it as {held.value}", counted=False)


def _judged(problem: _Problem, questions: list[str]) -> tuple[Found, str]:
    """Give a problem its class by what the statements under it say, and say why."""
    kind = problem.kind
    start, end = problem.found.start, problem.found.end
    if kind == "chronic":
        for one in problem.body:
            for pattern, worse in ((_SEVERE, "severe"), (_WORSE, "worse")):
                hit = pattern.search(one.text)
                if hit is None or kind == "severe" or not _about(problem, one) or not _holds(one, hit):
                    continue
                if _BETTER.search(one.text.replace(hit.group(), " ")):
                    questions.append(f"whether {problem.key} is better or worse because one sentence says both")
                    continue
                kind, start, end = worse, one.start + hit.start(), one.start + hit.end()
    elsewhere = any(_ELSEWHERE.search(one.text) for one in problem.body)
    if elsewhere:
        reason = "somebody else looks after it and it is only noted here"
        return Found(
            problem.kind, problem.key, problem.found.start, problem.found.end, reason, counted=False
        ), problem.kind
    if kind == "open":
        questions.append("the class of a problem is left open and it was taken as minor")
    return Found(
        _ONE[kind][1],
        problem.key,
        start,
        end,
        f"{problem.key}: {_ONE[kind][0].word} when it is one",
        level=_ONE[kind][0],
    ), kind


def _about(problem: _Problem, one: Statement) -> bool:
    """Whether a statement speaks of this problem: it names no other one, or this one as well."""
    named = {term.key for term in problems_in(one.text) if term.kind != "symptom" or term.key == problem.key}
    return not named or named == {problem.key}


def _holds(one: Statement, hit: re.Match[str]) -> bool:
    return status(one.text, hit.start(), hit.end()) is Assertion.PRESENT


def _level(problems: Sequence[tuple[Found, str]]) -> Level:
    kinds = [kind for found, kind in problems if found.counted]
    level = max((_ONE[kind][0] for kind in kinds), default=Level.NONE)
    if kinds.count("minor") >= 2:
        level = max(level, Level.LOW)
    if kinds.count("chronic") >= 2:
        level = max(level, Level.MODERATE)
    return level

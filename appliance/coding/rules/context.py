"""What the text says around the evidence of a code: words that hold, words denied, side, episode, trimester."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from appliance.coding.assertion import StatusReader
from appliance.coding.rules.course import COURSE, nouns, of_evidence
from appliance.coding.rules.titles import stems
from appliance.coding.suggestion import Assertion
from appliance.grounding.sides import sides_in
from appliance.grounding.tokens import stem, tokenise

_MAX_WORDS = 400
_HOLDS = frozenset({Assertion.PRESENT, Assertion.HISTORICAL})
_WORD = re.compile(r"[A-Za-z0-9][\w'.-]*")
_LATER = re.compile(
    r"\b(?:follow[- ]?up|followup|recheck|re-check|aftercare|healing|healed|cast (?:removal|change)|suture removal"
    r"|post[- ]?op(?:erative)?|routine healing|returns? for|subsequent)\b",
    re.IGNORECASE,
)
_HANDED = re.compile(r"\b(?:left|right)(?:[- ]?handed(?:ness)?|[- ]hand(?:ed)?[- ]dominan(?:t|ce))\b", re.IGNORECASE)
_SEQUELA = re.compile(
    r"\b(?:sequelae?|late effects?|residuals? (?:of|from)|as a result of (?:an? )?old)\b", re.IGNORECASE
)
_WEEKS = re.compile(
    r"\b(\d{1,2})(?:\s*(?:\+|and)?\s*\d/7)?[- ]*(?:weeks?|wks?|w)\b(?:['\s]*(?:of )?(?:gestation|pregnan|ga\b|ega\b))?",
    re.I,
)
_PREGNANT = re.compile(r"\b(?:pregnan|gestation|gravid|trimester|prenatal|antenatal|obstetric)", re.IGNORECASE)
# Chapter 15 of ICD-10-CM: first less than 14 weeks 0 days, second up to less than 28 weeks 0 days, then the third.
_SECOND_WEEKS, _THIRD_WEEKS, _TERM_WEEKS = 14, 28, 43


@dataclass(frozen=True, slots=True)
class Context:
    """What holds around the evidence.

    Args:
        held: Stems that are stated of the patient; "acute", "chronic" and the like only where said of the evidence.
        denied: Stems that are denied.
        sides: "left", "right", "bilateral" as stated in the evidence's own sentences.
        later: Whether the text speaks of care after the active treatment.
        sequela: Whether it speaks of what an earlier condition left behind.
        courses: (word of course, stem of what it is said of) for all others: "acute", "cholecystitis" at a gallstone.
    """

    held: frozenset[str]
    denied: frozenset[str] = frozenset()
    sides: frozenset[str] = frozenset()
    later: bool = False
    sequela: bool = False
    courses: frozenset[tuple[str, str]] = frozenset()

    def joined(self, other: Context) -> Context:
        """Return both together."""
        return Context(
            self.held | other.held, self.denied | other.denied, self.sides | other.sides, self.later or other.later,
            self.sequela or other.sequela, self.courses | other.courses,
        )  # fmt: skip


def context(reader: StatusReader, places: Iterable[tuple[int, int]], more: frozenset[str] = frozenset()) -> Context:
    """Return the context of evidence at places of a text; `more` are stems that hold as well (a partner's title)."""
    held, denied, sides, courses = set(more), set[str](), set[str](), set[tuple[str, str]]()
    later = sequela = False
    places = list(places)
    for start, end in _sentences(reader, places):
        sentence = reader.text[start:end]
        words = list(_WORD.finditer(sentence))[:_MAX_WORDS]
        inside = [(first - start, last - start) for first, last in places if start <= first < end]
        for at, word in enumerate(words):
            status = reader.assertion(start + word.start(), start + word.end())
            found = set(stems(word.group()))
            if found & COURSE and not of_evidence(sentence, word.span(), inside):
                if status in _HOLDS:
                    courses |= nouns(sentence, words, at)
                found -= COURSE
            (held if status in _HOLDS else denied).update(found)
        # Roman numbers are read beside their word, so the sentence is read as a whole as well.
        held |= {one for one in stems(sentence) if one[0].isdigit()}
        tokens = tokenise(_HANDED.sub(" ", sentence))
        sides |= {side for _, side in sides_in(tokens, range(len(tokens)), spoken=False)}
        later |= _LATER.search(sentence) is not None
        sequela |= _SEQUELA.search(sentence) is not None
    if {"left", "right"} <= sides:
        sides = {"bilateral"}
    held |= _trimester(reader.text) | sides
    return Context(frozenset(held), frozenset(denied - held), frozenset(sides), later, sequela, frozenset(courses))


def _sentences(reader: StatusReader, places: Iterable[tuple[int, int]]) -> Sequence[tuple[int, int]]:
    found: dict[tuple[int, int], None] = {}
    for start, end in places:
        segment = reader.segment_at(start)
        found[(segment.start, max(segment.end, end)) if segment else (start, end)] = None
    return list(found)


def _trimester(text: str) -> set[str]:
    """Return the words of the trimester that a text gives in weeks of a pregnancy."""
    if _PREGNANT.search(text) is None:
        return set()
    for found in _WEEKS.finditer(text):
        weeks = int(found[1])
        near = text[max(0, found.start() - 60) : found.end() + 60]
        if weeks < _TERM_WEEKS and _PREGNANT.search(near):
            name = "first" if weeks < _SECOND_WEEKS else "second" if weeks < _THIRD_WEEKS else "third"
            return {stem(name), stem("trimester"), stem("weeks")}
    return set()

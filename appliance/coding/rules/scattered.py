"""Evidence whose "chronic" belongs to another condition: "chronic cough, kidney stones" is no chronic kidney disease.

The ranker looks for the words of a title within a stretch of one sentence, across commas: lists of findings are written
so, and so are their titles' words ("pain, swelling of the left knee"). A word of course is the exception. It belongs to
the condition at which it stands, and a title that has it names another condition without it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from appliance.coding.ranking.terms import canonical, folded
from appliance.coding.rules.course import COURSE, carries, stands_behind
from appliance.coding.rules.titles import EMPTY
from appliance.grounding.tokens import stem

_WORD = re.compile(r"[a-z0-9]+(?:'[a-z]+)?")
# "Acute, necrotizing pancreatitis": a comma between words that say more of the same.
_COMMA = re.compile(r"\s*,(?=\s)")


def together(text: str, places: Iterable[tuple[int, int]], title: str) -> tuple[tuple[int, int], ...]:
    """Return the places of evidence that speak of what a title names.

    Args:
        text: The whole text.
        places: [start, end) each.
        title: Of the code.

    A place is left out when it has a word of course of the title and other words of it, and no such word of course
    belongs to any of the others: it is not before one with nothing between that could carry it, nor behind one at the
    end of a clause. A place with nothing to compare stays.
    """
    return tuple(place for place in places if not _scattered(text, place, title))


def _scattered(text: str, place: tuple[int, int], title: str) -> bool:
    courses, others, every = _named(title)
    if not courses:
        return False
    start, end = place
    here = list(_WORD.finditer(folded(text[start:end])))
    said = [each for each in here if stem(each.group()) in courses]
    things = [each.span() for each in here if not others.isdisjoint(canonical(each.group()))]
    if not said or not things:
        return False
    # "Kidney disease, chronic": what stands in front of it may be a word that alone names nothing.
    ahead = [each.end() for each in here if not every.isdisjoint(canonical(each.group()))]
    quote, rest = text[start:end], text[start:]
    return not any(
        any(_reaches(quote, word.end(), first, last) for first, last in things)
        or any(last <= word.start() and stands_behind(quote[last : word.start()], rest[word.end() :]) for last in ahead)
        for word in said
    )


def _reaches(quote: str, behind: int, first: int, last: int) -> bool:
    if behind > first:
        return False
    between = quote[behind:first]
    comma = _COMMA.match(between)
    return carries(between[comma.end() :] if comma else between, quote[first:last])


@lru_cache(maxsize=50_000)
def _named(title: str) -> tuple[frozenset[str], frozenset[str], frozenset[str]]:
    """The words of course of a title; the ranker's stems of all others that name something, and of all others."""
    found = _WORD.findall(folded(title))
    courses = frozenset(stem(word) for word in found if stem(word) in COURSE)
    plain = [word for word in found if stem(word) not in COURSE]
    others = frozenset(one for word in plain if stem(word) not in EMPTY for one in canonical(word))
    return courses, others, frozenset(one for word in plain for one in canonical(word))

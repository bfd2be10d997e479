"""Of what a text says "acute" or "chronic": beside COPD, a cough is no chronic one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import pairwise

from appliance.coding.rules.titles import stems
from appliance.grounding.tokens import stem, words

COURSE = frozenset(map(stem, words("acute subacute chronic recurrent persistent intermittent")))
"""Words of titles for how long a condition lasts or how it comes back."""
_JOINS = frozenset(words("and or on"))
# Behind one of these, another condition begins.
_OTHER = frozenset(words("with without due from versus vs but plus secondary because related following after"))
_BETWEEN, _NOUNS = 3, 3
# "cough, chronic", "cough (chronic)", "the cough is chronic": with nothing behind that the word could belong to.
_LEADS = re.compile(
    r"\s*(?:[,:(\-\u2013]|,?\s*(?:which|that)?\s*(?:is|was|has been|remains|are|were))?\s*", re.IGNORECASE
)
_ENDS = re.compile(r"\s*(?:$|[,.;:)\n]|and\b|but\b|in (?:nature|course)\b)", re.IGNORECASE)
_WORD = re.compile(r"[\w'-]+")
_STOP = re.compile(r"[,;:.()\n]")


def of_evidence(sentence: str, word: tuple[int, int], places: Iterable[tuple[int, int]]) -> bool:
    """Whether a word of course belongs to evidence in its sentence; all are [start, end) in the sentence.

    It stands in it, before it with nothing between that could carry it, or behind it at the end of a clause. What a
    short form stands for (COPD) belongs to it alone.
    """
    first = word[0]
    last = first + len(sentence[first : word[1]].rstrip(".'-"))  # a word may carry the full stop behind it
    itself = stem(sentence[first:last].lower()) in COURSE
    for start, end in places:
        if start <= first < end:
            return True
        if itself and last <= start and _carries(sentence[last:start], sentence[start:end]):
            return True
        if itself and first >= end and _LEADS.fullmatch(sentence[end:first]) and _ENDS.match(sentence[last:]):
            return True
    return False


def _carries(between: str, evidence: str) -> bool:
    """Whether a word of course reaches over what stands between: "acute and chronic", "chronic left-sided"."""
    if _STOP.search(between):
        return False
    found = _WORD.findall(between.lower())
    if len(found) > _BETWEEN or _OTHER & set(found):
        return False
    # A join leads to another condition, unless what it leads to is a word of course: "acute on chronic".
    ahead = pairwise([*found, *_WORD.findall(evidence.lower())[:1]])
    return all(one not in _JOINS or stem(two) in COURSE for one, two in ahead)


def nouns(sentence: str, found: Sequence[re.Match[str]], at: int) -> set[tuple[str, str]]:
    """Pairs (word of course, what it is said of) for a word, written out: COPD is chronic, obstructive, pulmonary."""
    own = stems(found[at].group())
    behind = list(own)
    for one, two in zip(found[at:], found[at + 1 : at + 1 + _NOUNS], strict=False):
        if _STOP.search(sentence[one.end() : two.start()]):
            break
        behind += stems(two.group())
    return {
        (one, noun) for place, one in enumerate(own) if one in COURSE for noun in behind[place + 1 :] if noun != one
    }

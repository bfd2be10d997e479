"""Which codes a note of ICD-10-CM names: "(E10.-)", "(E08-E13)", "(T36-T50 with fifth or sixth character 5)".

Only what stands in parentheses is read; that is where the tabular list puts codes. What carries a condition that is not
understood names nothing: a finding is never made of a guess.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from appliance.coding.tables.layout import normal

_PARENTHESES = re.compile(r"\(([^()]{2,400})\)")
_CODE = r"[A-Z](?=[0-9A-Z]?[0-9])[0-9A-Z]{2}(?:\.[0-9A-Z]{0,4})?"
_ITEM = re.compile(rf"({_CODE})(?:\.?-)?(?:\s*-{{1,2}}\s*({_CODE})(?:\.?-)?)?")
_RANGE = re.compile(rf"({_CODE})--?({_CODE})(?:\.?-)?")
_ORDINALS = {
    "fourth": 4, "fifth": 5, "sixth": 6, "seventh": 7, "4th": 4, "5th": 5, "6th": 6, "7th": 7,
}  # fmt: skip
_PLACES = re.compile(
    r"(?P<places>\w+(?: or \w+)*) characters? (?P<values>[0-9A-Z](?:\s*-\s*[0-9A-Z])?(?:(?:,| or|, or) [0-9A-Z])*)"
)
_ENDING = re.compile(r"\.(?P<behind>[0-9A-Z]{1,4})|final characters -(?P<ending>[0-9A-Z]{1,4})")


@dataclass(frozen=True, slots=True)
class CodeRange:
    """Codes from a prefix to a prefix, both with everything under them.

    Args:
        first: Without the dot.
        last: Without the dot; the same as `first` for one code.
        places: Characters (from 1) of which the last that is no placeholder has one of `values`; empty: any code.
        values: Those characters.
        behind: What the code has behind its category ("E08-E13 with .44"); empty: any.
        ending: What the code ends with ("I69. with final characters -23"); empty: any.
    """

    first: str
    last: str
    places: tuple[int, ...] = ()
    values: str = ""
    behind: str = ""
    ending: str = ""

    def holds(self, code: str) -> bool:
        """Whether a code is among them."""
        key = normal(code)
        if not (key[: len(self.first)] >= self.first and key[: len(self.last)] <= self.last):
            return False
        if len(key) < len(self.first):
            return False
        if not key[3:].startswith(self.behind) or not key.endswith(self.ending):
            return False
        if self.places:
            there = [key[place - 1] for place in self.places if place <= len(key) and key[place - 1] != "X"]
            return bool(there) and there[-1] in self.values
        return True


@lru_cache(maxsize=8192)
def references(note: str) -> tuple[CodeRange, ...]:
    """The codes that a note names, in its order; none when it names none that can be read."""
    found: list[CodeRange] = []
    for inside in _PARENTHESES.findall(note):
        listed, _, condition = inside.partition(" with ")
        ranges = _listed(listed)
        limited = _limited(ranges, condition.strip()) if condition else ranges
        found += limited
    return tuple(found)


def among(code: str, ranges: Iterable[CodeRange]) -> bool:
    """Whether a code is in one of the ranges."""
    return any(each.holds(code) for each in ranges)


def _listed(text: str) -> list[CodeRange]:
    ranges = []
    for item in re.split(r",| and | or |;", text):
        item = item.strip().rstrip(".")
        if not item:
            continue
        between = _RANGE.fullmatch(item)
        one = _ITEM.fullmatch(item)
        if between:
            first, last = normal(between[1]), normal(between[2])
            if first > last:
                return []
            ranges.append(CodeRange(first, last))
        elif one and one[2] is None:
            ranges.append(CodeRange(normal(one[1]), normal(one[1])))
        else:
            # Words in parentheses, or a form of codes that is not known: nothing of it counts.
            return []
    return ranges


def _limited(ranges: list[CodeRange], condition: str) -> list[CodeRange]:
    if found := _PLACES.fullmatch(condition):
        places = tuple(_ORDINALS.get(word, 0) for word in found["places"].split(" or "))
        values = _values(found["values"])
        if all(places) and values:
            return [CodeRange(each.first, each.last, places, values) for each in ranges]
    elif found := _ENDING.fullmatch(condition):
        behind, ending = found["behind"] or "", found["ending"] or ""
        return [CodeRange(each.first, each.last, behind=behind, ending=ending) for each in ranges]
    return []


def _values(text: str) -> str:
    between = re.fullmatch(r"([0-9A-Z])\s*-\s*([0-9A-Z])", text)
    if between:
        return "".join(chr(number) for number in range(ord(between[1]), ord(between[2]) + 1))
    return "".join(re.findall(r"\b[0-9A-Z]\b", text))

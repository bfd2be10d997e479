"""How far a name that was found reaches: initials before and behind it ("R. Varga", "Cynthia D."), "Last, First"."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from appliance.deid.identifier import Identifier, IdentifierKind
from appliance.deid.reading import LETTERED
from appliance.deid.recognisers.name_class import NameWords, Weight

_BEFORE = re.compile(r"(?:(?P<word>[^\W\d_]+)[ ]{1,2})?(?<![\w.])(?P<letters>[A-Z]\.[ ]?(?:[A-Z]\.[ ]?)?)$")
_PARTICLES = re.compile(r"(?<![\w'’-])(?:v[ao]n(?: de[rnm]?| het| 't)?|de l[ao]s?|de los|della|dos) $", re.I)
# A letter without a full stop is somebody's only before a pause: "Mary L knee" tells a side.
_BEHIND = re.compile(r"[ ](?:[A-Z]\.(?![\w])|(?![AI])[A-Z](?=[,;:)\n]|$))")
_LISTED_BEFORE = re.compile(
    r"(?::[ ]|^|\n|\b(?:belongs to|(?:letter|note|message|reply) (?:to|for)|for|re|pt|patient|[FM]|consent|name|with"
    r"|labell?ed)"
    r"[ ])$",
    re.I,
)
_LISTED_BEHIND = re.compile(
    r"[,.;]?[ ]{0,2}\(?(?:DOB|D\.O\.B|MRN|SSN|born|here\b|about\b|G\dP\d|\d{1,3}[ ]?(?:yo?\b|y/o|yrs?\b|[FM]\b)"
    r"|\d{1,2}/\d{1,2}/\d)|[ ]{2,}|[ ]?[|\n)]|$",
    re.I,
)
_GOES_ON_BEFORE = re.compile(r"(?:[a-zà-ÿ],|\b(?:and|or|with)) $")
_GOES_ON_BEHIND = re.compile(r",? (?:and|&|or) |, [A-Z][a-z]")
# Given names as well.
_MONTHS = frozenset(("april", "may", "june", "august"))
_LOOK = 24  # characters looked at on both sides


class NameExtents:
    """Says where names end that recognisers found in part."""

    def __init__(self, classes: NameWords) -> None:
        self._classes = classes

    def widened(self, text: str, found: Sequence[Identifier]) -> tuple[Identifier, ...]:
        """The identifiers by start, names with their initials, and a family name joined to the name behind it."""
        joined: list[Identifier] = []
        for at, item in enumerate(found):
            if item.kind is IdentifierKind.NAME or self._is_month(text, item, joined):
                item = self._with_initials(text, item, found[at + 1].start if at + 1 < len(found) else len(text))
                before = joined[-1] if joined else None
                if before is not None and item.start < before.end:
                    item = replace(item, start=before.end)
                if before is not None and self._is_listed(text, before, item):
                    joined[-1] = replace(before, end=item.end, kind=IdentifierKind.NAME)
                    continue
            joined.append(item)
        return tuple(joined)

    def _is_month(self, text: str, item: Identifier, before: Sequence[Identifier]) -> bool:
        """Whether a month behind a family name is a given name: "Varga, April, DOB"."""
        month = item.kind is IdentifierKind.DATE and text[item.start : item.end].lower() in _MONTHS
        marked = _LISTED_BEHIND.match(text[item.end : item.end + _LOOK])
        return month and bool(before) and bool(marked) and text[before[-1].end : item.start] == ", "

    def _with_initials(self, text: str, item: Identifier, following: int) -> Identifier:
        value = text[item.start : item.end]
        if not value[:1].isalpha() or not value[-1].isalpha() or value.count(" ") > 1:
            return item
        start, end = item.start, item.end
        letters = _BEFORE.search(text, max(0, start - _LOOK), start)
        particles = _PARTICLES.search(text, max(0, start - _LOOK), start)
        if particles:
            start = particles.start()
        if letters and (letters["word"] or "").lower() not in LETTERED:
            start = letters.start("letters")
        behind = _BEHIND.match(text, end, following)
        if behind and not value.lower().endswith(("'s", "’s")):
            end = behind.end()
        return replace(item, start=start, end=end)

    def _is_listed(self, text: str, one: Identifier, other: Identifier) -> bool:
        """Whether two names are one: beside each other, or with a comma between and the family name first."""
        between = text[one.end : other.start]
        if one.kind not in (IdentifierKind.NAME, IdentifierKind.PLACE) or between not in (", ", ",", " "):
            return False
        if between == " ":
            value, second = text[one.start : one.end], text[other.start : other.end]
            if one.kind is IdentifierKind.PLACE and self._classes.weight(value.lower()) != Weight.UNKNOWN:
                return False
            return value.isalpha() and second.isalpha() and value[0].isupper() == second[0].isupper()
        family, given = text[one.start : one.end], text[other.start : other.end].split(" ")[0]
        if not (family.replace("-", "").replace("'", "").isalpha() and given.isalpha()):
            return False
        behind = text[other.end : other.end + _LOOK]
        goes_on = _GOES_ON_BEFORE.search(text, max(0, one.start - _LOOK), one.start) or _GOES_ON_BEHIND.match(behind)
        marked = _LISTED_BEHIND.match(behind)
        listed = _LISTED_BEFORE.search(text, max(0, one.start - _LOOK), one.start)
        if marked and listed:
            return True
        if goes_on or one.kind is IdentifierKind.PLACE or self._classes.weight(family.lower()) == Weight.GIVEN:
            return False
        forename = self._classes.weight(given.lower()) in (Weight.GIVEN, Weight.WORD_GIVEN)
        return forename or bool(marked or listed)

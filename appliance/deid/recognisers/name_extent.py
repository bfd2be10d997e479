"""How far a name that was found reaches: initials before and behind it ("R. Varga", "Cynthia D."), "Last, First"."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from appliance.deid.identifier import Identifier, IdentifierKind
from appliance.deid.lexicon import around
from appliance.deid.reading import LETTERED
from appliance.deid.recognisers.name_class import NameWords, Weight

_BEFORE = re.compile(r"(?:(?P<word>[^\W\d_]+)[ ]{1,2})?(?<![\w.])(?P<letters>[A-Z]\.[ ]?(?:[A-Z]\.[ ]?)?)$")
_PARTICLES = re.compile(
    r"(?<![\w'’-])(?:v[ao]n(?: de[rnm]?| het| 't)?|de l[ao]s?|de los|della|dos|bin|ibn|abu) $", re.I
)
# Words of other kinds as well: only before a capital, and "ten", "den" only behind one.
_PARTICLES_TOO = re.compile(
    r"(?<![\w'’-])(?:(?:[Dd]e|[Dd]el|[Dd]er|[Zz]u[mr]?|[Dd]u|[Dd]i|[Dd]a|El|Al|Mac|Nic|Te|Ter|Ap)"
    r"|(?<=[A-Z][.a-z] )(?:te[nr]?|den|af|av|ap)) $"
)
# A letter without a full stop is somebody's only before a pause: "Mary L knee" tells a side.
_BEHIND = re.compile(r"[ ](?:[A-Z]\.(?![\w])|(?![AI])[A-Z](?=[,;:)\n]|$))")
_LISTED_BEFORE = re.compile(
    r"(?::[ ]|^|\n|\b(?:belongs to|(?:letter|note|message|reply) (?:to|for)|for|re|pt|patient|[FM]|consent|name|with"
    r"|labell?ed|prescriber|provider|physician|surgeon|attending|referring|ordering|resident|nurse|client|member"
    r"|subscriber|guarantor|employee|student|(?:bed|rm|room|case|slot|bay) ?#?\d{1,4}[a-d]?[:,]?|[a-z-]{3,15},)"
    r"[ ])$",
    re.I,
)
_LISTED_BEHIND = re.compile(
    r"[,.;]?[ ]{0,2}\(?(?:DOB|D\.O\.B|MRN|SSN|NPI|ID\b|[-–—]|[A-Z]{0,4}-?\d{3}|own\b|adm\b|born|here\b|about\b|G\dP\d"
    r"|\d{1,3}[ ]?(?:yo?\b|y/o|yrs?\b|[FM]\b)"
    r"|\d{1,2}/\d{1,2}/\d)|[ ]{2,}|[ ]?[|\n)]|$",
    re.I,
)
_INITIAL_BEHIND = re.compile(r"[ ][B-Z]\b(?!['’/])")
# A capitalised word before a comma goes on with people, one in lower case tells who follows: "driver, Varga, Ilse".
_GOES_ON_BEFORE = re.compile(r"(?:[A-ZÀ-Þ][\w'’-]*[a-zà-ÿ],|\b(?:and|or|with)) $")
# Behind a surname: "Varga, I." and "Varga, D.H."
_COMMA_LETTER = re.compile(r",[ ]?[A-Z](?:\.(?:[ ]?[A-Z]\.)?(?!\w)|(?=[ ]?[;,:)\n(]|$))")
_NICKNAME = r"[ ][\"“'‘(][A-Z][\w.'’]*(?:[ ][A-Z][\w'’]*)?[\"”'’)]"
_QUOTED = re.compile(rf"{_NICKNAME}(?P<last>[ ][A-ZÀ-Þ][\w'’-]+)")
# Short parts before a name: "Pa Houa", "Lo Bianco"; months before a surname.
_SHORT_BEFORE = re.compile(r"(?<=[\w,:;.-] )(?P<word>[A-Z][a-zà-ÿ]{1,2}) $")
_NO_MONTH = re.compile(
    r"\b(?:in|of|since|last|this|by|until|till|next|early|late|mid|from|through|for|on|before|after) $"
)
_GOES_ON_BEHIND = re.compile(r",? (?:and|&|or) |, [A-Z][a-z]")
# Given names as well.
_MONTHS = frozenset(("april", "may", "june", "august"))
_PLAIN_SHORT = frozenset(
    ("re", "cc", "sgt", "cpl", "pvt", "lt", "col", "hi", "hey", "sis", "bro", "rep", "res", "vol", "att", "ref")
)
_LOOK = 24  # characters looked at on both sides


class NameExtents:
    """Says where names end that recognisers found in part."""

    def __init__(self, classes: NameWords) -> None:
        self._classes = classes

    def widened(self, text: str, found: Sequence[Identifier]) -> tuple[Identifier, ...]:
        """The identifiers by start, names with their initials, and a family name joined to the name behind it."""
        joined: list[Identifier] = []
        for at, item in enumerate(found):
            if joined and item.end <= joined[-1].end:
                continue  # inside one that was widened
            if self._is_forename(text, item, found[at + 1] if at + 1 < len(found) else None):
                item = replace(item, kind=IdentifierKind.NAME)
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

    def _is_forename(self, text: str, item: Identifier, following: Identifier | None) -> bool:
        """Whether a month before a name is a given name: "caller April Varga"; "in April Varga fell" is none."""
        if item.kind is not IdentifierKind.DATE or following is None or following.kind is not IdentifierKind.NAME:
            return False
        month = text[item.start : item.end]
        beside = month.lower() in _MONTHS and month.istitle() and text[item.end : following.start] == " "
        return beside and not _NO_MONTH.search(text, max(0, item.start - _LOOK), item.start)

    def _is_month(self, text: str, item: Identifier, before: Sequence[Identifier]) -> bool:
        """Whether a month behind a family name is a given name: "Varga, April, DOB"."""
        month = item.kind is IdentifierKind.DATE and text[item.start : item.end].lower() in _MONTHS
        behind = text[item.end : item.end + _LOOK]
        marked = _LISTED_BEHIND.match(behind) or _INITIAL_BEHIND.match(behind)
        return month and bool(before) and bool(marked) and text[before[-1].end : item.start] == ", "

    def _with_initials(self, text: str, item: Identifier, following: int) -> Identifier:
        value = text[item.start : item.end]
        if not value[:1].isalpha() or not value[-1].isalpha() or value.count(" ") > 1:
            return item
        start, end = item.start, item.end
        particles = _PARTICLES.search(text, max(0, start - _LOOK), start)
        if particles is None and value[0].isupper() and not value.isupper():
            particles = _PARTICLES_TOO.search(text, max(0, start - _LOOK), start)
        if particles:
            start = particles.start()
        letters = _BEFORE.search(text, max(0, start - _LOOK), start)
        if letters and (letters["word"] or "").lower() not in LETTERED:
            start = letters.start("letters")
        short = _SHORT_BEFORE.search(text, max(0, start - _LOOK), start) if value[0].isupper() else None
        if short and not value.isupper() and self._is_part(short["word"].lower()):
            start = short.start("word")
        quoted = _QUOTED.match(text, end) if value[0].isupper() else None
        if quoted:
            return replace(item, start=start, end=quoted.end())
        letter = _COMMA_LETTER.match(text, end) if value[0].isupper() else None
        if letter and value.lower() not in LETTERED:
            return replace(item, start=start, end=letter.end())
        behind = _BEHIND.match(text, end, following)
        if behind and not value.lower().endswith(("'s", "’s")):
            end = behind.end()
        return replace(item, start=start, end=end)

    def _is_part(self, low: str) -> bool:
        """Whether two or three letters before a name belong to it: no title, no word of every day."""
        lists = self._classes.words
        plain = lists.titles | lists.relatives | lists.credentials | lists.not_a_name | around("slots.not")
        return not (low in plain or low in lists.clinical or low in around("staff.kept") or low in _PLAIN_SHORT)

    def _is_listed(self, text: str, one: Identifier, other: Identifier) -> bool:
        """Whether two names are one: beside each other, or with a comma between and the family name first."""
        between = text[one.end : other.start]
        if one.kind not in (IdentifierKind.NAME, IdentifierKind.PLACE) or between not in (", ", ",", " "):
            return False
        if between == " ":
            value, second = text[one.start : one.end], text[other.start : other.end]
            if one.kind is IdentifierKind.PLACE and self._classes.weight(value.lower()) != Weight.UNKNOWN:
                return False
            value = value.replace(" ", "") if value.islower() else value
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

"""Names with the family name first, as lists and records write them: "Smith, John A.", "DE LOS SANTOS, ANA M".

The whole is one name, comma included. Two given names with a comma may be two people; they are one where a label, a
blank line or an initial says so, and where no list of people goes on around them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from appliance.deid.identifier import IdentifierKind
from appliance.deid.recognisers.base import LIKELY, Found
from appliance.deid.recognisers.by_letter import by_letter
from appliance.deid.recognisers.name_class import STATES_AND_COUNTRIES, NameWords, Weight
from appliance.deid.recognisers.name_context import MODAL_NAMES

_LETTER = r"[^\W\d_]"
_PARTICLE = by_letter(r"st\.?|van|von|de|del|della|di|da|dos|el|al|la|le|ter|ten|abu|ben|dela|los|las|den|der|bin|ibn")
_LAST_FIRST = re.compile(
    rf"(?<![\w'’-])(?P<particles>(?:{_PARTICLE}[ ]){{0,3}})"
    rf"(?P<last>{_LETTER}(?:['’-]?{_LETTER}){{1,30}})(?:,[ \t]?|\^)(?P<first>{_LETTER}(?:['’-]?{_LETTER}){{1,30}})"
    r"(?P<middle>(?:[ \t]|\^)[A-Z]\b\.?)?(?P<suffix>,? (?:Jr|Sr|II|III|IV|JR|SR)\b\.?)?(?![\w])",
    re.I,
)
_BEFORE_LISTED = re.compile(
    r"(?:(?:^|\n)[ \t]*|[ \t]{2,}|\t|:[ ]?|\b(?:patient|pt|re|name|subscriber|member|client|insured|guarantor|inmate"
    r"|attn|attention|labell?ed|for|provider|physician|by|file|reader|dr)\b[.:]{0,2}[ \t]*)$",
    re.I,
)
_OF_THINGS = re.compile(
    r"\b(?:allerg\w*|med\w*|drugs?|hx|history|dx|problems?|diet|devices?|labs?|imaging|exam|pmh|psh):[ ]?$", re.I
)
_GOES_ON_BEFORE = re.compile(
    r"(?:[a-zà-ÿ],|\b(?:and|with|kids?|children|siblings?|sons?|daughters?|sisters?|brothers?)) $", re.I
)
_GOES_ON_AFTER = re.compile(r",? (?:and|&|or) |, [A-Z][a-z]+(?:,|\.| and)")
_SHOUTED_SHORTEST = 4  # CVA, TIA


class ListedNames:
    """Finds names that are written with the family name first."""

    def __init__(self, classes: NameWords) -> None:
        self._classes = classes
        self._lists = classes.words

    def find(self, text: str) -> Iterator[Found]:
        """Spans of such names."""
        if "," not in text and "^" not in text:
            return
        for match in _LAST_FIRST.finditer(text):
            if self._is_name(text, match):
                yield Found(match.start(), match.end(), IdentifierKind.NAME, LIKELY)

    def _is_name(self, text: str, match: re.Match[str]) -> bool:
        last, first = match["last"], match["first"]
        family, given = last.lower().replace("’", "'"), first.lower().replace("’", "'")
        if not (last[0].isupper() or match["particles"]) or not first[0].isupper() or given in STATES_AND_COUNTRIES:
            return False
        if family.endswith("'s") or self._clinical(text, match, family, given):
            return False
        surname, forename = self._classes.weight(family), self._classes.weight(given)
        if surname < Weight.UNKNOWN and family not in self._lists.surname_words:
            return False
        before = text[max(0, match.start() - 30) : match.start()]
        listed = bool(_BEFORE_LISTED.search(before)) and not _OF_THINGS.search(before)
        marked = listed or match["middle"] is not None
        if first.isupper() and len(first) < _SHOUTED_SHORTEST and not (marked and forename >= Weight.WORD_GIVEN):
            return False
        if given in MODAL_NAMES and surname >= Weight.UNKNOWN:
            return marked or surname > Weight.UNKNOWN
        if forename < Weight.UNKNOWN:
            return False
        goes_on = bool(_GOES_ON_BEFORE.search(before) or _GOES_ON_AFTER.match(text, match.end(), match.end() + 60))
        if goes_on and family in self._lists.eponyms and given in self._lists.eponyms and not match["middle"]:
            return False  # Kocher, Kelly and Allis clamps
        cased = last.isupper() == first.isupper()
        if forename < Weight.WORD_GIVEN and surname < Weight.WORD_GIVEN:
            return listed and cased and not goes_on and min(len(family), len(given)) >= _SHOUTED_SHORTEST - 1
        if marked:
            return match["middle"] is not None or not goes_on or surname != Weight.GIVEN
        if forename < Weight.WORD_GIVEN:
            return False
        if surname in (Weight.GIVEN, Weight.WORD_GIVEN):
            return cased and not goes_on and forename == Weight.GIVEN
        return surname >= Weight.UNKNOWN or (cased and forename == Weight.GIVEN and last[1:].islower() and not goes_on)

    def _clinical(self, text: str, match: re.Match[str], family: str, given: str) -> bool:
        """Whether two eponyms stand beside each other: "Marfan, Ehlers-Danlos", "Felty, Reiter syndromes"."""
        known = self._lists
        names = self._classes.name_words
        if any(word in known.always_clinical and ("-" in word or word not in names) for word in (family, given)):
            return True
        if family in known.always_clinical and given in known.eponyms:
            return True
        behind = re.match(r"[ ]([a-z]{3,20})", text[match.end() : match.end() + 22])
        head = behind[1] if behind else ""
        return given in known.eponyms and (head in known.heads or head.removesuffix("s") in known.heads)

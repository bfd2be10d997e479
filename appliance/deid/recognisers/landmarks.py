"""Landmarks and parts of towns: "Marsh's Quarry", "the old Alder grain elevator", "Lake Varga", "the Fourth Ward".

A landmark tells where somebody was as well as a street does. What is called so is a word for land or a building with a
proper name before it; heads that are words of medicine too ("ridge", "bridge") need their capital, or in speech a
preposition before them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from appliance.deid.identifier import IdentifierKind
from appliance.deid.lexicon import around
from appliance.deid.reading import Reading
from appliance.deid.recognisers.base import LIKELY, Found, ReadingRecogniser
from appliance.deid.recognisers.by_word import WordRule, WordRules
from appliance.deid.recognisers.institution_heads import STOPS
from appliance.deid.recognisers.name_class import STATES_AND_COUNTRIES, NameWords, Weight

_CAPITAL = r"[A-Z][\w’'-]{1,20}"
_NUMBERED = r"(?:Route|Rte\.?|Hwy|Highway|Exit|Interstate|I-)[ ]?\d{1,4}"
_SURE = "|".join(sorted(around("landmarks.sure")))
_PAIRS = (
    r"rest (?:stop|area)|truck stop|grain elevator|water tower|boat ramp|trailer park|state park|mill district"
    r"|race ?track"
    r"|town square|train station|bus (?:station|depot|stop)|swimming hole|nature preserve|wildlife refuge"
)
_ALSO = "|".join(sorted(around("landmarks.also")))
_HEADS_CAPITAL = "|".join(sorted(word.capitalize() for word in around("landmarks.also")))
_WRITTEN = re.compile(
    rf"(?<![\w'’-])(?P<place>(?:[Tt]he[ ])?(?:[Oo]ld[ ])?(?P<name>{_NUMBERED}|{_CAPITAL}(?:[ ]{_CAPITAL}){{0,2}})"
    rf"[ ](?:(?i:{_PAIRS}|{_SURE})|{_HEADS_CAPITAL}))(?![\w'’-])"
)
_LAKE = re.compile(
    rf"(?<![\w'’-])(?P<place>(?:Lake|Mount|Mt\.|Camp|Fort|Port|Cape|Glen)[ ](?P<name>{_CAPITAL}))(?![\w'’-])"
)
_WARD = re.compile(
    r"\b(?:in|from|to|of|around|through)[ ]the[ ](?P<place>(?:First|Second|Third|Fourth|Fifth|Sixth|Seventh"
    rf"|Eighth|Ninth|Tenth|North|South|East|West|{_CAPITAL})[ ]"
    r"(?:Ward|District|Quarter|Precinct|Projects|Flats|Bottoms))(?!\w)"
)
_TRI = re.compile(
    rf"(?<![\w'’-])(?P<place>(?:Tri|Twin|Mid|Quad|Cross)-(?P<name>[A-Z][a-z]{{2,15}})(?:[ ]{_CAPITAL}){{0,2}})"
)
_LAND = re.compile(
    rf"(?<![\w'’-])(?P<place>(?:Upper|Lower|Big|Little|Great|North|South|East|West|Old|New|Twin)[ ]"
    rf"(?P<name>{_CAPITAL}[ ])?"
    r"(?:Basin|Valley|Rivers?|Creek|Lakes?|Ridge|Hills?|Falls|Forks?|Bay|Bend|Bluff|Prairie|Canyon|Mesa|Island|Harbor))"
    r"(?![\w'’-])"
)
_SAID = re.compile(
    r"\b(?:at|by|near|past|behind|to|from|down by|over by|over in|in|around|across from|outside|off|toward|towards)[ ]"
    rf"(?P<place>(?:the[ ])?(?:old[ ])?(?P<name>[a-z][a-z'’-]+(?:[ ][a-z][a-z'’-]+)?)[ ](?:{_PAIRS}|{_SURE}|{_ALSO}))"
    r"(?![\w'’-])"
)
_LAKE_SAID = re.compile(
    r"\b(?:at|by|near|past|to|from|on|around|off)[ ]"
    r"(?P<place>(?:lake|mount|camp|fort|port)[ ](?P<name>[a-z][a-z’'-]{3,}))\b"
)
_RULES = WordRules(
    WordRule(f"landmarks.{signs}", pattern, pattern, before, behind, capital)
    for pattern, signs, before, behind, capital in (
        (_WRITTEN, "sure", 70, 2, False),
        (_WRITTEN, "last", 70, 2, False),
        (_WRITTEN, "also", 70, 2, True),
        (_LAKE, "lakes", 1, 30, True),
        (_WARD, "wards", 50, 2, True),
        (_LAND, "lands", 50, 2, True),
        (_SAID, "sure", 70, 2, False),
        (_SAID, "last", 70, 2, False),
        (_SAID, "also", 70, 2, False),
        (_LAKE_SAID, "lakes", 14, 30, False),
    )
)
_JOINED = ("Tri-", "Twin-", "Mid-", "Quad-", "Cross-")
_PLAIN = around("landmarks.plain") | around("facilities.always_plain")


class LandmarkRecogniser(ReadingRecogniser):
    """Landmarks and parts of towns by the word for what they are."""

    kinds = (IdentifierKind.PLACE,)

    def __init__(self, classes: NameWords) -> None:
        super().__init__()
        self._classes = classes
        lists = self._lists = classes.words
        self._places = lists.places | lists.ordinary_places | lists.large_places
        self._never = lists.clinical | lists.always_clinical | lists.eponyms | lists.heads | lists.structures
        self._never = (self._never | lists.relatives | lists.titles | _PLAIN | STOPS) - self._places

    def find(self, reading: Reading) -> Iterator[Found]:
        """Spans with the word for what it is and an article before the name."""
        for pattern, match in _RULES.find(reading):
            said = pattern in (_SAID, _LAKE_SAID)
            if said and not reading.spoken:
                continue
            if pattern in (_WARD, _LAND) or self._named(match["name"], said=said):
                yield Found(*match.span("place"), IdentifierKind.PLACE, LIKELY)
        if any(sign in reading.text for sign in _JOINED):
            for match in _TRI.finditer(reading.text):
                if match["name"].lower() not in self._never and not self._is_month(match["name"].lower()):
                    yield Found(*match.span("place"), IdentifierKind.PLACE, LIKELY)

    def _named(self, name: str, *, said: bool) -> bool:
        """Whether the words before a head are a proper name: none is clinical, one is no plain word."""
        if re.search(r"\d", name):
            return True
        low = [word.lower().replace("’", "'") for word in name.split(" ")]
        bare = [word.removesuffix("'s") for word in low]
        if any(word in self._never or word in STATES_AND_COUNTRIES for word in bare):
            return False
        if not said:
            return name[0].isupper()
        owns = low[-1].endswith("'s")
        weights = [self._classes.weight(word) for word in bare]
        listed = any(
            word in self._places or weight >= Weight.UNKNOWN for word, weight in zip(bare, weights, strict=True)
        )
        return owns or listed

    @staticmethod
    def _is_month(low: str) -> bool:
        return low in around("landmarks.months")

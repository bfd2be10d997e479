"""Towns by where they stand, whatever list has them: behind an address, before a state, in "lives in", "the X address"."""

from __future__ import annotations

import re
from collections.abc import Iterator

from appliance.deid.identifier import IdentifierKind
from appliance.deid.reading import Reading, Word
from appliance.deid.recognisers.base import CERTAIN, LIKELY, Found, ReadingRecogniser
from appliance.deid.recognisers.name_class import STATES_AND_COUNTRIES, NameWords, Weight

_NAME = r"[^\W\d_a-z][\w'’.-]{1,25}"
_TOWN = rf"{_NAME}(?:[ ](?:(?:de|du|la|of|the|lac)[ ])?{_NAME}){{0,2}}"
_STATE_CODE = (
    r"(?:A[KLRZ]|C[AOT]|D[CE]|FL|GA|HI|I[ADLN]|K[SY]|LA|M[ADEINOST]|N[CDEHJMVY]|O[HKR]|P[ARA]|RI|S[CD]|T[NX]|UT|V[AT]"
    r"|W[AIVY])"
)
_STATE_NAME = (
    r"(?:alabama|alaska|arizona|arkansas|california|colorado|connecticut|delaware|florida|georgia|hawaii|idaho|illinois"
    r"|indiana|iowa|kansas|kentucky|louisiana|maine|maryland|massachusetts|michigan|minnesota|mississippi|missouri|montana"
    r"|nebraska|nevada|(?:new|west|north|south) [a-z]+|ohio|oklahoma|oregon|pennsylvania|rhode island|tennessee|texas"
    r"|utah|vermont|virginia|wisconsin|wyoming)"
)
# Behind a comma, with a ZIP code: "Alder Creek 97001", "Alder Creek, OR 97001".
_TOWN_ZIP = re.compile(
    rf"(?<![\w-])(?P<place>{_TOWN},?[ ](?:{_STATE_CODE}[ ])?\d{{5}}(?:-\d{{4}})?)(?![\w-]|[.,]\d|\s*(?:mg|ml|units|steps"
    r"|cells|copies|IU))"
)
_BOX_TOWN = re.compile(
    rf"\b(?i:box\s+#?\d{{1,5}}[a-z]?|(?:apt|suite|ste|unit|lot|bldg|apartment|building)\.?\s#?\w{{1,5}}"
    rf"|\d{{1,6}}\s(?:[\w.'’-]{{1,25}}\s){{1,4}}?(?:st|street|ave|avenue|rd|road|dr|drive|ln|lane|blvd|boulevard|ct|court"
    rf"|pl|place|cir|circle|way|ter|terrace|hwy|highway|pkwy|trl|trail|loop|pike|sq|square)\.?"
    rf"(?:,?\s(?:apt|suite|ste|unit|lot|bldg|#)\.?\s?#?\w{{1,5}})?)(?:,|\s*\n)\s*(?P<place>{_TOWN})(?=\s*[,.;\n)]|\s*$|\s[A-Z]{{2}}\b)"
)
# Who is named with a town: "grandmother Ann Alder, Flint." in lists of contacts.
_CONTACT = re.compile(
    rf"\b(?i:contact|kin|guardian|caregiver|mother|father|grandmother|grandfather|sister|brother|daughter|son|aunt|uncle"
    rf"|wife|husband|niece|nephew|cousin|poa|hcpoa)\b[ :-]{{1,3}}(?:{_NAME}[ ]){{1,3}}?{_NAME},[ ](?P<place>{_NAME}(?:[ ]{_NAME})?)"
    rf"(?=\s*[.;\n]|\s*$)"
)
_MOVES = (
    r"(?:lives?|lived|living|reside[sd]?|residing|moved|moving|relocated|born|raised|grew\s+up|hails|comes|originally"
    r"|formerly|recently|visiting|visited|traveled|travelled|traveling|drove|drives|driving|flew|flying|vacation(?:ing)?"
    r"|trip|staying|stayed|stationed|back|home|airlifted|transferred|transported|lifeflighted|flown|commutes?|camp(?:ed|ing)"
    r"|hiking|hiked|family|house|cabin|cottage|farm|son|daughter|sister|brother|mother|father|parents|aunt|uncle"
    r"|cousin|niece|nephew|grandmother|grandfather|wife|husband|friend|friends|native|resident|he['’]s|she['’]s|they['’]re"
    r"|i['’]m|we['’]re|is|was|practice|office|clinic|seen|sees|surgeon|pcp|doctor|dr\.?\s\S+|specialist|jail|prison)"
)
_AT = r"(?:in|from|to|near|outside(?:\s+of)?|around|of|through|over\s+in|out\s+in|down\s+in|up\s+in|back\s+in|out\s+of)"
_LIVES = re.compile(rf"\b(?i:{_MOVES}(?:['’]s)?(?:\s+(?:here|now|up|down|over|out|back))?\s+{_AT})\s+(?P<place>{_TOWN})")
_LIVES_LOW = re.compile(
    rf"\b(?:{_MOVES}(?:\s+(?:here|now|up|down|over|out|back))?\s+{_AT})\s+(?P<place>[a-z][a-z'’-]{{3,25}})\b(?!['’])"
)
_THE = re.compile(
    r"\b(?:the|that|our|their|his|her|my)\s+(?P<place>[^\W\d_][\w'’-]{2,25}(?:\s[^\W\d_][\w'’-]{1,25}){0,2}?)\s+"
    r"(?:address|area|neighbou?rhood|district|location|branch|campus|exit|suburbs?|house)\b"
)
_OF_PLACE = re.compile(
    rf"\b(?:[Cc]ity|[Tt]own|[Vv]illage|[Bb]orough|[Tt]ownship|[Cc]ounty|[Pp]arish|[Hh]amlet|[Ss]uburb) of\s+(?P<place>{_TOWN})"
)
_DISTRICT = re.compile(rf"(?<!\w)(?P<place>(?:{_NAME}[ ]){{1,2}}(?:Heights|Hills|Park|Beach|Springs|Falls|Junction|Grove"
    r"|Landing|Crossing|Village|Estates|Corners|Bluffs|Ridge|Valley|Creek|Hollow|Shores|Harbor))(?=[,.;]?\s|$)")
_LOW_STATE = re.compile(rf"\b(?P<place>[a-z][a-z'’-]{{2,25}}),?\s+{_STATE_NAME}\b")
_COUNTY = re.compile(r"\b(?P<place>(?:[a-z][\w'’-]{1,25}\s){1,3}?(?:county|parish|township))\b(?!\s+(?:hospital|medical|jail|of))")
_KEPT = frozenset(
    "er ed icu or pacu pt ot us usa home hospital clinic bed the a an this that left right room floor north south east"
    " west monday tuesday wednesday thursday friday saturday sunday micu sicu nicu ccu snf ltac rehab".split()
)


class PlaceRecogniser(ReadingRecogniser):
    """Towns and counties by their positions."""

    kinds = (IdentifierKind.PLACE,)

    def __init__(self, classes: NameWords) -> None:
        super().__init__()
        self._classes = classes
        self._words = classes.words
        self._listed = self._words.places | self._words.large_places | self._words.ordinary_places
        # Places of one word that no word list knows as anything else are places in any case, wherever they stand.
        self._anywhere = frozenset(
            place for place in self._words.places if len(place) > 4 and classes.weight(place) in (0, Weight.UNKNOWN)
        )

    def find(self, reading: Reading) -> Iterator[Found]:
        """By form, then by the words before, then listed ones in lower case."""
        text = reading.text
        for match in _TOWN_ZIP.finditer(text):
            if self._may_be(match["place"].split()[0].strip(",")):
                yield Found(match.start("place"), match.end("place"), IdentifierKind.PLACE, CERTAIN)
        for pattern in (_BOX_TOWN, _CONTACT, _OF_PLACE, _LIVES):
            for match in pattern.finditer(text):
                if end := self._town(match["place"]):
                    yield Found(match.start("place"), match.start("place") + end, IdentifierKind.PLACE, LIKELY)
        for pattern in (_LIVES_LOW, _LOW_STATE):
            for match in pattern.finditer(text):
                if self._unknown(match["place"]):
                    yield Found(match.start("place"), match.end("place"), IdentifierKind.PLACE, LIKELY)
        for match in _THE.finditer(text):
            if self._is_listed(match["place"].lower()):
                yield Found(match.start("place"), match.end("place"), IdentifierKind.PLACE, LIKELY)
        for match in _COUNTY.finditer(text):
            if start := self._county(match["place"]):
                yield Found(match.start("place") + start - 1, match.end("place"), IdentifierKind.PLACE, LIKELY)
        yield from self._lower(reading.words)

    def _may_be(self, word: str) -> bool:
        low = word.lower()
        return not (low in self._words.not_a_name or low in self._words.clinical or low in self._words.heads)

    def _town(self, name: str) -> int:
        """How many characters of a capitalised run are a town; 0 when it is a state, a title, a word of medicine."""
        first = name.split(" ")[0].rstrip(".,").removesuffix("'s").removesuffix("’s").lower()
        low = name.lower().rstrip(".,")
        known = self._words
        if low in STATES_AND_COUNTRIES or low.removeprefix("the ") in STATES_AND_COUNTRIES or first in _KEPT:
            return 0
        if low.split(" ")[0] in ("north", "south", "west", "new", "rhode") and low.split(" ")[-1] in STATES_AND_COUNTRIES:
            return 0
        if first in known.titles or first in known.relatives or first in known.clinical or first in known.always_clinical:
            return 0
        if low not in self._listed and (first in known.not_a_name or self._classes.weight(first) == Weight.ORDINARY):
            return 0 if first not in self._listed else len(name.split(" ")[0])
        if name.isupper() and len(name) < 5:
            return 0
        return len(name.rstrip("."))

    def _unknown(self, low: str) -> bool:
        """Whether a word in lower case is in no list of words, so that it is a town where towns stand."""
        if low in STATES_AND_COUNTRIES or low in _KEPT or low in self._words.always_clinical:
            return False
        return low in self._words.places or self._classes.weight(low) == Weight.UNKNOWN

    def _is_listed(self, name: str) -> bool:
        return (
            name in self._words.places
            or name in self._words.large_places
            or (" " not in name and self._classes.weight(name) == Weight.UNKNOWN and name not in STATES_AND_COUNTRIES)
        )

    def _county(self, name: str) -> int:
        """One more than where the name of a county begins; 0 when the words before "county" name none."""
        words = name.split()[:-1]
        for skip in range(len(words)):
            rest = " ".join(words[skip:])
            if rest in self._listed or (skip == len(words) - 1 and self._classes.weight(rest) >= Weight.UNKNOWN):
                return name.index(rest) + 1
        return 0

    def _lower(self, words: list[Word]) -> Iterator[Found]:
        for at, word in enumerate(words):
            if word.low in self._anywhere and word.text.islower():
                follows = words[at + 1].low if at + 1 < len(words) else ""
                if follows not in self._words.heads:
                    yield Found(word.start, word.end, IdentifierKind.PLACE, LIKELY)

"""Towns by where they stand, whatever list has them: behind an address, before a state, in "lives in"."""

from __future__ import annotations

import re
from collections.abc import Iterator

from appliance.deid.identifier import IdentifierKind
from appliance.deid.lexicon import around
from appliance.deid.reading import Reading, Word
from appliance.deid.recognisers.base import LIKELY, Found, ReadingRecogniser
from appliance.deid.recognisers.institution_heads import STOPS
from appliance.deid.recognisers.name_class import STATES_AND_COUNTRIES, NameWords, Weight

_NAME = r"(?:(?:St|Ft|Mt)\.[ ])?(?:[Cc]oeur[ ]d['’]|[DdLO]['’])?[^\W\d_a-z][\w’-]{1,25}"
_TOWN = rf"{_NAME}(?:[ ](?:(?:de|du|la|of|the|lac)[ ])?{_NAME}){{0,2}}"
_STATE_CODE = (
    r"(?:A[KLRZ]|C[AOT]|D[CE]|FL|GA|HI|I[ADLN]|K[SY]|LA|M[ADEINOST]|N[CDEHJMVY]|O[HKR]|P[ARA]|RI|S[CD]|T[NX]|UT|V[AT]"
    r"|W[AIVY])"
)
# Behind a comma, with a ZIP code: "Alder Creek 97001", "Alder Creek, OR 97001".
_TOWN_ZIP = re.compile(
    rf"(?:,[ ]|\n[ \t]*)(?P<place>{_TOWN},?[ ](?P<state>{_STATE_CODE}[ ])?\d{{5}}(?:-\d{{4}})?)(?![\w-]|[.,]\d"
    r"|\s*(?:mg|ml|units|steps"
    r"|cells|copies|IU))"
)
_BOX_TOWN = re.compile(
    rf"\b(?i:box\s+#?\d{{1,5}}[a-z]?|(?:apt|suite|ste|unit|lot|bldg|apartment|building)\.?\s#?\w{{1,5}}"
    rf"|\d{{1,6}}\s(?:[\w.'’-]{{1,25}}\s){{1,4}}?(?:st|street|ave|avenue|rd|road|dr|drive|ln|lane|blvd|boulevard|ct"
    rf"|court"
    rf"|pl|place|cir|circle|way|ter|terrace|hwy|highway|pkwy|trl|trail|loop|pike|sq|square)\.?"
    rf"(?:,?\s(?:apt|suite|ste|unit|lot|bldg|#)\.?\s?#?\w{{1,5}})?)(?:,|\s*\n)\s*(?P<place>{_TOWN})(?=\s*[,.;\n)]"
    rf"|\s*$|\s[A-Z]{{2}}\b)"
)
# Who is named with a town: "grandmother Ann Alder, Flint." in lists of contacts.
_CONTACT = re.compile(
    rf"\b(?i:contact|kin|guardian|caregiver|mother|father|grandmother|grandfather|sister|brother|daughter|son|aunt"
    rf"|uncle"
    rf"|wife|husband|niece|nephew|cousin|poa|hcpoa)\b[ :-]{{1,3}}(?:{_NAME}[ ]){{1,3}}?{_NAME},[ ](?P<place>{_NAME}"
    rf"(?:[ ]{_NAME})?)"
    rf"(?=\s*[.;\n]|\s*$)"
)
_IN = around("place_forms.in")
_FILLERS = around("place_forms.fillers")
_MOVES = around("place_forms.moves")
_NATIVE = frozenset(("native", "resident"))
# "the Alder Creek address": behind an article, before one of these.
_DIRECTIONS = frozenset(("new", "west", "north", "south"))
_OF_A_TOWN = around("place_forms.of_a_town")
_ARTICLES = around("place_forms.articles")
_OF_PLACE = re.compile(
    rf"\b(?:[Cc]ity|[Tt]own|[Vv]illage|[Bb]orough|[Tt]ownship|[Cc]ounty|[Pp]arish|[Hh]amlet"
    rf"|[Ss]uburb) of\s+(?P<place>{_TOWN})"
)
_TOWN_AT = re.compile(_TOWN)
# Towns of the United States that are words of every day, written by hand; behind "in" no article stands before them.
_WORD_TOWNS = around("place_forms.word_towns")
# Towns whose words no other name has, in any case; and those that are words of every day, where a sentence ends.
_PHRASES = tuple(town.replace("_", " ") for town in sorted(around("place_forms.phrases")))
_PHRASE = re.compile(rf"(?:{'|'.join(_PHRASES)})(?![\w'’-])", re.I)
_PHRASE_FIRST = frozenset(town.split(" ")[0] for town in _PHRASES)
_AT_AN_END = around("place_forms.at_an_end")
_ENDS_HERE = re.compile(r"[ ]?(?:[.,;?!\n)]|$)|[ ](?:and|but|works|zip|then|it['’]s|since|now)\b")
# Who governs a town: "mayor of Flint"; what answers the question for one.
_GOVERNS = re.compile(
    rf"\b(?i:mayor|chief|sheriff|councilman|councilwoman|alderman|constable|marshal)[ ]of[ ](?P<place>{_TOWN})"
)
_ASKED = re.compile(
    r"\b(?:what|which|and|the|your)[ ](?:city|town)"
    r"(?:[ ](?:is|was|that|it|this|again|do|you|live|in|are|please)){0,5}\??[ \t]*\n"
    r"(?:[\w ]{1,20}:[ ]?|\[\w+\][ ]?)?(?:(?:it['’]s|in|uh|um|that['’]s)[ ])?"
    r"(?P<place>[a-z][a-z’'-]{2,}(?:[ ][a-z’'-]{2,}){0,2}?)"
    r"(?=[ ]?(?:[,.\n]|$)|[ ](?:zip|and|it['’]s)\b)"
    r"|\bgr[eo]w(?:n)?[ ]up[ ]where\??[ \t]*\n(?:[\w ]{1,20}:[ ]?)?(?:in[ ])?(?P<grown>[a-z][a-z’'-]{2,})"
)
_ASKING = (" city", " town", "up where")
_LIVED = frozenset(("live", "lives", "lived", "living"))
_NO_TOWN, _WHEN = around("place_forms.no_town"), around("place_forms.when")
_COUNTIES = frozenset(("county", "parish", "township"))
_PRONOUNS = around("place_forms.pronouns")
_PEOPLE = around("place_forms.people")
_TOWNSHIPS = around("place_forms.townships")
_KEPT = around("place_forms.kept")


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
            place for place in self._words.places if len(place) > 4 and classes.weight(place) == Weight.UNKNOWN
        )
        self._several: dict[str, list[list[str]]] = {}
        for place in self._words.places | self._words.large_places:
            first, *rest = place.split(" ")
            if rest and any(classes.weight(word) == Weight.UNKNOWN for word in (first, *rest)):
                self._several.setdefault(first, []).append(rest)

    def find(self, reading: Reading) -> Iterator[Found]:
        """By form, then by the words before, then listed ones in lower case."""
        for start, end in self._spans(reading):
            yield Found(start, end, IdentifierKind.PLACE, LIKELY)

    def _spans(self, reading: Reading) -> Iterator[tuple[int, int]]:
        text = reading.text
        for match in _TOWN_ZIP.finditer(text):
            town = match["place"].rstrip("-0123456789").rstrip(" ,").lower()
            if town.isascii() and match["place"].split(" ")[0].isupper() and len(town) < 5 and not match["state"]:
                continue  # "CPT 99214"
            counted = self._ordinary(town.split(" ")[0]) and not match["state"]  # "Platelets 15000"
            if self._may_be(town.split(" ")[0]) and (not counted or town in self._listed or town in _WORD_TOWNS):
                yield match.span("place")
        for match in _BOX_TOWN.finditer(text):
            if self._may_be(match["place"].split()[0]):
                yield match.span("place")
        asks = reading.spoken and any(sign in text for sign in _ASKING)
        for match in _ASKED.finditer(text) if asks else ():
            group = "place" if match["place"] else "grown"
            if not any(word in STOPS or word in _NO_TOWN for word in match[group].split(" ")):
                yield match.span(group)
        for word in reading.words:
            phrase = _PHRASE.match(text, word.start) if word.low in _PHRASE_FIRST else None
            if phrase:
                yield phrase.span()
            governs = _GOVERNS.match(text, word.start) if word.behind[:4] == " of " else None
            if governs and (end := self._town(governs["place"])):
                yield governs.start("place"), governs.start("place") + end
            pattern = _CONTACT if word.low in _PEOPLE else _OF_PLACE if word.low in _TOWNSHIPS else None
            said = pattern.match(text, word.start) if pattern else None
            if said and (end := self._town(said["place"])):
                yield said.start("place"), said.start("place") + end
        yield from self._before(reading.words)
        yield from self._behind(reading)
        yield from self._lower(reading.words)

    def _before(self, words: list[Word]) -> Iterator[tuple[int, int]]:
        """Towns before a state, a county's before "county", any before "area" or "address"."""
        for at, word in enumerate(words):
            if not at or word.gap not in (" ", ", "):
                continue
            low, town = word.low, words[at - 1]
            if low in _COUNTIES and word.text.islower() and (start := self._county_before(words, at)):
                yield start.start, word.end
            elif low in _OF_A_TOWN:
                for first in range(at - 1, max(0, at - 4), -1):
                    name = " ".join(other.low for other in words[first:at])
                    if words[first - 1].low in _ARTICLES and self._is_listed(name):
                        yield words[first].start, town.end
            elif low in STATES_AND_COUNTRIES and town.text.islower() and town.low not in _DIRECTIONS:
                yield from self._before_state(words, at)

    def _behind(self, reading: Reading) -> Iterator[tuple[int, int]]:
        """Towns behind "in", "from" and the like, when what stands before is somebody or somebody's move."""
        words, text = reading.words, reading.text
        for at in range(1, len(words) - 1):
            if words[at].low not in _IN or words[at + 1].gap != " " or words[at].gap != " ":
                continue
            said = self._said_before(words, at)
            town = words[at + 1]
            if town.low in _AT_AN_END and words[at].low == "in" and _ENDS_HERE.match(text, town.end):
                yield town.start, town.end
            if words[at].low == "of" and words[at - 1].low not in _NATIVE:
                continue
            if town.low == "the" and words[at - 1].low in _LIVED and at + 2 < len(words) and reading.capitals:
                named = words[at + 2]  # parts of towns and regions: "lives in the Tenderloin"
                if named.capital and self._town(named.text) and named.low not in self._words.nations:
                    yield named.start, named.end
            if town.capital or town.text[1:2] in ("'", "’"):
                match = _TOWN_AT.match(text, town.start)
                if match is None or not reading.capitals:
                    continue
                end = self._town(match.group()) if said else 0
                if end or (words[at].low in ("in", "near") and town.low in _WORD_TOWNS):
                    yield town.start, max(town.start + end, town.end)
            elif end_word := self._low_town(words, at + 1, said=said):
                yield town.start, end_word.end

    def _before_state(self, words: list[Word], at: int) -> Iterator[tuple[int, int]]:
        for first in range(max(0, at - 3), at):
            name = " ".join(word.low for word in words[first:at])
            if name in self._words.places or (" " in name and name in self._listed):
                yield words[first].start, words[at - 1].end
                return
        if self._unknown(words[at - 1].low):
            yield words[at - 1].start, words[at - 1].end

    def _said_before(self, words: list[Word], at: int) -> bool:
        index = at - 1
        while index > 0 and at - index < 4 and words[index].low in _FILLERS:
            index -= 1
        word = words[index]
        return (
            word.low in _MOVES
            or _possessive(word)
            or (index > 0 and _possessive(words[index - 1]))
            or (index > 0 and words[index - 1].low in ("dr", "doctor", "nurse"))
        )

    def _low_town(self, words: list[Word], at: int, *, said: bool) -> Word | None:
        """The last word of a town in lower case that begins at a word."""
        name, longest = "", None
        for word in words[at : at + 3]:
            if name and word.gap != " ":
                break
            name = f"{name} {word.low}".strip()
            if name in self._listed and (" " not in name or said):
                longest = word
        low = words[at].low
        if longest is not None and longest is not words[at]:
            return longest
        weight = self._classes.weight(low)
        if longest is not None and weight >= Weight.UNKNOWN and weight not in (Weight.WORD_SURNAME, Weight.WORD_GIVEN):
            return longest
        if words[at - 2].low in _LIVED and low not in _NO_TOWN and self._ends(words, at):
            return words[at]  # any word: "when i was living in normal"
        if not said:
            return None
        if low in _WORD_TOWNS or (weight == Weight.UNKNOWN and len(low) > 3 and self._unknown(low)):
            return words[at]
        return None

    @staticmethod
    def _ends(words: list[Word], at: int) -> bool:
        """Whether a word closes its sentence, or what follows says when or where else."""
        if at + 1 == len(words):
            return True
        return words[at + 1].gap != " " or words[at + 1].low in STATES_AND_COUNTRIES | _WHEN

    def _ordinary(self, low: str) -> bool:
        return self._classes.weight(low) <= Weight.ORDINARY

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
        if (
            low.split(" ")[0] in ("north", "south", "west", "new", "rhode")
            and low.split(" ")[-1] in STATES_AND_COUNTRIES
        ):
            return 0
        if any(first in kept for kept in (known.titles, known.relatives, known.clinical, known.always_clinical)):
            return 0
        listed = low in self._listed or first in self._listed or first in _WORD_TOWNS
        if not listed and (
            first in known.not_a_name or first in known.eponyms or self._classes.weight(first) <= Weight.ORDINARY
        ):
            return 0
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

    def _county_before(self, words: list[Word], at: int) -> Word | None:
        """The first word of a county's name in lower case; None when the words before "county" name none."""
        for first in range(max(0, at - 3), at):
            name = " ".join(word.low for word in words[first:at])
            if name in self._listed or (first == at - 1 and self._classes.weight(name) >= Weight.UNKNOWN):
                return words[first]
        return None

    def _lower(self, words: list[Word]) -> Iterator[tuple[int, int]]:
        for at, word in enumerate(words):
            if not word.text.islower():
                continue
            behind_it = words[at + 1].low if at + 1 < len(words) else ""
            if word.low in self._anywhere and behind_it not in self._words.heads:
                yield word.start, word.end
            for rest in self._several.get(word.low, ()):
                behind = words[at + 1 : at + 1 + len(rest)]
                if [other.low for other in behind] == rest:
                    yield word.start, behind[-1].end


def _possessive(word: Word) -> bool:
    return word.text[-2:] in ("'s", "’s") and word.low not in _PRONOUNS

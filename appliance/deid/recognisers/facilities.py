"""Hospitals, practices, pharmacies, schools, employers: by the word that says what they are, and the names before it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from appliance.deid.identifier import IdentifierKind
from appliance.deid.reading import Reading, Word
from appliance.deid.recognisers.base import LIKELY, Found, ReadingRecogniser
from appliance.deid.recognisers.name_class import NameWords, Weight

_HEAD = re.compile(
    r"\b(?:hospitals?|medical (?:center|centre|group|associates|clinic|plaza|arts|park|office|practice)|health (?:center|centre|system|care|clinic|network|services|department|partners)"
    r"|healthcare|clinics?|infirmary|hospice|nursing (?:home|center|facility)|rehab(?:ilitation)?(?: (?:center|hospital|facility))?|surgery center|surgical center|cancer (?:center|institute)"
    r"|heart (?:center|institute)|imaging(?: center)?|dialysis(?: center)?|pharmacy|drug ?store|laborator(?:y|ies)|diagnostics|family (?:medicine|practice|health|physicians)"
    r"|pediatrics|cardiology|orthop(?:a?edics)|dermatology|oncology|internal medicine|urgent care|senior living|assisted living|memory care|retirement (?:home|community|village)|manor"
    r"|university|college|academy|(?:high|middle|elementary|primary|charter|grammar) school|school(?: of \w+)?|seminary|institute|foundation|prison|jail|correctional (?:facility|center)"
    r"|church|elementary|inc|llc|corp(?:oration)?|company|industries|enterprises|bank|airlines|motors|logistics|construction|hotel|resort)\b",
    re.I,
)
_PROPER = frozenset(
    [
        "st",
        "saint",
        "saints",
        "mercy",
        "memorial",
        "general",
        "regional",
        "county",
        "community",
        "presbyterian",
        "methodist",
        "baptist",
        "lutheran",
        "adventist",
        "catholic",
        "children's",
        "childrens",
        "veterans",
        "va",
        "sacred",
        "heart",
        "good",
        "samaritan",
        "mount",
        "mt",
        "cedar",
        "cedars",
        "trinity",
        "holy",
        "providence",
        "university",
        "state",
        "city",
        "central",
        "north",
        "south",
        "east",
        "west",
        "northern",
        "southern",
        "eastern",
        "western",
        "northeast",
        "northwest",
        "southeast",
        "southwest",
        "mid",
        "metro",
        "metropolitan",
        "valley",
        "lake",
        "lakes",
        "lakeside",
        "lakewood",
        "river",
        "riverside",
        "hill",
        "hills",
        "hillside",
        "oak",
        "oaks",
        "pine",
        "pines",
        "maple",
        "elm",
        "grove",
        "green",
        "bay",
        "ocean",
        "sunset",
        "sunrise",
        "summit",
        "park",
        "meadow",
        "meadows",
        "forest",
        "woodland",
        "spring",
        "springs",
        "harbor",
        "harbour",
        "point",
        "coast",
        "coastal",
        "beach",
        "island",
        "ridge",
        "mountain",
        "creek",
        "brook",
        "bridge",
        "cross",
        "our",
        "lady",
        "of",
        "the",
        "and",
        "john's",
        "mary's",
        "luke's",
        "joseph's",
        "vincent's",
        "francis",
        "anthony's",
        "michael's",
        "advocate",
        "mayo",
        "johns",
        "hopkins",
        "kaiser",
        "permanente",
        "cleveland",
        "first",
        "united",
        "national",
        "american",
        "pacific",
        "atlantic",
        "midwest",
        "heartland",
        "liberty",
        "unity",
        "hope",
        "grace",
        "blue",
        "red",
        "white",
        "golden",
        "silver",
        "royal",
        "premier",
        "advanced",
        "integrated",
        "select",
        "tri",
        "capital",
        "capitol",
        "evergreen",
        "willow",
        "rosewood",
        "birch",
        "magnolia",
        "aspen",
        "cypress",
    ]
)
# Words that make a kind of a place, not its name: "the pain clinic", "a local hospital".
_ALWAYS_PLAIN = frozenset(["of", "the", "and", "our"])
_STRONG = frozenset(
    [
        "hospital",
        "medical",
        "health",
        "healthcare",
        "clinic",
        "infirmary",
        "hospice",
        "nursing",
        "pharmacy",
        "university",
        "college",
        "academy",
        "school",
        "elementary",
    ]
)
_TAIL = re.compile(
    r"[ \t]+(?:of|at|for)[ \t]+(?:the[ \t]+)?[A-Z][\w'’-]{1,30}(?:[ \t]+[A-Z][\w'’-]{1,30}){0,3}"
    r"|(?:[ \t]+(?:Hospital|Center|Clinic|System|Group|Institute|Inc|LLC|Pharmacy|School|Campus))+\b"
)
_WORKS = re.compile(
    r"\b(?:works?|worked|working|employed|employer|job)(?:\s+(?:at|for|by|with|as an? \w+ (?:at|for|with))|\s*(?:is|:))\s+(?P<place>[A-Z][\w&'’-]+(?:[ \t]+(?:(?:of|and|&|the)[ \t]+)?[A-Z][\w&'’-]*){0,4})"
)


class FacilityRecogniser(ReadingRecogniser):
    """Names of institutions."""

    kinds = (IdentifierKind.FACILITY,)

    def __init__(self, classes: NameWords) -> None:
        super().__init__()
        words = self._words = classes.words
        self._classes = classes
        self._lower = words.places | words.large_places | words.ordinary_places | words.surnames | words.given

    def find(self, reading: Reading) -> Iterator[Found]:
        """From each head back over the words that name it."""
        text = reading.text
        words = reading.words
        starts = None
        for match in _HEAD.finditer(text):
            if starts is None:
                starts = {word.start: at for at, word in enumerate(words)}
            at = starts.get(match.start())
            if at is None:
                continue
            head_capital = match.group()[0].isupper()
            first = self._back(words, at, head_capital)
            end = self._forward(text, match.end(), head_capital)
            if first is not None or (end > match.end() and match.group().lower() in ("university", "college")):
                yield Found(words[at if first is None else first].start, end, IdentifierKind.FACILITY, LIKELY)
        for match in _WORKS.finditer(text):
            if match["place"].split()[0].lower() not in self._words.not_a_name | self._words.titles:
                yield Found(match.start("place"), match.end("place"), IdentifierKind.FACILITY, LIKELY)

    def _back(self, words: list[Word], at: int, capital: bool) -> int | None:
        """Index of the first word of the name that ends before `at`, None when only plain words stand there."""
        first, named = at, False
        for index in range(at - 1, max(-1, at - 7), -1):
            word = words[index]
            gap = words[index + 1].gap
            if gap not in (" ", ". ", "-", " & ", "  "):
                break
            if word.low in _ALWAYS_PLAIN and index < at - 1 and (capital or word.low == "of"):
                continue
            if capital and word.capital:
                if word.low in self._words.not_a_name and word.opens:
                    break
                first = index
                named = named or not self._plain(word)
            elif (
                word.low in _PROPER
                or (word.low in self._lower and word.low not in self._words.not_a_name)
                or (
                    word.text.lower().endswith("'s")
                    or (len(word.low) > 4 and self._classes.weight(word.low) == Weight.UNKNOWN)
                )
            ):
                if word.low in self._words.relatives or word.low in (
                    "patient",
                    "doctor",
                    "women",
                    "men",
                    "it",
                    "that",
                    "there",
                    "what",
                    "let",
                ):
                    break
                first = index
                named = named or word.low not in (
                    "general",
                    "community",
                    "state",
                    "county",
                    "city",
                    "first",
                    "university",
                    "american",
                    "and",
                    "of",
                    "the",
                    "our",
                    "good",
                    "white",
                    "red",
                    "green",
                    "blue",
                    "park",
                    "national",
                    "select",
                    "advanced",
                    "point",
                    "cross",
                    "bridge",
                    "hope",
                    "heart",
                    "regional",
                    "central",
                    "north",
                    "south",
                    "east",
                    "west",
                    "united",
                    "spring",
                    "beach",
                    "children's",
                    "childrens",
                    "children",
                    "va",
                    "veterans",
                    "memorial",
                    "lake",
                    "river",
                    "hill",
                    "metro",
                    "valley",
                    "mountain",
                    "island",
                    "ocean",
                    "forest",
                )
            else:
                break
        return first if named and first < at else None

    def _plain(self, word: Word) -> bool:
        low = word.low
        return low in self._words.not_a_name or low in _KINDS or low in self._words.heads or low in _ALWAYS_PLAIN

    def _forward(self, text: str, end: int, capital: bool) -> int:
        """Takes in what follows as part of the name: "University of Michigan", "Hospital of Saint Raphael"."""
        match = _TAIL.match(text, end) if capital else None
        return match.end() if match else end


_KINDS = frozenset(
    [
        "pain",
        "sleep",
        "cancer",
        "heart",
        "wound",
        "eye",
        "stroke",
        "memory",
        "travel",
        "walk-in",
        "free",
        "local",
        "outpatient",
        "inpatient",
        "emergency",
        "day",
        "night",
        "mobile",
        "community",
        "public",
        "private",
        "mental",
        "behavioral",
        "physical",
        "occupational",
        "sports",
        "women's",
        "men's",
        "fertility",
        "diabetes",
        "weight",
        "anticoagulation",
        "coumadin",
        "warfarin",
        "allergy",
        "ent",
        "ob",
        "gyn",
        "obgyn",
        "ob-gyn",
        "urology",
        "neurology",
        "cardiology",
        "orthopedic",
        "orthopedics",
        "dermatology",
        "oncology",
        "pulmonary",
        "gastroenterology",
        "nephrology",
        "rheumatology",
        "endocrinology",
        "psychiatry",
        "pediatric",
        "pediatrics",
        "surgical",
        "surgery",
        "medicine",
        "medical",
        "health",
        "clinical",
        "dental",
        "vision",
        "hearing",
        "family",
        "internal",
        "primary",
        "care",
        "urgent",
        "center",
        "hospital",
        "clinic",
        "pharmacy",
        "specialty",
        "teaching",
        "tertiary",
        "acute",
        "long",
        "term",
        "skilled",
        "nursing",
        "home",
        "hospice",
        "rehab",
        "rehabilitation",
        "imaging",
        "radiology",
        "dialysis",
        "infusion",
        "vein",
        "spine",
        "joint",
        "back",
        "hand",
        "foot",
        "breast",
        "brain",
        "liver",
        "transplant",
        "trauma",
        "burn",
        "icu",
        "retail",
        "mail",
        "order",
        "compounding",
        "chain",
        "high",
        "middle",
        "elementary",
        "grade",
        "law",
        "graduate",
        "nursing",
        "preschool",
        "old",
        "new",
        "our",
        "follow-up",
        "electronic",
        "united",
        "states",
        "department",
        "insurance",
        "managed",
        "continuing",
        "advance",
        "vascular",
        "interventional",
        "general",
        "nuclear",
        "plastic",
        "cosmetic",
        "oral",
        "maxillofacial",
        "bariatric",
    ]
)

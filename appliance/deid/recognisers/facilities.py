"""Hospitals, practices, pharmacies, schools, employers: by the word for what they are and the names before it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from appliance.deid.identifier import IdentifierKind
from appliance.deid.lexicon import around
from appliance.deid.reading import Reading, Word
from appliance.deid.recognisers.base import LIKELY, Found, ReadingRecogniser
from appliance.deid.recognisers.by_letter import by_letter
from appliance.deid.recognisers.name_class import NameWords, Weight

_HEAD = re.compile(
    r"\b"
    + by_letter(
        r"hospitals?|medical (?:center|centre|group|associates|clinic|plaza|arts|park|office"
        r"|practice)|health (?:center|centre|system|care|clinic|network|services|department"
        r"|partners)"
        r"|healthcare|clinics?|infirmary|hospice|nursing (?:home|center|facility)"
        r"|rehab(?:ilitation)?(?: (?:center|hospital|facility))?|surgery center|surgical center"
        r"|cancer (?:center|institute)"
        r"|heart (?:center|institute)|imaging(?: center)?|dialysis(?: center)?|pharmacy|drug"
        r" ?store|laborator(?:y|ies)|diagnostics|family (?:medicine|practice|health|physicians)"
        r"|pediatrics|cardiology|orthop(?:a?edics)|dermatology|oncology|internal medicine|urgent"
        r" care|senior living|assisted living|memory care|retirement (?:home|community|village)"
        r"|manor"
        r"|university|college|academy|(?:high|middle|elementary|primary|charter|grammar) school"
        r"|school(?: of \w+)?|seminary|institute|foundation|prison|jail|correctional (?:facility"
        r"|center)"
        r"|church|elementary|inc|llc|corp(?:oration)?|company|industries|enterprises|bank"
        r"|airlines|motors|logistics|construction|hotel|resort"
    )
    + r"\b",
    re.I,
)
# Schools are called after people whose names are words and eponyms as well: "barlow middle school".
_TAUGHT = re.compile(r"(?:high|middle|elementary|primary|charter|grammar) school|academy", re.I)
_PROPER = around("facilities.proper")
# Words that make a kind of a place, not its name: "the pain clinic", "a local hospital".
_ALWAYS_PLAIN = around("facilities.always_plain")
_STRONG = around("facilities.strong")
_TAIL = re.compile(
    r"[ \t]+(?:of|at|for)[ \t]+(?:the[ \t]+)?[A-Z][\w'’-]{1,30}(?:[ \t]+[A-Z][\w'’-]{1,30}){0,3}"
    r"|(?:[ \t]+(?:Hospital|Center|Clinic|System|Group|Institute|Inc|LLC|Pharmacy|School|Campus))+\b"
)
_WORKS = re.compile(
    r"\b(?:works?|worked|working|employed|employer|job)(?:\s+(?:at|for|by|with|as an? \w+"
    r" (?:at|for|with))|\s*(?:is|:))\s+(?P<place>[A-Z][\w&'’-]+(?:[ \t]+(?:(?:of|and|&|the)["
    r" \t]+)?[A-Z][\w&'’-]*){0,4})"
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
            taught = _TAUGHT.search(match.group()) is not None
            first = self._back(words, at, head_capital, taught=taught)
            end = self._forward(text, match.end(), head_capital)
            if first is not None or (end > match.end() and match.group().lower() in ("university", "college")):
                yield Found(words[at if first is None else first].start, end, IdentifierKind.FACILITY, LIKELY)
        for match in _WORKS.finditer(text):
            if match["place"].isupper() and len(match["place"]) < 5:
                continue  # "worked with PT"
            if match["place"].split()[0].lower() not in self._words.not_a_name | self._words.titles:
                yield Found(match.start("place"), match.end("place"), IdentifierKind.FACILITY, LIKELY)

    def _back(self, words: list[Word], at: int, capital: bool, *, taught: bool) -> int | None:
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
                or (word.low in self._words.surname_words and (taught or words[index + 1].low == "memorial"))
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


_KINDS = around("facilities.kinds")

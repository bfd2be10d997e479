"""Names by the line they stand in: speakers before a colon, names in capitals on labels, two words that fill a line.

A chat is told by what is said behind a colon ("Ubul: I can't"): then whoever opens a line before one speaks. Names in
capitals that are words ("HOPE, IVY") need what a label or a schedule writes behind them: a birth date, an age.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from appliance.deid.identifier import IdentifierKind
from appliance.deid.lexicon import around
from appliance.deid.reading import Reading
from appliance.deid.recognisers.base import LIKELY, Found
from appliance.deid.recognisers.known_words import KnownWords, is_name_cased
from appliance.deid.recognisers.name_class import STATES_AND_COUNTRIES, NameWords, Weight
from appliance.deid.recognisers.name_context import MODAL_NAMES

_PART = r"[^\W\d_][^\W\d_]{1,24}(?:['’-][^\W\d_]{1,24})?"
_PROPER = r"[^\W\d_a-z][^\W\d_A-Z]{1,24}(?:['’-][^\W\d_]{1,24})?"
_SPEAKER = re.compile(
    r"^(?:\[[^\]\n]{1,24}\][ ]?|\(?\d{1,2}:\d\d(?::\d\d)?(?: ?[ap]m)?\)?[ ,-]{1,3}|[-*>][ ])?"
    rf"(?P<name>{_PART}(?:[ ](?:[A-Z]\.[ ])?{_PART}){{0,2}})[ ]?:(?!\d)",
    re.M | re.I,
)
# What is said, not what is entered in a form: "Gait: no", "Plan: we".
_SAYS = re.compile(
    r"[ ]{0,2}(?:[\"“]|(?:hi|hello|hey|i|i'm|i've|i'll|we|you|you're|it's|that's|what|who|how|why|when|where|can|could"
    r"|did|do you|are you|thanks|thank you|sorry|oh|well|so|please|let's|my|remember|okay|yeah"
    r"|good (?:morning|afternoon|evening))\b(?!:))",
    re.I,
)
_SPEAKERS = around("roles.speakers") | frozenset(("doctor", "agent", "user", "operator", "me", "dispatcher"))
_CAPS = r"[A-Z]{2,20}(?:['-][A-Z]{2,20})?"
_SHOUTED = re.compile(
    r"(?:(?:^|(?<=[|;:])|\b(?:PATIENT|PT|NAME|RE|FOR|BY|CLIENT|RESIDENT|MEMBER)\b[.:]?)[ \t]{0,4}"
    r"(?:(?:BED|RM|ROOM)[ ]?)?(?:#?\d{1,4}[A-D]?[:.)]?[ \t]{1,2}|[-*][ ])?)"
    rf"(?P<name>(?P<one>{_CAPS})(?P<comma>,)?[ ](?:[A-Z]\.?[ ])?(?P<other>{_CAPS})(?:[ ][A-Z]\b\.?)?)"
    r"[ \t]*(?P<mark>$|[|]|[,;(-]{0,2}[ \t]{0,4}(?:DOB|D\.O\.B|MRN|AGE|SEX|ACCT|RM\b|ROOM|BED|POD|HD\b"
    r"|\d{1,3}[ ]?(?:Y|YO|YRS?|F|M)\b|[MF]\b|\d{1,2}/\d{1,2}|\d{4,}|#))",
    re.M,
)
_FILLED = re.compile(
    rf"(?:^|(?<=[:?][ ]))(?P<one>{_PROPER})[ ](?:[A-Z]\.?[ ])?(?P<other>{_PROPER})(?=[ \t]*(?:$|,[ ]\d))", re.M
)
_INTRODUCED = re.compile(
    rf"\b(?:I['’]m|I am|[Mm]y name is|[Tt]his is|[Nn]ame['’]s)[ ](?P<one>{_PROPER})[ ](?P<other>{_PROPER})"
)
# How somebody is called, behind the name: 'Orvel Trask ("Fio")'.
_QUOTED = re.compile(rf"(?P<one>{_PROPER})[ ](?P<other>{_PROPER})[ ]\(?[\"“](?P<called>{_PROPER})[\"”]")


class NameLines:
    """Finds names by the line they stand in."""

    def __init__(self, classes: NameWords) -> None:
        self._classes = classes
        lists = self._lists = classes.words
        self._known = KnownWords(lists)
        plain = around("unlisted.kept") | STATES_AND_COUNTRIES | lists.not_a_name | lists.nations | lists.heads
        self._plain = plain | lists.structures | lists.relatives | lists.titles | lists.credentials
        self._given = lists.given | lists.given_words
        self._no_forename = self._plain | around("roles.people") | lists.eponyms

    def find(self, reading: Reading) -> Iterator[Found]:
        """Spans of names, without titles."""
        text = reading.text
        yield from self._speakers(reading)
        for match in _SHOUTED.finditer(text):
            if self._is_shouted(match):
                yield Found(match.start("name"), match.end("name"), IdentifierKind.NAME, LIKELY)
        if not reading.capitals:
            return
        for match in _FILLED.finditer(text):
            one, other = match["one"].lower(), match["other"].lower()
            if self._classes.weight(one) == Weight.GIVEN and one not in self._lists.eponyms and self._ends(other):
                yield Found(match.start("one"), match.end("other"), IdentifierKind.NAME, LIKELY)
        for match in _QUOTED.finditer(text):
            named = self._could_be(match["one"].lower()) and self._could_be(match["other"].lower())
            if named and match["called"].lower() not in self._no_forename:
                yield Found(match.start("called"), match.end("called"), IdentifierKind.NAME, LIKELY)
        for match in _INTRODUCED.finditer(text):
            one, other = match["one"].lower(), match["other"].lower()
            named = max(self._classes.weight(one), self._classes.weight(other)) >= Weight.SURNAME
            if named and one not in self._no_forename and other not in self._plain:
                yield Found(match.start("one"), match.end("other"), IdentifierKind.NAME, LIKELY)

    def _speakers(self, reading: Reading) -> Iterator[Found]:
        """Who opens lines before a colon, where one of them says something."""
        lines = list(_SPEAKER.finditer(reading.text))
        labels = [(match, match["name"].lower().split()) for match in lines]
        named = [(match, self._is_speaker(reading, match["name"])) for match, _ in labels]
        speaks = any(
            (somebody or parts[-1] in _SPEAKERS) and _SAYS.match(reading.text, match.end())
            for (match, somebody), (_, parts) in zip(named, labels, strict=True)
        )
        if speaks:
            for match, somebody in named:
                if somebody:
                    yield Found(match.start("name"), match.end("name"), IdentifierKind.NAME, LIKELY)

    def _is_speaker(self, reading: Reading, name: str) -> bool:
        """Whether what stands before a colon could be somebody's name, and nobody's role."""
        parts = re.findall(r"\S{2,}", name.replace(".", " "))
        cased = reading.spoken or all(is_name_cased(part) and part[0].isupper() for part in parts)
        return cased and all(self._could_be(part.lower()) for part in parts)

    def _could_be(self, low: str) -> bool:
        if low in self._plain or low in self._classes.fixed_terms:
            return False
        return low in self._classes.name_words or not self._known.known(low)

    def _is_shouted(self, match: re.Match[str]) -> bool:
        one, other = match["one"].lower(), match["other"].lower()
        month = match["comma"] and other in MODAL_NAMES and match["mark"] not in ("", "|")
        if not (self._could_be(one) and (month or self._could_be(other))):
            return False
        forename = other if match["comma"] else one
        if match["mark"] and match["mark"] != "|":
            return one in self._classes.name_words or other in self._classes.name_words
        return forename in self._given and forename not in MODAL_NAMES and one in self._classes.name_words

    def _ends(self, low: str) -> bool:
        """Whether a word may be a surname, however ordinary."""
        return low not in self._plain and low not in self._lists.clinical and low not in self._lists.company

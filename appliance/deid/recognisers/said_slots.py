"""Names in speech where only somebody can be named, whatever the word: "mrs salt", "room two is page she's deaf".

Behind a title before what somebody does, behind a room, in the answer to the question for a name, and as the surname
behind a given name before a number or a pause.
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
from appliance.deid.recognisers.name_class import NameWords, Weight
from appliance.deid.recognisers.name_position import RELATIVE

_WORD = r"[a-z][a-z’'-]{2,20}"
_FIGURE = (
    r"(?:\d{1,4}[a-d]?|(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|[a-z]{3,6}teen|twenty|thirty)"
    r"(?: [a-z]{3,8})?)"
)
_ACTS = (
    r"(?: (?:said|says|told|wants|wanted|thinks|thought|never|always|will|won't|can't|couldn't|didn't|doesn't|don't"
    r"|wouldn't|isn't|wasn't|is|was|has|had|does|did|came|called|sent|gave|saw|put|dictating|speaking|calling|here|covers"
    r"|how'd|how are|on the way)\b| ?[.,;?!\n]| ?$)"
)
_TITLED = re.compile(rf"\b(?:mrs?|ms|misses|missus|mister)\.? (?P<name>{_WORD})(?={_ACTS}|'s )", re.I)
_ROLE = re.compile(
    rf"\b(?:doctor|nurse|officer|trooper|deputy|sergeant|pastor|reverend|coach|professor) (?P<name>{_WORD})(?={_ACTS})",
    re.I,
)
_LANDLORD = re.compile(
    rf"\b(?:my|our|his|her|their) (?:landlord|landlady|supervisor|boss|lawyer|caseworker|neighbor|coach"
    rf"|teacher|roommate) (?P<name>{_WORD})(?={_ACTS})"
)
_ROOM = re.compile(
    rf"\b(?:room|bed|bay|chair) (?:number )?{_FIGURE} is (?P<name>{_WORD})"
    r"(?= (?:she's|he's|they're|she|he|who|and|with|needs|wants|from|eighty|seventy|sixty|ninety)\b| ?[.,;\n]| ?$)"
)
_NAMED = re.compile(
    rf"\b(?:your|whole|full|first|last|baby's|his|her|their|patient's|the|maiden|child's|mom's|dad's|caller's) name"
    rf"(?: please| again| sir| ma'am| hon| is| there| on it)?\??[ \t]*\n(?:[\w ]{{1,20}}:[ ]?|\[\w+\][ ]?)?"
    rf"(?:(?:it's|i'm|my name is|that's|this is|yes|yeah|uh|um|sure|okay)[ ]){{0,3}}"
    rf"(?P<name>{_WORD}(?:[ ]{_WORD}){{0,2}}?)"
    r"(?=[ ]?(?:[.,\n]|$)|[ ](?:and i|from|with|date|d o b|born|calling|spelled|social)\b)"
)
_KIN = re.compile(
    rf"\b(?:my|his|her|our|their) {RELATIVE} (?P<name>(?P<given>{_WORD}) (?P<surname>{_WORD}))"
    r"(?= ?[.,;?!\n]| ?$| (?:date of birth|d o b|born|she's|he's)\b)"
)
_FULL = re.compile(
    rf"(?<![\w'’-])(?P<name>(?P<given>{_WORD}) (?P<surname>{_WORD}))"
    r"(?= (?:social is|social security|date of birth|d o b|dob|born|over at|my maiden|due\b|this is the)| and i am )"
)
_RULES = WordRules(
    WordRule(f"said_slots.{signs}", pattern, pattern, before, behind)
    for pattern, signs, before, behind in (
        (_TITLED, "titled", 1, 40),
        (_ROLE, "roles", 1, 40),
        (_LANDLORD, "known", 8, 40),
        (_ROOM, "rooms", 1, 70),
        (_NAMED, "name", 14, 100),
        (_KIN, "owners", 1, 80),
        (_FULL, "numbers", 50, 12),
    )
)
_NOT = STOPS | around("said_slots.not")


class SaidSlotRecogniser(ReadingRecogniser):
    """Names in speech by their slots, words of every day among them."""

    kinds = (IdentifierKind.NAME,)

    def __init__(self, classes: NameWords) -> None:
        super().__init__()
        self._classes = classes
        lists = classes.words
        self._never = _NOT | lists.titles | lists.relatives | around("roles.people")

    def find(self, reading: Reading) -> Iterator[Found]:
        """Spans of such names in texts that are speech."""
        if not reading.spoken:
            return
        for pattern, match in _RULES.find(reading):
            words = match["name"].split(" ")
            if any(word in self._never or word.endswith(("n't", "'ll", "'ve", "'re")) for word in words):
                continue
            if pattern is _ROLE and not match.group().lower().startswith("doctor") and not self._listed(words[0]):
                continue
            if pattern in (_KIN, _FULL) and self._classes.weight(match["given"]) != Weight.GIVEN:
                continue
            if pattern is _NAMED and len(words) == 1 and self._classes.weight(words[0]) <= Weight.ORDINARY:
                continue
            yield Found(*match.span("name"), IdentifierKind.NAME, LIKELY)

    def _listed(self, low: str) -> bool:
        """Whether a word is a surname as well, or in no list."""
        return low in self._classes.name_words or self._classes.weight(low) == Weight.UNKNOWN

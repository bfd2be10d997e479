"""Ages over 89 behind a name alone: "Ada Alder, 93, a widow", "Alder (97)"."""

from __future__ import annotations

import re
from collections.abc import Iterator

from appliance.deid.identifier import IdentifierKind
from appliance.deid.reading import Reading
from appliance.deid.recognisers.base import LIKELY, Found, ReadingRecogniser
from appliance.deid.recognisers.known_words import KnownWords, is_name_cased
from appliance.deid.recognisers.name_class import NameWords, Weight

_AGE = re.compile(
    r"(?<=[a-z])(?:,?[ ]\((?P<bracket>9\d|1[0-2]\d)(?=\)|[;,][ ][a-z])|,[ ](?P<age>9\d|1[0-2]\d)(?=[,;][ ][A-Za-z]))"
)
_NAME = re.compile(r"(?<![\w'’-])(?:(?P<first>[^\W\d_a-z][\w'’-]*)[ ])?(?P<last>[^\W\d_a-z][\w'’-]*)$")
_LOOK = 30  # characters before an age in which the name stands


class NamedAgeRecogniser(ReadingRecogniser):
    """Ages by the name before them: scores and measures stand behind words that are no names."""

    kinds = (IdentifierKind.AGE,)

    def __init__(self, classes: NameWords) -> None:
        super().__init__()
        self._classes = classes
        self._known = KnownWords(classes.words)

    def find(self, reading: Reading) -> Iterator[Found]:
        """Figures of 90 and more between commas or in brackets, behind a word that can only be a name."""
        if reading.spoken:
            return
        for match in _AGE.finditer(reading.text):
            name = _NAME.search(reading.text, max(0, match.start() - _LOOK), match.start())
            if name and is_name_cased(name["last"]) and self._is_name(name["last"].lower(), name["first"] or ""):
                part = "age" if match["age"] else "bracket"
                yield Found(match.start(part), match.end(part), IdentifierKind.AGE, LIKELY)

    def _is_name(self, low: str, first: str) -> bool:
        lists = self._classes.words
        if self._classes.weight(first.lower()) in (Weight.GIVEN, Weight.WORD_GIVEN):
            return low in self._classes.name_words or self._classes.weight(low) >= Weight.UNKNOWN
        if low in self._classes.fixed_terms or low in lists.eponyms or low in lists.graded or low in lists.heads:
            return False
        weight = self._classes.weight(low)
        return weight > Weight.UNKNOWN or (weight == Weight.UNKNOWN and not self._known.known(low))

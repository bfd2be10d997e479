"""Other forms of a name that the same text holds: its short forms, and misspellings of one letter.

"Bob" in a text about Robert is Robert; "Kesler" in one about Kessler is Kessler. Short forms that are words ("bill",
"rich") count with a capital inside a sentence, or where a word of that form could not stand.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from rapidfuzz.distance import DamerauLevenshtein

from appliance.deid.identifier import IdentifierKind
from appliance.deid.lexicon import around
from appliance.deid.reading import Reading, Word
from appliance.deid.recognisers.base import POSSIBLE, Found
from appliance.deid.recognisers.known_words import KnownWords, is_name_cased
from appliance.deid.recognisers.name_class import NameWords, Weight
from appliance.deid.recognisers.name_context import AFTER_A_NAME, MODAL_NAMES

_SHORTEST = 5  # letters of a name whose misspellings are looked for
_PERSON_VERBS = around("called.person_verbs") - around("called.done_to_things")
_COMMON_VERBS = around("called.common_verbs")
_NO_SUBJECT = around("called.determiners") | around("called.before_a_verb")


def _short_forms() -> dict[str, frozenset[str]]:
    """Each name with the other names of its groups."""
    forms: defaultdict[str, set[str]] = defaultdict(set)
    for group in around("called.short_forms"):
        names = group.split("|")
        for name in names:
            forms[name].update(names)
    return {name: frozenset(others - {name}) for name, others in forms.items()}


_SHORT = _short_forms()


class NameVariants:
    """Finds short forms and misspellings of names that were found."""

    def __init__(self, classes: NameWords) -> None:
        self._classes = classes
        self._known = KnownWords(classes.words)

    def find(self, reading: Reading, words: Sequence[Word], strong: set[str], taken: set[int]) -> Iterator[Found]:
        """Spans of such words; `strong` are the names of the text, `taken` the places that are found already."""
        short = frozenset().union(*(_SHORT.get(name, frozenset()) for name in strong)) - MODAL_NAMES
        long = [name for name in strong if len(name) >= _SHORTEST and name.isalpha()]
        if not short and not long:
            return
        # A transposition may be at the first letter.
        first = {name[0] for name in long} | {name[1] for name in long}
        judged: dict[str, bool] = {}
        for at, word in enumerate(words):
            low = word.low
            if at in taken or low in strong:
                continue
            if low in short:
                if self._is_short(reading, words, at):
                    yield Found(word.start, word.end, IdentifierKind.NAME, POSSIBLE)
            elif len(low) >= _SHORTEST - 1 and low[0] in first:
                if low not in judged:
                    judged[low] = self._is_misspelt(low, long)
                if judged[low] and not self._classes.clinical(words, at) and is_name_cased(word.text.capitalize()):
                    yield Found(word.start, word.end, IdentifierKind.NAME, POSSIBLE)

    def _is_misspelt(self, low: str, names: Sequence[str]) -> bool:
        """Whether it is one letter away from a name, and no word that a list knows for another reason."""
        if self._classes.weight(low) not in (Weight.UNKNOWN, Weight.SURNAME):
            return False
        if self._classes.weight(low) == Weight.UNKNOWN and self._known.known(low):
            return False
        return any(DamerauLevenshtein.distance(low, name, score_cutoff=1) <= 1 for name in names)

    def _is_short(self, reading: Reading, words: Sequence[Word], at: int) -> bool:
        """Whether a short form stands as a name."""
        word = words[at]
        if self._classes.clinical(words, at) or (word.text.isupper() and len(word.text) > 1):
            return False
        if self._classes.weight(word.low) in (Weight.GIVEN, Weight.SURNAME):
            return True
        before = words[at - 1] if at else None
        behind = words[at + 1] if at + 1 < len(words) and words[at + 1].gap == " " else None
        owns = word.text.endswith(("'s", "’s")) or word.behind[:2] in ("'s", "’s")
        acts = behind is not None and behind.low in _PERSON_VERBS | _COMMON_VERBS | AFTER_A_NAME
        if reading.spoken or not reading.capitals:
            led = before is not None and word.gap == " " and before.low in _NO_SUBJECT
            return not led and (owns or acts or not word.behind[:1].isspace() or behind is None)
        if not word.capital:
            return False
        inside = not word.opens and word.gap in (" ", ' "', " (", " “", ", ")
        return inside or owns or (acts and behind is not None and not behind.capital)

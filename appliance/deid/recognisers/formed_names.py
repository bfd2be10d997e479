"""Names whose form looks like a drug or a term of medicine ("Kelvir", "Santion"), where only a person stands.

The form alone says that a word is clinical (`known_words.py`). Behind a title, in an introduction, before what only
people do, it is somebody; then the text means somebody by its other mentions too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from appliance.deid.identifier import IdentifierKind
from appliance.deid.lexicon import around
from appliance.deid.reading import Word
from appliance.deid.recognisers.base import POSSIBLE, Found
from appliance.deid.recognisers.known_words import KnownWords, is_name_cased
from appliance.deid.recognisers.name_class import NameWords, Weight
from appliance.deid.recognisers.name_context import AFTER_A_NAME

_SHORTEST = 5
_OWNERS = around("called.owners")
_HAILED = around("name_context.greetings")
_ROLES = around("roles.people") - around("roles.clients") - around("roles.told")
_LETTERS = around("roles.letters")
_HUMAN_VERBS = around("called.person_verbs") - around("called.done_to_things") - around("called.drug_verbs")
_INTRODUCED = frozenset((("is", "this"), ("is", "name"), ("am", "i"), ("is", "patient"), ("me", "call")))
_INTRODUCED_AFTER = frozenset(("calling", "speaking", "here", "from", "and", "with", "your", "the", "at", "date"))
_DASHES = ("-", "–", "—", "~")  # before who signs
_BEFORE_A_DASH = (" ", ".", "!", "?", "\n")
_PAUSES = (",", ".", "?", "!", "[", ";", ")", "\n", "")


class FormedNames:
    """Finds names that only their form makes clinical."""

    def __init__(self, classes: NameWords, known: KnownWords) -> None:
        self._classes = classes
        self._lists = classes.words
        self._known = known

    def find(self, words: Sequence[Word]) -> Iterator[Found]:
        """Every mention of a word that stands once where only a person can."""
        places = [at for at, word in enumerate(words) if len(word.low) >= _SHORTEST and self._known.by_form(word.low)]
        people = {words[at].low for at in places if self._is_person(words, at)}
        for at in places:
            if words[at].low in people:
                yield Found(words[at].start, words[at].end, IdentifierKind.NAME, POSSIBLE)

    def _is_person(self, words: Sequence[Word], at: int) -> bool:
        word = words[at]
        if not is_name_cased(word.text) or self._classes.clinical(words, at):
            return False
        before = words[at - 1] if at else None
        behind = words[at + 1] if at + 1 < len(words) else None
        beside = behind if behind is not None and behind.gap == " " else None
        closes = word.behind.strip(" ")[:1] in _PAUSES
        if behind is not None and behind.text in _LETTERS and behind.gap in (" ", ", "):
            return True
        if (
            word.capital
            and word.gap.rstrip().endswith(_DASHES)
            and word.gap[:1] in _BEFORE_A_DASH
            and word.behind.strip(" .")[:1] in ("", "\n")
        ):
            return before is not None
        first = before is None or word.opens or word.gap.strip()[-1:] in ("]", ":", ",", ".", "\n")
        if beside is not None and beside.low in _HUMAN_VERBS and (first or word.capital):
            return True
        if before is not None and before.low in _ROLES and word.gap in (" ", ": ") and word.capital:
            return True
        if before is None or word.gap not in (" ", ". "):
            return False
        if before.low in self._lists.titles:
            return before.low != "miss" or word.capital or closes
        if word.gap != " ":
            return False
        if word.capital and before.capital and self._classes.weight(before.low) == Weight.GIVEN:
            return True
        follows = closes or (beside is not None and beside.low in _INTRODUCED_AFTER | AFTER_A_NAME)
        second = words[at - 2].low if at > 1 else ""
        if before.low in ("i'm", "named") or (before.low, second) in _INTRODUCED:
            return follows and (word.capital or before.low == "named" or second in ("name", "this", "me"))
        if before.low in self._lists.relatives and second in _OWNERS:
            return follows
        return before.low in _HAILED and closes

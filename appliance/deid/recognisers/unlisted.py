"""Words that no list knows, where somebody could be named: hidden unless something says that they are clinical.

Nobody can tell a rare name from a rare word, so the rule fails closed: nearly all words of clinical texts are known,
and what is left is names, misspellings and new drugs. With capitals the word has one; without, it is any word. A
surname that is a word of English is taken for a name when it has its capital in the middle of a sentence, where a word
would have none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from appliance.deid.identifier import IdentifierKind
from appliance.deid.lexicon import around
from appliance.deid.reading import Reading, Word
from appliance.deid.recognisers.base import POSSIBLE, Found, ReadingRecogniser
from appliance.deid.recognisers.formed_names import FormedNames
from appliance.deid.recognisers.known_words import KnownWords, is_name_cased
from appliance.deid.recognisers.name_class import STATES_AND_COUNTRIES, NameWords, Weight
from appliance.deid.recognisers.name_context import AFTER_A_NAME, MODAL_NAMES
from appliance.deid.recognisers.said_words import SaidWords

_SHORTEST, _SHORTEST_SAID = 3, 4  # letters, with capitals and without
_TOWARDS = around("undecided.towards")
_BEHIND_A_DRUG = around("undecided.behind_a_drug")
_OF_A_DRUG = around("unlisted.of_a_drug")
_ACTS = around("unlisted.acts")
_BEFORE = around("unlisted.before")
_THINGS = around("unlisted.things")
_KEPT = around("unlisted.kept")
# Not the first digits of a telephone number, a date or a time.
_DOSE = re.compile(r" ?[x(]? ?(?!\d{3}[-.)]\d|\d{3}\) ?\d|\d{1,4}[/-]\d{1,2}[/-]\d|\d{1,2}:\d\d)\d")
_NUMBERED = re.compile(r" ?#?\d{1,4}[A-D]?[:.)]? $")
_ROOMS = frozenset(("bed", "room", "rm", "bay", "slot", "pod", "chair", "reader", "reviewer", "case", "table"))
_BY = frozenset(("by", "per", "dr", "with"))
_GENUS = re.compile(r".+(?:us|um|is|es|ella|ia|ma|bacter|myces|monas|cola|phaga)$")


class UnlistedRecogniser(ReadingRecogniser):
    """Words of no list, and words with a capital where sentences have none."""

    kinds = (IdentifierKind.NAME, IdentifierKind.PLACE)

    def __init__(self, classes: NameWords) -> None:
        super().__init__()
        self._classes = classes
        self._lists = classes.words
        self._known = KnownWords(classes.words)
        self._said = SaidWords(classes)
        self._formed = FormedNames(classes, self._known)

    def find(self, reading: Reading) -> Iterator[Found]:
        """In a text with capitals what has one; in speech, which has few or none, every word without."""
        words = reading.words
        yield from self._formed.find(words)
        if reading.capitals:
            for at, word in enumerate(words):
                if not word.capital or len(word.text) < _SHORTEST - (not word.text.isascii()):
                    continue
                if word.text.isupper():
                    if at and words[at - 1].low in _BY and self._is_shouted(words, at):
                        yield Found(word.start, word.end, IdentifierKind.NAME, POSSIBLE)
                elif self._is_strange(words, at) or self._is_out_of_place(words, at):
                    yield Found(word.start, word.end, self._kind(words, at), POSSIBLE)
        if not reading.spoken:
            return
        for at, word in enumerate(words):
            low = word.low
            if reading.capitals and word.capital:
                continue
            if low in self._said.anywhere:
                hidden = self._is_said(words, at)
            elif low in self._said.somewhere:
                hidden = self._said.is_called(words, at)
            else:
                long = len(low) >= _SHORTEST_SAID or (len(low) > 1 and not low.isascii())
                strange = long and not self._known.known(low)
                hidden = strange and self._is_said(words, at)
            if hidden:
                yield Found(word.start, word.end, self._kind(words, at), POSSIBLE)

    def _kind(self, words: Sequence[Word], at: int) -> IdentifierKind:
        towards = at > 0 and words[at].gap == " " and words[at - 1].low in _TOWARDS
        return IdentifierKind.PLACE if towards else IdentifierKind.NAME

    def _is_said(self, words: Sequence[Word], at: int) -> bool:
        """Whether a word of no list in speech may be somebody: it is whole, and nothing clinical."""
        word = words[at]
        following = words[at + 1] if at + 1 < len(words) else None
        broken = (
            word.behind[:1] == "-"
            or word.gap[-1:] in ("|", "^", "~")
            or not word.text.replace("-", "").replace("'", "").replace("’", "").isalpha()
        )
        if broken or word.text.lower().endswith(("n't", "'ve", "'ll")) or word.gap.endswith(("@", "_", ".", "/")):
            return False
        if following is not None and following.gap == " " and following.low in self._lists.heads:
            return False
        return not _DOSE.match(word.behind) and not self._classes.clinical(words, at)

    def _is_strange(self, words: Sequence[Word], at: int) -> bool:
        """Whether no list knows a word with a capital, and nothing beside it says that it is clinical."""
        word = words[at]
        if word.low in self._lists.places or word.low in self._lists.large_places:
            return False  # other rules know where they are places
        if self._known.known(word.low) or not is_name_cased(word.text) or self._classes.clinical(words, at):
            return False
        following = words[at + 1] if at + 1 < len(words) else None
        beside = following if following is not None and following.gap == " " else None
        if _DOSE.match(word.behind) and word.behind[:1] != ",":
            return False
        if word.opens and not (beside is not None and beside.text[0].islower()):
            return bool(word.behind[:1] == ",") or word.text.endswith(("'s", "’s"))
        if beside is not None and (beside.low in _BEHIND_A_DRUG or beside.low in self._lists.heads):
            return False
        species = (
            beside is not None and not beside.capital and len(beside.low) > 3 and not self._known.known(beside.low)
        )
        if species and _GENUS.fullmatch(word.low):
            return False  # behind its genus
        return not self._among_drugs(words, at)

    def _is_shouted(self, words: Sequence[Word], at: int) -> bool:
        """Whether a surname in capitals stands behind who did it: "GENERAL BY SMITH"; an abbreviation does not."""
        word = words[at]
        if word.gap != " " or len(word.text) < _SHORTEST_SAID or self._is_clinical(words, at):
            return False
        surname = self._classes.weight(word.low) in (Weight.SURNAME, Weight.WORD_SURNAME, Weight.GIVEN)
        return (surname and not self._classes.is_ordinary(word.low)) or (
            len(word.text) > _SHORTEST_SAID + 1 and not self._known.known(word.low)
        )

    def _among_drugs(self, words: Sequence[Word], at: int) -> bool:
        """Whether a drug stands beside it in a list, before a bracket that names it again, or is taken or stopped."""
        word = words[at]
        before = words[at - 1] if at else None
        if before is not None and word.gap in (" ", " (") and before.low in _OF_A_DRUG:
            return True
        who = words[at - 2].low if before is not None and before.low == "of" and at > 1 else before and before.low
        if who in self._lists.relatives:
            return False
        near = []
        if before is not None and word.gap in (", ", "/", " ("):
            near.append(before)
        if before is not None and before.low in ("and", "or", "plus") and at > 1:
            near.append(words[at - 2])
        following = words[at + 1] if at + 1 < len(words) else None
        if following is not None and following.gap in (", ", "/", " ("):
            near.append(following)
        if following is not None and following.low in ("and", "or", "plus") and at + 2 < len(words):
            near.append(words[at + 2])
        return any(other.low in self._lists.clinical for other in near)

    def _is_out_of_place(self, words: Sequence[Word], at: int) -> bool:
        """Whether a word of English has a capital where none belongs, and stands where somebody may be."""
        word = words[at]
        low = word.low
        surname = low in self._lists.surname_words or low in self._lists.given_words
        if low in _KEPT or low in self._lists.nations or low in STATES_AND_COUNTRIES or low in self._lists.titles:
            return False
        if not is_name_cased(word.text) or self._is_clinical(words, at):
            return False
        before = words[at - 1] if at else None
        following = words[at + 1] if at + 1 < len(words) else None
        beside = following if following is not None and following.gap == " " else None
        owns = word.text.endswith(("'s", "’s")) and surname and low not in self._lists.not_a_name
        if owns and not (word.opens and self._classes.is_ordinary(low)):
            return not (beside is not None and (beside.capital or beside.low in self._lists.heads))
        if before is not None and surname and before.low in _ROOMS and _NUMBERED.match(word.gap):
            return word.behind[:1] in (":", ",", ";", ".", " ")
        if word.opens or before is None or low in MODAL_NAMES:
            return False
        acts = beside is not None and not beside.capital and (beside.low in AFTER_A_NAME or beside.low in _ACTS)
        if word.gap == "; ":
            return surname and acts
        if word.gap in (", ", "/", " / "):
            return surname and low not in self._lists.not_a_name and self._in_a_list(words, at)
        if word.gap not in (" ", " (", "  ") or not before.text.islower() or before.low in _THINGS:
            return False
        if beside is not None and beside.capital and self._classes.weight(beside.low) < Weight.UNKNOWN:
            return False  # a title, an office: "in Good Samaritan"
        if beside is not None and beside.low in self._lists.heads and not acts:
            return False
        if self._in_heading(words, at):
            return False
        if surname and low not in self._lists.not_a_name and low not in self._lists.eponyms:
            return True
        return (before.low in _BEFORE or acts) and len(low) > _SHORTEST and "-" not in low  # via G-tube

    def _is_clinical(self, words: Sequence[Word], at: int) -> bool:
        low = words[at].low
        return low in self._classes.fixed_terms or self._classes.clinical(words, at)

    def _in_a_list(self, words: Sequence[Word], at: int) -> bool:
        """Whether the element before it in a list of capitalised words is a name."""
        before = words[at - 1]
        if not before.capital or before.text.isupper() or self._is_clinical(words, at - 1):
            return False
        return self._classes.weight(before.low) >= Weight.WORD_SURNAME or not self._known.known(before.low)

    def _in_heading(self, words: Sequence[Word], at: int) -> bool:
        """Whether it ends a heading with small words inside: "Range of Motion", "Date of Birth"."""
        if words[at - 1].low not in ("of", "and", "for", "in", "to", "with", "or") or at < 2:
            return False
        other = words[at - 2]
        return other.capital and self._classes.weight(other.low) <= Weight.ORDINARY and not other.opens

"""Looks for what is left of surrogates in a text that came back, and for identifiers that nobody gave."""

from __future__ import annotations

import re
from collections.abc import Sequence

from appliance.deid import dates
from appliance.deid.codes import digits_of
from appliance.deid.identifier import Detector
from appliance.deid.identifier import IdentifierKind as Kind
from appliance.deid.mapping import Mapping
from appliance.deid.restored import Edit, Edits, Reason
from appliance.deid.taken import WholeTexts, tokens
from appliance.deid.vocabulary import TOKEN, every_pool_word, stem

_MARK = re.compile(rf"\[({'|'.join(kind.value for kind in Kind)}) \d+\]", re.IGNORECASE)
# Forms that only surrogates have: nobody's domain, numbers kept for fiction, a ZIP code that is none.
_OURS = (
    (re.compile(r"[\w.@/-]+\.example\b(?:/\S*)?", re.IGNORECASE), Kind.URL),
    (re.compile(r"(?<!\d)555[\s.-]?01\d\d(?!\d)"), Kind.PHONE),
    (re.compile(r"(?<![\d-])000\d\d(?:-\d{4})?(?![\d-])"), Kind.PLACE),
)
_NUMBER = re.compile(r"(?<![\w.])\d{4,}(?![\w]|\.\d)")
_HOUSE = re.compile(r"(?<![\w.])(\d{1,6})\s+$")
_MIN_NEAR_CHARS = 5


class Suspicious:
    """What to look for after everything that is certain was put back."""

    def __init__(self, mapping: Mapping, read: Sequence[str], detector: Detector | None) -> None:
        self._detector = detector
        self._read = WholeTexts(read)
        self._read_folded = [" ".join(text.casefold().split()) for text in read]
        self._surrogates = {one.surrogate.casefold(): one.kind for one in mapping.words if not one.initial}
        originals = {one.original.casefold() for one in mapping.words}
        # A word that only a whole phrase brings back, for instance the made-up half of a hospital's name.
        for phrase in mapping.phrases:
            for token in tokens(phrase.surrogate):
                if token in every_pool_word() and token not in originals:
                    self._surrogates.setdefault(token, phrase.kind)
        self._numbers = {
            digits: one.kind for one in mapping.phrases if len(digits := digits_of(one.surrogate)) > 4
        }  # fmt: skip

    def mark(self, edits: Edits) -> None:
        """Note every suspicious place that nobody has yet."""
        text = edits.text
        for match in _MARK.finditer(text):
            edits.add(Edit(match.start(), match.end(), Kind(match[1].casefold()), reason=Reason.SURROGATE))
        for pattern, kind in _OURS:
            for match in pattern.finditer(text):
                if not self._read_has(match[0]):
                    edits.add(Edit(match.start(), match.end(), kind, reason=Reason.SURROGATE))
        self._mark_words(edits)
        for match in _NUMBER.finditer(text):
            kind_of = next((k for number, k in self._numbers.items() if number.endswith(match[0])), None)
            if kind_of is not None and not self._read.word(match[0]):
                edits.add(Edit(match.start(), match.end(), kind_of, reason=Reason.PART))
        self._mark_unknown(edits)

    def _read_has(self, text: str) -> bool:
        folded = " ".join(text.casefold().split())
        return any(folded in one for one in self._read_folded)

    def _mark_words(self, edits: Edits) -> None:
        nearest: dict[str, Kind | None] = {}
        for match in TOKEN.finditer(edits.text):
            folded = stem(match[0]).casefold()
            start, end = match.start(), match.start() + len(stem(match[0]))
            back = edits.at(start, end)
            if back is not None and back.kind in (Kind.ADDRESS, Kind.PLACE):
                house = _HOUSE.search(edits.text[max(0, start - 8) : start])
                if house is not None:
                    at = max(0, start - 8) + house.start(1)
                    edits.add(Edit(at, at + len(house[1]), Kind.ADDRESS, reason=Reason.PART))
            if not edits.is_free(start, end):
                continue
            if folded in self._surrogates:
                edits.add(Edit(start, end, self._surrogates[folded], reason=Reason.PART))
            elif len(folded) >= _MIN_NEAR_CHARS and not self._read.word(folded):
                if folded not in nearest:
                    nearest[folded] = next((k for one, k in self._surrogates.items() if is_near(folded, one)), None)
                if (near := nearest[folded]) is not None:
                    edits.add(Edit(start, end, near, reason=Reason.NEAR))

    def _mark_unknown(self, edits: Edits) -> None:
        if self._detector is None:
            return
        for one in self._detector.find(edits.text):
            said = edits.text[one.start : one.end]
            if not edits.is_free(one.start, one.end) or self._read_has(said):
                continue
            if one.kind is Kind.DATE and not dates.find(said, bare=True) and dates.is_only_dates(said, ()):
                continue  # a year or a day of the week
            edits.add(Edit(one.start, one.end, one.kind, reason=Reason.UNKNOWN))


def is_near(one: str, other: str) -> bool:
    """Whether two words are one letter apart: changed, left out, put in, or two neighbours changed over."""
    if one == other or abs(len(one) - len(other)) > 1:
        return False
    at = 0
    while at < min(len(one), len(other)) and one[at] == other[at]:
        at += 1
    if len(one) == len(other):
        swapped = one[at : at + 2] == other[at : at + 2][::-1] and one[at + 2 :] == other[at + 2 :]
        return one[at + 1 :] == other[at + 1 :] or swapped
    short, long = sorted((one, other), key=len)
    return short[at:] == long[at + 1 :]

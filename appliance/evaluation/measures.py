"""What is wrong with a transcript: words, numbers, drugs and doses, negations. Pure, and the same for all engines.

The reference and what was heard are aligned word by word with the fewest edits (Levenshtein). A number, drug, dose or
negation that the reference marks is right when all its words are there, in order, with nothing between. What was heard
beyond the reference counts as well: a numeral, a drug's name or a denial that nobody said is an error of its class.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from typing import Literal

import numpy as np

from appliance.grounding.polarity import is_denial
from appliance.grounding.tables import tables
from appliance.transcription.numerals import Token, tokens

Kind = Literal["number", "drug", "dose", "negation"]
_NOT = re.compile(r"^(\W*)(\w+?)n['’]t(\W*)$", re.IGNORECASE)
_WHOLE = {"ca": "can", "wo": "will", "sha": "shall"}
_KEEP, _REPLACE, _DROP, _INSERT = 0, 1, 2, 3


def plain(text: str) -> list[str]:
    """Words for the error rate: numerals in one spelling, no marks."""
    return [token.text for token in tokens(text.split())]


def numbers(text: str) -> list[str]:
    """The numerals of a text, in order."""
    return [token.text for token in tokens(text.split()) if token.numeral]


def distance(wanted: Sequence[str], seen: Sequence[str]) -> int:
    """Word edits (Levenshtein)."""
    return sum(edit.kind != _KEEP for edit in align(wanted, seen))


@dataclass(frozen=True)
class Edit:
    """One step of an alignment. `wanted` and `seen` are positions; that of what is not there is where it would be."""

    kind: int
    wanted: int
    seen: int


def align(wanted: Sequence[str], seen: Sequence[str]) -> list[Edit]:
    """Return an alignment with the fewest edits. Takes len(wanted) × len(seen) bytes."""
    names = {word: number for number, word in enumerate(dict.fromkeys([*wanted, *seen]))}
    left = np.array([names[word] for word in wanted], dtype=np.int64)
    right = np.array([names[word] for word in seen], dtype=np.int64)
    steps = np.empty((len(wanted), len(seen)), dtype=np.uint8)
    columns = np.arange(len(seen) + 1, dtype=np.int64)
    row = columns.copy()
    for at, word in enumerate(left):
        diagonal, above = row[:-1] + (right != word), row[1:] + 1
        best = np.empty_like(row)
        best[0] = at + 1
        np.minimum(diagonal, above, out=best[1:])
        # An insertion costs one more than its left neighbour: the least of (value - column) so far, put back.
        row = np.minimum.accumulate(best - columns) + columns
        cheapest = row[1:]
        steps[at] = np.where(diagonal == cheapest, right != word, np.where(above == cheapest, _DROP, _INSERT))
    found: list[Edit] = []
    i, j = len(wanted), len(seen)
    while i or j:
        step = _INSERT if not i else _DROP if not j else int(steps[i - 1, j - 1])
        i, j = i - (step != _INSERT), j - (step != _DROP)
        found.append(Edit(step, i, j))
    return found[::-1]


@dataclass(frozen=True)
class Marked:
    """A place of the reference that must be heard, [start, end) in code points."""

    kind: Kind
    start: int
    end: int


@dataclass(frozen=True)
class Tally:
    """Counts over any number of transcripts. `drugs` are drugs and doses."""

    words: int = 0
    word_errors: int = 0
    numbers: int = 0
    number_errors: int = 0
    drugs: int = 0
    drug_errors: int = 0
    negations: int = 0
    negation_errors: int = 0

    def __add__(self, other: "Tally") -> "Tally":
        """Both together."""
        return Tally(*(getattr(self, each.name) + getattr(other, each.name) for each in fields(self)))


def tally(reference: str, marked: Iterable[Marked], heard: str) -> Tally:
    """Hold what was heard against the reference."""
    places, words = _words(reference)
    wanted, seen = tokens(words), tokens(_words(heard)[1])
    edits = align([token.text for token in wanted], [token.text for token in seen])
    spans = [(each.kind, _positions(each, places, wanted)) for each in marked]
    wrong = [(kind, span) for kind, span in spans if not _is_heard(span, edits)]
    invented = _invented(wanted, seen, edits, spans, wrong)

    def count(*kinds: Kind) -> tuple[int, int]:
        there = sum(kind in kinds for kind, _ in spans)
        return there, sum(kind in kinds for kind, _ in wrong) + sum(kind in kinds for kind in invented)

    number, drug, negation = count("number"), count("drug", "dose"), count("negation")
    errors = sum(edit.kind != _KEEP for edit in edits)
    return Tally(len(wanted), errors, *number, *drug, *negation)


def _words(text: str) -> tuple[list[tuple[int, int]], list[str]]:
    """Return the words with their places. "Don't" and "do not" are one thing to say, so both are two words."""
    places, words = [], []
    for match in re.finditer(r"\S+", text):
        parted = _NOT.match(match[0])
        if parted:
            verb = parted[2].lower()
            pieces = [parted[1] + _WHOLE.get(verb, verb), f"not{parted[3]}"]
        elif match[0].lower().strip(".,;:!?") == "cannot":
            pieces = ["can", "not"]
        else:
            pieces = [match[0]]
        places += [match.span()] * len(pieces)
        words += pieces
    return places, words


def _positions(mark: Marked, places: list[tuple[int, int]], wanted: Sequence[Token]) -> frozenset[int]:
    """Return the tokens of a marked place."""
    return frozenset(
        at for at, token in enumerate(wanted) if places[token.word][0] < mark.end and places[token.word][1] > mark.start
    )


def _is_heard(span: frozenset[int], edits: Sequence[Edit]) -> bool:
    if not span:
        return False
    first, last = min(span), max(span)
    kept = {edit.wanted for edit in edits if edit.kind == _KEEP}
    between = any(edit.kind == _INSERT and first < edit.wanted <= last for edit in edits)
    return span <= kept and not between


def _invented(
    wanted: Sequence[Token], seen: Sequence[Token], edits: Sequence[Edit],
    spans: Sequence[tuple[Kind, frozenset[int]]], wrong: Sequence[tuple[Kind, frozenset[int]]],
) -> list[Kind]:  # fmt: skip
    """Return the class of each word that was heard in place of nothing, or of a word of no class."""
    all_marked = {at for _, span in spans for at in span}
    all_wrong = {at for _, span in wrong for at in span}
    found: list[Kind] = []
    for edit in edits:
        if edit.kind == _REPLACE and edit.wanted not in all_marked:
            before: Token | None = wanted[edit.wanted]
        elif edit.kind == _INSERT and not {edit.wanted - 1, edit.wanted} & all_wrong:
            before = None  # else it is a part of an error that counts already: 400 as 4 and 100
        else:
            continue
        kind = _kind(seen[edit.seen])
        if kind is not None and (before is None or _kind(before) != kind):
            found.append(kind)
    return found


def _kind(token: Token) -> Kind | None:
    known = tables()
    if token.numeral:
        return "number"
    if token.text in known.drug_words and token.text not in known.not_drugs:
        return "drug"
    return "negation" if is_denial(token.text) else None

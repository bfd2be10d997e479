"""Replaces the identifiers of an encounter's texts, and keeps what is needed to bring them back."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from appliance.deid import dates
from appliance.deid.date_order import Surroundings
from appliance.deid.draws import Draws
from appliance.deid.identifier import Detector, Identifier
from appliance.deid.identifier import IdentifierKind as Kind
from appliance.deid.mapping import MadeText, Mapping, Piece
from appliance.deid.surrogates import Surrogates
from appliance.deid.taken import WholeTexts
from appliance.deid.vocabulary import TOKEN, listed, stem
from appliance.errors import UnknownStateError

_BEFORE = 16
# Detectors have a bound; no identifier is longer than the overlap.
_STRETCH_CHARS, _OVERLAP_CHARS = 500_000, 2_000
_ECHO_CHARS = 3

Find = Callable[[str, Sequence[str]], tuple[Identifier, ...]]
"""Returns the identifiers of a text, given full names that are known to occur."""


@dataclass(frozen=True)
class Deidentified:
    """A text without its identifiers. `pieces`: where it was changed; `found`: what was found, in the original."""

    text: str
    pieces: tuple[Piece, ...]
    found: tuple[Identifier, ...]
    unshifted: int
    echoes: int
    """Words of identified names that stand elsewhere in the text and were not found: a reader may know the name."""

    @property
    def counts(self) -> dict[Kind, int]:
        """How many identifiers of each kind were found."""
        return dict(Counter(one.kind for one in self.found))


def checked(found: Iterable[Identifier], text: str) -> tuple[Identifier, ...]:
    """Return a detector's findings in order, what overlaps as one. Raises UnknownStateError when one is no span."""
    merged: list[Identifier] = []
    for one in sorted(found, key=lambda one: (one.start, -one.end)):
        if not 0 <= one.start < one.end <= len(text):
            raise UnknownStateError(
                f"the recogniser {one.source} names characters {one.start} to {one.end} of {len(text)}",
                hint="nothing was given out; report it with the detector's version",
            )
        if merged and one.start < merged[-1].end:
            last = merged[-1]
            if one.end > last.end:
                merged[-1] = Identifier(
                    last.start, one.end, last.kind, last.source, min(last.confidence, one.confidence)
                )
            continue
        merged.append(one)
    return tuple(merged)


def found_in(detector: Detector, text: str, known_names: Sequence[str]) -> tuple[Identifier, ...]:
    """Return what a detector finds in a text of any length: a long one is given to it in stretches that overlap."""
    if len(text) <= _STRETCH_CHARS:
        return checked(detector.find(text, known_names=known_names), text)
    found: list[Identifier] = []
    for start in range(0, len(text), _STRETCH_CHARS - _OVERLAP_CHARS):
        stretch = text[start : start + _STRETCH_CHARS]
        found += (
            replace(one, start=start + one.start, end=start + one.end)
            for one in checked(detector.find(stretch, known_names=known_names), stretch)
        )
    return checked(found, text)


class Deidentifier:
    """De-identifies the texts of one encounter together, so that the same person is the same in all of them.

    Args:
        detector: Finds the identifiers.
        key: At least 16 secret bytes, of the encounter or the patient. The same key gives the same surrogates.
        texts: All texts of the encounter that will be read together; a surrogate is no word of any of them.
        known_names: Full names that are known to occur.
        second_look: Look again where words of a name that was found in full stand elsewhere by themselves.
        dates_key: At least 16 secret bytes of the patient, so that dates move by as much in every encounter of
            theirs; None: they move by `key`.
        find: Returns what `found_in` returns of the detector, for whoever has kept it; None: the detector is asked.
    """

    def __init__(
        self,
        detector: Detector,
        key: bytes,
        texts: Sequence[str],
        *,
        known_names: Sequence[str] = (),
        second_look: bool = True,
        dates_key: bytes | None = None,
        find: Find | None = None,
    ) -> None:
        self._detector, self._texts, self._second_look = detector, tuple(texts), second_look
        self._find: Find = find or self._look
        self._known = tuple(dict.fromkeys(known_names))
        self._surrogates = Surrogates(Draws(key, dates_key), WholeTexts(self._texts, self._known))
        self._made: list[Deidentified] = []

    def _look(self, text: str, names: Sequence[str]) -> tuple[Identifier, ...]:
        return found_in(self._detector, text, names)

    def run(self) -> tuple[Deidentified, ...]:
        """De-identify all texts, in their order. Raises what the detector raises: then nothing is given out."""
        found = [self._find(text, self._known) for text in self._texts]
        words = names_of(zip(self._texts, found, strict=True))
        # A name that stands in full in one text may stand alone or in lower case in another.
        names = [*self._known, *self._full_names(found)] if self._second_look else []
        if len(names) > len(self._known) and any(
            echoes(text, one, words) for text, one in zip(self._texts, found, strict=True)
        ):
            found = [
                checked((*one, *self._find(text, names)), text) for text, one in zip(self._texts, found, strict=True)
            ]
        words = names_of(zip(self._texts, found, strict=True))
        for text, one in zip(self._texts, found, strict=True):
            self._made.append(self._replace(text, one, words))
        return tuple(self._made)

    def _full_names(self, found: Sequence[tuple[Identifier, ...]]) -> Iterator[str]:
        seen = set(self._known)
        for text, spans in zip(self._texts, found, strict=True):
            for one in spans:
                name = " ".join(text[one.start : one.end].split())
                words = [word for word in TOKEN.findall(name) if stem(word).casefold() not in listed("titles")]
                if one.kind is Kind.NAME and len(words) >= 2 and name not in seen:
                    seen.add(name)
                    yield name

    def _replace(self, text: str, found: tuple[Identifier, ...], words: frozenset[str]) -> Deidentified:
        unshifted = self._surrogates.unshifted
        out, pieces = replaced(self._surrogates, text, found)
        return Deidentified(
            out, pieces, found, self._surrogates.unshifted - unshifted, echoes(text, found, words)
        )  # fmt: skip

    def mapping(self) -> Mapping:
        """Return what brings everything back."""
        texts = tuple(MadeText(sha256=digest(one.text), pieces=one.pieces) for one in self._made)
        return built(self._surrogates, texts, plain_of((one.text, one.pieces) for one in self._made))


def digest(text: str) -> str:
    """Return the digest that a made text is known by."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def replaced(
    surrogates: Surrogates, text: str, found: Sequence[Identifier], *, behind: str = ""
) -> tuple[str, tuple[Piece, ...]]:
    """Return a text with surrogates, and where they lie in it; `behind`: what follows the text, only to be read."""
    out: list[str] = []
    pieces: list[Piece] = []
    around = Surroundings(text + behind)
    at = length = 0
    for one in found:
        original = text[one.start : one.end]
        usage = around.usage(one.start, one.end) if one.kind is Kind.DATE else None
        new = surrogates.of(one.kind, original, text[max(0, one.start - _BEFORE) : one.start], usage)
        out += [text[at : one.start], new]
        length += one.start - at
        if new != original:
            pieces.append(Piece(start=length, end=length + len(new), original=original, kind=one.kind))
        length += len(new)
        at = one.end
    return "".join((*out, text[at:])), tuple(pieces)


def built(surrogates: Surrogates, texts: tuple[MadeText, ...], plain: tuple[str, ...]) -> Mapping:
    """Return the mapping of everything that was replaced so far."""
    return Mapping(
        words=surrogates.words, phrases=surrogates.phrases, dates=surrogates.dates, ages=surrogates.ages,
        plain=plain, texts=texts,
    )  # fmt: skip


def between(text: str, pieces: Sequence[Piece]) -> Iterator[str]:
    """Return the stretches of a made text that were not changed."""
    at = 0
    for piece in pieces:
        yield text[at : piece.start]
        at = piece.end
    yield text[at:]


def plain_of(made: Iterable[tuple[str, Sequence[Piece]]]) -> tuple[str, ...]:
    """Return what stands in made texts by itself and could be taken for a date: years, and forms such as 5/5."""
    found: set[str] = set()
    for text, pieces in made:
        for stretch in between(text, pieces):
            found.update(one.match[0].casefold() for one in dates.find(stretch, bare=True))
            found.update(dates.years(stretch))
    return tuple(sorted(found))


def names_of(texts: Iterable[tuple[str, Sequence[Identifier]]]) -> frozenset[str]:
    """Return the words of all names that were found, folded, without titles and very short ones."""
    found = {
        stem(word).casefold()
        for text, spans in texts
        for one in spans
        if one.kind is Kind.NAME
        for word in TOKEN.findall(text[one.start : one.end])
    }
    kept = listed("titles") | listed("particles") | {word.casefold() for word in listed("credentials")}
    return frozenset(word for word in found - kept if len(word) >= _ECHO_CHARS)


def echoes(text: str, found: Sequence[Identifier], words: frozenset[str]) -> int:
    """Return how often a word of a name stands outside of what was found."""
    at = count = 0
    for start, end in (*((one.start, one.end) for one in found), (len(text), len(text))):
        count += sum(stem(word).casefold() in words for word in TOKEN.findall(text[at:start]))
        at = end
    return count

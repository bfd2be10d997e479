"""Examples for the second opinion: words of speech, each somebody's name or not, as features."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from appliance.deid.lexicon import words
from appliance.deid.reading import Reading
from appliance.deid.recognisers.learned_names import candidates
from appliance.deid.second_opinion.features import Surroundings
from named.corpus import FOLDS, Text, fold_of
from named.people import People, Span
from named.words import bucket

_CONTENT = re.compile(r"(?:^|\+)(?:N|Ns|V|Vd|Vn|Vg|J|X)(?:\+|$)|^\(")
_SHARE = 0.06  # of the words that are no candidates, how many are learned from
_CHOICE = re.compile(r"\(([^()]*\|[^()]*)\)")
_SLOT = re.compile(r"\{n\}")
_EXPANSIONS = 14
_PEOPLED = (0.2, 0.5)  # of the places of somebody unnamed, how many get a name; each once


@dataclass(frozen=True, slots=True)
class Example:
    """One word. `source`: what made its text; `fold`: of its text."""

    features: tuple[str, ...]
    named: bool
    source: str
    fold: int


@dataclass(frozen=True, slots=True)
class Replaced:
    """A text with the names that others replace, and the spans of which nothing is known."""

    text: Text
    named: tuple[Span, ...]
    unknown: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Peopled:
    """A text with the spans that are names and those of which nothing is learned."""

    text: str
    people: tuple[Span, ...]
    unknown: tuple[Span, ...]
    source: str
    fold: int


class Examples:
    """Makes examples of texts.

    Args:
        surroundings: Makes the features.
        counts: How often each word stands in all texts, as a word.
        seed: Of all choices.
    """

    def __init__(self, surroundings: Surroundings, counts: Counter[str], seed: int) -> None:
        self._surroundings = surroundings
        self._counts, self._total = counts, counts.total()
        self._rng = random.Random(seed)  # noqa: S311 - data for training, no secret
        self._candidates = candidates(words())
        lists = words()
        self._function = lists.titles | lists.relatives | lists.credentials

    def of(self, peopled: Peopled) -> Iterator[Example]:
        """Examples of one text: every name, every candidate, and a share of the other content words."""
        reading = Reading(peopled.text)
        surroundings = self._surroundings.of_text(reading)
        names = {start for start, _ in peopled.people}
        unknown = sorted(peopled.unknown)
        own = Counter(word.low for word in reading.words)
        places: dict[str, list[int]] = {}
        for at, word in enumerate(reading.words):
            places.setdefault(word.low, []).append(at)
        for at, word in enumerate(reading.words):
            named = word.start in names
            if not named and (
                any(start <= word.start < end for start, end in unknown) or not self._is_learned(word.low)
            ):
                continue
            rest = self._counts[word.low] - (0 if named else own[word.low])
            features = surroundings.at(at, places[word.low], bucket(rest, self._total))
            yield Example(tuple(features), named, peopled.source, peopled.fold)

    def _is_learned(self, low: str) -> bool:
        if low in self._candidates:
            return True
        if len(low) < 3 or low in self._function or not _CONTENT.search(self._surroundings.tag(low)):
            return False
        return self._rng.random() < _SHARE


class Pools:
    """Names that are words, divided so that the words of one fold are in no text of another."""

    def __init__(self, everyday: Sequence[str], rest: Sequence[str]) -> None:
        weighted = [*everyday, *everyday, *everyday, *rest]
        self._held = [word for word in weighted if fold_of(word) == 0]
        self._taught = [word for word in weighted if fold_of(word) != 0]

    def of_fold(self, fold: int) -> list[str]:
        """The names for the texts of a fold: 0 is held out."""
        return self._held if fold == 0 else self._taught


def of_texts(texts: Iterable[Replaced], pools: Pools, seed: int) -> Iterator[Peopled]:
    """Real texts in lower case as they are; dialogues and notes also with people put into them."""
    rng = random.Random(seed)  # noqa: S311 - data for training, no secret
    for replaced in texts:
        text, named, unknown = replaced.text, replaced.named, replaced.unknown
        said = text.text.lower()
        yield Peopled(said, (), (*named, *unknown), "as it is", text.fold)
        for share in () if text.report else _PEOPLED:
            cast = People(pools.of_fold(text.fold), rng, share).into(said, named, unknown)
            yield Peopled(cast.text, cast.people, cast.unknown, "peopled", text.fold)


def read_contexts(path: Path) -> list[str]:
    """Lines of a file of contexts."""
    return [line for line in path.read_text("utf-8").splitlines() if line]


def of_contexts(folder: Path, pools: Pools, frames: Sequence[Text], seed: int) -> Iterator[Peopled]:
    """The contexts of our own, filled; half of them between sentences of real dialogues of the same fold."""
    rng = random.Random(seed)  # noqa: S311 - data for training, no secret
    dialogues: dict[int, list[Text]] = {number: [] for number in range(FOLDS)}
    for text in frames:
        if "\n[" in text.text:
            dialogues[text.fold].append(text)
    for name in ("people", "words"):
        for line in read_contexts(folder / f"{name}.txt"):
            for _ in range(_EXPANSIONS):
                yield _filled(line, pools, dialogues, rng, f"own {name}")


def _filled(line: str, pools: Pools, frames: dict[int, list[Text]], rng: random.Random, source: str) -> Peopled:
    fold = fold_of(line)
    pool = pools.of_fold(fold)
    text = line
    while _CHOICE.search(text):
        text = _CHOICE.sub(lambda match: rng.choice(match[1].split("|")), text)
    head, tail = rng.choice(("", "", "[patient] ", "[doctor] ")), ""
    if rng.random() < 0.5 and frames[fold]:
        sentences = re.split(r"(?<=\.)\s", rng.choice(frames[fold]).text.lower())
        at = rng.randrange(len(sentences))
        head, tail = " ".join(sentences[max(0, at - 3) : at]), " ".join(sentences[at : at + 3])
        head = head and f"{head} "
    out, people = head, []
    for number, piece in enumerate(_SLOT.split(text.strip())):
        if number:
            name = rng.choice(pool)
            people.append((len(out), len(out) + len(name)))
            out += name
        out += piece
    frame = ((0, len(head)), (len(out), len(out) + len(tail) + 3))
    return Peopled(out + rng.choice((" ", " . ", "\n[doctor] ")) + tail, tuple(people), frame, source, fold)

"""Fit a whole ranker on a part of the corpus: associations, trees, calibration; each judged by texts it never saw."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from appliance.coding.ranking.associations import Associations
from appliance.coding.ranking.candidates import Candidates, candidates
from appliance.coding.ranking.lexicon import Lexicon
from appliance.coding.ranking.reading import Reading
from appliance.coding.ranking.trees import Calibration, Trees

from .associate import Corpus, chances, count, learn
from .grow import calibrate, grow
from .records import Record, folds

INNER_FOLDS, CALIBRATION_FOLDS = 6, 3


@dataclass(frozen=True, slots=True)
class Rows:
    """Candidates of several texts, one behind the other."""

    text: NDArray[np.int64]
    code: NDArray[np.int64]
    features: NDArray[np.float32]
    right: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Fitted:
    """A ranker and the two thresholds of confidence that gave the best F1 on its own out-of-sample rows."""

    learned: Associations
    trees: Trees
    calibration: Calibration
    best_code: float
    best_category: float


def rows_of(corpus: Corpus, texts: Sequence[int], learned: Associations, held: Sequence[NDArray[np.float32]]) -> Rows:
    """The candidates of some texts of a corpus, with the truth."""
    codes = corpus.lexicon.codes
    truth = [{codes[at] for at in corpus.has_code[text].indices} for text in range(len(corpus.readings))]
    return gathered(texts, corpus.readings, corpus.lexicon, learned, held, truth)


def gathered(
    texts: Iterable[int],
    readings: Sequence[Reading],
    lexicon: Lexicon,
    learned: Associations,
    held: Sequence[NDArray[np.float32]],
    truth: Sequence[set[str]],
) -> Rows:
    """The candidates of some texts, one text behind the other, with the truth."""
    parts: list[tuple[int, Candidates]] = [
        (int(text), candidates(readings[text], lexicon, learned, held[text])) for text in texts
    ]
    right = [[lexicon.codes[code] in truth[text] for code in found.codes] for text, found in parts]
    return Rows(
        np.concatenate([np.full(len(found.codes), text) for text, found in parts]),
        np.concatenate([found.codes for _, found in parts]),
        np.concatenate([found.features for _, found in parts]),
        np.concatenate(right).astype(np.float32),
    )


def fit(
    corpus: Corpus,
    records: Sequence[Record],
    part: NDArray[np.int64],
    held: Sequence[NDArray[np.float32]],
    seed: int,
    told: Callable[[str], None] = lambda line: None,
) -> Fitted:
    """Fit on `part` of the corpus.

    Rows for the trees come from associations that were learned without the row's article; odds for the calibration and
    the thresholds from trees that were grown without it as well.
    """
    inner = folds([records[at] for at in part], INNER_FOLDS, seed)
    counted = [count(corpus, part[inner != each]) for each in range(INNER_FOLDS)]
    chance = chances(corpus, [(counts, part[inner == each]) for each, counts in enumerate(counted)])
    told("chances learned")
    pieces = [
        rows_of(corpus, list(part[inner == each]), learn(corpus, part[inner != each], counts, chance), held)
        for each, counts in enumerate(counted)
    ]
    del counted
    rows = Rows(
        np.concatenate([each.text for each in pieces]), np.concatenate([each.code for each in pieces]),
        np.concatenate([each.features for each in pieces]), np.concatenate([each.right for each in pieces]),
    )  # fmt: skip
    told(f"{len(rows.text)} candidates")
    again = np.zeros(len(records), np.int64)
    again[part] = folds([records[at] for at in part], CALIBRATION_FOLDS, seed + 1)
    odds = np.zeros(len(rows.text))
    for each in range(CALIBRATION_FOLDS):
        out = again[rows.text] == each
        odds[out] = grow(rows.features[~out], rows.right[~out], seed).odds(rows.features[out])
    calibration = calibrate(odds, rows.right)
    told("calibrated")
    confidence = calibration.confidence(odds)
    in_category = by_category(rows.text, corpus.lexicon.category[rows.code], confidence)
    truth = [(text, category) for text in part for category in corpus.has_category[text].indices]
    known = set(truth)
    hits = np.array([pair in known for pair in in_category], np.float32)
    learned = learn(corpus, part, count(corpus, part), chance)
    return Fitted(
        learned, grow(rows.features, rows.right, seed), calibration,
        best_threshold(confidence, rows.right, int(corpus.has_code[part].sum())),
        best_threshold(np.array(list(in_category.values())), hits, len(truth)),
    )  # fmt: skip


def by_category(
    text: NDArray[np.int64], category: NDArray[np.int64], confidence: NDArray[np.float64]
) -> dict[tuple[int, int], float]:
    """The chance that at least one code of a category is right, were the codes independent."""
    wrong: dict[tuple[int, int], float] = {}
    for pair, chance in zip(zip(text.tolist(), category.tolist(), strict=True), confidence.tolist(), strict=True):
        wrong[pair] = wrong.get(pair, 1.0) * (1.0 - chance)
    return {pair: 1.0 - each for pair, each in wrong.items()}


def best_threshold(confidence: NDArray[np.float64], right: NDArray[np.float32], wanted: int) -> float:
    """The confidence from which on suggesting gives the best micro F1."""
    order = np.argsort(-confidence, kind="stable")
    hits = np.cumsum(right[order])
    f1 = 2 * hits / (np.arange(1, len(order) + 1) + wanted)
    return float(confidence[order[int(f1.argmax())]])

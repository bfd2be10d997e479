"""A fake of a table with four codes, and a ranker of made-up counts over it."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from appliance.coding.ranking.associations import Associations, Lists, Neighbours
from appliance.coding.ranking.candidates import FEATURES
from appliance.coding.ranking.lexicon import Lexicon
from appliance.coding.ranking.model import Ranker
from appliance.coding.ranking.reading import read
from appliance.coding.ranking.trees import Calibration, Trees
from appliance.coding.suggestion import Entry, Note


class SmallTable:
    """What the lexicon asks of a table."""

    def entries(self) -> Iterable[Entry]:
        return (
            Entry("N20", "Calculus of kidney and ureter", False, ""),
            Entry("N20.0", "Calculus of kidney", True, "N20", (Note("inclusion_term", "Staghorn calculus"),)),
            Entry("N20.1", "Calculus of ureter", True, "N20"),
            Entry("R50.9", "Fever, unspecified", True, "R50"),
        )


def small_lexicon(*more: str) -> Lexicon:
    return Lexicon(SmallTable(), more)  # type: ignore[arg-type]


def learned(lexicon: Lexicon, phrase: str, code: str, chance: float) -> Associations:
    """One word that goes with one code."""
    word = read(phrase, lexicon).phrases
    place = lexicon.place[code]
    count = np.zeros(len(lexicon.codes), np.float32)
    count[place] = 7
    none = np.zeros(len(lexicon.names), np.float32)
    pairs = (
        np.array([place], np.int32), np.array([chance], np.float32), np.array([9], np.uint8), np.array([7], np.uint8),
        np.array([100], np.uint8),
    )  # fmt: skip
    categories = (np.array([lexicon.category[place]], np.int32), np.array([0.5], np.float32))
    near = Neighbours(
        word, np.array([2.0], np.float32),
        Lists(np.array([0, 1], np.int32), (np.array([0], np.uint16), np.array([1.0], np.float16))),
        np.array([[0.254]], np.float32), np.array([place], np.int32), np.array([0.01], np.float32),
    )  # fmt: skip
    first = np.array([0, 1], np.int32)
    return Associations(word, Lists(first, pairs), Lists(first, categories), count, none + 3, none + 2, near)


def ranker(associations: Associations) -> Ranker:
    """A tree that asks for the chance alone."""
    trees = Trees(
        np.array([[FEATURES.index("chance"), 0, 0]], np.uint8), np.array([[0.5, 0, 0]], np.float32),
        np.array([[1, 1, 2]], np.uint8), np.array([[2, 1, 2]], np.uint8), np.array([[0, -1, 1]], np.float32), 0.0, 1,
    )  # fmt: skip
    line = Calibration(np.array([-1, 1], np.float32), np.array([0.1, 0.9], np.float32))
    return Ranker(associations, trees, line, 0.3, 0.4)

"""What was learned from coded texts: which phrases and terms go with which codes, and how texts resemble each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from appliance.coding.ranking.reading import Reading


@dataclass(frozen=True, slots=True)
class Lists:
    """Lists of different lengths, one behind the other.

    Args:
        first: Where each list begins in the columns; one more entry than lists.
        columns: The columns, all of one length.
    """

    first: NDArray[np.int32]
    columns: tuple[NDArray[Any], ...]

    def of(self, rows: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """For the lists asked for: the places of their elements in the columns, and which of `rows` each belongs to."""
        length = (self.first[rows + 1] - self.first[rows]).astype(np.int64)
        owner = np.repeat(np.arange(len(rows)), length)
        offset = np.arange(length.sum()) - np.repeat(np.cumsum(length) - length, length)
        return self.first[rows][owner] + offset, owner


@dataclass(frozen=True, slots=True)
class Neighbours:
    """Ridge regression of all codes on the stems of a text, in its dual form: by the likeness to each learned text.

    Args:
        stems: Hashes of stems, ascending.
        idf: The weight of each.
        texts: For each stem the texts that have it and its weight there (columns: text, weight).
        alpha: Texts by codes: what likeness to a text adds to a code.
        codes: Places of the codes of alpha's columns in the lexicon.
        prior: The share of texts that have each of these codes.
    """

    stems: NDArray[np.uint64]
    idf: NDArray[np.float32]
    texts: Lists
    alpha: NDArray[np.float32]
    codes: NDArray[np.int32]
    prior: NDArray[np.float32]

    def scores(self, reading: Reading) -> NDArray[np.float32]:
        """The scores of `codes` for a text."""
        single = np.unique(reading.phrases[reading.first == reading.last])
        rows, _ = known(self.stems, single)
        weight = self.idf[rows]
        norm = float(np.sqrt((weight * weight).sum())) or 1.0
        places, owner = self.texts.of(rows)
        text, value = self.texts.columns
        likeness = np.bincount(
            text[places].astype(np.int64), value[places].astype(np.float64) * weight[owner] / norm, len(self.alpha)
        )
        return (likeness.astype(np.float32) @ self.alpha + self.prior).astype(np.float32)


@dataclass(frozen=True, slots=True)
class Associations:
    """Counts over coded texts, and the chance that a phrase means a code.

    Args:
        phrases: Hashes of phrases, ascending.
        pairs: For each phrase the codes that it goes with. Columns: code, chance (0 to 1), texts with the phrase and
            texts with both (at most 255), share of the phrase's weight in the code's titles (0 to 200).
        categories: For each phrase the categories that it goes with. Columns: category, share of its texts.
        code_count: For each code of the lexicon the texts that have it.
        term_texts: For each term of the lexicon the texts that have it.
        term_right: And of these the ones with its code.
        neighbours: The likeness of texts.
    """

    phrases: NDArray[np.uint64]
    pairs: Lists
    categories: Lists
    code_count: NDArray[np.float32]
    term_texts: NDArray[np.float32]
    term_right: NDArray[np.float32]
    neighbours: Neighbours


def known(vocabulary: NDArray[np.uint64], wanted: NDArray[np.uint64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Places in an ascending vocabulary of the wanted hashes that it has, and which of the wanted they are."""
    if not len(vocabulary):
        none = np.zeros(0, np.int64)
        return none, none
    at = np.minimum(np.searchsorted(vocabulary, wanted), len(vocabulary) - 1)
    found = np.flatnonzero(vocabulary[at] == wanted)
    return at[found].astype(np.int64), found

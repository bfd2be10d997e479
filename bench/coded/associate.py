"""Learn what phrases and terms say of codes, by counting over coded texts; labels are those of whole texts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from appliance.coding.ranking.associations import Associations, Lists, Neighbours, known
from appliance.coding.ranking.lexicon import Lexicon
from appliance.coding.ranking.reading import Reading, phrase_parts

from .records import Record

# A pair counts from two texts on; from one only if the phrase is rare and part of the code's titles.
_LEAST_SHARE, _RARE, _LEAST_IN_TITLES = 0.05, 4, 0.3
_LEAST_CATEGORY_SHARE = 0.1
_RIDGE = 0.3
_BINS = (8, 12, 5, 5, 5)


class Corpus:
    """All texts of a measurement, read once: counts of any part of them are sparse products."""

    def __init__(self, records: Sequence[Record], readings: Sequence[Reading], lexicon: Lexicon) -> None:
        self.readings, self.lexicon = list(readings), lexicon
        every = np.concatenate([reading.phrases for reading in readings])
        self.phrases = np.unique(every)
        owner = np.repeat(np.arange(len(readings)), [len(reading.phrases) for reading in readings])
        self.has_phrase = _ones(owner, np.searchsorted(self.phrases, every), (len(readings), len(self.phrases)))
        codes = [lexicon.place[code] for record in records for code in record.codes]
        owner = np.repeat(np.arange(len(records)), [len(record.codes) for record in records])
        self.has_code = _ones(owner, np.array(codes), (len(records), len(lexicon.codes)))
        to_category = _ones(
            np.arange(len(lexicon.codes)), lexicon.category, (len(lexicon.codes), len(lexicon.categories))
        )
        self.has_category = (self.has_code @ to_category).tocsr()
        self.has_category.data[:] = 1
        exact = [reading.terms[reading.coverage > 0.99] for reading in readings]
        owner = np.repeat(np.arange(len(readings)), [len(each) for each in exact])
        self.has_term = _ones(owner, np.concatenate(exact), (len(readings), len(lexicon.names)))
        self._title_shares()

    def _title_shares(self) -> None:
        """Phrases by stems and codes by stems of their titles, for the weight of a phrase inside of a title."""
        lexicon, stems = self.lexicon, {}
        parts: dict[int, tuple[str, ...]] = {}
        for reading in self.readings:
            parts.update(zip(reading.phrases.tolist(), phrase_parts(reading), strict=True))
        split = [tuple(dict.fromkeys(parts[phrase])) for phrase in self.phrases.tolist()]
        column = [stems.setdefault(stem, len(stems)) for each in split for stem in each]
        row = np.repeat(np.arange(len(split)), [len(each) for each in split])
        in_bag = [
            (at, stems.setdefault(stem, len(stems))) for at, bag in enumerate(lexicon.bags) for stem in sorted(bag)
        ]
        weight = np.array([lexicon.weight(stem) for stem in stems])
        self.phrase_stems = _ones(row, np.array(column), (len(split), len(stems))) @ sp.diags(weight)
        self.phrase_mass = np.asarray(self.phrase_stems.sum(1)).ravel()
        self.code_stems = _ones(
            np.array([at for at, _ in in_bag]), np.array([at for _, at in in_bag]), (len(lexicon.bags), len(stems))
        )

    def in_titles(self, phrase: NDArray[np.int64], code: NDArray[np.int64]) -> NDArray[np.float64]:
        """The share of each phrase's weight that stands in the titles of its code."""
        out = np.zeros(len(phrase))
        for start in range(0, len(phrase), 200_000):
            part = slice(start, start + 200_000)
            shared = self.phrase_stems[phrase[part]].multiply(self.code_stems[code[part]])
            out[part] = np.asarray(shared.sum(1)).ravel() / self.phrase_mass[phrase[part]]
        return out


@dataclass(frozen=True, slots=True)
class Counts:
    """Pairs of phrase and code over a part of the corpus."""

    phrase: NDArray[np.int64]
    code: NDArray[np.int64]
    texts: NDArray[np.int64]
    both: NDArray[np.int64]
    in_titles: NDArray[np.float64]
    bin: NDArray[np.int64]


def count(corpus: Corpus, part: NDArray[np.int64]) -> Counts:
    """Count the pairs of some of the texts."""
    has_phrase, has_code = corpus.has_phrase[part], corpus.has_code[part]
    both = (has_phrase.T @ has_code).tocoo()
    texts = np.asarray(has_phrase.sum(0)).ravel()[both.row]
    keep = ((both.data >= 2) & (both.data / texts > _LEAST_SHARE)) | ((both.data == 1) & (texts <= _RARE))
    phrase, code = both.row[keep].astype(np.int64), both.col[keep].astype(np.int64)
    texts, together = texts[keep], both.data[keep]
    share = corpus.in_titles(phrase, code)
    keep = (together >= 2) | (share > _LEAST_IN_TITLES)
    phrase, code, texts, together, share = phrase[keep], code[keep], texts[keep], together[keep], share[keep]
    frequency = np.asarray(has_code.sum(0)).ravel()[code]
    where = (
        np.digitize(texts, [2, 3, 4, 6, 10, 20, 50]),
        np.digitize(together / texts, [0.06, 0.12, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.999]),
        np.digitize(together, [2, 3, 5, 10]),
        np.digitize(share, [0.01, 0.4, 0.75, 0.99]),
        np.digitize(frequency, [3, 6, 15, 40]),
    )
    return Counts(phrase, code, texts, together, share, np.ravel_multi_index(where, _BINS))


def chances(corpus: Corpus, parts: Sequence[tuple[Counts, NDArray[np.int64]]]) -> NDArray[np.float64]:
    """How often a pair of a bin holds in texts that were not counted; thin bins lean on wider ones."""
    right, seen = np.zeros(np.prod(_BINS)), np.zeros(np.prod(_BINS))
    for counts, held_out in parts:
        which = sp.csr_matrix(
            (np.arange(1, len(counts.bin) + 1), (counts.phrase, counts.code)),
            shape=(len(corpus.phrases), len(corpus.lexicon.codes)),
        )
        for text in held_out:
            found = which[corpus.has_phrase[text].indices]
            bins, code = counts.bin[found.data - 1], found.indices
            truth = np.zeros(len(corpus.lexicon.codes))
            truth[corpus.has_code[text].indices] = 1
            right += np.bincount(bins, truth[code], len(right))
            seen += np.bincount(bins, minlength=len(seen))
    right, seen = right.reshape(_BINS), seen.reshape(_BINS)
    wide = (right.sum((0, 2, 4), keepdims=True) + 0.02) / (seen.sum((0, 2, 4), keepdims=True) + 1)
    middle = (right.sum(4, keepdims=True) + 20 * wide) / (seen.sum(4, keepdims=True) + 20)
    return ((right + 10 * middle) / (seen + 10)).ravel()


def learn(corpus: Corpus, part: NDArray[np.int64], counts: Counts, chance: NDArray[np.float64]) -> Associations:
    """What a part of the corpus teaches."""
    has_phrase, has_code = corpus.has_phrase[part], corpus.has_code[part]
    frequency = np.asarray(has_code.sum(0)).ravel()
    held = corpus.has_term[part]
    right = np.asarray(held.multiply(has_code[:, corpus.lexicon.code]).sum(0)).ravel()
    p = chance[counts.bin]
    keep = p > 0.02
    both = (has_phrase.T @ corpus.has_category[part]).tocoo()
    share = (both.data - 0.7) / (np.asarray(has_phrase.sum(0)).ravel()[both.row] + 1.5)
    strong = (both.data >= 2) & (share >= _LEAST_CATEGORY_SHARE)
    used = np.zeros(len(corpus.phrases), bool)
    used[counts.phrase[keep]] = True
    used[both.row[strong]] = True
    new = np.cumsum(used) - 1
    pairs = _lists(
        new[counts.phrase[keep]], used.sum(),
        counts.code[keep].astype(np.uint16), np.round(p[keep] * 1000).astype(np.uint16) / np.float32(1000),
        np.minimum(counts.texts[keep], 255).astype(np.uint8), np.minimum(counts.both[keep], 255).astype(np.uint8),
        np.round(counts.in_titles[keep] * 200).astype(np.uint8),
    )  # fmt: skip
    categories = _lists(
        new[both.row[strong]], used.sum(),
        both.col[strong].astype(np.uint16), np.round(share[strong] * 200).astype(np.uint8) / np.float32(200),
    )  # fmt: skip
    return Associations(
        corpus.phrases[used], pairs, categories, frequency.astype(np.float32),
        np.asarray(held.sum(0)).ravel().astype(np.float32), right.astype(np.float32), _neighbours(corpus, part),
    )  # fmt: skip


def _neighbours(corpus: Corpus, part: NDArray[np.int64]) -> Neighbours:
    single = [
        np.unique(corpus.readings[at].phrases[corpus.readings[at].first == corpus.readings[at].last]) for at in part
    ]
    stems, counts = np.unique(np.concatenate(single), return_counts=True)
    stems, counts = stems[counts >= 2], counts[counts >= 2]
    idf = np.log(len(part) / counts)
    owner, column = [], []
    for text, each in enumerate(single):
        at, _ = known(stems, each)
        owner.append(np.full(len(at), text))
        column.append(at)
    has = _ones(np.concatenate(owner), np.concatenate(column), (len(part), len(stems))) @ sp.diags(idf)
    norm = np.sqrt(np.asarray(has.multiply(has).sum(1)).ravel())
    has = (sp.diags(1 / np.maximum(norm, 1e-9)) @ has).tocsr()
    truth = corpus.has_code[part]
    codes = np.unique(truth.indices)
    prior = np.asarray(truth[:, codes].mean(0)).ravel()
    gram = (has @ has.T).toarray() + _RIDGE * np.eye(len(part))
    alpha = np.linalg.solve(gram, truth[:, codes].toarray() - prior)
    # Eight bits a number are enough for a score; the scale is one for all.
    scale = np.abs(alpha).max() / 127
    alpha = np.round(alpha / scale).astype(np.int8) * np.float32(scale)
    has = has.tocoo()
    texts = _lists(has.col.astype(np.int64), len(stems), has.row.astype(np.uint16), has.data.astype(np.float16))
    return Neighbours(
        stems, idf.astype(np.float32), texts, alpha, codes.astype(np.int32), prior.astype(np.float32)
    )  # fmt: skip


def _lists(row: NDArray[np.int64], rows: int, *columns: NDArray[np.generic]) -> Lists:
    order = np.argsort(row, kind="stable")
    first = np.r_[0, np.cumsum(np.bincount(row, minlength=rows))].astype(np.int32)
    return Lists(first, tuple(column[order] for column in columns))


def _ones(row: NDArray[np.int64], column: NDArray[np.int64], shape: tuple[int, int]) -> sp.csr_matrix:
    return sp.csr_matrix((np.ones(len(row), np.float32), (row, column)), shape=shape)

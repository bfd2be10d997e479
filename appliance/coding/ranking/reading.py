"""What a text offers for finding codes, independent of anything learned: its phrases and the terms that stand in it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from appliance.coding.ranking.lexicon import Lexicon
from appliance.coding.ranking.terms import Stem, sentences, stems

# Stems that a phrase of two may span, and that a term may be spread over.
_REACH, _WINDOW, _STEP = 5, 9, 4
# The share of a term's weight that has to stand within one window.
_LEAST_COVERAGE = 0.55
# Whole texts of an encounter stay far below; above, the rest of the text is not read.
_MAX_STEMS = 20_000
_PAIR, _TRIPLE = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xC2B2AE3D27D4EB4F)


@dataclass(frozen=True, slots=True)
class Reading:
    """A text as the ranker sees it.

    Args:
        stems: Its stems in order, with offsets.
        sentence: For each stem the number of its sentence.
        phrases: Hashes of its phrases (single stems, unordered pairs within five, triples), ascending, each once.
        first: For each phrase the place of the first stem of its first occurrence.
        last: And of its last stem.
        often: In how many places it occurs.
        terms: Terms of the lexicon that are covered by a window of the text, ascending.
        coverage: The share of each term's weight that is covered, above 0.55.
        window_first: For each term the place of the first stem of the window that covers it best.
        window_last: And of the last.
    """

    stems: tuple[Stem, ...]
    sentence: NDArray[np.int32]
    phrases: NDArray[np.uint64]
    first: NDArray[np.int32]
    last: NDArray[np.int32]
    often: NDArray[np.int32]
    terms: NDArray[np.int32]
    coverage: NDArray[np.float32]
    window_first: NDArray[np.int32]
    window_last: NDArray[np.int32]


@lru_cache(maxsize=100_000)
def stem_hash(stem: str) -> int:
    """A stable hash of a stem, 64 bits."""
    return int.from_bytes(blake2b(stem.encode(), digest_size=8).digest(), "little")


def read(text: str, lexicon: Lexicon) -> Reading:
    """Read a text; linear in its length."""
    found: list[Stem] = []
    runs: list[tuple[int, int]] = []
    for start, end in sentences(text):
        here = stems(text, start, end)
        if here and len(found) < _MAX_STEMS:
            runs.append((len(found), len(found) + len(here)))
            found += here
    phrases, first, last, often = _phrases(found, runs)
    sentence = np.repeat(np.arange(len(runs)), [end - start for start, end in runs]).astype(np.int32)
    return Reading(tuple(found), sentence, phrases, first, last, often, *_terms(found, runs, lexicon))


def phrase_parts(reading: Reading) -> list[tuple[str, ...]]:
    """The stems of each phrase, for learning; the hash alone does not tell."""
    parts: list[tuple[str, ...]] = []
    for first, last, phrase in zip(reading.first, reading.last, reading.phrases, strict=True):
        one, other = reading.stems[first].text, reading.stems[last].text
        if first == last:
            parts.append((one,))
        elif _triple(stem_hash(one), stem_hash(reading.stems[first + 1].text), stem_hash(other)) == int(phrase):
            parts.append((one, reading.stems[first + 1].text, other))
        else:
            parts.append((one, other))
    return parts


def _triple(one: int, two: int, three: int) -> int:
    mask, pair, triple = (1 << 64) - 1, int(_PAIR), int(_TRIPLE)
    return ((one * triple & mask) ^ (two * pair & mask)) + three & mask


def _phrases(
    found: list[Stem], runs: list[tuple[int, int]]
) -> tuple[NDArray[np.uint64], NDArray[np.int32], NDArray[np.int32], NDArray[np.int32]]:
    hashes = np.array([stem_hash(each.text) for each in found], np.uint64)
    number = np.array([each.text.isdigit() for each in found], bool)
    run = np.repeat(np.arange(len(runs)), [end - start for start, end in runs]) if runs else np.zeros(0, int)
    place = np.arange(len(found), dtype=np.int32)
    parts = [(hashes[~number], place[~number], place[~number])]
    for step in range(1, _REACH):
        same = (
            (run[step:] == run[:-step]) & ~number[step:] & ~number[:-step] if len(found) > step else np.zeros(0, bool)
        )
        at = np.flatnonzero(same).astype(np.int32)
        one, other = hashes[at], hashes[at + step]
        parts.append((np.minimum(one, other) * _PAIR + np.maximum(one, other), at, at + np.int32(step)))
    at = np.flatnonzero(run[2:] == run[:-2]).astype(np.int32)
    triple = ((hashes[at] * _TRIPLE) ^ (hashes[at + 1] * _PAIR)) + hashes[at + 2]
    parts.append((triple, at, at + np.int32(2)))
    every = np.concatenate([part[0] for part in parts])
    first = np.concatenate([part[1] for part in parts])
    last = np.concatenate([part[2] for part in parts])
    order = np.lexsort((first, every))
    every, first, last = every[order], first[order], last[order]
    unique, start, often = np.unique(every, return_index=True, return_counts=True)
    return unique, first[start], last[start], often.astype(np.int32)


def _terms(
    found: list[Stem], runs: list[tuple[int, int]], lexicon: Lexicon
) -> tuple[NDArray[np.int32], NDArray[np.float32], NDArray[np.int32], NDArray[np.int32]]:
    known = np.array([lexicon.vocabulary.get(each.text, -1) for each in found], np.int64)
    terms, coverage, firsts, lasts = [], [], [], []
    for start, end in runs:
        for at in range(start, max(start + 1, end - _STEP), _STEP):
            until = min(at + _WINDOW, end)
            words = np.unique(known[at:until])
            words = words[words >= 0]
            if not len(words):
                continue
            hit = np.concatenate([lexicon.postings[lexicon.first[word] : lexicon.first[word + 1]] for word in words])
            weight = np.repeat(lexicon.idf[words], lexicon.first[words + 1] - lexicon.first[words])
            which, back = np.unique(hit, return_inverse=True)
            share = np.bincount(back, weight) / lexicon.mass[which]
            enough = share > _LEAST_COVERAGE
            terms.append(which[enough])
            coverage.append(share[enough])
            firsts.append(np.full(enough.sum(), at))
            lasts.append(np.full(enough.sum(), until - 1))
    if not any(map(len, terms)):
        none = np.zeros(0, np.int32)
        return none, np.zeros(0, np.float32), none, none
    term, share = np.concatenate(terms), np.concatenate(coverage)
    first, last = np.concatenate(firsts), np.concatenate(lasts)
    order = np.lexsort((first, -share, term))
    term, share, first, last = term[order], share[order], first[order], last[order]
    best = np.r_[True, term[1:] != term[:-1]]
    return (
        term[best].astype(np.int32),
        share[best].astype(np.float32),
        first[best].astype(np.int32),
        last[best].astype(np.int32),
    )

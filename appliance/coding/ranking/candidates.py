"""The codes that a text may ask for, each with the numbers that the ranker judges it by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from appliance.coding.ranking.associations import Associations, known
from appliance.coding.ranking.lexicon import Kind, Lexicon
from appliance.coding.ranking.reading import Reading

FloatArray = NDArray[np.float32]

FEATURES = (
    "chance", "chance_2", "chance_3", "chance_5", "any_chance", "strong_phrases", "phrase_texts", "both_texts",
    "in_titles", "share", "code_count", "neighbours", "title", "title_mass", "index", "part", "part_shared",
    "index_mass", "term_share", "term_texts", "weighted_title", "rival", "lead", "category_share",
    "category_lead", "level", "header", "vague", "chapter", "sibling_chance", "sibling_title", "sibling_neighbours",
    "sibling_lead", "text_phrases", "rank_chance", "rank_neighbours", "phrase_length", "often", "where",
    "phrase_present", "term_present",
)  # fmt: skip
# Chances below say nothing; a single good phrase or term makes a candidate, many weak ones do up to a number.
_LEAST_CHANCE, _GOOD_CHANCE, _STRONG = 0.02, 0.15, 0.3
_BY_PHRASES, _BY_NEIGHBOURS, _BY_TITLES = 250, 40, 60
_EXACT = 0.99


@dataclass(frozen=True, slots=True)
class Candidates:
    """Candidates of one text.

    Args:
        codes: Their places in the lexicon, ascending.
        features: Candidates by FEATURES.
        phrase: For each the phrase of the reading with the best chance; -1 for none.
        term: For each the best term of the reading (its place in reading.terms); -1 for none.
    """

    codes: NDArray[np.int64]
    features: FloatArray
    phrase: NDArray[np.int64]
    term: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class _ByPhrase:
    """Per code that a phrase points to: the best chances first."""

    codes: NDArray[np.int64]
    start: NDArray[np.int64]
    count: NDArray[np.int64]
    phrase: NDArray[np.int64]
    pair: NDArray[np.int64]
    chance: FloatArray

    def nth(self, column: NDArray[Any], place: int) -> FloatArray:
        out = np.zeros(len(self.codes), np.float32)
        has = self.count > place
        out[has] = column[self.start[has] + place]
        return out


def candidates(
    reading: Reading, lexicon: Lexicon, learned: Associations, present: NDArray[np.float32] | None = None
) -> Candidates:
    """Candidates for a text.

    Args:
        reading: The text.
        lexicon: The table's terms.
        learned: What coded texts taught.
        present: For each stem of the reading 1 where the text holds it as present, else 0; all 1 when not known.
    """
    size = len(lexicon.codes)
    if not len(reading.phrases):
        # Without a word there is nothing to quote, whatever is common among codes.
        none = np.zeros(0, np.int64)
        return Candidates(none, np.zeros((0, len(FEATURES)), np.float32), none, none)
    held = present if present is not None else np.ones(len(reading.stems), np.float32)
    rows, mine = known(learned.phrases, reading.phrases)
    by = _by_phrase(learned, rows, mine)
    terms = _Terms(reading, lexicon, learned)
    ridge = np.zeros(size, np.float32)
    ridge[learned.neighbours.codes] = learned.neighbours.scores(reading)
    best = by.nth(by.chance, 0)
    log = np.r_[0.0, np.cumsum(np.log1p(-np.minimum(by.chance, 0.98).astype(np.float64)))]
    any_chance = (log[by.start] - log[by.start + by.count]).astype(np.float32)
    chosen = np.zeros(size, bool)
    chosen[by.codes[np.argsort(-any_chance, kind="stable")[:_BY_PHRASES]]] = True
    chosen[by.codes[best > _GOOD_CHANCE]] = True
    chosen[np.argsort(-ridge, kind="stable")[:_BY_NEIGHBOURS]] = True
    chosen[terms.exact_codes] = True
    chosen[np.argsort(-terms.weighted, kind="stable")[:_BY_TITLES]] = True
    strength = np.zeros(size, np.float32)
    strength[by.codes] = best
    chosen &= (strength + terms.any + ridge) > _LEAST_CHANCE
    ids = np.flatnonzero(chosen)
    place = np.full(size, -1, np.int64)
    place[by.codes] = np.arange(len(by.codes))
    mapped = place[ids]
    has = mapped >= 0

    def at(values: NDArray[Any]) -> FloatArray:
        out = np.zeros(len(ids), np.float32)
        out[has] = values[mapped[has]]
        return out

    def best_pair(column: int) -> FloatArray:
        return by.nth(learned.pairs.columns[column][by.pair], 0)

    rival = _rivals(by, len(reading.phrases), best)
    shares = np.zeros(len(lexicon.categories), np.float32)
    where, _ = learned.categories.of(rows)
    np.maximum.at(shares, learned.categories.columns[0][where].astype(np.int64), learned.categories.columns[1][where])
    category = lexicon.category[ids]
    chance, together = at(best), at(any_chance)
    texts, both = best_pair(2), best_pair(3)
    phrase = np.full(len(ids), -1, np.int64)
    phrase[has] = by.phrase[by.start[mapped[has]]]
    first, last = reading.first[phrase], reading.last[phrase]
    term = terms.best[ids]
    stem_count = max(1, len(reading.stems))
    titled = terms.any[ids]
    sibling = _of_siblings(together, category)
    columns = (
        chance, at(by.nth(by.chance, 1)), at(by.nth(by.chance, 2)), at(by.nth(by.chance, 4)), together,
        at(np.add.reduceat((by.chance > _STRONG).astype(np.float32), by.start) if len(by.start) else by.chance),
        at(texts), at(both), at(best_pair(4)), at(both / np.maximum(texts, 1)), learned.code_count[ids], ridge[ids],
        terms.title[ids], terms.title_mass[ids], terms.index[ids], terms.part[ids], terms.part_shared[ids],
        terms.index_mass[ids], terms.share[ids], terms.texts[ids], terms.weighted[ids], at(rival), at(best - rival),
        shares[category], shares[category] - chance, lexicon.level[ids], lexicon.header[ids], lexicon.vague[ids],
        lexicon.chapter[ids], sibling, _of_siblings(titled, category), _of_siblings(ridge[ids], category),
        together - sibling, np.full(len(ids), len(reading.phrases)), _rank(together), _rank(ridge[ids]),
        np.where(has, last - first + 1, 0), np.where(has, reading.often[phrase], 0),
        np.where(has, first / stem_count, -1), np.where(has, held[last], -1), _term_held(reading, term, held),
    )  # fmt: skip
    return Candidates(ids, np.stack(columns, 1).astype(np.float32), phrase, term)


def _by_phrase(learned: Associations, rows: NDArray[np.int64], mine: NDArray[np.int64]) -> _ByPhrase:
    pair, owner = learned.pairs.of(rows)
    chance = learned.pairs.columns[1][pair].astype(np.float32)
    keep = chance > _LEAST_CHANCE
    pair, chance, phrase = pair[keep], chance[keep], mine[owner[keep]]
    code = learned.pairs.columns[0][pair].astype(np.int64)
    order = np.lexsort((phrase, -chance, code))
    pair, chance, phrase, code = pair[order], chance[order], phrase[order], code[order]
    start = np.flatnonzero(np.r_[True, code[1:] != code[:-1]]) if len(code) else np.zeros(0, np.int64)
    count = np.diff(np.r_[start, len(code)])
    return _ByPhrase(code[start], start, count, phrase, pair, chance)


def _rivals(by: _ByPhrase, phrases: int, best: FloatArray) -> FloatArray:
    """For each code the best chance of another code on the phrase that speaks for it most."""
    order = np.lexsort((-by.chance, by.phrase))
    phrase, chance = by.phrase[order], by.chance[order]
    start = np.flatnonzero(np.r_[True, phrase[1:] != phrase[:-1]]) if len(phrase) else np.zeros(0, np.int64)
    count = np.diff(np.r_[start, len(phrase)])
    top, second = np.zeros(phrases, np.float32), np.zeros(phrases, np.float32)
    top[phrase[start]] = chance[start]
    more = count > 1
    second[phrase[start[more]]] = chance[start[more] + 1]
    mine = by.phrase[by.start]
    return np.where(best >= top[mine], second[mine], top[mine])


class _Terms:
    """The lexicon's terms of a text, by code."""

    def __init__(self, reading: Reading, lexicon: Lexicon, learned: Associations) -> None:
        size = len(lexicon.codes)
        terms, coverage = reading.terms, reading.coverage
        kind, code, mass = lexicon.kind[terms], lexicon.code[terms], lexicon.mass[terms]

        def best(kinds: tuple[Kind, ...]) -> NDArray[np.int64]:
            """For each code the place of its best term of these kinds; -1 for none."""
            these = np.flatnonzero(np.isin(kind, kinds))
            order = these[np.lexsort((mass[these], coverage[these]))]
            out = np.full(size, -1, np.int64)
            out[code[order]] = order
            return out

        def of(places: NDArray[np.int64], values: NDArray[Any]) -> FloatArray:
            out = np.zeros(size, np.float32)
            has = places >= 0
            out[has] = values[places[has]]
            return out

        title, index, part = best((Kind.TITLE, Kind.INCLUSION)), best((Kind.INDEX,)), best((Kind.PART,))
        self.title, self.title_mass = of(title, coverage), of(title, mass)
        self.index, self.index_mass = of(index, coverage), of(index, mass)
        self.part, self.part_shared = of(part, coverage), of(part, lexicon.shared[terms])
        self.any = np.maximum(np.maximum(self.title, self.index), 0.8 * self.part)
        self.weighted = self.any * np.sqrt(np.maximum(self.title_mass, self.index_mass))
        exact = np.flatnonzero(coverage > _EXACT)
        right = (learned.term_right[terms[exact]] + 0.6) / (learned.term_texts[terms[exact]] + 2.0)
        order = np.argsort(right, kind="stable")
        self.share, self.texts = np.zeros(size, np.float32), np.zeros(size, np.float32)
        self.share[code[exact[order]]] = right[order]
        self.texts[code[exact[order]]] = learned.term_texts[terms[exact[order]]]
        self.exact_codes = np.unique(code[exact])
        self.best = np.where(self.title >= self.index, title, index)
        self.best = np.where((self.best < 0) | (self.part > np.maximum(self.title, self.index) + 0.2), part, self.best)


def _term_held(reading: Reading, term: NDArray[np.int64], held: NDArray[np.float32]) -> FloatArray:
    if not len(reading.terms):
        return np.full(len(term), -1, np.float32)
    middle = (reading.window_first[term] + reading.window_last[term]) // 2
    return np.where(term >= 0, held[middle], -1).astype(np.float32)


def _of_siblings(values: FloatArray, category: NDArray[np.int64]) -> FloatArray:
    """The best value of another candidate of the same category."""
    top = np.zeros(int(category.max(initial=-1)) + 1, np.float32)
    np.maximum.at(top, category, values)
    leads = values >= top[category]
    second = np.zeros_like(top)
    np.maximum.at(second, category, np.where(leads, 0, values))
    return np.where(leads, second[category], top[category])


def _rank(values: FloatArray) -> NDArray[np.int64]:
    return np.argsort(np.argsort(-values, kind="stable"), kind="stable")

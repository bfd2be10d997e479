"""The ranker in a file: arrays without objects, compressed, refused when they are not what they should be."""

from __future__ import annotations

import gzip
import hashlib
import io
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from appliance.coding.ranking.associations import Associations, Lists, Neighbours
from appliance.coding.ranking.candidates import FEATURES
from appliance.coding.ranking.lexicon import Lexicon
from appliance.coding.ranking.reading import stem_hash
from appliance.coding.ranking.trees import Calibration, Trees
from appliance.errors import NotVerifiedError

# Made by bench/coded/train.py from CodiEsp.
SHIPPED = Path(__file__).with_name("ranker.npz.gz")
SHIPPED_SHA256 = "4076819e3704c7e966323bf0ae1a93f7faaa63d222c8a4bebca64406aff5ad41"
LICENCE = (
    "Learned from CodiEsp (Miranda-Escalada, Gonzalez-Agirre, Armengol-Estape, Krallinger, CLEF eHealth 2020),"
    " CC BY 4.0; counts, weights and trees only, no text."
)
_MAX_BYTES = 128 * 1024 * 1024
_HINT = "install the appliance again"


@dataclass(frozen=True, slots=True)
class Ranker:
    """What is learned, for the codes and terms of one lexicon."""

    learned: Associations
    trees: Trees
    calibration: Calibration
    best_code: float
    """The confidence from which on suggesting gave the best F1 at full code in training."""
    best_category: float


def dump(ranker: Ranker, lexicon: Lexicon) -> bytes:
    """The bytes of a ranker; the same ranker gives the same bytes."""
    learned, trees, near = ranker.learned, ranker.trees, ranker.learned.neighbours
    code, chance, texts, both, in_titles = learned.pairs.columns
    # Codes, categories and terms by name: places change with the table.
    used = np.flatnonzero(learned.code_count)
    names = np.array([stem_hash(name) for name in lexicon.names], np.uint64)
    seen = np.flatnonzero(learned.term_texts)
    scale = float(np.abs(near.alpha).max(initial=1e-9)) / 127
    arrays: dict[str, Any] = {
        "features": np.frombuffer("\n".join(FEATURES).encode(), np.uint8),
        "codes": np.frombuffer("\n".join(lexicon.codes[at] for at in used).encode(), np.uint8),
        "code_count": learned.code_count[used].astype(np.uint16),
        "categories": np.frombuffer("\n".join(lexicon.categories).encode(), np.uint8),
        "term": names[seen], "term_texts": learned.term_texts[seen].astype(np.uint16),
        "term_right": learned.term_right[seen].astype(np.uint16),
        "phrases": learned.phrases,
        "pair_length": np.diff(learned.pairs.first).astype(np.uint16),
        "pair_code": np.searchsorted(used, code).astype(np.uint16),
        "pair_chance": np.round(chance * 1000).astype(np.uint16),
        "pair_texts": texts, "pair_both": both, "pair_in_titles": in_titles,
        "category_length": np.diff(learned.categories.first).astype(np.uint16),
        "category": learned.categories.columns[0],
        "category_share": np.round(learned.categories.columns[1] * 200).astype(np.uint8),
        "near_stems": near.stems, "near_idf": near.idf, "near_length": np.diff(near.texts.first).astype(np.uint16),
        "near_text": near.texts.columns[0], "near_weight": near.texts.columns[1],
        "near_alpha": np.round(near.alpha / scale).astype(np.int8), "near_scale": np.array([scale], np.float32),
        "near_code": np.searchsorted(used, near.codes).astype(np.uint16), "near_prior": near.prior,
        "tree_feature": trees.feature, "tree_threshold": trees.threshold, "tree_left": trees.left,
        "tree_right": trees.right, "tree_value": trees.value, "tree_depth": np.array([trees.depth], np.uint8),
        "calibration_odds": ranker.calibration.odds, "calibration_share": ranker.calibration.share,
        "scalars": np.array([trees.base, ranker.best_code, ranker.best_category], np.float64),
    }  # fmt: skip
    plain = io.BytesIO()
    np.savez(plain, **arrays)
    return gzip.compress(plain.getvalue(), 9, mtime=0)


def load(content: bytes, lexicon: Lexicon, sha256: str) -> Ranker:
    """A ranker of its bytes, for a lexicon; what the lexicon does not have is left out.

    Raises:
        NotVerifiedError: the bytes have not the digest that they must have, or are no ranker.
    """
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise NotVerifiedError(f"the ranker has SHA-256 {found[:16]}…, {sha256[:16]}… was wanted", hint=_HINT)
    try:
        with gzip.open(io.BytesIO(content)) as packed:
            plain = packed.read(_MAX_BYTES + 1)
        if len(plain) > _MAX_BYTES:
            raise ValueError("too large")
        with np.load(io.BytesIO(plain), allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
        if _lines(arrays["features"]) != list(FEATURES):
            raise ValueError("its features are others")
        return _ranker(arrays, lexicon)
    except (OSError, EOFError, KeyError, ValueError, IndexError, zlib.error) as error:
        raise NotVerifiedError(f"the ranker cannot be read: {type(error).__name__}: {error}", hint=_HINT) from None


@lru_cache(maxsize=1)
def shipped() -> bytes:
    """The file that the appliance comes with."""
    try:
        return SHIPPED.read_bytes()
    except OSError as error:
        raise NotVerifiedError(f"{SHIPPED.name}: {error.strerror}", hint=_HINT) from None


def learned_codes(content: bytes) -> tuple[str, ...]:
    """The codes that a ranker learned of, of its set's year; a table may lack some. The bytes are not verified."""
    with gzip.open(io.BytesIO(content)) as packed, np.load(io.BytesIO(packed.read(_MAX_BYTES))) as archive:
        return tuple(_lines(archive["codes"]))


def _ranker(arrays: Mapping[str, NDArray[Any]], lexicon: Lexicon) -> Ranker:
    places = np.array([lexicon.place.get(code, -1) for code in _lines(arrays["codes"])], np.int64)
    by_name = {str(name): at for at, name in enumerate(lexicon.categories)}
    categories = np.array([by_name.get(name, -1) for name in _lines(arrays["categories"])], np.int64)
    size = len(lexicon.codes)
    count = np.zeros(size, np.float32)
    count[places[places >= 0]] = arrays["code_count"][places >= 0]
    pair_code = places[arrays["pair_code"].astype(np.int64)]
    pairs = _kept(
        arrays["pair_length"], pair_code, arrays["pair_chance"] / np.float32(1000), arrays["pair_texts"],
        arrays["pair_both"], arrays["pair_in_titles"],
    )  # fmt: skip
    category = categories[arrays["category"].astype(np.int64)]
    near_code = places[arrays["near_code"].astype(np.int64)]
    here = near_code >= 0
    stored = dict(zip(arrays["term"].tolist(), range(len(arrays["term"])), strict=True))
    at = np.array([stored.get(stem_hash(name), -1) for name in lexicon.names], np.int64)
    base, best_code, best_category = arrays["scalars"].tolist()
    by_category = _kept(arrays["category_length"], category, arrays["category_share"] / np.float32(200))
    learned = Associations(
        arrays["phrases"], pairs, by_category,
        count, _picked(arrays["term_texts"], at), _picked(arrays["term_right"], at),
        Neighbours(
            arrays["near_stems"], arrays["near_idf"],
            Lists(_firsts(arrays["near_length"]), (arrays["near_text"], arrays["near_weight"])),
            arrays["near_alpha"][:, here].astype(np.float32) * arrays["near_scale"][0],
            near_code[here].astype(np.int32), arrays["near_prior"][here],
        ),
    )  # fmt: skip
    trees = Trees(
        arrays["tree_feature"], arrays["tree_threshold"], arrays["tree_left"], arrays["tree_right"],
        arrays["tree_value"], base, int(arrays["tree_depth"][0]),
    )  # fmt: skip
    calibration = Calibration(arrays["calibration_odds"], arrays["calibration_share"])
    return Ranker(learned, trees, calibration, best_code, best_category)


def _lines(array: NDArray[Any]) -> list[str]:
    return bytes(array).decode("ascii").split("\n")


def _firsts(length: NDArray[Any]) -> NDArray[np.int32]:
    return np.r_[0, np.cumsum(length.astype(np.int64))].astype(np.int32)


def _kept(length: NDArray[Any], target: NDArray[np.int64], *columns: NDArray[Any]) -> Lists:
    """Lists without the elements whose target the lexicon does not have."""
    owner = np.repeat(np.arange(len(length)), length.astype(np.int64))
    keep = target >= 0
    shorter = np.bincount(owner[keep], minlength=len(length))
    return Lists(_firsts(shorter), (target[keep].astype(np.int32), *(column[keep] for column in columns)))


def _picked(values: NDArray[Any], at: NDArray[np.int64]) -> NDArray[np.float32]:
    out = np.zeros(len(at), np.float32)
    out[at >= 0] = values[at[at >= 0]]
    return out

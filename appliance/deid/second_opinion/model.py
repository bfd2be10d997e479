"""The second opinion in a file: weights of features, refused when they are not what they should be."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from appliance.deid.second_opinion.features import Vocabulary
from appliance.errors import NotVerifiedError

# Made by bench/named/train.py from MTS-Dialog, ACI-Bench, CodiEsp and contexts of our own.
SHIPPED = Path(__file__).with_name("names.json.gz")
SHIPPED_SHA256 = "b4726fbc20774d1617cbf095845268251c7505360d3103ae448065a44003cb07"
_SCALE = 100  # weights are whole hundredths
_MAX_BYTES = 16 * 1024 * 1024
_HINT = "install the appliance again"


@dataclass(frozen=True, slots=True)
class Opinion:
    """A linear model over features, and what it knows of words.

    Args:
        weights: By feature, in hundredths of log odds.
        bias: Of every word, in the same unit.
        vocabulary: What the features need to know of words.
    """

    weights: Mapping[str, int]
    bias: int
    vocabulary: Vocabulary

    def log_odds(self, features: Sequence[str]) -> float:
        """How much speaks for a name, as the natural logarithm of its odds among the training's examples."""
        weights = self.weights
        return (self.bias + sum(weights.get(feature, 0) for feature in features)) / _SCALE


def dump(weights: Mapping[str, float], bias: float, vocabulary: Vocabulary) -> bytes:
    """The bytes of a model; weights that round to nothing are left out. The same model gives the same bytes."""
    rounded = {feature: round(weight * _SCALE) for feature, weight in sorted(weights.items())}
    content = {
        "bias": round(bias * _SCALE),
        "often": _by_value({word: str(value) for word, value in vocabulary.often.items()}),
        "tags": _by_value(vocabulary.tags),
        "weights": {feature: weight for feature, weight in rounded.items() if weight},
    }
    return gzip.compress(json.dumps(content, ensure_ascii=True, separators=(",", ":")).encode("ascii"), 9, mtime=0)


def _by_value(values: Mapping[str, str]) -> dict[str, str]:
    return {
        value: " ".join(sorted(word for word, other in values.items() if other == value))
        for value in sorted(set(values.values()))
    }


def load(content: bytes, sha256: str) -> Opinion:
    """A model of its bytes.

    Raises:
        NotVerifiedError: the bytes have not the digest that they must have, or are no model.
    """
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise NotVerifiedError(
            f"the second opinion on names has SHA-256 {found[:16]}…, {sha256[:16]}… was wanted", hint=_HINT
        )
    try:
        with gzip.open(io.BytesIO(content)) as packed:
            plain = packed.read(_MAX_BYTES + 1)
        if len(plain) > _MAX_BYTES:
            raise ValueError("too large")
        loaded = json.loads(plain)
        tags = {word: tag for tag, words in loaded["tags"].items() for word in words.split()}
        often = {word: int(value) for value, words in loaded["often"].items() for word in words.split()}
        weights = {str(feature): int(weight) for feature, weight in loaded["weights"].items()}
        return Opinion(weights, int(loaded["bias"]), Vocabulary(tags, often))
    except (OSError, EOFError, KeyError, TypeError, ValueError, AttributeError, zlib.error) as error:
        raise NotVerifiedError(
            f"the second opinion on names cannot be read: {type(error).__name__}: {error}", hint=_HINT
        ) from None


def shipped() -> Opinion:
    """The model that the appliance comes with. Raises NotVerifiedError when it is missing, damaged or another."""
    try:
        content = SHIPPED.read_bytes()
    except OSError as error:
        raise NotVerifiedError(f"{SHIPPED.name}: {error.strerror}", hint=_HINT) from None
    return load(content, SHIPPED_SHA256)

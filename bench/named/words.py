"""What training knows of single words: parts of speech by spaCy's small English model, and how often they occur."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping

import spacy

from appliance.deid.model import model_directory
from appliance.deid.reading import Reading

_LEAST = 2  # mentions of a word that is tagged
_SECOND = 0.3  # share of the mentions from which on a second part of speech counts
_PARTS = {
    "NOUN": "N", "ADJ": "J", "ADV": "R", "ADP": "P", "PRON": "I", "DET": "D", "CCONJ": "C", "SCONJ": "S", "NUM": "#",
    "INTJ": "U", "PART": "T", "PUNCT": "", "SYM": "", "SPACE": "", "X": "", "PROPN": "X",
}  # fmt: skip
_FORMS = {"VB": "V", "VBP": "V", "VBD": "Vd", "VBN": "Vn", "VBG": "Vg", "VBZ": "Vz", "MD": "M", "NNS": "Ns"}


def tagged(texts: Iterable[str]) -> dict[str, str]:
    """Parts of speech by word in lower case."""
    pipe = spacy.load(model_directory(), exclude=["parser", "lemmatizer", "ner", "senter"])
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for document in pipe.pipe(texts, batch_size=64):
        for token in document:
            part = _part(token.pos_, token.tag_)
            if part and token.text.replace("'", "").replace("-", "").isalpha():
                counts[token.lower_.replace("’", "'")][part] += 1
    return {word: _tag(parts) for word, parts in sorted(counts.items()) if parts.total() >= _LEAST}


def _part(part: str, form: str) -> str:
    if part == "AUX":
        return "A" + _FORMS.get(form, "")
    return _FORMS.get(form) or _PARTS.get(part, "")


def _tag(parts: Counter[str]) -> str:
    if len(parts) > 1:
        parts = Counter({part: count for part, count in parts.items() if part != "X"})
    first, *others = sorted(parts.items(), key=lambda item: (-item[1], item[0]))
    second = [part for part, count in others[:1] if count >= _SECOND * parts.total()]
    return "+".join(sorted([first[0], *second]))


def counted(texts: Iterable[tuple[str, Iterable[tuple[int, int]]]]) -> Counter[str]:
    """How often each word stands outside the spans that are somebody's names."""
    counts: Counter[str] = Counter()
    for text, spans in texts:
        hidden = [False] * (len(text) + 1)
        for start, end in spans:
            hidden[start:end] = [True] * (end - start)
        counts.update(word.low for word in Reading(text).words if not hidden[word.start])
    return counts


def bucket(count: int, total: int) -> int:
    """How often a word occurs: 0 for never, then a step for each fourfold, from two in a million words; at most 6."""
    if count <= 0:
        return 0
    return max(1, min(6, 2 + math.floor(math.log(count / total * 1e6 / 2, 4))))


def buckets(counts: Mapping[str, int], wanted: Iterable[str]) -> dict[str, int]:
    """By word; those that never occur are left out."""
    total = sum(counts.values())
    return {word: bucket(counts[word], total) for word in sorted(wanted) if counts.get(word)}

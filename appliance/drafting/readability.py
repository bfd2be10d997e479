"""The reading grade of an English text, so that a letter in plain language is measured and not assumed."""

import re

_WORD = re.compile(r"[A-Za-z][A-Za-z'’]*")
_VOWELS = re.compile(r"[aeiouy]+")
# Below this the figure says nothing: the formula was fitted on passages.
MIN_WORDS = 30


def _syllables(word: str) -> int:
    lower = word.casefold().strip("'’")
    groups = len(_VOWELS.findall(lower))
    if lower.endswith("e") and not lower.endswith(("le", "ee")) and groups > 1:
        groups -= 1
    return max(1, groups)


def reading_grade(sentences: tuple[str, ...]) -> float | None:
    """Return the Flesch-Kincaid grade (Kincaid et al. 1975), or None for a text too short to judge.

    0.39 × words per sentence + 11.8 × syllables per word − 15.59. Syllables are counted as groups of vowels.
    """
    words = [word for sentence in sentences for word in _WORD.findall(sentence)]
    if len(words) < MIN_WORDS:
        return None
    syllables = sum(_syllables(word) for word in words)
    return round(0.39 * len(words) / len(sentences) + 11.8 * syllables / len(words) - 15.59, 1)

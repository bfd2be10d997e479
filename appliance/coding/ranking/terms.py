"""Words of a text in a form in which "hepatic tumours" and "neoplasm of liver" share their parts.

A word is lower-cased, mapped to the words that titles use (words.json: "renal" is "kidney"), then cut to a stem. Stems
are for comparison only; quotes are taken from the text by the offsets that every stem keeps.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

_WORD = re.compile(r"[a-z0-9]+(?:'[a-z]+)?")
_LINE = re.compile(r"[^\n]+")
_SENTENCE = re.compile(r".+?(?:[.;:!?](?=\s)|$)")
# Words that say nothing of a condition, in titles and in texts alike.
_STOP = frozenset(
    _WORD.findall(
        "a an the of in on at to for with without by from and or as is are was were be been being which who whom that"
        " this these those it its he she his her him they their them we our us i not no nor due other unspecified"
        " specified elsewhere classified nos nec patient patients case had has have having did do does done when where"
        " there then than also after before during showed shows show presented presents present reported revealed"
        " observed performed made most more very some any such into between both s type"
    )
)
# Forms that the endings below would tear apart.
_FORMS = {
    "metastases": "metastas", "metastasis": "metastas", "metastatic": "metastas", "metastasic": "metastas",
    "diabetic": "diabet", "diabetes": "diabet", "necrotic": "necros", "necrosis": "necros", "fibrotic": "fibros",
    "fibrosis": "fibros", "sclerotic": "scleros", "sclerosis": "scleros", "stenotic": "stenos", "stenosis": "stenos",
    "thrombotic": "thrombos", "thrombosis": "thrombos", "thromboses": "thrombos", "cirrhotic": "cirrhos",
    "cirrhosis": "cirrhos", "anemic": "anemia", "hypertensive": "hypertens", "hypertension": "hypertens",
    "septic": "sepsis", "edematous": "edema", "edemas": "edema", "ectomies": "ectomi",
}  # fmt: skip
_ENDINGS = (
    ("ational", ""), ("ations", ""), ("ation", ""), ("ative", ""), ("ated", ""), ("ates", ""), ("ate", ""),
    ("itious", ""), ("ectious", "ect"), ("ious", "i"), ("eous", ""), ("ous", ""), ("ical", ""), ("tional", "t"),
    ("ional", ""), ("ions", ""), ("ion", ""), ("ive", ""), ("ial", ""), ("al", ""), ("ics", ""), ("ic", ""),
    ("ing", ""), ("ed", ""), ("ly", ""), ("ity", ""), ("ment", ""), ("ar", ""), ("ary", ""), ("y", ""), ("e", ""),
    ("a", ""), ("um", ""), ("us", ""),
)  # fmt: skip
# What is left of a word after an ending has gone, at least.
_LEAST = 5


@dataclass(frozen=True, slots=True)
class Stem:
    """A stem and where its word stands.

    Args:
        text: The stem.
        start: Offset of the word's first character.
        end: Offset behind its last.
    """

    text: str
    start: int
    end: int


@cache
def _words() -> dict[str, tuple[str, ...]]:
    content = json.loads((Path(__file__).with_name("words.json")).read_text("ascii"))
    return {word: tuple(_stem(each) for each in written.split()) for word, written in content.items()}


@lru_cache(maxsize=100_000)
def canonical(word: str) -> tuple[str, ...]:
    """The stems of one lower-case word; several for a word that stands for several ("cancer")."""
    known = _words()
    if word in known:
        return known[word]
    # British spellings: "haematuria", "oedema".
    american = word.replace("oe", "e").replace("ae", "e") if len(word) > _LEAST else word
    return known.get(american) or (_stem(word),)


def _stem(word: str) -> str:
    if word in _FORMS:
        return _FORMS[word]
    word = word.replace("'s", "").replace("'", "")
    if len(word) > 4:
        word = word.replace("oe", "e")
    if len(word) > _LEAST:
        word = word.replace("ae", "e")
    word = _singular(word) if word not in _FORMS and len(word) > 4 else word
    if word in _FORMS:
        return _FORMS[word]
    if len(word) > 9 and word.endswith(("ization", "isation")):
        return word[:-7]
    for ending, instead in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= _LEAST:
            return word[: len(word) - len(ending)] + instead
    return word


def _singular(word: str) -> str:
    if word.endswith("ies"):
        return word[:-3] + "y"
    if word.endswith("ses") and word[-4] in "aeiouy":
        return word[:-3] + "sis" if word[-4] in "oae" else word[:-2]
    if word.endswith("es") and word[-3] in "sxhz":
        return word[:-2]
    if word.endswith("s") and word[-2] not in "sui":
        return word[:-1]
    return word


def folded(text: str) -> str:
    """Lower case without accents, character for character: offsets stay those of the text."""
    if text.isascii():
        return text.lower()
    return "".join(_plain(character) for character in text)


@lru_cache(maxsize=4096)
def _plain(character: str) -> str:
    base = unicodedata.normalize("NFKD", character)[:1].lower()
    return base if len(base) == 1 and base.isascii() else " "


def sentences(text: str) -> Iterator[tuple[int, int]]:
    """The places of a text's sentences; a line ends one."""
    for line in _LINE.finditer(text):
        for found in _SENTENCE.finditer(line.group()):
            yield line.start() + found.start(), line.start() + found.end()


def stems(text: str, start: int = 0, end: int | None = None) -> list[Stem]:
    """The stems of a part of a text, in order, without the words that say nothing."""
    part = folded(text[start:end])
    return [
        Stem(stem, start + word.start(), start + word.end())
        for word in _WORD.finditer(part)
        if word.group() not in _STOP
        for stem in canonical(word.group())
    ]


def stem_texts(text: str) -> list[str]:
    """The stems of a title or a term."""
    return [each.text for each in stems(text)]

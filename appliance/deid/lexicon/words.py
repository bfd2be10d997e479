"""The word lists as sets, read once; all lower case."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Any

_DIR = Path(__file__).parent
_FILES = (
    "names.json", "places.json", "clinical.json", "ordinary.json", "around.json", "eponyms.json", "roles.json",
    "vocabulary.json", "called.json",
)  # fmt: skip
_GROUNDING = _DIR.parent.parent / "grounding"


@dataclass(frozen=True)
class Words:
    """The word lists.

    Args:
        given: Given names that are no words of English.
        given_words: Given names that are words as well (grace, mark).
        surnames: Frequent surnames that are no words.
        surname_words: Frequent surnames that are words as well (young, bell).
        places: Cities and towns; some of several words.
        ordinary_places: Places that are words, given names or surnames as well (mobile, madison).
        large_places: Places that are one in any case (boston).
        eponyms: Names that name a disease, a sign, a device when a head follows (wilson disease).
        always_clinical: Eponyms and brands that are hardly ever a person without a title or a given name (foley).
        eponym_pairs: Two names that together are hardly ever a person (west nile, ramsay hunt).
        graded: Eponyms of scores and grades, which a number follows (rankin, killip).
        structures: Parts of the body and signs that are called by a name behind "of" (circle of Willis).
        signs: What is said of a sign that a name stands for (positive, unlikely).
        heads: What makes an eponym of the name before it (disease, catheter).
        clinical: Drugs and other clinical words that are never a name by themselves.
        titles: Mr, Dr, Nurse.
        credentials: MD, RN, Jr: what stands behind a name.
        relatives: Mother, husband: what stands before a name.
        company: Inc, LLC.
        not_a_name: Words that are no name, whatever stands beside them, and labels of forms in other languages.
        ordinary: Words of English and of medicine that are no names, without their endings.
        vocabulary: Further words of English and of medicine, rarer than the ordinary ones; none is in a list of names.
        nations: Nationalities, languages, religions, countries, brands of daily life: they stay with their capital.
        digest: SHA-256 over the files, hexadecimal.
    """

    given: frozenset[str]
    given_words: frozenset[str]
    surnames: frozenset[str]
    surname_words: frozenset[str]
    places: frozenset[str]
    ordinary_places: frozenset[str]
    large_places: frozenset[str]
    eponyms: frozenset[str]
    always_clinical: frozenset[str]
    eponym_pairs: frozenset[str]
    graded: frozenset[str]
    structures: frozenset[str]
    signs: frozenset[str]
    heads: frozenset[str]
    clinical: frozenset[str]
    titles: frozenset[str]
    credentials: frozenset[str]
    relatives: frozenset[str]
    company: frozenset[str]
    not_a_name: frozenset[str]
    ordinary: frozenset[str]
    vocabulary: frozenset[str]
    nations: frozenset[str]
    digest: str


def _split(lines: list[str], by: str | None = None) -> frozenset[str]:
    return frozenset(" ".join(lines).split(by))


def _load(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((_DIR / name).read_text(encoding="utf-8"))
    return loaded


def _drugs() -> frozenset[str]:
    """Every drug that grounding knows, by its words: one list of drugs in the project."""
    groups = json.loads((_GROUNDING / "drugs.json").read_text(encoding="utf-8"))["groups"]
    return frozenset(chain.from_iterable(group.replace("|", " ").replace(">", " ").split() for group in groups))


@cache
def words() -> Words:
    """Read the lists; later calls answer the same object."""
    names, places, clinical, ordinary, _, eponyms, roles, vocabulary, _ = (_load(name) for name in _FILES)
    contents = b"".join((_DIR / name).read_bytes() for name in _FILES)
    return Words(
        given=_split(names["given"]),
        given_words=_split(names["given_words"]),
        surnames=_split(names["surnames"]),
        surname_words=_split(names["surname_words"]),
        places=_split(places["places"], "|"),
        ordinary_places=_split(places["ordinary"], "|"),
        large_places=_split(places["large"], "|"),
        eponyms=_split(clinical["eponyms"]) | _split(eponyms["eponyms"]),
        always_clinical=_split(clinical["always_clinical"]) | _split(eponyms["compound"]),
        eponym_pairs=frozenset(chain.from_iterable(line.split("|") for line in eponyms["pairs"])),
        graded=_split(eponyms["graded"]),
        structures=_split(eponyms["structures"]),
        signs=_split(eponyms["signs"]),
        heads=_split(clinical["heads"]) | _split(eponyms["heads"]),
        clinical=_split(clinical["clinical_words"]) | _split(eponyms["words"]) | _drugs(),
        titles=_split(clinical["titles"]),
        credentials=_split(clinical["credentials"]),
        relatives=_split(clinical["relatives"]),
        company=_split(clinical["company"]),
        not_a_name=_split(clinical["not_a_name"]) | _split(clinical["foreign_labels"]),
        ordinary=_split(ordinary["ordinary"]) | _split(ordinary["common"]) | _split(roles["roles.words"]),
        vocabulary=_split(vocabulary["words"]) | _split(vocabulary["clinical"]) | _split(vocabulary["abbreviations"]),
        nations=_split(vocabulary["nations"]) | _split(vocabulary["countries"]),
        digest=hashlib.sha256(contents).hexdigest(),
    )


@cache
def _around() -> dict[str, frozenset[str]]:
    loaded = _load("around.json") | _load("roles.json") | _load("called.json")
    return {key: _split(lines) for key, lines in loaded.items() if key != "about"}


def around(key: str) -> frozenset[str]:
    """The words that a recogniser looks for beside a name; `key` is its module and what they are."""
    return _around()[key]

"""The hand-made tables of meanings and drugs, compiled once, and the digests that name them in the audit log."""

import hashlib
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from appliance.grounding.tokens import stem, tokenise

_SHORT = 4
_DIR = Path(__file__).parent
_FILES = ("lexicon.json", "drugs.json")

TABLES: tuple[tuple[str, str], ...] = tuple(
    (name, hashlib.sha256((_DIR / name).read_bytes()).hexdigest()) for name in _FILES
)
"""(file name, SHA-256) of each table in use: an audit entry names them beside the model and the prompt."""

STRONG = frozenset({"clinical", "anatomy", "family", "drug", "race", "date", "frequency", "name"})
"""Classes of meanings that a source must carry, however well the rest of the statement is carried."""


@dataclass(frozen=True)
class Term:
    """One spelling of a meaning. `implies`: it is narrower, so a source that has it has the meaning too.

    `exact`: a short word or abbreviation, matched as spelt, because its stem meets unrelated words (add, addition).
    """

    stems: tuple[str, ...]
    concept: str
    group: str
    implies: bool = False
    exact: str = ""


@dataclass(frozen=True)
class Tables:
    """The compiled tables. `terms`: by first stem, longest first. `units`: spelling to unit."""

    terms: dict[str, tuple[Term, ...]]
    units: dict[str, str]
    opposites: dict[str, frozenset[str]]
    negated: dict[str, str]
    frame: frozenset[str]
    acts: frozenset[str]
    stop: frozenset[str]
    suffixes: tuple[str, ...]
    drug_endings: tuple[str, ...]
    not_drugs: frozenset[str]
    drug_words: frozenset[str]


def _stems(term: str) -> tuple[str, ...]:
    return tuple(token.stem for token in tokenise(term) if token.text not in ("-", "'"))


def _lines(group: str, lines: list[str]) -> list[Term]:
    """Compile lines of "equal|equal > narrower|narrower"; the first term names the meaning."""
    terms = []
    for line in lines:
        equal, _, narrower = line.partition(" > ")
        name = f"{group}:{equal.split('|')[0].strip()}"
        for part, implies in ((equal, False), (narrower, True)):
            for spelling in filter(None, (piece.strip() for piece in part.split("|"))):
                exact = spelling if len(spelling) <= _SHORT and spelling.isalnum() else ""
                terms.append(Term(_stems(spelling), name, group, implies, exact))
    return terms


def _opposites(pairs: list[list[str]], terms: list[Term]) -> dict[str, frozenset[str]]:
    named: dict[tuple[str, ...], set[str]] = {}
    for term in terms:
        named.setdefault(term.stems, set()).add(term.concept)
    found: dict[str, set[str]] = {}
    for one, other in pairs:
        for first, second in ((one, other), (other, one)):
            for concept in named.get(_stems(first), {f"w:{stem(first)}"}):
                found.setdefault(concept, set()).update(named.get(_stems(second), {f"w:{stem(second)}"}))
    return {concept: frozenset(opposed - {concept}) for concept, opposed in found.items()}


_CALENDAR = (
    "january|jan", "february|feb", "march", "april|apr", "may month", "june", "july", "august|aug",
    "september|sept|sep",
    "october|oct", "november|nov", "december|dec", "monday|mondays", "tuesday|tuesdays", "wednesday|wednesdays",
    "thursday|thursdays", "friday|fridays", "saturday|saturdays", "sunday|sundays", "yesterday", "last night",
    "tomorrow",
)  # fmt: skip


@cache
def tables() -> Tables:
    """Return the compiled tables; a package with a damaged table does not start."""
    lexicon: dict[str, Any] = json.loads((_DIR / "lexicon.json").read_text())
    drugs: dict[str, Any] = json.loads((_DIR / "drugs.json").read_text())
    terms = [
        term for group in ("clinical", "anatomy", "family", "general", "race") for term in _lines(group, lexicon[group])
    ]
    terms += _lines("drug", drugs["groups"])
    for rate, spellings in lexicon["frequency"].items():
        terms += [Term(_stems(spelling), f"frequency:{rate}", "frequency") for spelling in spellings]
    for line in _CALENDAR:
        terms += _lines("date", [line])
    by_first: dict[str, list[Term]] = {}
    for term in dict.fromkeys(terms):
        by_first.setdefault(term.stems[0], []).append(term)
    words = {name for group in drugs["groups"] for spelling in group.split("|") for name in spelling.split()}
    return Tables(
        terms={first: tuple(sorted(found, key=lambda term: -len(term.stems))) for first, found in by_first.items()},
        units={spelling: unit for unit, spellings in lexicon["units"].items() for spelling in spellings},
        opposites=_opposites(lexicon["opposites"], terms),
        negated={stem(word): stem(meant) for word, meant in lexicon["negated"].items()},
        frame=frozenset(stem(word) for word in lexicon["frame"]),
        acts=frozenset(stem(word) for word in lexicon["acts"]),
        stop=frozenset(lexicon["stop"]) | frozenset(stem(word) for word in lexicon["stop"]),
        suffixes=tuple(lexicon["suffixes"]),
        drug_endings=tuple(drugs["endings"]),
        not_drugs=frozenset(drugs["not_drugs"]),
        drug_words=frozenset(words),
    )

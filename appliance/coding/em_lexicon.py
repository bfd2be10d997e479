"""The hand-made words of E/M support (em_lexicon.json), compiled once: conditions, tests, drugs, operations."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

_FILE = Path(__file__).with_name("em_lexicon.json")


@dataclass(frozen=True, slots=True)
class Term:
    """A name found in a text: offsets, the key that all its names share, its class."""

    start: int
    end: int
    key: str
    kind: str


class Names:
    """Finds names in a text, the longest first, each place once."""

    def __init__(self, groups: Iterable[tuple[str, str]]) -> None:
        """`groups`: (class, names split by |; the first is the key)."""
        self._of: dict[str, tuple[str, str]] = {}
        for kind, names in groups:
            key, *_ = names.split("|")
            for name in names.split("|"):
                self._of.setdefault(_plain(name), (key, kind))
        longest = sorted(self._of, key=len, reverse=True)
        body = "|".join(re.escape(name).replace(r"\ ", r"\s+").replace("'", "['\u2019]") for name in longest)
        self._pattern = re.compile(rf"(?<![\w-])(?:{body})(?![\w])", re.IGNORECASE)

    def known(self) -> frozenset[tuple[str, str]]:
        """(key, class) of everything that is known."""
        return frozenset(self._of.values())

    def find(self, text: str) -> Iterator[Term]:
        """Every name in a text, in order."""
        for hit in self._pattern.finditer(text):
            key, kind = self._of[_plain(hit.group())]
            yield Term(hit.start(), hit.end(), key, kind)


def _plain(name: str) -> str:
    return " ".join(name.casefold().replace("\u2019", "'").split())


# What the table does not name, by its form: (class, pattern). In order; the first that fits.
_FORMS = (
    ("chronic", re.compile(r"(?<![\w-])(?:\w+[ -]){0,3}?(?:cancer|carcinoma|adenocarcinoma|sarcoma"
                           r"|malignancy)(?!\w)", re.IGNORECASE)),
    ("acute", re.compile(r"(?<![\w-])(?:\w+[ -]){0,2}?(?:fracture|\w{3,}itis|tenosynovitis)(?!\w)", re.IGNORECASE)),
    ("symptom", re.compile(r"(?<![\w-])(?:\w+[ -]){0,2}?(?:pain(?: syndrome)?|ache|weakness|hyperglycemia|bleeding"
                           r"|discharge)(?!\w)", re.IGNORECASE)),
)  # fmt: skip


def problems_in(text: str) -> list[Term]:
    """Conditions of the table and what has the form of one, in order, each place once."""
    found = list(conditions().find(text))
    for kind, pattern in _FORMS:
        for hit in pattern.finditer(text):
            if not any(term.start < hit.end() and hit.start() < term.end for term in found):
                key = " ".join(hit.group().casefold().split()[-1:])
                found.append(Term(hit.start(), hit.end(), key, kind))
    return sorted(found, key=lambda term: term.start)


@cache
def _table() -> dict[str, Any]:
    table: dict[str, Any] = json.loads(_FILE.read_bytes())
    return table


@cache
def conditions() -> Names:
    """Conditions; class: minor, acute, systemic, injury, uncertain, chronic, threat, symptom."""
    table: dict[str, list[str]] = _table()["conditions"]
    return Names((kind, names) for kind, groups in table.items() for names in groups)


@cache
def tests() -> Names:
    """Tests; class: lab, imaging, other. A panel is one test, as it is one code."""
    table: dict[str, list[str]] = _table()["tests"]
    return Names((kind, names) for kind, groups in table.items() for names in groups)


@cache
def names(part: str) -> Names:
    """A flat list by its key: "sites", "otc", "toxic", "controlled_parenteral", "major_surgery", ..."""
    return Names((part, name) for name in _table()[part].split("|"))


@cache
def drugs() -> Names:
    """Drugs, by the table that grounding reads, with ours; class: drug."""
    known = [group.split("|") for group in _drug_groups()]
    ours = [[name] for part in ("toxic", "controlled_parenteral") for name in _table()[part].split("|")]
    return Names(("drug", "|".join(group)) for group in known + ours)


def _drug_groups() -> list[str]:
    groups: list[str] = json.loads((_FILE.parent.parent / "grounding" / "drugs.json").read_bytes())["groups"]
    return groups

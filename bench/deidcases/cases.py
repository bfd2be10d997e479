"""Texts from templates, with the places of their identifiers and of the clinical words that must stay."""

from __future__ import annotations

import re
from dataclasses import dataclass

from deidcases.templates import DIALOGUES, HARMLESS, NOTES, QUERIES
from deidcases.values import Values

_SLOT = re.compile(r"\{(\w+)\}|\[\[(.+?)\]\]")


@dataclass(frozen=True)
class Case:
    """A text. `identifiers`: (start, end, type). `stays`: (start, end) of what must not be touched."""

    text: str
    identifiers: tuple[tuple[int, int, str], ...]
    stays: tuple[tuple[int, int], ...] = ()


def filled(template: str, values: Values, *, lower: bool = False) -> Case:
    """Fill the slots of a template; `lower` writes everything in lower case, as a transcript does."""
    text, end = "", 0
    identifiers: list[tuple[int, int, str]] = []
    stays: list[tuple[int, int]] = []
    for match in _SLOT.finditer(template):
        text += template[end : match.start()]
        end = match.end()
        start = len(text)
        if match[1]:
            kind, draw = values.slots[match[1]]
            text += draw()
            identifiers.append((start, len(text), f"{kind} (spoken)" if match[1].endswith("_spoken") else kind))
        else:
            text += match[2]
            stays.append((start, len(text)))
    text += template[end:]
    return Case(text.lower() if lower else text, tuple(identifiers), tuple(stays))


def cases(part: str, *, rounds: int, seed: int) -> dict[str, list[Case]]:
    """Cases by group: queries, notes, dialogues (lower case), harmless.

    Args:
        part: "development" or "held_out".
        rounds: How often each template is filled.
        seed: Of the values.
    """
    values = Values(part, seed)
    groups = {
        name: [
            filled(line.replace("\\n", "\n"), values, lower=name == "dialogues")
            for _ in range(rounds)
            for line in table[part].strip().splitlines()
        ]
        for name, table in (("queries", QUERIES), ("notes", NOTES), ("dialogues", DIALOGUES))
    }
    groups["harmless"] = [Case(line, (), ((0, len(line)),)) for line in HARMLESS[part].strip().splitlines()]
    return groups

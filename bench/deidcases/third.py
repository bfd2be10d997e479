"""The third set: texts of a practice and a hospital, by an independent author who saw neither detector nor other texts.

Texts of an even place in their group were read first; those of an odd place were opened on 2026-11-27, after rules
had been counted on them several times (names 0.938 at first sight, 0.960 when they were opened). So both halves are
seen now; the values stay unread.
"""

from __future__ import annotations

from pathlib import Path

from deidcases.cases import Case
from deidcases.second import read_groups, written_cases
from deidcases.third_values import Draws

HALVES = ("even", "odd")
FILES = (
    "third_queries.txt", "third_notes.txt", "third_letters.txt", "third_office.txt", "third_dialogues.txt",
    "third_harmless.txt",
)  # fmt: skip


def third_templates() -> dict[str, list[str]]:
    """Templates by group; an OSError when a file is missing."""
    groups: dict[str, list[str]] = {}
    for name in FILES:
        for group, lines in read_groups(Path(__file__).parent / name).items():
            groups.setdefault(group, []).extend(lines)
    return groups


def half_of(groups: dict[str, list[str]], half: str) -> dict[str, list[str]]:
    """Templates of an "even" or "odd" place in their group, counted from 0."""
    return {name: templates[HALVES.index(half) :: 2] for name, templates in groups.items()}


def third_cases(half: str | None = None, *, rounds: int, seed: int) -> dict[str, list[Case]]:
    """Cases by group, of one half or of both; see `written_cases`."""
    groups = third_templates()
    return written_cases(half_of(groups, half) if half else groups, Draws, rounds=rounds, seed=seed)

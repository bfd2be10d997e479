"""The third set: texts of a practice and a hospital, by an independent author who saw neither detector nor other texts.

Whoever improves the detector reads neither the third_*.txt files nor their values.
"""

from __future__ import annotations

from pathlib import Path

from deidcases.cases import Case
from deidcases.second import read_groups, written_cases
from deidcases.third_values import Draws

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


def third_cases(*, rounds: int, seed: int) -> dict[str, list[Case]]:
    """Cases by group; see `written_cases`."""
    return written_cases(third_templates(), Draws, rounds=rounds, seed=seed)

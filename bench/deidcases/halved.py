"""A written set with one author and one source of values, whose texts are halved by their place in their group."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from deidcases.cases import Case
from deidcases.draws import TextDraws
from deidcases.second import read_groups, written_cases

HALVES = ("even", "odd")
Groups = dict[str, list[str]]
"""Templates by group."""


def half_of(groups: Groups, half: str) -> Groups:
    """Templates of an "even" or "odd" place in their group, counted from 0."""
    return {name: templates[HALVES.index(half) :: 2] for name, templates in groups.items()}


@dataclass(frozen=True)
class HalvedSet:
    """A set of templates beside this module.

    Args:
        name: Such as "third", also of the option that picks it.
        draws: Makes the values of one text from their source of choices.
        files: Names of the files of its templates, in their order.
    """

    name: str
    draws: Callable[[random.Random], TextDraws]
    files: tuple[str, ...]

    def templates(self) -> Groups:
        """Templates by group; an OSError when a file is missing."""
        groups: Groups = {}
        for name in self.files:
            for group, lines in read_groups(Path(__file__).parent / name).items():
                groups.setdefault(group, []).extend(lines)
        return groups

    def cases(self, half: str | None = None, *, rounds: int, seed: int) -> dict[str, list[Case]]:
        """Cases by group, of one half or of both; see `written_cases`."""
        groups = self.templates()
        return written_cases(half_of(groups, half) if half else groups, self.draws, rounds=rounds, seed=seed)

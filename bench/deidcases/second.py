"""The second unseen set: texts from second_a.txt and second_b.txt, by an author who did not know the detector.

Both halves are opened (half b on 2026-11-27): they were read for improvements. The values are unread.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path

from deidcases.cases import Case
from deidcases.draws import TextDraws
from deidcases.second_values import Draws

HALVES = ("a", "b")
SPOKEN_GROUP, HARMLESS_GROUP = "dialogues", "harmless"
_SLOT = re.compile(r"\{([a-z0-9.]+)\}|\[\[(.+?)\]\]")


def read_groups(path: Path) -> dict[str, list[str]]:
    """Templates of a file by group.

    Raises:
        OSError: The file is missing.
    """
    groups: dict[str, list[str]] = {}
    for part in re.split(r"^== ", path.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
        name, _, body = part.partition("\n")
        split = body.splitlines() if name == HARMLESS_GROUP else re.split(r"^%%\n", body, flags=re.MULTILINE)
        groups[name] = [template.strip("\n") for template in split if template.strip()]
    return groups


def templates(half: str) -> dict[str, list[str]]:
    """Templates of half "a" or "b" by group; an OSError when its file is missing."""
    return read_groups(Path(__file__).parent / f"second_{half}.txt")


def filled(template: str, draws: TextDraws, *, lower: bool = False) -> Case:
    """Fill the slots of a template; `lower` writes everything in lower case, as a transcript does.

    Raises:
        KeyError: A slot that these draws do not know.
    """
    text, end = "", 0
    identifiers: list[tuple[int, int, str]] = []
    stays: list[tuple[int, int]] = []
    for match in _SLOT.finditer(template):
        text += template[end : match.start()]
        end = match.end()
        if match[1]:
            kind, pieces = draws.value(match[1])
            for piece, hidden in pieces:
                start = len(text)
                text += piece.lower() if lower else piece
                if hidden:
                    identifiers.append((start, len(text), kind))
        else:
            stays.append((len(text), len(text) + len(match[2])))
            text += match[2]
    return Case(text + template[end:], tuple(identifiers), tuple(stays))


def written_cases(
    groups: dict[str, list[str]], draws: Callable[[random.Random], TextDraws], *, rounds: int, seed: int
) -> dict[str, list[Case]]:
    """Cases by group. The values of a template do not depend on the other templates, so groups can grow.

    Args:
        groups: Templates by group.
        draws: Makes the values of one text from their source of choices.
        rounds: How often each template is filled; harmless lines have nothing to fill.
        seed: Of the values.
    """
    return {
        name: [Case(line, (), ((0, len(line)),)) for line in lines]
        if name == HARMLESS_GROUP
        else [
            filled(line, draws(random.Random(f"{seed} {turn} {line}")), lower=name == SPOKEN_GROUP)  # noqa: S311 (test data)
            for turn in range(rounds)
            for line in lines
        ]
        for name, lines in groups.items()
    }


def second_cases(halves: str, *, rounds: int, seed: int) -> dict[str, list[Case]]:
    """Cases by group of the halves "a", "b" or "ab", those of a before those of b."""
    groups: dict[str, list[Case]] = {}
    for half in halves:
        written = written_cases(templates(half), partial(Draws, half), rounds=rounds, seed=seed)
        for name, group in written.items():
            groups.setdefault(name, []).extend(group)
    return groups

"""The second unseen set: texts from second_a.txt and second_b.txt, by an author who did not know the detector.

Half a may be opened for improvements once it has been measured; half b stays unread, as do its values.
"""

from __future__ import annotations

import random
import re
from pathlib import Path

from deidcases.cases import Case
from deidcases.second_values import Draws

HALVES = ("a", "b")
SPOKEN_GROUP, HARMLESS_GROUP = "dialogues", "harmless"
_SLOT = re.compile(r"\{([a-z0-9.]+)\}|\[\[(.+?)\]\]")


def templates(half: str) -> dict[str, list[str]]:
    """Templates of a half by group.

    Args:
        half: "a" or "b".

    Raises:
        OSError: The file of this half is missing.
    """
    text = (Path(__file__).parent / f"second_{half}.txt").read_text(encoding="utf-8")
    groups: dict[str, list[str]] = {}
    for part in re.split(r"^== ", text, flags=re.MULTILINE)[1:]:
        name, _, body = part.partition("\n")
        split = body.splitlines() if name == HARMLESS_GROUP else re.split(r"^%%\n", body, flags=re.MULTILINE)
        groups[name] = [template.strip("\n") for template in split if template.strip()]
    return groups


def filled(template: str, draws: Draws, *, lower: bool = False) -> Case:
    """Fill the slots of a template; `lower` writes everything in lower case, as a transcript does.

    Raises:
        KeyError: A slot that second_values.py does not know.
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


def second_cases(halves: str, *, rounds: int, seed: int) -> dict[str, list[Case]]:
    """Cases by group. The values of a template do not depend on the other templates, so groups can grow.

    Args:
        halves: "a", "b" or "ab".
        rounds: How often each template is filled.
        seed: Of the values.
    """
    groups: dict[str, list[Case]] = {}
    for half in halves:
        for name, lines in templates(half).items():
            group = groups.setdefault(name, [])
            if name == HARMLESS_GROUP:
                group += [Case(line, (), ((0, len(line)),)) for line in lines]
                continue
            for turn in range(rounds):
                for line in lines:
                    draws = Draws(half, random.Random(f"{seed} {turn} {line}"))  # noqa: S311 (test data)
                    group.append(filled(line, draws, lower=name == SPOKEN_GROUP))
    return groups

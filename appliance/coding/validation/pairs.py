"""What became of each of the coders' codes: agreed, or which other code stands for it, and what was lost by it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from appliance.coding.suggestion import CodeTable
from appliance.coding.tables.codes import PackedTable

Outcome = Literal["agreed", "same category", "same chapter", "other chapter", "nothing"]
Loss = Literal["", "laterality lost", "other side", "specificity lost", "other code of the category"]

_LEFT, _RIGHT, _BOTH = (re.compile(rf"\b{word}\b", re.IGNORECASE) for word in ("left", "right", "bilateral"))
_UNSPECIFIED = re.compile(r"\bunspecified\b", re.IGNORECASE)
OUTSIDE = "not in the table"


@dataclass(frozen=True, slots=True)
class Pair:
    """A code of the coders with what was suggested for it ("": nothing)."""

    coded: str
    suggested: str
    outcome: Outcome
    loss: Loss = ""


def category(code: str) -> str:
    """The three characters before the dot."""
    return code[:3]


def chapter(table: PackedTable, code: str) -> str:
    """Number and title of a code's chapter; of its category's when the code itself is unknown."""
    found = table.chapter(code) or table.chapter(category(code))
    return f"{found.name} {found.title}" if found is not None else OUTSIDE


def pair(
    coded: Sequence[str], suggested: Sequence[str], table: PackedTable
) -> tuple[tuple[Pair, ...], tuple[str, ...]]:
    """Pair the codes of one record: the same code, then the same category, then the same chapter.

    Across chapters a pair is made only when one code is left on each side: more could be paired in any way, and the
    confusion of chapters would show our order and nothing of the record.

    Returns:
        (a pair for each code of the coders, in their order; what was suggested beyond).
    """
    left = [code for code in suggested if code not in set(coded)]
    made: dict[str, Pair] = {code: Pair(code, code, "agreed") for code in coded if code in set(suggested)}

    def take(code: str, outcome: Outcome, fits: Sequence[str]) -> None:
        if code not in made and fits:
            left.remove(fits[0])
            loss = _loss(code, fits[0], table) if outcome == "same category" else ""
            made[code] = Pair(code, fits[0], outcome, loss)

    for code in coded:
        take(code, "same category", [each for each in left if category(each) == category(code)])
    for code in coded:
        take(code, "same chapter", [each for each in left if chapter(table, each) == chapter(table, code)])
    unmet = [code for code in coded if code not in made]
    if len(unmet) == 1 and len(left) == 1:
        take(unmet[0], "other chapter", list(left))
    return tuple(made.get(code, Pair(code, "", "nothing")) for code in coded), tuple(left)


def _side(title: str) -> str:
    found = [name for name, pattern in (("left", _LEFT), ("right", _RIGHT), ("both", _BOTH)) if pattern.search(title)]
    return found[0] if len(found) == 1 else ""


def _loss(code: str, other: str, table: CodeTable) -> Loss:
    """What a payer would object to when `other` were claimed for `code`, by titles and by the code's own length."""
    wanted, seen = table.lookup(code), table.lookup(other)
    if wanted is None or seen is None:
        return "other code of the category"
    if (side := _side(wanted.title)) and side != _side(seen.title):
        return "other side" if _side(seen.title) else "laterality lost"
    plain, short = code.replace(".", ""), other.replace(".", "")
    vaguer = _UNSPECIFIED.search(seen.title) is not None and _UNSPECIFIED.search(wanted.title) is None
    return "specificity lost" if vaguer or plain.startswith(short) else "other code of the category"

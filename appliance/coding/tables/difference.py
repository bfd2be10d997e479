"""What changed between two packs of a system, and which of a practice's favourites died by it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from appliance.coding.suggestion import Entry
from appliance.coding.tables.codes import PackedTable
from appliance.coding.tables.favourites import Favourite
from appliance.coding.tables.layout import normal
from appliance.coding.tables.search import successors


@dataclass(frozen=True, slots=True)
class Retitled:
    """A code with other words."""

    code: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class DeadFavourite:
    """A favourite that can no longer be on a claim.

    Args:
        favourite: The practice's line.
        title: What the old table called it; else the practice's words.
        why: "deleted", "now a header", "a header in both tables" or "in neither table".
        successors: What it most likely became; a proposal.
    """

    favourite: Favourite
    title: str
    why: str
    successors: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """What changed. Codes stand in the order of the table that has them."""

    added: tuple[Entry, ...]
    deleted: tuple[Entry, ...]
    retitled: tuple[Retitled, ...]
    now_billable: tuple[str, ...]
    no_longer_billable: tuple[str, ...]

    @property
    def is_empty(self) -> bool:
        """Whether the two tables have the same codes with the same titles and billability."""
        return not (self.added or self.deleted or self.retitled or self.now_billable or self.no_longer_billable)


def difference(old: PackedTable, new: PackedTable) -> Difference:
    """Compare two tables. A code that the new one keeps with a last day before its own first counts as deleted."""
    before = {normal(entry.code): entry for entry in old.entries()}
    after = {normal(entry.code): entry for entry in new.entries() if not _ended(new, entry)}
    both = [key for key in after if key in before]
    retitled = [
        Retitled(after[key].code, before[key].title, after[key].title)
        for key in both
        if before[key].title != after[key].title
    ]
    return Difference(
        tuple(entry for key, entry in after.items() if key not in before),
        tuple(entry for key, entry in before.items() if key not in after),
        tuple(retitled),
        tuple(after[key].code for key in both if after[key].billable and not before[key].billable),
        tuple(after[key].code for key in both if before[key].billable and not after[key].billable),
    )


def dead_favourites(favourites: Iterable[Favourite], old: PackedTable, new: PackedTable) -> list[DeadFavourite]:
    """Favourites of the tables' system that the new one no longer has as billable codes."""
    dead = []
    for each in favourites:
        if each.system is not new.system:
            continue
        before, after = old.lookup(each.code), new.lookup(each.code)
        alive = after is not None and after.billable and not _ended(new, after)
        if alive:
            continue
        title = before.title if before is not None else each.label
        if before is None and after is None:
            why = "in neither table"
        elif after is None or after.billable:
            why = "deleted"
        else:
            why = "a header in both tables" if before is not None and not before.billable else "now a header"
        dead.append(DeadFavourite(each, title, why, tuple(successors(new, each.code, title))))
    return dead


def _ended(table: PackedTable, entry: Entry) -> bool:
    return entry.billable and table.dated and not table.billable_on(entry.code, table.head.effective_from)

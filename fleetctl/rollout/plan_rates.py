"""How fast sites received in earlier rollouts, as the journal has it; nothing is assumed of a site that never did."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from fleetctl.rollout.journal import Journal
from fleetctl.rollout.journal_records import Entry, StepKind, StepOutcome

# A rate of before the last rollouts says little of the line as it is now.
_ROLLOUTS = 10
# Less than this is the time of asking rather than of sending.
_LEAST_BYTES = 4 << 20


def measured_rates(journal: Journal) -> dict[str, float]:
    """Site → bytes a second of its newest transfer that went over the wire for the most part. Raises `StoreError`.

    Transfers that were mostly delta are left out: a plan expects whole images, and their seconds are those of reading.
    """
    found: dict[str, float] = {}
    for record in journal.all()[:_ROLLOUTS]:
        for site, rate in rates_of(journal.steps(record.plan.id)).items():
            found.setdefault(site, rate)
    return found


def rates_of(steps: Iterable[Entry]) -> dict[str, float]:
    """Of one rollout; the last transfer of a site counts."""
    found = {}
    for entry in steps:
        if entry.what == f"{StepKind.SEND} {StepOutcome.DONE}" and (rate := _rate(entry.facts)) is not None:
            found[entry.site] = rate
    return found


def _rate(facts: Mapping[str, Any]) -> float | None:
    images = facts.get("images", [])
    wire = sum(each["wire_bytes"] for each in images)
    size = sum(each["size_bytes"] for each in images)
    took_s = sum(each["seconds"] for each in images)
    if wire < _LEAST_BYTES or wire * 2 < size or took_s <= 0:
        return None
    return float(wire / took_s)

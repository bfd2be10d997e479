"""Counts of a rollout, and what follows from them: does a wave pass, does the whole stop. Pure functions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import Enum
from typing import Any

from fleetctl.models.rollout import Plan, PlannedWave
from fleetctl.rollout.journal_records import FAILURES, SWITCHED, SiteRecord, SiteState

# A share of a number of sites is compared as a number of sites; this is less than any site.
_LESS_THAN_A_SITE = 1e-6


@dataclass(frozen=True)
class Count:
    """Sites of a wave or of all. `away`: offline or held before their switch, so nothing of them is changed."""

    selected: int
    done: int
    failed: int
    timed_out: int
    skipped: int
    away: int
    rolling_back: int = 0

    @property
    def going_on(self) -> int:
        """Sites at which something is done or waited for, those that wait for a window included."""
        lost = self.done + self.failed - self.rolling_back + self.timed_out + self.skipped
        return self.selected - lost - self.away

    @property
    def facts(self) -> dict[str, Any]:
        return asdict(self)


class Passing(Enum):
    """What a wave's counts say."""

    GOES_ON = "goes on"
    PASSED = "passed"
    WAITS = "waits for sites that are away"
    CANNOT = "cannot pass any more"


def is_away(record: SiteRecord) -> bool:
    """Whether a site is pending: not to be reached or held, and nothing at it was switched."""
    if record.settled or record.state in SWITCHED:
        return False
    return record.offline_since is not None or record.state is SiteState.HELD


def counted(records: Iterable[SiteRecord]) -> Count:
    """Count sites by what has become of them."""
    found = list(records)
    states = [record.state for record in found]
    return Count(
        selected=len(found),
        done=states.count(SiteState.DONE),
        failed=sum(state in FAILURES for state in states),
        timed_out=states.count(SiteState.TIMED_OUT),
        skipped=states.count(SiteState.SKIPPED),
        away=sum(is_away(record) for record in found),
        rolling_back=states.count(SiteState.ROLLING_BACK),
    )


def wave_passing(wave: PlannedWave, count: Count) -> Passing:
    """Rule 1: at least one real success, and successes by sites selected reach the threshold.

    A site that is away is no success. The wave ends without it where the others suffice, and waits for it otherwise.
    """
    needed = max(1.0, wave.success_threshold * count.selected - _LESS_THAN_A_SITE)
    lost = count.failed + count.timed_out + count.skipped
    if count.selected - lost < needed:
        return Passing.CANNOT
    if count.going_on:
        return Passing.GOES_ON
    return Passing.PASSED if count.done >= needed else Passing.WAITS


def stopping(plan: Plan, by_wave: Mapping[str, Sequence[SiteRecord]], wave: int) -> str:
    """Why the whole rollout stops, with the figures that were compared; empty: nothing stops it."""
    every = [record for records in by_wave.values() for record in records]
    canary = next((each for each in plan.waves if each.canary), None)
    if canary is not None:
        for record in by_wave[canary.name]:
            if record.state in FAILURES or record.state is SiteState.TIMED_OUT:
                return f"canary {record.site} is {record.state.value}: {record.reason}"
    if reason := _aborting(plan, counted(every)):
        return reason
    # A wave that has passed is not judged again: it was decided, and its late sites count in the shares above.
    if wave < len(plan.waves):
        going, count = plan.waves[wave], counted(by_wave[plan.waves[wave].name])
        if wave_passing(going, count) is Passing.CANNOT:
            lost = count.failed + count.timed_out + count.skipped
            return (
                f"wave {going.name} cannot pass: {lost} of {count.selected} sites failed, timed out or were skipped, "
                f"{going.success_threshold:.0%} have to succeed"
            )
    return ""


def _aborting(plan: Plan, count: Count) -> str:
    """Rule 4: shares of the sites that are through, from a minimum sample on, over all waves; and the budget."""
    rules = plan.policy.abort
    budget_used = count.failed + count.timed_out
    if budget_used > rules.failure_budget:
        return f"{budget_used} sites failed or timed out, the failure budget is {rules.failure_budget}"
    sample = count.done + count.failed + count.timed_out
    if sample < rules.minimum_sample:
        return ""
    for share, number, words in (
        (rules.failed, count.failed, "failed"),
        (rules.timed_out, count.timed_out, "timed out"),
        (rules.all_, budget_used, "failed or timed out"),
    ):
        if share is not None and number and number >= share * sample - _LESS_THAN_A_SITE:
            return f"{number} of {sample} sites {words}, the limit is {share:.0%}"
    return ""

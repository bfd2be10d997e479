"""Rules 1 to 4 and 12 of a rollout, and the plan's other words: each with the case that it forbids."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from fleetctl.errors import RefusedError, UsageError
from fleetctl.rollout.engine_orders import order_promotion, order_retry, order_rollback
from fleetctl.rollout.journal import Journal
from fleetctl.rollout.journal_records import RolloutState, SiteState
from fleetctl.rollout.verdict_wave import Count, Passing, stopping, wave_passing
from tests.fakes.rollouts import TARGET, plan
from tests.unit.rollout.rules import settled, started

# --- 1. a wave passes with a real success, and successes by selected


@pytest.mark.parametrize(
    ("count", "passing"),
    [
        (Count(4, 3, 1, 0, 0, 0), Passing.PASSED),
        (Count(4, 2, 0, 0, 0, 2), Passing.WAITS),
        (Count(4, 2, 1, 1, 0, 0), Passing.CANNOT),
        (Count(4, 3, 0, 0, 0, 0), Passing.GOES_ON),
        (Count(4, 0, 0, 0, 4, 0), Passing.CANNOT),
        (Count(4, 3, 0, 0, 1, 0), Passing.PASSED),
        (Count(4, 3, 1, 0, 0, 0, rolling_back=1), Passing.GOES_ON),
    ],
)
def test_successes_by_selected_sites_decide(count: Count, passing: Passing) -> None:
    wave = plan({"canary": 4}).waves[0]
    assert wave_passing(wave, count) is passing


@pytest.mark.parametrize("threshold", [0.01, 1e-9])
def test_an_empty_success_never_passes_however_low_the_threshold(threshold: float) -> None:
    wave = plan({"canary": 4}, wave={"*": {"success_threshold": threshold}}).waves[0]
    assert wave_passing(wave, Count(4, 0, 0, 0, 0, 4)) is Passing.WAITS
    assert wave_passing(wave, Count(4, 0, 0, 0, 4, 0)) is Passing.CANNOT
    assert wave_passing(wave, Count(4, 1, 0, 0, 3, 0)) is Passing.PASSED


# --- 2. offline is pending


def test_a_canary_that_is_offline_lets_nothing_begin(journal: Journal) -> None:
    made = started(journal)
    made.sources.boxes["s1"].reachable = False
    ending = made.run()
    assert (ending.state, ending.waits_for) == (RolloutState.RUNNING, "offline")
    assert made.states() == {"s1": "offline", "s2": "waiting", "s3": "waiting", "s4": "waiting"}
    assert made.sources.boxes["s2"].calls == []


@pytest.mark.parametrize(("policy", "state"), [("skip", "skipped"), ("fail", "failed")])
def test_when_disconnected_says_what_becomes_of_an_absent_site(journal: Journal, policy: str, state: str) -> None:
    made = started(journal, {"canary": 1, "rest": 4}, when_disconnected=policy)
    made.sources.boxes["s3"].reachable = False
    ending = made.run()
    assert made.states()["s3"] == state
    assert f"when_disconnected is {policy}" in made.engine.views["s3"].record.reason
    assert ending.state is RolloutState.DONE


def test_skipped_sites_are_no_successes(journal: Journal) -> None:
    made = started(journal, {"canary": 1, "rest": 3}, when_disconnected="skip")
    made.sources.boxes["s3"].reachable = made.sources.boxes["s4"].reachable = False
    ending = made.run()
    assert ending.state is RolloutState.STOPPED
    assert "wave rest cannot pass: 1 of 3" in ending.reason


# --- 3. any canary failure stops everything


@pytest.mark.parametrize("how", ["failed", "rolled_back"])
def test_a_canary_failure_stops_everything(journal: Journal, how: Any) -> None:
    made = started(journal, {"canary": 3, "rest": 3}, wave={"*": {"success_threshold": 0.3, "concurrency": 3}})
    made.sources.boxes["s2"].script("activate", how)
    ending = made.run()
    assert ending.state is RolloutState.STOPPED
    assert ending.reason.startswith(f"canary s2 is {how}")
    assert all(made.sources.boxes[site].calls == [] for site in ("s4", "s5", "s6"))


def test_a_stopped_rollout_does_not_go_on_before_its_cause_is_gone(journal: Journal) -> None:
    made = started(journal)
    made.sources.boxes["s1"].script("stage", "failed")
    assert made.run().state is RolloutState.STOPPED
    made.restart()
    assert made.run().state is RolloutState.STOPPED
    found = journal.find(made.plan.id)
    assert order_retry(journal, found, [], "alex", made.clock.utc, clear=False) == ["s1"]
    made.restart()
    assert made.run().state is RolloutState.DONE
    assert made.sources.boxes["s1"].switches == [TARGET.name]


# --- 4. abort criteria


def _with(states: str, **abort: Any) -> str:
    """Why it stops, for sites of these states: d done, f failed, t timed out, w waiting."""
    made = plan({"canary": 1, "rest": len(states)}, abort=abort)
    kinds = {"d": SiteState.DONE, "f": SiteState.FAILED, "t": SiteState.TIMED_OUT, "w": SiteState.WAITING}
    records = {"canary": [_record("s0", "canary", SiteState.DONE)],
               "rest": [_record(f"s{n}", "rest", kinds[each]) for n, each in enumerate(states, 1)]}  # fmt: skip
    return stopping(made, records, 2)


def _record(site: str, wave: str, state: SiteState) -> Any:
    from fleetctl.rollout.journal_records import SiteRecord

    return SiteRecord(site=site, wave=wave, state=state, since=datetime(2026, 11, 1, tzinfo=UTC), target=TARGET)


def test_shares_count_from_a_minimum_sample_on() -> None:
    loose = {"failure_budget": 100, "timed_out": None, "all": None}
    assert _with("fddwwwww", failed=0.25, minimum_sample=5, **loose) == ""
    assert _with("fdddwwww", failed=0.25, minimum_sample=5, **loose) == ""
    assert "1 of 4 sites failed, the limit is 25%" in _with("fddwwwww", failed=0.25, minimum_sample=4, **loose)


def test_failed_timed_out_and_all_are_counted_each() -> None:
    only = {"failed": None, "timed_out": None, "all": None, "failure_budget": 100, "minimum_sample": 5}
    assert _with("ffttdddd", **only) == ""
    assert "2 of 9 sites failed" in _with("ffttdddd", **{**only, "failed": 0.2})
    assert "2 of 9 sites timed out" in _with("ffttdddd", **{**only, "timed_out": 0.2})
    assert _with("ffttdddd", **{**only, "failed": 0.3, "timed_out": 0.3}) == ""
    assert "4 of 9 sites failed or timed out" in _with("ffttdddd", **{**only, "all": 0.3})


def test_the_budget_is_of_the_whole_rollout() -> None:
    rules = {"failed": None, "timed_out": None, "all": None, "failure_budget": 2}
    assert _with("ftdddddddddd", **rules) == ""
    assert "3 sites failed or timed out, the failure budget is 2" in _with("fftddddddddd", **rules)


def test_failures_add_up_over_waves(journal: Journal) -> None:
    made = started(
        journal, {"canary": 1, "early": 4, "rest": 4}, abort={"failure_budget": 1},
        wave={"*": {"success_threshold": 0.5}},
    )  # fmt: skip
    for site in ("s2", "s6"):
        made.sources.boxes[site].script("stage", "failed")
    ending = made.run()
    assert ending.state is RolloutState.STOPPED
    assert "the failure budget is 1" in ending.reason


# --- 12. drain: a visit that goes on is waited for


def test_a_visit_that_goes_on_is_no_failure_and_is_tried_again(journal: Journal) -> None:
    made = started(journal, {"canary": 1})
    box = made.sources.boxes["s1"]
    box.in_flight = {"visits": 1}
    made.run(until=lambda: any(change.outcome == "refused" for change in box.changes))
    made.turn()
    assert made.states()["s1"] == "staged"
    assert box.switches == []
    box.in_flight = {"visits": 0}
    assert made.run().state is RolloutState.DONE


# --- the plan's other words


def test_a_person_promotes_and_nobody_else(journal: Journal) -> None:
    made = started(journal, wave={"canary": {"promote": "human"}})
    found = journal.find(made.plan.id)
    with pytest.raises(RefusedError, match="wave canary has not passed"):
        order_promotion(journal, found, "canary", "Dr. Rivera", made.clock.utc)
    ending = made.run()
    assert (ending.state, ending.waits_for) == (RolloutState.RUNNING, "person")
    assert ending.reason == "wave canary has passed and waits to be promoted"
    assert made.sources.boxes["s2"].calls == []
    for wrong, hint in (("canery", "did you mean canary?"), ("x", "waves: canary, rest")):
        with pytest.raises(UsageError, match=f"no wave {wrong}") as caught:
            order_promotion(journal, found, wrong, "Dr. Rivera", made.clock.utc)
        assert caught.value.hint == hint
    with pytest.raises(UsageError, match="s22 is not in this rollout") as caught:
        order_retry(journal, found, ["s22"], "alex", made.clock.utc, clear=False)
    assert caught.value.hint == "did you mean s2?"
    order_promotion(journal, journal.find(made.plan.id), "canary", "Dr. Rivera", made.clock.utc)
    made.restart()
    assert made.run().state is RolloutState.DONE
    assert made.engine._orders.promoted == {"canary": "Dr. Rivera"}


def test_concurrency_and_transfers_hold(journal: Journal) -> None:
    made = started(journal, {"canary": 1, "rest": 8}, wave={"*": {"concurrency": 3}}, transfers=1)
    most, sending = 0, 0
    made.run(until=settled(made, "s1"))
    for _ in range(400):
        ending = made.engine.turn()
        if ending is not None:
            break
        busy = [view.live.busy for view in made.engine.views.values() if view.live.busy is not None]
        most = max(most, len([kind for kind in busy if kind not in ("watch", "ask", "settle")]))
        sending = max(sending, busy.count("send"))  # type: ignore[arg-type]
        if made.jobs:
            made.jobs.pop()()
        made.clock.advance(5)
    assert (most, sending) == (3, 1)


def test_looks_at_many_absent_sites_are_bounded(journal: Journal) -> None:
    made = started(journal, {"canary": 80}, wave={"*": {"concurrency": 80}}, transfers=80)
    made.run(until=lambda: all(state == "baking" for state in made.states().values()))
    made.clock.advance(100)
    made.engine.turn()
    made.engine.turn()
    assert len(made.jobs) == 32
    assert made.run(turns=400).state is RolloutState.DONE


def test_a_hold_keeps_a_site_out_and_its_end_lets_it_in(journal: Journal) -> None:
    made = started(journal, {"canary": 1, "rest": 4})
    made.sources.held_sites["s3"] = "held by alex: the practice moves"
    ending = made.run()
    assert (ending.waits_for, made.states()["s3"]) == ("person", "held")
    assert made.sources.boxes["s3"].calls == []
    made.sources.held_sites.clear()
    made.restart()
    assert made.run().state is RolloutState.DONE
    assert made.sources.boxes["s3"].switches == [TARGET.name]


def test_pause_begins_nothing_and_resume_goes_on(journal: Journal) -> None:
    made = started(journal)
    made.run(until=lambda: made.states()["s1"] == "received")
    made.order(wanted=RolloutState.PAUSED)
    made.clock.advance(2)
    ending = made.run()
    assert (ending.state, ending.waits_for) == (RolloutState.PAUSED, "person")
    assert made.sources.boxes["s1"].switches == []
    made.order(wanted=RolloutState.RUNNING)
    made.restart()
    assert made.run().state is RolloutState.DONE


def test_abort_is_for_good(journal: Journal) -> None:
    made = started(journal)
    made.turn()
    made.order(wanted=RolloutState.ABORTED)
    made.clock.advance(2)
    assert made.run().state is RolloutState.ABORTED
    made.order(wanted=RolloutState.RUNNING)
    made.restart()
    assert made.run().state is RolloutState.ABORTED


def test_a_rollback_by_order_goes_back_once(journal: Journal) -> None:
    made = started(journal, {"canary": 1, "rest": 3})
    made.run()
    found = journal.find(made.plan.id)
    assert order_rollback(journal, found, ["s2"], "alex", made.clock.utc, "wrong doses") == ["s2"]
    made.restart()
    made.run()
    assert made.sources.boxes["s2"].switches == [TARGET.name, None]
    assert made.states()["s2"] == "rolled_back"
    with pytest.raises(RefusedError, match="this rollout has switched nothing there"):
        order_rollback(journal, found, ["s2"], "alex", made.clock.utc, "again")


def test_who_was_ordered_back_from_a_switch_that_failed_was_not_brought_back(journal: Journal) -> None:
    made = started(journal, {"canary": 1, "rest": 3})
    box = made.sources.boxes["s2"]
    box.script("activate", "hangs")
    made.run(until=lambda: box.phase == "draining" and made.states()["s2"] == "activating")
    found = journal.find(made.plan.id)
    order_rollback(journal, found, ["s2"], "alex", made.clock.utc, "wrong doses")
    box.finish("failed")
    made.run()
    record = next(each for each in journal.sites(made.plan.id) if each.site == "s2")
    assert (record.state, box.switches, box.denied) == (SiteState.FAILED, [], [])
    assert record.reason.startswith("nothing was switched, so nothing was brought back: ordered by alex: wrong doses")
    assert "(before: failed: activate: " in record.reason
    # The box does not refuse the release, so it needs no --clear.
    assert order_retry(journal, found, ["s2"], "alex", made.clock.utc, clear=False) == ["s2"]
    made.restart()
    made.run()
    assert (made.states()["s2"], box.switches) == ("done", [TARGET.name])


def test_who_was_ordered_back_while_it_switched_is_brought_back_afterwards(journal: Journal) -> None:
    made = started(journal, {"canary": 1, "rest": 3})
    box = made.sources.boxes["s2"]
    box.script("activate", "lost_after")
    made.run(until=lambda: made.states()["s2"] == "activating")
    order_rollback(journal, journal.find(made.plan.id), ["s2"], "alex", made.clock.utc, "wrong doses")
    made.run()
    assert made.states()["s2"] == "rolled_back"
    assert box.switches == [TARGET.name, None]


def test_a_site_that_takes_too_long_times_out(journal: Journal) -> None:
    made = started(journal, {"canary": 1}, site_timeout="10m")
    made.sources.boxes["s1"].in_flight = {"visits": 1}
    ending = made.run()
    assert made.states()["s1"] == "timed_out"
    assert "the limit is 600 s" in ending.reason


def test_a_site_that_runs_it_already_is_not_switched_and_not_switched_back(journal: Journal) -> None:
    made = started(journal, {"canary": 1, "rest": 3})
    box = made.sources.boxes["s1"]
    from tests.fakes.rollouts import RELEASE
    from tests.fakes.sets import set_of

    box.active = set_of(RELEASE)
    assert made.run().state is RolloutState.DONE
    assert box.switches == []


def test_pace_is_a_value(journal: Journal) -> None:
    made = started(journal, {"canary": 1})
    assert replace(made.pace, watch_s=1).gap_s == 30 < replace(made.pace, watch_s=20).gap_s

"""The twelve rules of a rollout: each with the case that it forbids."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from fleetctl.errors import RefusedError, StoreError
from fleetctl.models.rollout import Stamp, WindowSpec
from fleetctl.rollout import windows
from fleetctl.rollout.engine_orders import order_promotion, order_retry, order_rollback
from fleetctl.rollout.journal import Journal
from fleetctl.rollout.journal_records import RolloutState, SiteState
from fleetctl.rollout.verdict_wave import Count, Passing, stopping, wave_passing
from tests.fakes.rollouts import NEWER, TARGET, Bench, bench, plan

Waves = dict[str, int]


def started(journal: Journal, waves: Waves | None = None, **policy: Any) -> Bench:
    return bench(journal, plan(waves, **policy))


def settled(bench: Bench, *sites: str) -> Callable[[], bool]:
    """Whether these have ended."""
    return lambda: all(bench.engine.views[site].record.settled for site in sites)


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


def test_an_empty_success_never_passes_however_low_the_threshold() -> None:
    wave = plan({"canary": 4}, wave={"*": {"success_threshold": 0.01}}).waves[0]
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


# --- 5. bake time counts only while connected and serving


def test_time_away_does_not_bake(journal: Journal) -> None:
    made = started(journal, {"canary": 1})
    box = made.sources.boxes["s1"]
    made.run(until=lambda: made.engine.views["s1"].record.served_s >= 60)
    box.reachable = False
    served = made.engine.views["s1"].record.served_s
    for _ in range(100):
        assert made.turn(10) is None
    assert made.states() == {"s1": "offline"}
    assert made.engine.views["s1"].record.served_s == served
    box.reachable = True
    assert made.run().state is RolloutState.DONE
    assert served < made.engine.views["s1"].record.served_s <= 120 + 60


def test_a_gap_in_which_nobody_looked_does_not_bake(journal: Journal) -> None:
    made = started(journal, {"canary": 1})
    made.run(until=lambda: made.engine.views["s1"].record.served_s > 0)
    made.restart()
    made.clock.advance(3600)
    made.turn(0)
    assert made.engine.views["s1"].record.served_s < 120
    assert made.states() == {"s1": "baking"}


def test_a_clock_that_jumps_bakes_nothing_and_times_nothing_out(journal: Journal) -> None:
    made = started(journal, {"canary": 1})
    made.run(until=lambda: made.states()["s1"] == "baking")
    made.clock.jump(days=40)
    made.turn()
    made.clock.jump(days=-80)
    made.turn()
    record = made.engine.views["s1"].record
    assert (record.state, record.served_s) == (SiteState.BAKING, pytest.approx(0, abs=60))
    assert made.run().state is RolloutState.DONE


def test_a_site_that_says_critical_while_it_bakes_goes_back(journal: Journal) -> None:
    made = started(journal, {"canary": 1, "rest": 3})
    made.sources.health.bad_release.add("s3")
    ending = made.run()
    box = made.sources.boxes["s3"]
    assert made.states()["s3"] == "rolled_back"
    assert box.switches == [TARGET.name, None]
    assert "appliance-drafting.service is failed" in made.engine.views["s3"].record.reason
    assert "s3" not in journal.committed()
    assert ending.state is RolloutState.STOPPED


def test_one_bad_look_is_looked_at_again(journal: Journal) -> None:
    made = started(journal, {"canary": 1})
    made.run(until=lambda: made.states()["s1"] == "baking")
    made.sources.health.bad.add("s1")
    made.run(until=lambda: made.engine.views["s1"].record.failing == 1)
    made.sources.health.bad.clear()
    assert made.run().state is RolloutState.DONE


def test_a_site_that_vanishes_behind_the_switch_times_out_and_is_no_success(journal: Journal) -> None:
    made = started(journal, {"canary": 1, "rest": 3})
    made.run(until=lambda: made.states()["s1"] == "baking")
    made.sources.boxes["s1"].reachable = False
    ending = made.run(seconds=30)
    assert made.states()["s1"] == "timed_out"
    assert ending.state is RolloutState.STOPPED
    assert made.sources.boxes["s2"].calls == []


# --- 6. stage early, activate in the window


NIGHT = {"name": "night", "time_zone": "Europe/Berlin", "days": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"],
         "start": "22:00", "duration": "2h"}  # fmt: skip


def _windowed(made: Bench, **spec: Any) -> None:
    parsed = WindowSpec.model_validate({"grace": "15m", **spec})
    for each in made.plan.sites:
        made.sources.activation[each.site] = windows.activation(parsed, each.site, {})
        made.sources.download[each.site] = windows.download(parsed, each.site, {})
    made.restart()


def test_it_is_staged_early_and_switched_in_the_window(journal: Journal) -> None:
    made = started(journal, {"canary": 1})
    _windowed(made, activation=[NIGHT])
    made.run(until=lambda: made.states()["s1"] == "staged")
    assert made.clock.utc.hour == 12
    made.run(turns=800, seconds=60, until=lambda: made.states()["s1"] == "baking")
    assert made.clock.utc.hour == 21
    facts = [entry.facts for entry in journal.steps(made.plan.id) if entry.what == "activate ordered"]
    assert [each["not_after"] for each in facts] == ["2026-11-02T23:15:00+00:00"]


def test_nothing_is_received_outside_of_the_download_window(journal: Journal) -> None:
    made = started(journal, {"canary": 1})
    _windowed(made, download=[NIGHT])
    for _ in range(100):
        made.turn(60)
    assert made.states()["s1"] == "offered"
    assert not [call for call in made.sources.boxes["s1"].calls if call[0] in ("receive", "stage", "activate")]
    assert made.run(seconds=20, turns=2000).state is RolloutState.DONE


@pytest.mark.parametrize(
    ("day", "opens"),
    [
        # Berlin: clocks go back on 25 October 2026 and forward on 28 March 2027; 02:30 is there twice, or never.
        (datetime(2026, 10, 24, 12, tzinfo=UTC), datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),
        (datetime(2026, 10, 25, 12, tzinfo=UTC), datetime(2026, 10, 26, 1, 30, tzinfo=UTC)),
        (datetime(2027, 3, 27, 12, tzinfo=UTC), datetime(2027, 3, 28, 1, 30, tzinfo=UTC)),
        (datetime(2027, 3, 28, 12, tzinfo=UTC), datetime(2027, 3, 29, 0, 30, tzinfo=UTC)),
    ],
)
def test_a_window_opens_once_when_clocks_are_changed(journal: Journal, day: datetime, opens: datetime) -> None:
    made = started(journal, {"canary": 1})
    made.clock.utc = day
    _windowed(made, activation=[{**NIGHT, "start": "02:30", "duration": "1h"}])
    made.run(seconds=60, turns=1500, until=lambda: bool(made.sources.boxes["s1"].switches))
    late = made.clock.utc - opens
    assert timedelta() <= late <= timedelta(minutes=10)


def test_waiting_for_a_window_is_no_timeout(journal: Journal) -> None:
    made = started(journal, {"canary": 1}, site_timeout="5m")
    _windowed(made, activation=[NIGHT])
    assert made.run(turns=2500, seconds=20).state is RolloutState.DONE


def test_a_box_with_another_clock_is_not_switched(journal: Journal) -> None:
    made = started(journal, {"canary": 1}, site_timeout="10m")
    made.sources.boxes["s1"].clock = lambda: made.clock.utc + timedelta(hours=3)
    ending = made.run(seconds=20)
    assert made.sources.boxes["s1"].switches == []
    assert made.states()["s1"] == "timed_out"
    assert "clocks of the box and of this machine are 10800 s apart" in ending.reason


# --- 7. a rolled back version is refused until it is cleared


def test_a_rolled_back_site_refuses_it_until_an_operator_clears_it(journal: Journal) -> None:
    made = started(journal, {"canary": 1})
    made.sources.boxes["s1"].script("activate", "rolled_back")
    assert made.run().state is RolloutState.STOPPED
    found = journal.find(made.plan.id)
    with pytest.raises(RefusedError, match="s1 was rolled back from"):
        order_retry(journal, found, ["s1"], "alex", made.clock.utc, clear=False)
    order_retry(journal, found, ["s1"], "alex", made.clock.utc, clear=True)
    made.restart()
    assert made.run().state is RolloutState.DONE
    assert [verb for verb, _ in made.sources.boxes["s1"].calls if verb == "clear"] == ["clear"]


def test_a_denied_release_is_refused_before_a_byte_is_sent(journal: Journal) -> None:
    made = started(journal, {"canary": 1})
    made.sources.boxes["s1"].refuses = ("was rolled back from here",)
    ending = made.run()
    assert made.states()["s1"] == "refused"
    assert ending.state is RolloutState.STOPPED
    assert not [call for call in made.sources.boxes["s1"].calls if call[0] == "receive"]


# --- 8. who returns gets the newest approved one


def test_a_returning_site_is_caught_up_through_the_same_gates(journal: Journal) -> None:
    made = started(journal, {"canary": 1, "rest": 4})
    made.sources.boxes["s5"].reachable = False
    ending = made.run()
    assert (ending.state, ending.waits_for) == (RolloutState.CATCHING_UP, "offline")
    made.sources.boxes["s5"].reachable = True
    made.restart()
    assert made.run().state is RolloutState.DONE
    kinds = [entry.what for entry in journal.steps(made.plan.id, "s5") if entry.what.endswith("done")]
    assert kinds == ["offer done", "send done", "stage done", "check done", "activate done"]


def test_a_late_site_gets_the_newest_release_that_has_passed(journal: Journal) -> None:
    made = started(journal, {"canary": 1, "rest": 4})
    made.sources.boxes["s5"].reachable = False
    made.run()
    made.sources.boxes["s5"].reachable = True
    made.sources.newest_release = Stamp(name=NEWER.name, digest=NEWER.digest, sequence=NEWER.sequence)
    made.restart()
    assert made.run().state is RolloutState.DONE
    assert made.sources.boxes["s5"].switches == [NEWER.name]
    assert made.sources.boxes["s4"].switches == [TARGET.name]


def test_a_revoked_release_stops_the_rollout(journal: Journal) -> None:
    made = started(journal)
    made.run(until=lambda: made.states()["s1"] == "baking")
    made.sources.revoked_because = "wrong doses"
    ending = made.run()
    assert (ending.state, ending.reason) == (RolloutState.STOPPED, "the release was revoked: wrong doses")
    assert made.sources.boxes["s2"].calls == []


def test_without_catch_up_an_absent_site_is_left_out_and_told(journal: Journal) -> None:
    made = started(journal, {"canary": 1, "rest": 4}, catch_up=False)
    made.sources.boxes["s5"].reachable = False
    assert made.run().state is RolloutState.DONE
    assert made.states()["s5"] == "skipped"


# --- 9. write-ahead journal: see test_simulation and test_journal; here one by hand


@pytest.mark.parametrize("how", ["lost_before", "lost_after"])
def test_an_order_without_an_answer_is_asked_about_and_not_repeated(journal: Journal, how: Any) -> None:
    made = started(journal, {"canary": 1})
    box = made.sources.boxes["s1"]
    box.script("activate", how)
    assert made.run().state is RolloutState.DONE
    assert box.switches == [TARGET.name]
    operations = {entry.operation for entry in journal.steps(made.plan.id) if entry.what == "activate ordered"}
    assert len(operations) == 1


def test_a_killed_controller_asks_before_it_orders(journal: Journal) -> None:
    made = started(journal, {"canary": 1})
    box = made.sources.boxes["s1"]
    box.script("activate", "hangs")
    made.run(until=lambda: box.phase == "draining")
    made.restart()
    before = len(box.calls)
    for _ in range(5):
        made.turn(20)
    assert {verb for verb, _ in box.calls[before:]} == {"status"}
    box.finish()
    assert made.run().state is RolloutState.DONE
    assert box.switches == [TARGET.name]


def test_nothing_is_ordered_that_cannot_be_written_down(journal: Journal) -> None:
    made = started(journal, {"canary": 1})
    made.run(until=lambda: made.states()["s1"] == "received")
    before = list(made.sources.boxes["s1"].calls)
    with journal.database.transaction(writes=True) as connection:
        connection.execute(text("ALTER TABLE rollout_step RENAME TO away"))
    with pytest.raises(StoreError):
        made.run()
    assert made.sources.boxes["s1"].calls == before
    with journal.database.transaction(writes=True) as connection:
        connection.execute(text("ALTER TABLE away RENAME TO rollout_step"))
    made.restart()
    assert made.run().state is RolloutState.DONE


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


def test_a_site_that_takes_too_long_times_out(journal: Journal) -> None:
    made = started(journal, {"canary": 1}, site_timeout="10m")
    made.sources.boxes["s1"].in_flight = {"visits": 1}
    ending = made.run()
    assert made.states()["s1"] == "timed_out"
    assert "the limit is 600 s" in ending.reason


def test_a_site_that_runs_it_already_is_not_switched_and_not_switched_back(journal: Journal) -> None:
    made = started(journal, {"canary": 1, "rest": 3})
    box = made.sources.boxes["s1"]
    from tests.fakes.boxes import set_of
    from tests.fakes.rollouts import RELEASE

    box.active = set_of(RELEASE)
    assert made.run().state is RolloutState.DONE
    assert box.switches == []


def test_pace_is_a_value(journal: Journal) -> None:
    made = started(journal, {"canary": 1})
    assert replace(made.pace, watch_s=1).gap_s == 30 < replace(made.pace, watch_s=20).gap_s

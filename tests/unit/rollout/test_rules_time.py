"""Rules 5 and 6 of a rollout: what bakes, and what may be done when."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from appliance.contract.release_status import WantedImage
from fleetctl.models.rollout import WindowSpec
from fleetctl.rollout import windows
from fleetctl.rollout.box import Sent
from fleetctl.rollout.journal import Journal
from fleetctl.rollout.journal_records import RolloutState, SiteState
from tests.fakes.rollouts import TARGET, Bench
from tests.unit.rollout.rules import started

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


@pytest.mark.parametrize("turns", [0, 60])
def test_time_in_which_a_site_is_at_work_at_something_does_not_bake(journal: Journal, turns: int) -> None:
    made = started(journal, {"canary": 1}, site_timeout="3h")
    box = made.sources.boxes["s1"]
    made.run(until=lambda: made.engine.views["s1"].record.served_s >= 60)
    served = made.engine.views["s1"].record.served_s
    box.phase = "draining"
    seen = len(box.calls)
    while len(box.calls) == seen:
        made.turn(10)
    for _ in range(turns):
        assert made.turn(10) is None
    box.phase = "idle"
    seen = len(box.calls)
    for _ in range(4):
        made.turn(5)
    assert len(box.calls) > seen
    assert made.states() == {"s1": "baking"}
    # Nor the time since the last look at it: only that between two good ones.
    assert made.engine.views["s1"].record.served_s <= served + 10
    assert made.run().state is RolloutState.DONE


def test_a_pause_is_no_reason_to_take_a_site_back_that_bakes(journal: Journal) -> None:
    made = started(journal, {"canary": 1}, site_timeout="10m")
    made.stay = True
    made.restart()
    made.run(until=lambda: made.states()["s1"] == "baking")
    made.order(wanted=RolloutState.PAUSED)
    for _ in range(100):
        assert made.turn(60) is None
    assert made.states() == {"s1": "baking"}
    made.order(wanted=RolloutState.RUNNING)
    assert made.run().state is RolloutState.DONE
    assert made.sources.boxes["s1"].switches == [TARGET.name]


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


def test_a_transfer_ends_with_the_download_window_and_goes_on_in_the_next(journal: Journal) -> None:
    made = started(journal, {"canary": 1})
    _windowed(made, download=[NIGHT])
    box, began = made.sources.boxes["s1"], list[datetime]()
    arrives = box.receive

    def slow(wanted: WantedImage, *, kib_s: int | None, on_progress: Callable[[int], None]) -> Sent:
        began.append(made.clock.utc)
        if len(began) == 1:
            made.clock.utc = datetime(2026, 11, 2, 23, 14, tzinfo=UTC)
            on_progress(1)  # the grace
            made.clock.utc = datetime(2026, 11, 2, 23, 16, tzinfo=UTC)
            on_progress(2)
        return arrives(wanted, kib_s=kib_s, on_progress=on_progress)

    box.receive = slow  # type: ignore[method-assign]
    made.clock.utc = datetime(2026, 11, 2, 20, 58, tzinfo=UTC)
    made.run(seconds=60, until=lambda: len(began) == 1)
    for _ in range(4):
        made.turn(60)
    assert made.states() == {"s1": "offered"}
    assert "the download window closed, 2 bytes are done" in made.engine.views["s1"].record.reason
    assert not [call for call in box.calls if call[0] == "receive"]
    made.clock.utc = datetime(2026, 11, 3, 20, 58, tzinfo=UTC)
    assert made.run(seconds=20).state is RolloutState.DONE
    assert began[1] >= datetime(2026, 11, 3, 21, tzinfo=UTC)


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

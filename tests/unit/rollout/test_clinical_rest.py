"""The clinical gate where the serving engines rest meanwhile: inside the activation window, and no visit is cut."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from fleetctl.errors import ChangeError
from fleetctl.models.rollout import WindowSpec
from fleetctl.rollout import windows
from fleetctl.rollout.box import Rest
from fleetctl.rollout.journal import Journal
from fleetctl.rollout.journal_records import RolloutState
from tests.fakes.rollouts import TARGET, Bench
from tests.unit.rollout.rules import started

NIGHT = {"name": "night", "time_zone": "Europe/Berlin", "days": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"],
         "start": "22:00", "duration": "2h"}  # fmt: skip
OPENS, SHUTS = datetime(2026, 11, 2, 21, tzinfo=UTC), datetime(2026, 11, 2, 23, 15, tzinfo=UTC)


def _started(journal: Journal, *, engines_rest: bool = True, window: bool = True, **policy: Any) -> Bench:
    gates = {"clinical": {"evaluation_set": "en-visits", "engines_rest": engines_rest}}
    made = started(journal, {"canary": 1}, gates=gates, **policy)
    if window:
        spec = WindowSpec.model_validate({"grace": "15m", "activation": [NIGHT]})
        made.sources.activation["s1"] = windows.activation(spec, "s1", {})
        made.restart()
    return made


def _until_asked(made: Bench) -> None:
    made.run(turns=800, seconds=60, until=lambda: bool(made.sources.boxes["s1"].rests))


def _to_the_end(made: Bench) -> None:
    """By minutes up to the switch, by seconds behind it: what nobody looks at does not bake."""
    made.run(turns=3000, seconds=60, until=lambda: bool(made.sources.boxes["s1"].switches))
    assert made.run().state is RolloutState.DONE


def test_it_waits_for_the_window_and_takes_no_more_than_is_left_of_it(journal: Journal) -> None:
    made = _started(journal)
    box = made.sources.boxes["s1"]
    made.run(until=lambda: made.states()["s1"] == "staged")
    for _ in range(60):
        made.turn(60)
    assert (made.states()["s1"], box.rests) == ("staged", [])
    _until_asked(made)
    assert made.clock.utc >= OPENS
    (rest,) = box.rests
    assert rest is not None
    assert rest.within_s is not None
    assert 0 < rest.within_s <= (SHUTS - OPENS).total_seconds()
    assert rest.drain_timeout_s == 1800
    _to_the_end(made)
    assert box.switches == [TARGET.name]


def test_beside_what_serves_it_needs_no_window(journal: Journal) -> None:
    made = _started(journal, engines_rest=False)
    _until_asked(made)
    assert made.sources.boxes["s1"].rests == [None]
    assert made.clock.utc < OPENS


def test_without_a_window_it_takes_as_long_as_it_takes(journal: Journal) -> None:
    made = _started(journal, window=False, drain_timeout="5m")
    assert made.run().state is RolloutState.DONE
    assert made.sources.boxes["s1"].rests == [Rest(300)]


def test_visits_that_go_on_put_it_off_and_fail_nothing(journal: Journal) -> None:
    made = _started(journal)
    box = made.sources.boxes["s1"]
    box.in_flight = {"visits": 1, "drafts": 0}
    _until_asked(made)
    made.turn(60)
    assert made.states()["s1"] == "staged"
    assert "visits go on: in use after 1800 s" in made.engine.views["s1"].record.reason
    box.in_flight = {"visits": 0, "drafts": 0}
    _to_the_end(made)
    assert len(box.rests) > 1


def test_a_gate_that_cannot_run_at_a_quiet_site_is_a_failure(journal: Journal) -> None:
    made = _started(journal)
    box = made.sources.boxes["s1"]
    box.script("evaluate", "failed")
    made.run(turns=800, seconds=60)
    assert made.states()["s1"] == "failed"
    assert box.switches == []


@pytest.mark.parametrize(("ends", "again"), [(timedelta(minutes=-5), False), (timedelta(), True)])
def test_what_the_end_of_the_window_has_cut_off_begins_anew_in_the_next(
    journal: Journal, ends: timedelta, again: bool
) -> None:
    made = _started(journal, site_timeout="12h")
    box, began = made.sources.boxes["s1"], list[datetime]()
    measured: Callable[..., bytes] = box.evaluate

    def slow(*given: Any, **named: Any) -> bytes:
        began.append(made.clock.utc)
        if len(began) == 1:
            made.clock.utc = SHUTS + ends
            raise ChangeError("the time for it is over", hint="give it more")
        return measured(*given, **named)

    box.evaluate = slow  # type: ignore[method-assign]
    made.run(turns=800, seconds=60, until=lambda: bool(began))
    made.turn(60)
    assert made.states()["s1"] == ("staged" if again else "failed")
    if again:
        assert "the window closed before the clinical gate was done" in made.engine.views["s1"].record.reason
        _to_the_end(made)
        assert began[1] >= OPENS + timedelta(days=1)

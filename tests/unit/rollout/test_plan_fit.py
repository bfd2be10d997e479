"""A plan that no longer fits is refused with every difference, and one that fits with none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from appliance.contract.release_status import Denied
from fleetctl.actions.hold import new_hold, new_pin
from fleetctl.errors import RefusedError
from fleetctl.rollout.plan_fit import require_fit, still_fits
from fleetctl.rollout.selection import Candidate, Seen
from tests.fakes.sets import manifest, set_of
from tests.unit.rollout.plans import FLEET, NEW, NOW, OLD, plan, policy, site, subject

PLAN = plan()


def differences(candidates: Any = FLEET, **values: Any) -> list[str]:
    given: dict[str, Any] = {
        "fleet": "clinics",
        "policy": policy(),
        "release": NEW,
        "candidates": candidates,
        "now": NOW + timedelta(hours=1),
    }
    made = values.pop("plan", PLAN)
    return [each.words() for each in still_fits(made, **{**given, **values})]


def with_site(name: str, change: Callable[[Candidate], Candidate]) -> list[Candidate]:
    return [change(each) if each.name == name else each for each in FLEET]


def test_nothing_changed() -> None:
    assert differences() == []
    require_fit([])


@pytest.mark.parametrize(
    ("values", "wanted"),
    [
        ({"fleet": "other"}, "it is a plan of the fleet clinics, this is other"),
        ({"now": NOW + timedelta(days=7)}, "it expired at 2026-12-03T12:00:00+00:00"),
        ({"now": NOW - timedelta(hours=1)}, "it was made at 2026-11-26T12:00:00+00:00, and this machine's clock says"),
        ({"release": None}, "release new-1 is not in the channel stable (any more)"),
        ({"release": manifest("new-1", 6)}, "release new-1 was replaced: its digest is"),
        ({"policy": None}, "the policy careful is gone"),
        ({"policy": policy(transfers=9, catch_up=False)}, "the policy careful was changed: spec.transfers, spec.catch"),
    ],
)
def test_of_the_whole(values: dict[str, Any], wanted: str) -> None:
    (found,) = differences(**values)
    assert found.startswith(wanted)


def test_a_hold_and_a_pin() -> None:
    hold = new_hold("south", reason="renovation", until=None, by="Ada")
    assert differences(with_site("south", lambda one: replace(one, hold=hold))) == [
        "south: was planned in wave rest, and is left out now: held by Ada: renovation"
    ]
    pin = new_pin("north", "old-1", reason="study", by="Ada")
    (found,) = differences(with_site("north", lambda one: replace(one, pin=pin)))
    assert "the first wave, canary, has no site" in found


def test_sites_that_came_went_or_moved() -> None:
    assert differences([*FLEET, site("east")]) == ["east: is new in the fleet, now it is in wave rest"]
    assert differences(FLEET[:2]) == ["west: is no site of the fleet any more"]
    waves = [
        {"name": "canary", "sites": ["north"]},
        {"name": "pilots", "selectors": {"ring": "pilot"}},
        {"name": "rest", "percent": 100},
    ]
    of_rings = plan(subject([FLEET[0], site("east", {"ring": "pilot"}), site("west")], policy=policy(waves=waves)))
    moved = [FLEET[0], site("east"), site("west")]
    assert differences(moved, plan=of_rings, policy=policy(waves=waves)) == [
        "east: was planned in wave pilots, now it is in rest"
    ]


def test_a_hold_that_ended() -> None:
    hold = new_hold("south", reason="renovation", until="30m", by="Ada", now=NOW)
    held = with_site("south", lambda one: replace(one, hold=hold))
    (found,) = differences(held, plan=plan(subject(held)))
    assert found == (
        "south: was left out (held by Ada until 2026-11-26T12:30:00+00:00: renovation), now it is in wave rest"
    )


def test_labels_that_change_its_windows() -> None:
    window = {"name": "de", "time_zone": "Europe/Berlin", "days": ["mon"], "start": "22:00", "duration": "4h"}
    us = {**window, "name": "us", "time_zone": "America/New_York", "selectors": {"country": "us"}}
    spec = policy(windows={"activation": [window | {"selectors": {"country": "de"}}, us]})
    before = [site("north", {"country": "de"}), site("south", {"country": "de"})]
    after = [before[0], site("south", {"country": "us"})]
    of_windows = plan(subject(before, policy=spec))
    assert differences(before, plan=of_windows, policy=spec) == []
    assert differences(after, plan=of_windows, policy=spec) == [
        "south: its labels were changed, and its windows would be Mon 22:00 for 4h (America/New_York)"
    ]
    more = [before[0], site("south", {"country": "de", "floor": "2"})]
    assert differences(more, plan=of_windows, policy=spec) == []


def test_another_running_set() -> None:
    newer = manifest("old-2", 4)
    found = differences(with_site("south", lambda one: site("south", active=set_of(newer))))
    assert len(found) == 1
    assert found[0].startswith("south: runs old-2 (drafting ")
    assert ", planned was old-1 (drafting " in found[0]
    assert differences(with_site("south", lambda one: site("south", active=set_of(NEW))))[0] == (
        "south: was planned in wave rest, and is left out now: runs it already"
    )


def test_a_release_that_was_denied_meanwhile() -> None:
    denied = [Denied(release="new-1", digest=NEW.digest, at=NOW, reason="the probe failed")]
    (found,) = differences(with_site("south", lambda one: site("south", active=set_of(OLD), denied=denied)))
    assert "was rolled back from it on 2026-11-26: the probe failed" in found


def test_being_away_is_no_difference_and_returning_is_none() -> None:
    away = Seen(None, "no answer", offline=True)
    assert differences(with_site("south", lambda one: replace(one, seen=away))) == []
    assert differences(with_site("west", lambda one: site("west"))) == []
    assert "can be reached" in differences(with_site("north", lambda one: replace(one, seen=away)))[0]


def test_an_answer_of_no_use_is_a_difference() -> None:
    found = differences(with_site("south", lambda one: replace(one, seen=Seen(None, "another host key"))))
    assert found == ["south: was planned in wave rest, and is left out now: its status is not known: another host key"]


def test_the_refusal_names_all_and_what_to_do() -> None:
    found = still_fits(
        PLAN, fleet="other", policy=None, release=None, candidates=FLEET, now=datetime.max.replace(tzinfo=NOW.tzinfo)
    )
    with pytest.raises(RefusedError) as refused:
        require_fit(found)
    assert refused.value.exit_code == 6
    assert refused.value.message.count("\n") == len(found) == 4
    assert "rollout plan" in refused.value.hint

"""Sites that nobody looks at any more, that another hand has switched, or that end late; pins of late sites."""

from __future__ import annotations

import pytest

from fleetctl.models.rollout import Stamp
from fleetctl.rollout.engine_orders import order_rollback
from fleetctl.rollout.engine_run import status_code
from fleetctl.rollout.journal import Journal
from fleetctl.rollout.journal_records import RolloutState, SiteState
from tests.fakes.boxes import FakeBox
from tests.fakes.rollouts import NEWER, RELEASE, TARGET, Bench
from tests.unit.rollout.rules import started

NEWEST = Stamp(name=NEWER.name, digest=NEWER.digest, sequence=NEWER.sequence)


def _one_bakes_one_hangs(journal: Journal) -> Bench:
    """s2 bakes, and the switch of s3 goes on at the box without an end."""
    made = started(
        journal, {"canary": 1, "rest": 3}, site_timeout="10m", wave={"rest": {"concurrency": 3, "bake": "5m"}}
    )
    made.sources.boxes["s3"].script("activate", "hangs")
    made.run(until=lambda: made.states()["s2"] == "baking" and made.states()["s3"] == "activating")
    return made


@pytest.mark.parametrize("how", ["stopped", "aborted"])
def test_a_rollout_that_does_not_go_on_is_no_reason_to_take_a_site_back_that_bakes(journal: Journal, how: str) -> None:
    made = _one_bakes_one_hangs(journal)
    if how == "aborted":
        made.order(wanted=RolloutState.ABORTED)
    else:
        made.sources.revoked_because = "it loses words"
    made.run(until=lambda: made.engine.standing.state.value == how)
    for _ in range(100):
        assert made.turn(60) is None, "the switch that goes on is asked about"
    assert made.states()["s2"] == "baking"
    assert made.states()["s3"] == "timed_out"
    assert made.sources.boxes["s2"].switches == [TARGET.name]


def test_what_this_rollout_has_not_switched_it_does_not_take_back(journal: Journal) -> None:
    made = started(journal, {"canary": 1}, site_timeout="10m", gates={"service_level": {"minimum_requests": 20}})
    box = made.sources.boxes["s1"]
    by_hand(box)
    seen = list(box.switches)
    made.run(until=lambda: made.states()["s1"] == "baking")
    made.sources.health.latency = lambda box: (100.0, 0, 0)  # no request reaches the engines any more
    ending = made.run()
    assert ending.state is RolloutState.STOPPED
    assert made.states() == {"s1": "timed_out"}
    assert box.switches == seen
    assert box.active is not None
    assert box.active.release == TARGET.name


def by_hand(box: FakeBox) -> None:
    """What an operator does at the box itself."""
    for image in box.offer(RELEASE.name, "stable").missing:
        box.receive(image, kib_s=None, on_progress=lambda sent: None)
    box.stage("a" * 32, RELEASE.name, "stable")
    box.activate("b" * 32, RELEASE.name, drain_timeout_s=60, not_after=None)


def test_a_switch_whose_end_is_known_late_can_be_taken_back(journal: Journal) -> None:
    made = started(journal, {"canary": 1}, site_timeout="10m")
    made.stay = True
    made.restart()
    box = made.sources.boxes["s1"]
    box.script("activate", "hangs")
    made.run(until=lambda: made.states()["s1"] == "timed_out", seconds=60)
    box.finish()
    made.run(until=lambda: journal.committed().get("s1") is not None)
    assert made.states() == {"s1": "timed_out"}
    found = journal.find(made.plan.id)
    assert order_rollback(journal, found, ["s1"], "alex", made.clock.utc, "it was too late") == ["s1"]
    made.run(until=lambda: made.engine.views["s1"].record.state is SiteState.ROLLED_BACK)
    assert box.switches == [TARGET.name, None]


@pytest.mark.parametrize(
    ("pinned", "switched"), [(TARGET.name, TARGET.name), (NEWER.name, NEWER.name), (None, NEWER.name)]
)
def test_a_late_site_that_is_pinned_to_the_release_of_the_plan_gets_no_newer_one(
    journal: Journal, pinned: str | None, switched: str
) -> None:
    made = started(journal, {"canary": 1, "rest": 4})
    box = made.sources.boxes["s5"]
    box.reachable = False
    assert made.run().state is RolloutState.CATCHING_UP
    box.reachable = True
    made.sources.newest_release = NEWEST
    if pinned is not None:
        made.sources.pinned_sites["s5"] = pinned
    made.restart()
    assert made.run().state is RolloutState.DONE
    assert box.switches == [switched]


def test_status_says_that_a_person_is_waited_for_where_all_that_is_left_is_held(journal: Journal) -> None:
    made = started(journal, {"canary": 1, "rest": 3}, wave={"rest": {"success_threshold": 1.0}})
    made.sources.held_sites["s4"] = "held by alex: works on the array"
    made.run(until=lambda: made.states()["s2"] == "sending")
    assert status_code(journal, journal.find(made.plan.id)) == 0
    ending = made.run()
    assert ending.waits_for == "person"
    assert made.states()["s4"] == "held"
    assert status_code(journal, journal.find(made.plan.id)) == 3

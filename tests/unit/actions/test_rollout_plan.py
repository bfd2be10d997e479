"""A plan compared with the fleet's files and sites as they are; rates from the journal; the boxes of a command."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from fleetctl.actions.hold import new_hold
from fleetctl.actions.rollout_plan import Asking, differences, draft, prepare
from fleetctl.errors import VerificationError
from fleetctl.models.fleetdir import FleetDir
from fleetctl.models.rollout import Plan
from fleetctl.models.rolloutfiles import write_hold
from fleetctl.rollout.journal_records import Entry
from fleetctl.rollout.plan_rates import rates_of
from tests.fakes.boxes import FakeBox
from tests.fakes.rollout_fleet import POLICY, RolloutFleet, rollout_fleet
from tests.fakes.sets import manifest, set_of

NEW, OLD = manifest("new-1", 5), manifest("old-1", 3)
NOW = datetime.now(UTC)


@pytest.fixture
def found(fleet_dir: FleetDir) -> RolloutFleet:
    made = rollout_fleet(fleet_dir)
    made.publish(NEW)
    made.publish(OLD)
    made.add("north")
    made.add("south", active=set_of(OLD))
    return made


def asking(found: RolloutFleet) -> Asking:
    return Asking(lambda site: found.boxes.get(site.name) or FakeBox(site.name, reachable=False))


def made(found: RolloutFleet) -> Plan:
    subject = prepare(found.fleet, release="new-1", policy="careful", selectors={}, now=NOW)
    return draft(found.fleet, subject, asking(found), by="Ada", expires_in=timedelta(days=7), now=NOW)


def told(found: RolloutFleet, plan: Plan) -> list[str]:
    return [each.words() for each in differences(found.fleet, plan, asking(found), NOW + timedelta(hours=1))]


def test_a_plan_fits_until_something_changes(found: RolloutFleet) -> None:
    plan = made(found)
    assert told(found, plan) == []

    write_hold(found.fleet.path, new_hold("south", reason="renovation", until=None, by="Ada"), replace=False)
    found.policy(POLICY.replace("bake: 2h", "bake: 1m"))
    assert told(found, plan) == [
        "the policy careful was changed: spec.waves",
        "south: was planned in wave rest, and is left out now: held by Ada: renovation",
    ]


def test_a_policy_that_is_gone_and_a_release_that_was_revoked(found: RolloutFleet) -> None:
    plan = made(found)
    (found.fleet.path / "policies/rollouts/careful.yaml").unlink()
    found.repository.revoke("stable", NEW, "drops negations")
    assert told(found, plan) == [
        "release new-1 is not in the channel stable (any more)",
        "the policy careful is gone",
    ]


def test_a_repository_that_does_not_verify_is_an_error_and_no_difference(found: RolloutFleet) -> None:
    plan = made(found)
    target = found.repository.targets / "stable/new-1/release.json"
    target.write_bytes(target.read_bytes() + b" ")
    with pytest.raises(VerificationError):
        told(found, plan)


def test_a_site_that_was_switched_by_hand(found: RolloutFleet) -> None:
    plan = made(found)
    found.add("south", active=set_of(NEW))
    assert told(found, plan) == ["south: was planned in wave rest, and is left out now: runs it already"]


def entry(site: str, what: str, *images: tuple[int, int, float]) -> Entry:
    facts = [{"size_bytes": size, "wire_bytes": wire, "seconds": seconds} for size, wire, seconds in images]
    return Entry(NOW, site, what, "", {"images": facts})


def test_rates_are_of_whole_transfers_that_ended() -> None:
    mib = 1 << 20
    steps = [
        entry("a", "send done", (100 * mib, 100 * mib, 50.0), (100 * mib, 90 * mib, 45.0)),
        entry("b", "send done", (100 * mib, 10 * mib, 40.0)),  # a delta: its time is that of reading
        entry("c", "send failed", (100 * mib, 100 * mib, 50.0)),
        entry("d", "send done"),
        entry("e", "send done", (1000, 1000, 0.1)),
        entry("f", "send done", (100 * mib, 100 * mib, 50.0)),
        entry("f", "send done", (100 * mib, 100 * mib, 25.0)),
        entry("g", "offer done"),
    ]
    assert rates_of(steps) == {"a": 2.0 * mib, "f": 4.0 * mib}

"""Rules 7 to 9 of a rollout: what was rolled back, who comes back, and orders that were not answered."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text

from fleetctl.errors import RefusedError, StoreError
from fleetctl.models.rollout import Stamp
from fleetctl.rollout.engine_orders import order_retry
from fleetctl.rollout.journal import Journal
from fleetctl.rollout.journal_records import RolloutState, SiteState
from tests.fakes.rollouts import NEWER, TARGET
from tests.unit.rollout.rules import started

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


@pytest.mark.parametrize(
    ("until", "state"), [("offer", SiteState.SENDING), ("receive", SiteState.RECEIVED), ("stage", SiteState.STAGED)]
)
def test_a_late_site_that_had_begun_with_an_older_release_gets_the_newest_all_the_same(
    journal: Journal, until: str, state: SiteState
) -> None:
    made = started(journal, {"canary": 1, "rest": 4}, wave={"rest": {"concurrency": 4}}, transfers=4)
    box = made.sources.boxes["s5"]
    made.run(until=lambda: any(verb == until for verb, _ in box.calls))
    box.reachable = False
    assert made.run().state is RolloutState.CATCHING_UP
    assert made.engine.views["s5"].record.state is state
    box.reachable = True
    made.sources.newest_release = Stamp(name=NEWER.name, digest=NEWER.digest, sequence=NEWER.sequence)
    made.restart()
    assert made.run().state is RolloutState.DONE
    assert box.switches == [NEWER.name]


def test_a_late_site_on_its_way_to_a_release_that_is_revoked_meanwhile_gets_the_newest_that_is_not(
    journal: Journal,
) -> None:
    made = started(journal, {"canary": 1, "rest": 4})
    box = made.sources.boxes["s5"]
    box.reachable = False
    made.run()
    box.reachable = True
    made.sources.newest_release = Stamp(name=NEWER.name, digest=NEWER.digest, sequence=NEWER.sequence)
    made.restart()
    made.run(until=lambda: box.staged is not None and box.staged.release == NEWER.name)
    assert box.switches == []
    made.sources.newest_release = TARGET
    assert made.run().state is RolloutState.DONE
    assert box.switches == [TARGET.name]


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

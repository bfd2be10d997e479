"""`fleetctl rollout start` and `resume`, over fake boxes: how they end, and what they refuse."""

from __future__ import annotations

import json
import os
import signal
import threading
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from appliance.contract.envelope import public_key_text
from fleetctl.errors import LockHeldError, RefusedError, VerificationError
from fleetctl.rollout.engine_run import opened_journal
from fleetctl.rollout.journal_lock import controlling
from fleetctl.rollout.plan_fit import Difference
from tests.fakes.rollouts import plan
from tests.unit.cli.rollouts import QUICK, Fleet


def test_a_rollout_from_start_to_done_and_its_story(fleet: Fleet) -> None:
    result = fleet.start(fleet.planned(plan(wave=QUICK)))
    assert "s1: activate" in result.stderr
    assert "done" in result.stdout
    assert "4 done" not in fleet.ok("status").stdout
    shown = json.loads(fleet.ok("status", "-o", "json").stdout)
    assert {each["state"] for each in shown["sites"]} == {"done"}
    assert [each["state"] for each in shown["waves"]] == ["passed", "passed"]
    told = json.loads(fleet.ok("history", "-o", "json", "--site", "s2").stdout)
    assert [each["what"] for each in told if each["site"] == "s2"][:2] == ["offer ordered", "offer done"]
    said = " ".join(fleet.ok("explain", "s2").stdout.split())
    assert "s2 is done since" in said
    assert "Gates said: fleet-health" in said
    assert said.endswith("Next: none: it is done.")


def test_a_plan_that_does_not_fit_is_refused_with_the_differences(fleet: Fleet) -> None:
    path = fleet.planned(plan())
    fleet.differences = [Difference(site="s2", what="runs 2026.10-1, planned was 2026.09-3")]
    with pytest.raises(RefusedError, match=r"s2: runs 2026\.10-1, planned was"):
        fleet.start(path)
    assert fleet.ok("status", "--all").stdout == "no rollout yet\n"


def test_a_plan_that_has_run_says_so_before_it_is_compared(fleet: Fleet) -> None:
    path = fleet.planned(plan(wave=QUICK))
    fleet.start(path)
    # What it has changed differs from what was planned, of course.
    fleet.differences = [Difference(site="s2", what="runs 2026.11-1, planned was 2026.10-1")]
    with pytest.raises(RefusedError, match="was started before; its rollout is done") as caught:
        fleet.start(path)
    assert "fleetctl rollout plan makes another" in caught.value.hint


def test_a_plan_by_an_unknown_key_is_refused(fleet: Fleet) -> None:
    path = fleet.planned(plan())
    (fleet.fleetdir.path / "releases" / "plan_keys").write_text(
        f"{public_key_text(Ed25519PrivateKey.generate().public_key())} kim\n"
    )
    with pytest.raises(VerificationError, match="plan_keys does not name"):
        fleet.start(path)


def test_a_failed_canary_ends_with_6_and_says_what_to_do(fleet: Fleet) -> None:
    path = fleet.planned(plan(wave=QUICK))
    assert fleet.sources is not None
    fleet.sources.boxes["s1"].script("activate", "rolled_back")
    fleet.start(path, code=6)
    assert "canary s1 is rolled_back" in fleet.ok("status", code=6).stdout
    said = " ".join(fleet.ok("explain", "s1").stdout.split())
    assert "the release is refused there until: fleetctl rollout retry s1 --clear" in said
    assert "which has to pass first" not in said
    waiting = " ".join(fleet.ok("explain", "s3").stdout.split())
    assert "It waits for: a person, because the rollout has stopped: canary s1" in waiting
    with pytest.raises(RefusedError, match="s1 was rolled back from"):
        fleet.ok("retry", "s1", "--by", "alex")
    fleet.ok("retry", "s1", "--clear", "--by", "alex")
    fleet.resume("--by", "alex")
    assert fleet.sources.boxes["s1"].active is not None


def test_absent_sites_end_with_7_and_are_caught_up_by_resume(fleet: Fleet) -> None:
    path = fleet.planned(plan({"canary": 1, "rest": 4}, wave=QUICK))
    assert fleet.sources is not None
    fleet.sources.boxes["s5"].reachable = False
    result = fleet.start(path, code=7)
    assert "only absent sites are waited for" in result.stderr
    assert "It waits for: a connection (when_disconnected is wait)." in fleet.ok("explain", "s5").stdout
    fleet.sources.boxes["s5"].reachable = True
    fleet.resume()
    assert fleet.sources.boxes["s5"].switches == ["2026.11-1"]


def test_who_is_second_is_told_who_is_first(fleet: Fleet) -> None:
    made = plan(wave={"canary": {"bake": "0s", "promote": "human"}})
    fleet.start(fleet.planned(made), code=3)
    with (
        opened_journal(fleet.fleetdir) as journal,
        controlling(journal.database, made.id, "kim", datetime.now(UTC)),
        pytest.raises(LockHeldError, match="is controlled by kim on"),
    ):
        fleet.resume()


@pytest.mark.parametrize("numbers", [[signal.SIGINT], [signal.SIGHUP, signal.SIGHUP]], ids=["Ctrl-C", "hung up"])
def test_interrupting_ends_with_130_and_resume_finishes(fleet: Fleet, numbers: list[signal.Signals]) -> None:
    signal.signal(signal.SIGHUP, lambda *_: None)  # what is not taken ends no test of others
    path = fleet.planned(plan({"canary": 1, "rest": 2}, wave={"*": {"bake": "3s"}}))
    assert fleet.sources is not None
    box = fleet.sources.boxes["s1"]

    def interrupt() -> None:
        while not box.switches:
            threading.Event().wait(0.02)
        for number in numbers:
            os.kill(os.getpid(), number)

    thread = threading.Thread(target=interrupt, daemon=True)
    thread.start()
    result = fleet.start(path, code=130)
    thread.join()
    assert "nothing is lost: fleetctl rollout resume" in result.stderr
    fleet.resume()
    assert [len(each.switches) for each in fleet.sources.boxes.values()] == [1, 1, 1]

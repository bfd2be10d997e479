"""What an operator orders of a rollout: promote, pause, abort, retry, rollback, countersign."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from typer.main import get_command

from appliance.contract.envelope import public_key_text
from fleetctl.cli.rollout import app
from fleetctl.errors import RefusedError
from fleetctl.rollout.engine_run import opened_journal
from fleetctl.rollout.journal_lock import controlling
from fleetctl.rollout.journal_records import RolloutState, StepKind
from fleetctl.trust.passphrase import Passphrase
from fleetctl.trust.sealing import seal_pkcs8
from tests.fakes.rollouts import plan
from tests.unit.cli.rollouts import FAST, QUICK, Fleet


def test_a_person_promotes_by_name(fleet: Fleet) -> None:
    path = fleet.planned(plan(wave={"canary": {"bake": "0s", "promote": "human"}, "rest": {"bake": "0s"}}))
    fleet.start(path, code=3)
    assert "fleetctl rollout promote canary --by NAME" in fleet.ok("explain", "s2").stdout
    fleet.ok("promote", "canary", "--by", "Dr. Rivera")
    fleet.resume()
    told = json.loads(fleet.ok("history", "-o", "json").stdout)
    assert [each["actor"] for each in told if each["what"] == "promote"] == ["Dr. Rivera"]


def test_a_promotion_counts_once_and_is_seen_before_anybody_goes_on(fleet: Fleet) -> None:
    path = fleet.planned(plan(wave={"canary": {"bake": "0s", "promote": "human"}, "rest": {"bake": "0s"}}))
    fleet.start(path, code=3)
    assert json.loads(fleet.ok("status", "-o", "json", code=3).stdout)["waves"][1]["state"] == "waiting"
    assert "fleetctl rollout resume --id" in fleet.ok("promote", "canary", "--by", "Dr. Rivera").stdout
    assert "was promoted before, by Dr. Rivera" in fleet.ok("promote", "canary", "--by", "alex").stdout
    told = json.loads(fleet.ok("history", "-o", "json").stdout)
    assert [each["actor"] for each in told if each["what"] == "promote"] == ["Dr. Rivera"]
    shown = json.loads(fleet.ok("status", "-o", "json").stdout)
    assert shown["reason"] == "wave canary has passed, promoted by Dr. Rivera"
    assert shown["waves"][1]["state"] == "going on"


def test_orders_say_who_carries_them_out(fleet: Fleet) -> None:
    made = plan(wave={"canary": {"bake": "0s", "promote": "human"}})
    fleet.start(fleet.planned(made), code=3)
    said = fleet.ok("pause").stdout
    assert "nobody controls it" in said
    assert f"fleetctl rollout resume --id {made.id[:12]}" in said
    with opened_journal(fleet.fleetdir) as journal, controlling(journal.database, made.id, "kim", datetime.now(UTC)):
        assert "who controls it sees that within seconds" in fleet.ok("pause").stdout
        order = json.loads(fleet.ok("promote", "canary", "--by", "alex", "-o", "json").stdout)
    assert (order["ordered"], order["rollout"]) == ("promote", made.id)
    assert order["controlled_by"].startswith("kim on ")
    assert fleet.ok("retry").stdout.startswith("nothing to try again: no site")
    assert json.loads(fleet.ok("retry", "-o", "json").stdout)["sites"] == []


def test_pause_abort_and_what_is_over(fleet: Fleet) -> None:
    path = fleet.planned(plan(wave={"canary": {"bake": "0s", "promote": "human"}}))
    fleet.start(path, code=3)
    fleet.ok("pause", "--by", "alex")
    assert "an operator wants it paused" in fleet.ok("status", code=3).stdout
    with (
        opened_journal(fleet.fleetdir) as journal,
        controlling(journal.database, journal.find().plan.id, "kim", datetime.now(UTC)),
    ):
        held = fleet.ok("abort", "--reason", "wrong release", "--by", "alex")
    assert "is to be aborted; who controls it sees that" in held.stdout
    fleet.resume(code=6)
    with pytest.raises(RefusedError, match="was aborted"):
        fleet.ok("pause")
    assert "wrong release" in fleet.ok("history").stdout


def test_a_rollout_that_has_stopped_cannot_be_paused(fleet: Fleet) -> None:
    made = plan(wave=QUICK)
    path = fleet.planned(made)
    assert fleet.sources is not None
    fleet.sources.boxes["s1"].script("activate", "failed")
    fleet.start(path, code=6)
    with pytest.raises(RefusedError, match="has stopped, and begins nothing until somebody resumes it: canary") as no:
        fleet.ok("pause", "--by", "alex")
    assert f"fleetctl rollout resume --id {made.id[:12]}" in no.value.hint
    assert "an operator wants it" not in fleet.ok("status", code=6).stdout
    fleet.ok("abort", "--by", "alex")


def test_every_command_names_a_rollout_by_the_same_option(fleet: Fleet) -> None:
    commands = get_command(app).commands  # type: ignore[attr-defined]
    named = {
        name: parameter.opts
        for name, command in commands.items()
        for parameter in command.params
        if parameter.name == "identity"
    }
    assert named.keys() == commands.keys() - {"plan", "start"}
    assert set(map(tuple, named.values())) == {("--id",)}
    for number in (1, 2):
        fleet.start(fleet.planned(plan(identity=f"{number}" * 32, wave=QUICK)))
    shown = json.loads(fleet.ok("status", "--id", "111", "-o", "json").stdout)
    assert (shown["id"], shown["state"]) == ("1" * 32, "done")


def test_an_aborted_rollout_that_nobody_controls_has_ended(fleet: Fleet) -> None:
    fleet.start(fleet.planned(plan(wave={"canary": {"bake": "0s", "promote": "human"}})), code=3)
    with opened_journal(fleet.fleetdir) as journal:
        found = journal.find()
        record = next(each for each in journal.sites(found.plan.id) if not each.settled)
        journal.intend(found.plan.id, record, StepKind.SEND, "", datetime.now(UTC), {})
        assert fleet.ok("abort", "--by", "alex").stdout.endswith("is aborted\n")
        assert journal.find().state is RolloutState.ABORTED
        assert journal.open_steps(found.plan.id) == {}


def test_what_is_done_stays_done(fleet: Fleet) -> None:
    fleet.start(fleet.planned(plan(wave={"canary": {"bake": "0s"}, "rest": {"bake": "0s"}})))
    for order in ("abort", "pause"):
        with pytest.raises(RefusedError, match="is done"):
            fleet.ok(order, "--by", "alex")
    with opened_journal(fleet.fleetdir) as journal:
        assert journal.find().state is RolloutState.DONE


def test_where_a_site_may_be_at_work_it_is_asked_before_the_end(fleet: Fleet) -> None:
    fleet.start(fleet.planned(plan(wave={"canary": {"bake": "0s", "promote": "human"}})), code=3)
    with opened_journal(fleet.fleetdir) as journal:
        found = journal.find()
        record = next(each for each in journal.sites(found.plan.id) if not each.settled)
        journal.intend(found.plan.id, record, StepKind.ACTIVATE, "1" * 32, datetime.now(UTC), {})
        told = fleet.ok("abort", "--by", "alex").stdout
        assert f"fleetctl rollout resume --id {found.plan.id[:12]} asks and ends it" in told
        assert journal.find().state is not RolloutState.ABORTED


def test_rollback_brings_back_and_pauses(fleet: Fleet) -> None:
    path = fleet.planned(plan(wave={"canary": {"bake": "0s"}, "rest": {"bake": "0s", "success_threshold": 0.5}}))
    fleet.start(path)
    assert fleet.sources is not None
    result = fleet.run("rollback", "s2", "--reason", "wrong doses", *FAST, secret=True)
    assert result.exit_code in (6, 7), result.output
    assert fleet.sources.boxes["s2"].switches == ["2026.11-1", None]
    assert fleet.sources.boxes["s3"].switches == ["2026.11-1"]
    assert "ordered by" in fleet.ok("explain", "s2").stdout


def test_a_clinician_countersigns_before_a_switch(fleet: Fleet, tmp_path: Path, passphrase: Passphrase) -> None:
    key = Ed25519PrivateKey.generate()
    sealed = tmp_path / "clinician.key"
    sealed.write_bytes(seal_pkcs8(key, passphrase))
    named = f"Dr. Ada Rivera {public_key_text(key.public_key())}"
    gates = {"clinical": {"evaluation_set": "en-visits", "countersigned_by": [named]}}
    path = fleet.planned(plan({"canary": 1}, wave=QUICK, gates=gates))
    fleet.start(path, code=3)
    assert fleet.sources is not None
    assert fleet.sources.boxes["s1"].switches == []
    assert "a countersignature of its clinical result by one of: Dr. Ada Rivera" in " ".join(
        fleet.ok("explain", "s1").stdout.split()
    )
    with pytest.raises(RefusedError, match="is not in the policy"):
        fleet.ok("countersign", "--by", "Dr. Else", "--key", str(sealed), "--yes", secret=True)
    result = fleet.ok("countersign", "--by", "Dr. Ada Rivera", "--key", str(sealed), "--yes", secret=True)
    assert "s1: word_error_rate 0 (running 0, allowed 0.01)" in result.stderr
    fleet.resume()
    assert fleet.sources.boxes["s1"].switches == ["2026.11-1"]

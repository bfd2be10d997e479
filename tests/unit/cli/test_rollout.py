"""`fleetctl rollout` as an operator uses it, over fake boxes: start, steer, ask."""

from __future__ import annotations

import json
import platform
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import insert, update
from typer.testing import CliRunner, Result

from appliance.contract.envelope import public_key_text
from fleetctl.cli.rollout import app
from fleetctl.errors import FleetctlError, LockHeldError, RefusedError, VerificationError
from fleetctl.models.fleetdir import FleetDir
from fleetctl.models.rollout import LeftOut, Plan
from fleetctl.rollout.engine_run import opened_journal
from fleetctl.rollout.journal_lock import controlling
from fleetctl.rollout.journal_records import RolloutState, StepKind
from fleetctl.rollout.plan_fit import Difference
from fleetctl.rollout.planfile import write_plan
from fleetctl.store.rollout_tables import rollout_holder
from fleetctl.trust.passphrase import Passphrase
from fleetctl.trust.sealing import seal_pkcs8
from tests.fakes.releases import SignedRepository
from tests.fakes.rollouts import RELEASE, FakeClock, FakeSources, plan

FAST = ("--every", "0.2", "--ask-again", "0.2", "--try-again", "0.2", "--offline-after", "1")
_MEMORY = Path("/dev/shm")
QUICK = {"*": {"bake": "0s"}}
Cli = Callable[..., Result]


class RealClock(FakeClock):
    """The clock on the wall: what the commands use."""

    def __getattribute__(self, name: str) -> Any:
        return datetime.now(UTC) if name == "utc" else object.__getattribute__(self, name)


class Fleet:
    """A fleet whose boxes are fakes. `cli` runs a command; its errors are raised."""

    def __init__(self, fleetdir: FleetDir, folder: Path, passphrase: Path) -> None:
        self.fleetdir, self.folder, self._passphrase = fleetdir, folder, passphrase
        self.key = Ed25519PrivateKey.generate()
        self.sources: FakeSources | None = None
        self.differences: list[Difference] = []
        keys = fleetdir.path / "releases" / "plan_keys"
        keys.parent.mkdir(exist_ok=True)
        keys.write_text(f"{public_key_text(self.key.public_key())} alex\n")

    def planned(self, made: Plan) -> Path:
        path = self.folder / f"{made.id}.json"
        write_plan(path, made, self.key)
        self.sources = FakeSources(made, RealClock())
        return path

    def run(self, *words: str, secret: bool = False) -> Result:
        more = ["--passphrase-file", str(self._passphrase)] if secret else []
        return CliRunner().invoke(app, [*words, "--fleet", str(self.fleetdir.path), *more])

    def ok(self, *words: str, code: int = 0, secret: bool = False) -> Result:
        result = self.run(*words, secret=secret)
        if isinstance(result.exception, FleetctlError):
            raise result.exception
        assert result.exit_code == code, f"{result.output}\n{result.exception!r}"
        return result

    def start(self, path: Path, *words: str, code: int = 0) -> Result:
        return self.ok("start", str(path), *FAST, *words, code=code, secret=True)

    def resume(self, *words: str, code: int = 0) -> Result:
        return self.ok("resume", *FAST, *words, code=code, secret=True)


@pytest.fixture
def fleet(
    fleet_dir: FleetDir, tmp_path: Path, passphrase: Passphrase, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Fleet]:
    # Some hundred durable writes a rollout: their durability is not what is tested here.
    with tempfile.TemporaryDirectory(dir=_MEMORY if _MEMORY.is_dir() else None) as memory:
        monkeypatch.setenv("FLEETCTL_STORE", f"sqlite:///{memory}/store.db")
        yield _fleet(fleet_dir, tmp_path, passphrase, monkeypatch)


def _fleet(fleet_dir: FleetDir, tmp_path: Path, passphrase: Passphrase, monkeypatch: pytest.MonkeyPatch) -> Fleet:
    secret = tmp_path / "passphrase"
    secret.write_text(passphrase.reveal())
    secret.chmod(0o600)
    found = Fleet(fleet_dir, tmp_path, secret)

    @contextmanager
    def reaching(fleetdir: FleetDir, passphrase: Passphrase) -> Iterator[FakeSources]:
        assert found.sources is not None
        yield found.sources

    monkeypatch.setattr("fleetctl.rollout.engine_sources.reaching", reaching)
    monkeypatch.setattr("fleetctl.actions.rollout_sites.ssh_boxes", lambda fleet, secret: nullcontext({}.get))
    monkeypatch.setattr("fleetctl.actions.rollout_plan.differences", lambda *given: found.differences)
    return found


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


def test_output_in_a_pipe_has_no_colour_and_status_fits_a_narrow_screen(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet.start(fleet.planned(plan(wave=QUICK)))
    assert "\x1b" not in fleet.ok("status").stdout + fleet.ok("history").stdout
    monkeypatch.setattr("fleetctl.report.lines.width_of_screen", lambda: 80)
    for words in (["status"], ["history"], ["explain", "s1"], ["status", "--all"]):
        assert max(len(line) for line in fleet.ok(*words).stdout.splitlines()) <= 80


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


def test_an_explanation_reads_the_repository_itself(fleet: Fleet) -> None:
    path = fleet.planned(plan(wave=QUICK))
    assert fleet.sources is not None
    fleet.sources.boxes["s1"].reachable = False
    fleet.start(path, code=7)
    said = " ".join(fleet.ok("explain", "s3").stdout.split())
    assert "Whether the release is still approved is not known" in said
    repository = SignedRepository(fleet.fleetdir.path / "releases" / "signed")
    for name in ("metadata", "targets"):
        (repository.folder / name).rename(fleet.fleetdir.path / "releases" / name)
    repository.folder = fleet.fleetdir.path / "releases"
    (repository.folder / "root.json").write_bytes(repository.root)
    repository.publish("stable", RELEASE)
    assert "approved is not known" not in fleet.ok("explain", "s3").stdout
    repository.revoke("stable", RELEASE, "it mishears doses")
    found = json.loads(fleet.ok("explain", "s3", "-o", "json").stdout)
    found = found[0] if isinstance(found, list) else found
    assert "may not be rolled out any more: release 2026.11-1 was revoked" in found["says"]
    assert "it mishears doses" in found["says"]
    assert "whoever controls the rollout stops it before the next step" in found["next_action"]
    assert "was revoked" in found["facts"]["revoked"]


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


def test_a_controller_that_was_killed_controls_nothing(fleet: Fleet) -> None:
    """Its row stays; watch would wait for it for ever."""
    made = plan(wave={"canary": {"bake": "0s", "promote": "human"}})
    fleet.start(fleet.planned(made), code=3)
    with subprocess.Popen(["true"]) as gone:
        gone.wait()
    here = {"rollout": made.id, "host": platform.node(), "pid": gone.pid, "actor": "kim", "since": 0}
    with opened_journal(fleet.fleetdir) as journal:
        with journal.database.transaction(writes=True) as connection:
            connection.execute(insert(rollout_holder).values(here))
        assert "nobody controls it now" in fleet.ok("status", code=3).stdout
        assert "started" in fleet.ok("watch", code=3).stdout
        # Of another machine nobody here can tell.
        with journal.database.transaction(writes=True) as connection:
            connection.execute(update(rollout_holder).values(host="elsewhere"))
        assert "controlled by kim on elsewhere" in fleet.ok("status", code=3).stdout


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


def test_who_is_second_is_told_who_is_first(fleet: Fleet) -> None:
    made = plan(wave={"canary": {"bake": "0s", "promote": "human"}})
    fleet.start(fleet.planned(made), code=3)
    with (
        opened_journal(fleet.fleetdir) as journal,
        controlling(journal.database, made.id, "kim", datetime.now(UTC)),
        pytest.raises(LockHeldError, match="is controlled by kim on"),
    ):
        fleet.resume()


def test_interrupting_ends_with_130_and_resume_finishes(fleet: Fleet) -> None:
    import os
    import signal

    path = fleet.planned(plan({"canary": 1, "rest": 2}, wave={"*": {"bake": "3s"}}))
    assert fleet.sources is not None
    box = fleet.sources.boxes["s1"]

    def interrupt() -> None:
        while not box.switches:
            threading.Event().wait(0.02)
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt, daemon=True)
    thread.start()
    result = fleet.start(path, code=130)
    thread.join()
    assert "nothing is lost: fleetctl rollout resume" in result.stderr
    fleet.resume()
    assert [len(each.switches) for each in fleet.sources.boxes.values()] == [1, 1, 1]


def test_watch_tells_what_happened_and_ends_when_nobody_controls(fleet: Fleet) -> None:
    fleet.start(fleet.planned(plan(wave=QUICK)))
    lines = fleet.ok("watch", "-o", "json").stdout.splitlines()
    assert json.loads(lines[0])["what"] == "started"
    assert json.loads(lines[-1])["what"] == "done"


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


def test_a_site_that_was_left_out_is_explained(fleet: Fleet) -> None:
    made = plan(wave=QUICK)
    left = LeftOut(site="s9", reason="held by kim: it moves")
    fleet.start(fleet.planned(made.model_copy(update={"left_out": (left,)})))
    with pytest.raises(FleetctlError, match="the plan left s9 out: held by kim"):
        fleet.ok("explain", "s9")
    for words in (("explain", "s33"), ("history", "--site", "s33")):
        with pytest.raises(FleetctlError, match="s33 is not in rollout") as caught:
            fleet.ok(*words)
        assert caught.value.hint == "did you mean s3?"

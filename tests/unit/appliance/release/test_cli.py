"""The real `appliancectl release` in a folder, with a simulated systemctl and simulated services."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from appliance.contract.release_status import Offer, ReleaseStatus, ReleaseStep
from tests.fakes.release_images import Image
from tests.fakes.releases import SignedRepository

from .conftest import Box, FakeServices, install, op
from .simulated import Machine


@pytest.fixture
def machine(made_images: dict[str, Image]) -> Iterator[Machine]:
    # A unix socket's path has 107 bytes: pytest's own folder is too deep.
    with TemporaryDirectory(prefix="bx") as folder:
        repository = SignedRepository(Path(folder) / "fleet", ("stable", "candidate"))
        places = install(Path(folder) / "b", made_images, repository)
        box = Box(places, repository, made_images, FakeServices(places), clock=[datetime.now(UTC)])
        with Machine(box) as found:
            yield found


def whole(machine: Machine) -> None:
    assert machine.box.linked() == machine.box.sealed() == machine.running()


@pytest.mark.slow
def test_a_release_from_the_offer_to_the_rollback(machine: Machine) -> None:
    machine.box.publish("r1", 1, "new")
    offered = machine.run("offer", "r1", "-o", "json")
    assert (offered.returncode, offered.stderr) == (0, "")
    assert [each.task for each in Offer.model_validate_json(offered.stdout).missing] == ["drafting"]
    assert machine.run("stage", "r1", "--operation", op(1)).returncode == 1
    machine.box.send("new")
    staged = machine.run("stage", "r1", "--operation", op(2), "-o", "json")
    assert staged.returncode == 0, staged.stderr
    *steps, last = staged.stdout.splitlines()
    assert all(ReleaseStep.model_validate_json(step).phase == "staging" for step in steps)
    assert ReleaseStatus.model_validate_json(last).staged is not None
    activated = machine.run("activate", "r1", "--operation", op(3), "--drain-timeout", "20", "-o", "json")
    assert activated.returncode == 0, activated.stderr
    phases = [ReleaseStep.model_validate_json(step).phase for step in activated.stdout.splitlines()[:-1]]
    assert phases[-1] == "probing"
    found = ReleaseStatus.model_validate_json(activated.stdout.splitlines()[-1])
    assert found.active is not None
    assert (found.active.release, found.phase, found.changes[0].outcome) == ("r1", "idle", "done")
    whole(machine)
    events = machine.events()
    again = machine.run("activate", "r1", "--operation", op(3), "-o", "json")
    assert again.returncode == 0
    assert machine.events() == events
    text = machine.run("status").stdout
    assert "active     r1 (sequence 1)" in text
    assert "in work    nothing" in text
    assert "every block as its root hash says" in machine.run("verify").stdout
    back = machine.run("rollback", "--reason", "it misheard", "--operation", op(4), "--drain-timeout", "20")
    assert back.returncode == 0, back.stderr
    whole(machine)
    assert "denied     r1 since" in back.stdout
    refused = machine.run("offer", "r1")
    assert (refused.returncode, "denied here" in refused.stdout) == (0, True)
    assert machine.run("stage", "r1").returncode == 6
    assert machine.run("clear", "r1").returncode == 0


@pytest.mark.slow
def test_a_bad_release_leads_back_with_exit_code_1(machine: Machine) -> None:
    machine.box.publish("r1", 1, "new")
    machine.box.send("new")
    assert machine.run("stage", "r1").returncode == 0
    (machine.box.places.root / "sim/bad").write_text(machine.box.images["new"].root_hash)
    done = machine.run("activate", "r1", "--operation", op(3), "-o", "json")
    assert done.returncode == 1
    assert "the provisioned set runs again" in done.stderr
    found = ReleaseStatus.model_validate_json(done.stdout.splitlines()[-1])
    assert (found.changes[0].outcome, [each.release for each in found.denied]) == ("rolled_back", ["r1"])
    whole(machine)
    # Both at once: everything is bad.
    machine.run("clear", "r1")
    bad = [machine.box.images[name].root_hash for name in ("new", "old")]
    (machine.box.places.root / "sim/bad").write_text(" ".join(bad))
    done = machine.run("activate", "r1", "--operation", op(4))
    assert done.returncode == 1
    assert "CRITICAL: no clinical service runs" in done.stderr
    assert machine.run("recover").returncode == 1
    (machine.box.places.root / "sim/bad").write_text(bad[0])
    assert machine.run("recover").returncode == 0
    whole(machine)


@pytest.mark.slow
def test_exit_codes_and_words_for_wrong_usage_and_metadata(machine: Machine) -> None:
    machine.box.publish("r1", 1, "new")
    for words, said in (
        (("offer", "../r1"), "RELEASE '../r1'"),
        (("stage", "r1", "--operation", "7"), "--operation '7'"),
        (("offer", "r1", "--channel", "A/B"), "--channel 'A/B'"),
        (("activate", "r1", "--not-after", "tomorrow"), "is no time with an offset"),
        (("activate", "r1", "--not-after", "2026-11-26T10:00:00"), "is no time with an offset"),
    ):
        done = machine.run(*words)
        assert (done.returncode, said in done.stderr) == (2, True), (words, done.stderr)
    assert machine.run("activate", "r1", "--not-after", "2026-01-01T00:00:00+00:00").returncode == 6
    (machine.box.places.repository / "metadata/timestamp.json").write_text("{}")
    done = machine.run("offer", "r1")
    assert done.returncode == 9
    assert "does not verify" in done.stderr
    machine.box.places.record.write_text("rubbish")
    assert machine.run("status").returncode == 5


@pytest.mark.slow
@pytest.mark.parametrize(
    ("bad", "code", "outcome"), [(False, 141, "done"), (True, 1, "rolled_back")], ids=["a good release", "a bad one"]
)
def test_a_connection_that_breaks_does_not_end_a_switch(machine: Machine, bad: bool, code: int, outcome: str) -> None:
    machine.box.publish("r1", 1, "new")
    machine.box.send("new")
    assert machine.run("stage", "r1").returncode == 0
    if bad:
        (machine.box.places.root / "sim/bad").write_text(machine.box.images["new"].root_hash)
    process = subprocess.Popen(
        machine.argv("activate", "r1", "--operation", op(3), "-o", "json"), env=machine.environment,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stderr is not None
    for line in process.stdout:
        if json.loads(line).get("phase") == "switching":
            break
    process.stdout.close()
    process.stderr.close()
    process.send_signal(signal.SIGHUP)
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == code  # 141: nobody reads what it says
    found = machine.status()
    assert (found["active"]["release"] == "r1", found["changes"][0]["outcome"]) == (not bad, outcome)
    assert found["phase"] == "idle"
    whole(machine)


@pytest.mark.slow
def test_told_to_end_while_a_visit_goes_on(machine: Machine) -> None:
    machine.box.publish("r1", 1, "new")
    machine.box.send("new")
    assert machine.run("stage", "r1").returncode == 0
    machine.visits = 2
    with subprocess.Popen(
        machine.argv("activate", "r1", "--operation", op(3), "-o", "json"), env=machine.environment,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        for line in process.stdout:
            if "2 visits" in line:
                break
        # Another order meanwhile is refused, and the status is told.
        assert machine.run("offer", "r1").returncode == 6
        found = machine.status()
        assert (found["phase"], found["in_flight"]["visits"]) == ("draining", 2)
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 1
    assert machine.status()["changes"][0]["outcome"] == "interrupted"
    assert not machine.box.places.drain.exists()
    whole(machine)


def test_help_needs_no_machine(machine: Machine) -> None:
    done = machine.run("--help")
    assert done.returncode == 0
    for name in ("status", "offer", "stage", "verify", "activate", "rollback", "clear", "recover", "receive-prepare"):
        assert name in done.stdout

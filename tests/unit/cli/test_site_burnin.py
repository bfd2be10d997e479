"""`fleetctl site burnin` as typed, over a scripted host: exit codes, lines on stdout, records, Ctrl-C."""

from __future__ import annotations

import _thread
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import pytest

from appliance.contract.stdout import OutputLost
from fleetctl.__main__ import run
from fleetctl.errors import UnreachableError
from fleetctl.models.fleetdir import FleetDir
from fleetctl.phases.runner import Interruption
from tests.fakes import burnin as fake
from tests.fakes import site
from tests.fakes.host import FakeHost, FakePlaybooks, Stream, ok

PROGRESS = fake.progress().model_dump_json()
BROKEN = UnreachableError("the SSH connection broke", hint="is the machine on?", host="lab-1")


def _report(**changed: Any) -> str:
    # The lab's profile wants no GPU, so that none is loaded.
    return fake.report(**changed).model_copy(update={"gpus": ()}).model_dump_json()


@pytest.fixture
def interruption() -> Interruption:
    """What the phases hear of Ctrl-C."""
    return Interruption()


@pytest.fixture
def burnin(
    fleet_dir: FleetDir, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, interruption: Interruption
) -> Callable[..., tuple[int, FakePlaybooks]]:
    """Call it with the scripted stream of the box; gives exit code and what Ansible was asked for."""
    passphrase = tmp_path / "passphrase"
    passphrase.touch(0o600)
    passphrase.write_text("correct horse battery staple\n")
    monkeypatch.setenv("FLEETCTL_FLEET", str(fleet_dir.path))
    monkeypatch.setenv("FLEETCTL_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("FLEETCTL_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("FLEETCTL_PASSPHRASE_FILE", str(passphrase))
    fleet_dir.write_site(site.SITE)
    playbooks = FakePlaybooks({"lock": [ok("lock")], "unlock": [ok("unlock")]})

    class Writer:
        @staticmethod
        @contextmanager
        def opened(*_: Any) -> Iterator[FakePlaybooks]:
            yield playbooks

    def call(stream: Stream, *options: str) -> tuple[int, FakePlaybooks]:
        host = FakeHost(readings=[site.bare_facts()], streams=[stream])
        monkeypatch.setattr("fleetctl.actions.burnin.AnsiblePlaybooks", Writer)
        monkeypatch.setattr("fleetctl.actions.provision.ssh_agent", lambda *_: nullcontext(tmp_path / "agent"))
        monkeypatch.setattr("fleetctl.actions.provision.Connection", lambda *_: nullcontext(host))
        monkeypatch.setattr("fleetctl.actions.provision.Interruption", lambda: interruption)
        return run(["site", "burnin", "lab-1", *options]), playbooks

    return call


def test_a_good_machine_is_0_and_a_person_sees_progress_checks_and_disks(
    burnin: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    code, playbooks = burnin(Stream([PROGRESS, _report()]))
    out, err = capsys.readouterr()
    assert code == 0
    assert playbooks.tags == ["lock", "unlock"]
    assert "burn-in: 12.0 of 30.0 min, load; hottest GPU 1 71 °C" in err
    assert "burnin_finished" in out
    assert "/dev/nvme1n1" in out


def test_json_has_each_event_as_a_line_and_the_judgement_as_the_last(
    burnin: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _ = burnin(Stream([PROGRESS, _report(machine_errors=fake.kernel_log(mce=1))]), "-o", "json")
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert code == 4
    assert [line["status"] for line in lines[:-1]].count("progress") == 1
    assert lines[-1]["verdict"] == "critical"
    assert lines[-1]["report"]["schema_version"] == "burnin/v1"


def test_a_broken_connection_is_5_with_a_next_action_and_leaves_a_record(
    burnin: Any, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    records = tmp_path / "records"
    code, playbooks = burnin(Stream([PROGRESS], error=BROKEN), "--record", str(records))
    out, err = capsys.readouterr()
    assert code == 5
    assert playbooks.tags == ["lock", "unlock"]
    assert "last heard after 12.0 min" in " ".join(out.split())
    assert "hint: is the machine on?" in err
    (page,) = records.glob("lab-1-burnin-*.html")
    assert "NOT ACCEPTED: not everything was measured." in page.read_text()
    assert json.loads(page.with_suffix(".json").read_text())["verdict"] == "unknown"


@pytest.mark.parametrize("form", ["json", "yaml", "table"])
def test_the_record_is_kept_when_nobody_reads_the_judgement(
    burnin: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    def lost(*_: Any) -> None:
        raise OutputLost(141)

    monkeypatch.setattr("fleetctl.report.emit.emit", lost)
    monkeypatch.setattr("fleetctl.report.emit.emit_lines", lost)
    records = tmp_path / "records"
    with pytest.raises(OutputLost):
        burnin(Stream([PROGRESS, _report()]), "--record", str(records), "-o", form)
    (page,) = records.glob("lab-1-burnin-*.json")
    assert json.loads(page.read_text())["verdict"] == "ok"


def test_ctrl_c_is_130_and_shows_what_is_known(
    burnin: Any, interruption: Interruption, capsys: pytest.CaptureFixture[str]
) -> None:
    def ctrl_c() -> None:
        _thread.interrupt_main()
        deadline = time.monotonic() + 300
        while not interruption.heard():  # the main thread looks twice a second, on a loaded machine not quite
            assert time.monotonic() < deadline, "the main thread never passed Ctrl-C on"
            time.sleep(0.01)

    code, playbooks = burnin(Stream([PROGRESS, ctrl_c], error=KeyboardInterrupt()), "-o", "yaml")
    out, _ = capsys.readouterr()
    assert code == 130
    assert playbooks.tags == ["lock", "unlock"]
    assert "interrupted by the operator, last heard after 12.0 min" in " ".join(out.split())


@pytest.mark.parametrize("minutes", ["0", "1441", "x"])
def test_minutes_are_bounded(burnin: Any, minutes: str) -> None:
    assert burnin(Stream([]), "--minutes", minutes)[0] == 2

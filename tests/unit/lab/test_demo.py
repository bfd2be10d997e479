"""The demo runs real fleetctl commands in order, stops at the first that fails, and says what took how long."""

from __future__ import annotations

import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest

from fleetctl.cli.registry import COMMANDS
from fleetctl.errors import ChangeError, ConfigError
from fleetctl.lab import demo
from fleetctl.models.fleetdir import FleetDir
from fleetctl.rollout.engine_run import opened_journal
from fleetctl.rollout.journal_records import RolloutState
from tests.unit.rollout.plans import NOW, plan


@pytest.fixture
def base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FLEETCTL_DEMO_DIR", str(tmp_path / "demo"))
    monkeypatch.setattr(demo, "_image_is_current", lambda fleet: "there is none")
    monkeypatch.setattr(demo, "_no_rollout_left", lambda fleet: "there was none")
    return tmp_path / "demo"


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    path = tmp_path / "visit.flac"
    path.write_bytes(b"fLaC")
    return path


def commands(monkeypatch: pytest.MonkeyPatch, failing: str | None = None) -> list[tuple[str, ...]]:
    """Stand in for the process; answers 9 for the command that begins with `failing`."""
    ran: list[tuple[str, ...]] = []

    def run(argv: list[str], **options: Any) -> subprocess.CompletedProcess[str]:
        assert argv[1:3] == ["-m", "fleetctl"]
        assert options["stdin"] == subprocess.DEVNULL
        assert "passphrase" in options["env"]["FLEETCTL_PASSPHRASE_FILE"]
        ran.append(tuple(argv[3:]))
        return subprocess.CompletedProcess(argv, 9 if failing and " ".join(argv[3:]).startswith(failing) else 0)

    monkeypatch.setattr(subprocess, "run", run)
    return ran


def test_each_step_is_a_command_that_exists(base: Path, recording: Path) -> None:
    names = {row.name for row in COMMANDS}
    assert {step.arguments[0] for step in demo.steps(base, recording)} <= names


def test_every_step_runs_once_and_in_order(base: Path, recording: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ran = commands(monkeypatch)
    timings = demo.run(recording, lambda _: None)
    planned = demo.steps(base, recording)
    assert ran == [step.arguments for step in planned if step.skip() is None]
    assert [timing.title for timing in timings] == [step.title for step in planned]
    text = demo.summary(timings)
    assert "total" in text
    assert "fleetctl lab down lab-1" in text


def test_a_fleet_that_exists_is_kept(base: Path, recording: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (base / "fleet").mkdir(parents=True)
    (base / "fleet" / "fleet.yaml").write_text("")
    ran = commands(monkeypatch)
    demo.run(recording, lambda _: None)
    assert not any(arguments[0] == "init" for arguments in ran)


def test_it_stops_at_the_first_failure_and_names_the_command(
    base: Path, recording: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = commands(monkeypatch, failing="egress prove")
    with pytest.raises(ChangeError, match=r"prove that nothing leaves \(exit code 9\)") as caught:
        demo.run(recording, lambda _: None)
    assert "fleetctl egress prove lab-1" in caught.value.hint
    assert ran[-1][:2] == ("egress", "prove")


def test_the_passphrase_is_private_and_kept(base: Path) -> None:
    base.mkdir()
    first = demo.passphrase_file(base)
    secret = first.read_text()
    assert stat.S_IMODE(first.stat().st_mode) == 0o600
    assert demo.passphrase_file(base).read_text() == secret
    assert len(secret) > 30


def test_a_missing_recording_is_found_before_anything_runs(
    base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = commands(monkeypatch)
    with pytest.raises(ConfigError, match=r"nothing\.wav"):
        demo.run(tmp_path / "nothing.wav", lambda _: None)
    assert not ran


def test_a_rollout_that_was_cut_off_is_ended_before_the_next(fleet_dir: FleetDir) -> None:
    assert demo._no_rollout_left(fleet_dir.path) == "there was none"
    planned = plan()
    with opened_journal(fleet_dir) as journal:
        journal.begin(planned, "alex", NOW)
        assert demo._no_rollout_left(fleet_dir.path) is None
        journal.change(planned.id, NOW, "alex", values={"state": RolloutState.ABORTED})
    assert demo._no_rollout_left(fleet_dir.path) == f"{planned.id[:12]} is aborted"

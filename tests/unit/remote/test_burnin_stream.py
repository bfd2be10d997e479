"""A burn-in over a real sshd. The box's program is a stand-in: a shell script that prints a prepared stream."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from appliance.contract.burnin import BurnInReport
from fleetctl.errors import UnreachableError
from fleetctl.models.fleetdir import FleetDir
from fleetctl.models.site import Site
from fleetctl.phases.run_burnin import BurnInOutcome, RunBurnIn
from fleetctl.phases.runner import HostReport, Interruption, run_phases
from fleetctl.remote.connection import Connection
from fleetctl.remote.conversation import LINE_LIMIT_BYTES
from fleetctl.trust.keystore import KeyStore
from fleetctl.trust.passphrase import Passphrase
from fleetctl.trust.ssh_agent import ssh_agent
from tests.fakes import burnin as fake
from tests.fakes.host import FakeHost, FakeOperator, FakePlaybooks, host_run

pytestmark = pytest.mark.slow

Box = Callable[[str], list[str]]


@pytest.fixture(scope="module")
def agent(keystore: KeyStore, passphrase: Passphrase) -> Iterator[Path]:
    with ssh_agent(keystore, passphrase) as socket:
        yield socket


@pytest.fixture
def connection(site: Site, pinned: FleetDir, agent: Path) -> Iterator[Connection]:
    with Connection(site, pinned, agent) as opened:
        yield opened


@pytest.fixture
def stand_in(tmp_path: Path) -> Box:
    """Give it the script of a stand-in for `appliancectl`; it gives the argv that starts it. $P and $R are files with
    a progress line and a report."""
    (tmp_path / "progress").write_text(fake.progress().model_dump_json() + "\n")
    (tmp_path / "report").write_text(fake.report().model_dump_json() + "\n")

    def made(script: str) -> list[str]:
        path = tmp_path / "stand-in-for-appliancectl"
        path.write_text(f"#!/bin/sh\nP={tmp_path}/progress R={tmp_path}/report D={tmp_path}\n{script}\n")
        path.chmod(0o755)
        return [str(path)]

    return made


def burn_in(
    connection: Connection, argv: list[str], monkeypatch: pytest.MonkeyPatch
) -> tuple[HostReport, BurnInOutcome]:
    """The phase itself over the connection, with the stand-in in place of the box's program."""
    monkeypatch.setattr("fleetctl.phases.run_burnin.burnin_command", lambda *_: argv)
    run = host_run(FakeHost(), FakePlaybooks({}), FakeOperator(), [])
    run.host = connection
    outcomes: dict[str, BurnInOutcome] = {}
    report = run_phases((RunBurnIn(1, outcomes),), run, Interruption())
    return report, outcomes["lab-1"]


def test_progress_and_report_arrive_whole(
    connection: Connection, stand_in: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    report, outcome = burn_in(connection, stand_in('cat $P; sleep 0.3; cat $P; printf %s "$(cat $R)"'), monkeypatch)
    assert report.error is None
    assert outcome.progress == fake.progress()
    assert isinstance(outcome.report, BurnInReport)
    assert outcome.report == fake.report()


def test_each_line_is_handed_over_while_the_command_runs(connection: Connection, stand_in: Box, tmp_path: Path) -> None:
    """The command waits until its first line was heard."""
    heard: list[str] = []

    def hear(line: str) -> None:
        heard.append(line)
        (tmp_path / "heard").touch()

    argv = stand_in("cat $P; until [ -e $D/heard ]; do sleep 0.05; done; cat $P; echo aside >&2; exit 3")
    done = connection.stream(argv, hear, timeout_s=120, silence_s=60)
    assert (done.exit_code, done.stdout, done.stderr) == (3, "", "aside\n")
    assert len(heard) == 2


def test_a_connection_that_dies_in_the_middle_is_unreachable_at_once(
    connection: Connection, stand_in: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The stand-in kills the server's process of this session, as a machine that loses its power ends it."""
    started_s = time.monotonic()
    report, outcome = burn_in(connection, stand_in("cat $P; sleep 0.5; kill -9 $PPID; sleep 120"), monkeypatch)
    assert isinstance(report.error, UnreachableError)
    assert "broke" in report.error.message
    assert time.monotonic() - started_s < 60
    assert outcome.progress is not None
    assert outcome.report is None


def test_a_line_without_an_end_is_not_taken_in(
    connection: Connection, stand_in: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    argv = stand_in("head -c 3000000 /dev/zero | tr '\\0' x; sleep 30")
    report, _ = burn_in(connection, argv, monkeypatch)
    assert report.error is not None
    assert f"more than {LINE_LIMIT_BYTES} bytes in one line" in report.error.message


def test_what_is_no_line_of_a_burn_in_ends_the_session(
    connection: Connection, stand_in: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    report, outcome = burn_in(connection, stand_in("cat $P; echo core dumped; sleep 30"), monkeypatch)
    assert report.error is not None
    assert "no burn-in, line 2" in report.error.message
    assert outcome.progress is not None


def test_silence_is_noticed(connection: Connection, stand_in: Box) -> None:
    with pytest.raises(UnreachableError, match="said nothing for 1 s"):
        connection.stream(stand_in("cat $P; sleep 30"), lambda line: None, timeout_s=120, silence_s=1)


@pytest.mark.parametrize("learns", ["cat >/dev/null", "while cat $P; do sleep 0.1; done 2>/dev/null"])
def test_ctrl_c_ends_the_session_and_the_box_learns_of_it(
    connection: Connection, stand_in: Box, tmp_path: Path, learns: str
) -> None:
    """By the end of its stdin, or because nobody takes its lines any more: so it knows to end its load."""
    heard: list[str] = []
    connection.cancelled = lambda: bool(heard)
    argv = stand_in(f"trap '' HUP PIPE; cat $P; {learns}; touch $D/ended")
    with pytest.raises(KeyboardInterrupt):
        connection.stream(argv, heard.append, timeout_s=120, silence_s=120)
    deadline_s = time.monotonic() + 120
    while not (tmp_path / "ended").exists():
        assert time.monotonic() < deadline_s, "the stand-in goes on after the session"
        time.sleep(0.05)

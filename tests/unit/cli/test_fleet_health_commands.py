"""`status`, `top` and `health` as they are typed, against real servers on loopback: output, exit codes, refusals."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from appliance.contract.envelope import public_key_text
from appliance.contract.signed import seal
from fleetctl.__main__ import run
from fleetctl.actions.health import acknowledge
from fleetctl.errors import ChangeError, RefusedError, UsageError
from fleetctl.facts.base import Completed
from fleetctl.models.fleetdir import FleetDir
from fleetctl.trust import renewal
from fleetctl.trust.ca import Authority
from fleetctl.trust.keystore import KeyStore
from fleetctl.trust.passphrase import Passphrase
from tests.fakes import health_server as servers
from tests.fakes.health_server import Behaviour, HealthServer, answer, snapshot_body
from tests.fakes.host import FakeHost
from tests.fakes.observed import FAULT
from tests.fakes.terminal import DEADLINE_S, Terminal

KEY = Ed25519PrivateKey.generate()


@pytest.fixture(scope="module")
def authority(keystore: KeyStore, passphrase: Passphrase) -> Authority:
    return Authority.open(keystore, passphrase)


@pytest.fixture
def add(
    authority: Authority, keystore: KeyStore, fleet_dir: FleetDir, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    passphrase: Passphrase,
) -> Iterator[Callable[..., HealthServer]]:  # fmt: skip
    """Adds a site to the fleet whose server behaves as told; the fleet and its passphrase are those of the command."""
    started: list[HealthServer] = []

    def start(name: str, behave: Behaviour | None, *, pinned: bool = True) -> HealthServer:
        pem = servers.certificate(authority, name, tmp_path)
        server = HealthServer(behave, pem, keystore.path("ca.crt"))
        started.append(server)
        fleet_dir.write_site(server.site(name))
        if pinned:
            with fleet_dir.health_keys.open("a") as keys:
                keys.write(f"{name} {public_key_text(KEY.public_key())}\n")
        return server

    secret = tmp_path / "passphrase"
    secret.write_text(passphrase.reveal())
    secret.chmod(0o600)
    monkeypatch.setenv("FLEETCTL_PASSPHRASE_FILE", str(secret))
    monkeypatch.setenv("FLEETCTL_FLEET", str(fleet_dir.path))
    monkeypatch.setenv("FLEETCTL_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("FLEETCTL_CACHE_DIR", str(tmp_path / "cache"))
    yield start
    for server in started:
        server.close()


def well(name: str, **changed: Any) -> Behaviour:
    """A signed snapshot of now, a new one for each question."""

    def behave(connection: Any, request: bytes) -> None:
        sequence = time.monotonic_ns() // 1000
        answer(seal(snapshot_body(**{"site": name, "sequence": sequence, **changed}), KEY))(connection, request)

    return behave


RAID = {"verdict": "degraded", "reason": "1 of 2 members active", "next_action": "replace the disk"}
Add = Callable[..., HealthServer]


def test_status_shows_what_is_wrong_and_its_code_is_that_of_the_worst(
    add: Add, capsys: pytest.CaptureFixture[str]
) -> None:
    add("alpha", well("alpha"))
    add("raid", well("raid", verdict="degraded", storage=RAID))
    assert run(["status"]) == 3
    out, err = capsys.readouterr()
    assert out.splitlines()[1:] == [
        "! degraded  raid  storage: 1 of 2 members active", "            → replace the disk", "✓ ok        1 site",
    ]  # fmt: skip
    assert err == ""
    assert run(["status", "alpha"]) == 0
    add("off", None)
    assert run(["status", "--deadline", "0.4"]) == 5
    assert "? unknown   off  connected, and no whole answer" in capsys.readouterr().out
    assert run(["status", "-o", "json", "--deadline", "0.4"]) == 5
    rows = json.loads(capsys.readouterr().out)
    assert [(row["site"], row["verdict"], row["outcome"]) for row in rows] == [
        ("off", "unknown", "too_slow"), ("raid", "degraded", "answered"), ("alpha", "ok", "answered")]  # fmt: skip


def test_a_snapshot_that_another_command_saw_is_a_replay(add: Add, capsys: pytest.CaptureFixture[str]) -> None:
    numbers = iter([9, 8])

    def behave(connection: Any, request: bytes) -> None:
        answer(seal(snapshot_body(site="alpha", sequence=next(numbers)), KEY))(connection, request)

    add("alpha", behave)
    assert run(["status"]) == 0
    assert run(["status"]) == 4
    assert "the snapshot was seen before" in capsys.readouterr().out


def test_a_store_that_fails_hides_nothing_and_counts_where_all_is_well(
    add: Add, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("FLEETCTL_STORE", f"sqlite:///{tmp_path / 'file' / 'x.db'}")
    add("alpha", well("alpha"))
    assert run(["status"]) == 1
    out, err = capsys.readouterr()
    assert out.startswith("1 site: ✓ 1 ok")
    assert err.startswith("not kept: ")
    assert "FLEETCTL_STORE" in err
    add("raid", well("raid", verdict="degraded", storage=RAID))
    assert run(["status"]) == 3


def test_an_expired_certificate_is_said_once(
    add: Add, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    server = add("alpha", well("alpha"))
    from fleetctl.remote import poll_tls

    monkeypatch.setattr(poll_tls.time, "time", lambda: 4e9)  # the year 2096
    assert run(["status"]) == 9
    assert "operator's certificate" in capsys.readouterr().err
    assert server.connections == 0


def test_a_wrong_passphrase(add: Add, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    add("alpha", well("alpha"))
    (tmp_path / "passphrase").write_text("not the right one at all")
    assert run(["status"]) == 9
    assert "the passphrase does not open operator.key" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["status", "--wtach", "3"], "No such option"),
        (["status", "alhpa"], "did you mean alpha?"),
        (["status", "-l", "ring=nowhere"], "no site to show"),
        (["status", "alpha", "-l", "a=b"], "both names and selectors"),
        (["top", "--sort", "heat"], "heat"),
        (["health", "check"], "no site was named"),
        (["health", "check", "--all", "--nagios", "-o", "json"], "a form of its own"),
        (["health", "history", "alpha", "--since", "yesterday"], "no length of time"),
        (["health", "explain", "gpu_rwos"], "gpu_rows"),
    ],
)
def test_wrong_usage_is_refused_with_the_way_out(
    add: Add, capsys: pytest.CaptureFixture[str], argv: list[str], words: str
) -> None:
    server = add("alpha", well("alpha"))
    assert run(argv) == 2
    out, err = capsys.readouterr()
    assert (words in err, out) == (True, "")
    assert server.connections == 0


def test_check_gpu_top_drift_and_history(add: Add, capsys: pytest.CaptureFixture[str]) -> None:
    add("raid", well("raid", verdict="degraded", storage=RAID, faults=[{**FAULT, "state": "acknowledged",
        "acknowledged_by": "ana", "acknowledged_note": "ordered"}]))  # fmt: skip
    assert run(["health", "check", "raid"]) == 3
    assert "✓ ok        isolation: compared" in capsys.readouterr().out
    assert run(["health", "check", "--all", "--nagios"]) == 1
    assert capsys.readouterr().out.startswith("FLEET WARNING - 1 site: 1 degraded; raid: storage")
    assert run(["health", "gpu", "raid"]) == 0
    assert "acknowledged by ana: ordered" in capsys.readouterr().out
    assert run(["top"]) == 3
    assert capsys.readouterr().out.splitlines()[1].startswith("raid         ! degraded")
    assert run(["health", "drift"]) == 0
    assert capsys.readouterr().out == "no site differs\n"
    assert run(["health", "drift", "--release", "whisper-tiny.en", "-o", "json"]) == 0
    assert [row["site"] for row in json.loads(capsys.readouterr().out)] == ["raid"]
    assert run(["health", "history", "raid", "-o", "json"]) == 0
    history = json.loads(capsys.readouterr().out)
    assert (history["observations"]["degraded"], len(history["changes"]), len(history["faults"])) == (6, 1, 1)


def test_without_a_pinned_key_a_site_is_degraded_and_told_why(add: Add, capsys: pytest.CaptureFixture[str]) -> None:
    add("alpha", lambda connection, request: answer(snapshot_body(site="alpha"))(connection, request), pinned=False)
    assert run(["status"]) == 3
    assert "no health key is pinned" in capsys.readouterr().out


def _command(*argv: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "fleetctl", *argv], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env=dict(os.environ),
    )  # fmt: skip


def test_watching_in_a_pipe_prints_changes_and_ends_by_ctrl_c(add: Add, tmp_path: Path) -> None:
    state = {"storage": {"verdict": "ok", "reason": "compared"}, "verdict": "ok"}

    def behave(connection: Any, request: bytes) -> None:
        well("alpha", **state)(connection, request)

    server = add("alpha", behave)
    with _command("status", "--watch", "1") as watching:
        assert watching.stdout is not None
        assert "1 site: " in watching.stdout.readline()
        state.update(verdict="degraded", storage=RAID)
        assert "alpha ok -> degraded: storage: 1 of 2 members active" in watching.stdout.readline()
        watching.send_signal(signal.SIGINT)
        out, err = watching.communicate(timeout=DEADLINE_S)
        assert (watching.returncode, out, err) == (130, "", "")
    assert server.connections == 1
    with sqlite3.connect(next(tmp_path.glob("state/north/store/observations.db"))) as store:
        assert store.execute("SELECT verdict FROM observation ORDER BY id").fetchone() == ("ok",)
    store.close()


def test_ctrl_c_while_sites_are_asked_ends_at_once_without_a_trace(add: Add) -> None:
    server = add("silent", None)
    with _command("status") as asking:
        deadline_s = time.monotonic() + DEADLINE_S
        while not server.connections and time.monotonic() < deadline_s:
            time.sleep(0.02)
        asking.send_signal(signal.SIGINT)
        out, err = asking.communicate(timeout=DEADLINE_S)
        assert (asking.returncode, out, err) == (130, "", "")


def test_an_acknowledgement_goes_to_the_box_in_somebodys_name() -> None:
    argv = ("appliancectl", "health", "ack", "xid79-3b1c9a", "--note", "card ordered; ring bob")
    seen: list[list[str]] = []

    class Box(FakeHost):
        def run(self, argv: Any, *, timeout_s: float, stdin: str = "") -> Completed:
            seen.append(list(argv))
            return answers.pop(0)

    answers = [
        Completed(0, "xid79-3b1c9a: acknowledged by ana\n", ""),
        Completed(6, "", "error: xid79-3b1c9a is acknowledged already\n  hint: x"),
        Completed(2, "", "error: there is no fault xid1-000000\n"),
        Completed(1, "", ""),
    ]
    box = Box(readings=[])
    assert acknowledge(box, "lab-1", argv[3], argv[5]) == "xid79-3b1c9a: acknowledged by ana"
    assert tuple(seen[0][:6]) == argv
    assert (seen[0][6], "@" in seen[0][7]) == ("--by", True)
    with pytest.raises(UsageError, match="no fault's id"):
        acknowledge(box, "lab-1", "--by", "x")
    assert len(seen) == 1
    for error in (RefusedError, UsageError, ChangeError):
        with pytest.raises(error) as refused:
            acknowledge(box, "lab-1", argv[3], argv[5])
        assert "health gpu lab-1" in refused.value.hint


def test_on_a_terminal_each_round_is_laid_out_for_it(add: Add) -> None:
    """The second screen is like the first: as wide as the terminal, with its signs."""
    reason = "a reason that is much longer than the sixty columns of this terminal, so that it has to be wrapped"
    add("alpha", well("alpha", verdict="degraded", storage={**RAID, "reason": reason}))
    with (
        closing(Terminal(rows=20, columns=60)) as terminal,
        subprocess.Popen(
            [sys.executable, "-m", "fleetctl", "status", "--watch", "1"],
            stdin=terminal.child, stdout=terminal.child, stderr=terminal.child,
            env={**os.environ, "TERM": "xterm", "LC_ALL": "C.UTF-8"},
        ) as watching,
    ):  # fmt: skip
        try:
            seen = terminal.read(lambda shown: shown.count(b"every 1 s") >= 5)
            watching.send_signal(signal.SIGINT)
            terminal.read()
            assert watching.wait(DEADLINE_S) == 130
        finally:
            watching.kill()
    screens = seen.decode().split("every 1 s")
    assert all(reason not in screen for screen in screens)
    assert all("! degraded" in screen and "→ replace the disk" in screen for screen in screens[1:5])


def test_status_says_that_the_operators_certificate_ends(
    add: Callable[..., HealthServer], fleet_dir: FleetDir, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """Ahead of the day on which every site refuses it, on stderr, and without another exit code."""
    add("north", well("north"))
    assert run(["status"]) == 0
    assert "operator.crt" not in capsys.readouterr().err
    left = fleet_dir.keys.certificate("operator.crt").not_valid_after_utc - datetime.now(UTC)
    monkeypatch.setattr(renewal, "RENEW_BEFORE", left + timedelta(days=1))
    assert run(["status"]) == 0
    shown = capsys.readouterr().err
    assert "operator.crt is good until" in shown
    assert "hint: fleetctl keys renew" in shown

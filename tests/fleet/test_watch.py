"""The watcher as a daemon over a simulated fleet: it tells, it goes on, it says that it lives, and it is alone."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.web import Web, web
from tests.fleet.processes import poll
from tests.fleet.program import fleetctl
from tests.sim.fleet.running import Running, running
from tests.sim.fleet.scenario import Scenario

pytestmark = pytest.mark.slow

POLICY = """\
apiVersion: fleetctl/v1
kind: AlertPolicy
metadata: {{name: alerts}}
spec:
  interval: 5s
  rules:
    - {{name: not-well, severity: page, for: 0s, clear_after: 0s}}
    - {{name: degraded, severity: ticket, verdicts: [degraded], for: 0s, clear_after: 0s}}
  receivers:
    webhook: [{{url: "{url}/hook"}}]
"""


@pytest.fixture
def hook() -> Iterator[Web]:
    with web() as server:
        yield server


@pytest.fixture
def sim(tmp_path: Path, hook: Web) -> Iterator[Running]:
    with running(tmp_path / "sim", 4) as found:
        (found.fleet.path / "policies").mkdir()
        (found.fleet.path / "policies/alerts.yaml").write_text(POLICY.format(url=hook.url))
        yield found


class Daemon:
    """`fleetctl watch`, with a socket in systemd's place."""

    def __init__(self, sim: Running, folder: Path) -> None:
        self.metrics, self.errors = folder / "watch.prom", folder / "stderr"
        self._notified = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._notified.bind(str(folder / "n"))
        self._notified.settimeout(120)
        with self.errors.open("wb") as err:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "fleetctl", "watch", "--deadline", "60", "--metrics-file", str(self.metrics)],
                env={**os.environ, **sim.fleet.environment(), "FLEETCTL_FLEET": str(sim.fleet.path),
                     "NOTIFY_SOCKET": str(folder / "n")},
                stdin=subprocess.DEVNULL, stderr=err,
            )  # fmt: skip

    def notified(self, wanted: str) -> None:
        """Wait until systemd would have been told that."""
        while wanted not in self._notified.recv(4096).decode().splitlines():
            pass

    def end(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        code = self.process.wait(120)
        self._notified.close()
        return code


@pytest.fixture
def daemon(sim: Running, tmp_path: Path) -> Iterator[Daemon]:
    found = Daemon(sim, tmp_path)
    yield found
    if found.process.poll() is None:
        found.end(signal.SIGKILL)


def told(hook: Web) -> list[tuple[str, str, str]]:
    bodies = [json.loads(posted.body) for posted in hook.posted]
    return [(body["site"], body["check"], body["status"]) for body in bodies]


def test_it_tells_of_a_fault_and_its_end_and_of_nothing_twice(sim: Running, daemon: Daemon, hook: Web) -> None:
    daemon.notified("READY=1")
    daemon.notified("WATCHDOG=1")
    sim.play(Scenario.model_validate({"groups": [{"sites": "site-0001", "faults": ["array-degraded"]}]}))
    poll(lambda: ("site-0001", "storage", "firing") in told(hook), "the fault was not told")
    # A second watcher on this machine has no place.
    second = fleetctl(sim.fleet, "watch", "--once")
    assert (second.returncode, "watches the fleet" in second.stderr) == (8, True)

    # A policy that is wrong does not stop it: the one before holds, and that is said.
    policy = sim.fleet.path / "policies/alerts.yaml"
    right = policy.read_text()
    policy.write_text("spec: [")
    poll(lambda: "the earlier ones hold" in daemon.errors.read_text(), "the wrong policy was not told of")
    sim.play(Scenario())
    poll(lambda: ("site-0001", "storage", "resolved") in told(hook), "the end was not told")
    policy.write_text(right)
    assert daemon.end() == 0
    assert [one for one in told(hook) if one[0] == "site-0001"] == [
        ("site-0001", "storage", "firing"), ("site-0001", "storage", "resolved"),
    ]  # fmt: skip
    assert 'fleetctl_watch_sites{fleet="sim"} 4' in daemon.metrics.read_text()


def test_a_watcher_that_was_killed_goes_on_where_it_was(
    sim: Running, daemon: Daemon, hook: Web, tmp_path: Path
) -> None:
    sim.play(Scenario.model_validate({"groups": [{"sites": "site-0002", "wire": "refused"}]}))
    poll(lambda: ("site-0002", "refused", "firing") in told(hook), "the silent site was not told")
    poll(daemon.metrics.exists, "no round was finished")
    daemon.end(signal.SIGKILL)
    alive = fleetctl(sim.fleet, "watch", "--check")
    assert alive.returncode == 0, alive.stderr  # the last round is seconds old; later it is not
    (tmp_path / "again").mkdir()
    again = Daemon(sim, tmp_path / "again")
    again.notified("WATCHDOG=1")
    again.notified("WATCHDOG=1")
    assert again.end() == 0
    assert told(hook).count(("site-0002", "refused", "firing")) == 1
    listed = json.loads(fleetctl(sim.fleet, "alerts", "list", "-o", "json").stdout)
    assert [(row["site"], row["phase"]) for row in listed["alerts"]] == [("site-0002", "firing")]


def test_a_key_that_is_pinned_meanwhile_is_taken_up(sim: Running, tmp_path: Path, hook: Web) -> None:
    pins = sim.fleet.path / "health_keys"
    lines = pins.read_text()
    pins.write_text("".join(line for line in lines.splitlines(True) if not line.startswith("site-0000 ")))
    daemon = Daemon(sim, tmp_path)
    try:
        unsigned = ("site-0000", "snapshot_signed")
        poll(lambda: (*unsigned, "firing") in told(hook), "a site without a pinned key was not told")
        pins.write_text(lines)
        poll(lambda: (*unsigned, "resolved") in told(hook), "the pin was not taken up")
    finally:
        assert daemon.end() == 0


def test_a_silence_holds_and_ends(sim: Running, hook: Web) -> None:
    sim.play(Scenario.model_validate({"groups": [{"sites": "site-0003", "faults": ["clock-free"]}]}))
    done = fleetctl(sim.fleet, "alerts", "silence", "clock", "--site", "site-0003", "--for", "1h", "--reason", "known")
    assert done.returncode == 0, done.stderr
    assert fleetctl(sim.fleet, "watch", "--once").returncode == 0
    assert [one for one in told(hook) if one[0] == "site-0003"] == []
    shown = fleetctl(sim.fleet, "alerts", "list").stdout
    assert "quiet: silence clock" in " ".join(shown.split()) or "silence clock" in shown
    assert fleetctl(sim.fleet, "alerts", "unsilence", "clock").returncode == 0
    assert fleetctl(sim.fleet, "watch", "--once").returncode == 0
    assert ("site-0003", "clock", "firing") in told(hook)


def test_the_unit_is_one_that_systemd_takes(sim: Running, tmp_path: Path) -> None:
    done = fleetctl(sim.fleet, "watch", "--print-unit", "--metrics-file", str(tmp_path / "with blank/w.prom"))
    assert done.returncode == 0, done.stderr
    unit = tmp_path / "fleetctl-watch.service"
    # The program that is named must exist for the check; here fleetctl is a module of this Python.
    program = shutil.which("true")
    unit.write_text(done.stdout.replace(str(Path(sys.executable).with_name("fleetctl")), program or "/bin/true"))
    verified = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(unit)], capture_output=True, text=True, timeout=60, check=False
    )
    assert (verified.returncode, verified.stderr) == (0, "")
    assert f'"{tmp_path}/with blank/w.prom"' in done.stdout

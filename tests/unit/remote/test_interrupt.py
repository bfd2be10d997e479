"""Ctrl-C and kill -9 of a whole process that provisions over a real sshd: what becomes of the lock."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from fleetctl.models.fleetdir import FleetDir
from fleetctl.models.site import Site
from fleetctl.remote import playbook

pytestmark = pytest.mark.slow

PLAYBOOK = """\
- hosts: all
  gather_facts: false
  tasks:
    - ansible.builtin.copy: {content: "{{ fleet_site.lock.token }}", dest: "FOLDER/lock", mode: "0600"}
      tags: [lock, never]
    - ansible.builtin.shell: touch FOLDER/started; sleep 100
      tags: [seal, never]
    - ansible.builtin.file: {path: "FOLDER/lock", state: absent}
      tags: [unlock, never]
"""
DRIVER = """\
import sys
from pathlib import Path
from fleetctl.__main__ import take_signals
import fleetctl.cli.app, fleetctl.actions.provision as provision, fleetctl.remote.playbook as playbook
from fleetctl.errors import FleetctlError
from fleetctl.models.fleetdir import FleetDir
from fleetctl.phases.acquire_lock import AcquireLock
from fleetctl.phases.base import PhaseResult
from fleetctl.phases.connect import Connect
from fleetctl.phases.release_lock import ReleaseLock
from fleetctl.trust.passphrase import Passphrase

class Slow:
    title, after_failure = "Slow", False
    def run(self, run):
        run.apply("seal")
        return PhaseResult()

take_signals()
folder = Path(sys.argv[1])
playbook.resource_dir = lambda name: folder
playbook.REMOTE_TMP = str(folder / "remote-tmp")
fleet = FleetDir(Path(sys.argv[2]))
PASSPHRASE = Passphrase("correct horse battery staple")
phases = (Connect(), AcquireLock(), *([Slow()] if sys.argv[3] == "slow" else []), ReleaseLock())
try:
    reports = provision.run_sites(
        phases, playbook.AnsiblePlaybooks, fleet, fleet.sites(), PASSPHRASE, print, "test"
    )
except KeyboardInterrupt:
    sys.exit(130)
sys.exit(1 if any(report.error for report in reports) else 0)
"""


@pytest.fixture
def folder(tmp_path: Path, pinned: FleetDir, site: Site, monkeypatch: pytest.MonkeyPatch) -> Path:
    made = tmp_path / "playbooks"
    made.mkdir()
    (made / playbook.PLAYBOOK).write_text(PLAYBOOK.replace("FOLDER", str(made)))
    monkeypatch.setenv("FLEETCTL_STATE_DIR", str(tmp_path / "state"))
    pinned.write_site(site)
    return made


def _start(folder: Path, fleet: FleetDir, kind: str) -> subprocess.Popen[str]:
    """In a process group of its own, as a shell starts a command on a terminal."""
    return subprocess.Popen(
        [sys.executable, "-c", DRIVER, str(folder), str(fleet.path), kind],
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL),  # the tests may run under nohup themselves
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


def _until(path: Path, process: subprocess.Popen[str]) -> None:
    deadline_s = time.monotonic() + 180
    while not path.exists():
        assert process.poll() is None, process.stdout.read() if process.stdout else ""
        assert time.monotonic() < deadline_s, f"{path} did not appear"
        time.sleep(0.05)


def _agents(pid: int) -> set[int]:
    """The agents below a process. Other tests have theirs, beside this one."""
    rows = subprocess.run(["ps", "-e", "-o", "pid=,ppid=,args="], capture_output=True, text=True, check=True).stdout
    processes = {int(row.split()[0]): (int(row.split()[1]), row.split(maxsplit=2)[2:]) for row in rows.splitlines()}
    below = {pid}
    while more := {each for each, (parent, _) in processes.items() if parent in below} - below:
        below |= more
    return {each for each in below if "".join(processes.get(each, (0, ()))[1]).startswith("ssh-agent ")}


def _gone(pids: set[int]) -> bool:
    """Whether they end; they are told to by the end of their user."""
    deadline_s = time.monotonic() + 180
    while any(Path(f"/proc/{pid}").exists() for pid in pids):
        if time.monotonic() > deadline_s:
            return False
        time.sleep(0.05)
    return True


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGHUP, 129)], ids=["Ctrl-C", "a terminal that goes"]
)
def test_what_a_terminal_sends_releases_the_lock(
    folder: Path, pinned: FleetDir, number: signal.Signals, code: int
) -> None:
    process = _start(folder, pinned, "slow")
    _until(folder / "started", process)
    assert (folder / "lock").exists()
    agents = _agents(process.pid)
    assert agents
    os.killpg(process.pid, number)  # what a terminal does: the whole foreground group gets it
    if number is signal.SIGHUP:
        os.kill(process.pid, number)  # and the shell sends one to its jobs
    output, _ = process.communicate(timeout=180)
    assert process.returncode == code, output
    assert not (folder / "lock").exists(), output
    assert _gone(agents)


def test_nohup_is_respected() -> None:
    program = "import signal, fleetctl.__main__ as m; m.take_signals(); print(signal.getsignal(signal.SIGHUP).name)"
    done = subprocess.run(
        ["sh", "-c", 'trap "" HUP; exec "$@"', "sh", sys.executable, "-c", program],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.stdout, done.stderr) == ("SIG_IGN\n", "")


def test_kill_9_leaves_the_lock_and_the_next_run_takes_it_over(folder: Path, pinned: FleetDir) -> None:
    process = _start(folder, pinned, "slow")
    _until(folder / "started", process)
    process.kill()
    process.communicate(timeout=180)
    token = (folder / "lock").read_text()
    again = _start(folder, pinned, "quick")
    output, _ = again.communicate(timeout=180)
    assert again.returncode == 0, output
    assert not (folder / "lock").exists()
    assert (pinned.state_dir / "sites" / "north-clinic.token").read_text().strip() == token

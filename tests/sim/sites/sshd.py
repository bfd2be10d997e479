"""The real sshd of one simulated site, and the end of all of the site's processes at once.

One sshd a site: its start costs 10 ms and 2 MB of its own, a site that is off has no listener, and a power cut ends a
tree of processes and nobody else's. SetEnv gives its sessions the site's root and PATH.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from contextlib import suppress
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.sim.sites.places import Places
from tests.sim.sites.programs import environment

_START_S = 60.0


class Sshd:
    """`address` is one of 127/8; `authorized` is the file with the keys that may log in."""

    def __init__(self, places: Places, address: str, port: int, authorized: Path) -> None:
        self.places, self.address, self.port = places, address, port
        self._folder = places.simulated / "ssh"
        self._folder.mkdir(parents=True, exist_ok=True)
        key = Ed25519PrivateKey.generate()
        text = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
        )
        (self._folder / "host").write_bytes(text)
        (self._folder / "host").chmod(0o600)
        public = key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
        self.host_key = public.decode()
        (self._folder / "config").write_text(self._configuration(authorized))
        self._process: subprocess.Popen[bytes] | None = None

    def _configuration(self, authorized: Path) -> str:
        given = " ".join(f'"{name}={value}"' for name, value in environment(self.places).items())
        lines = (
            f"ListenAddress {self.address}:{self.port}", f"HostKey {self._folder}/host",
            f"AuthorizedKeysFile {authorized}", "PasswordAuthentication no", "KbdInteractiveAuthentication no",
            "PermitRootLogin prohibit-password", "StrictModes no", "UsePAM no", "UseDNS no", "PidFile none",
            "PrintMotd no", "PrintLastLog no", "MaxStartups 100", "MaxSessions 50", f"SetEnv {given}", "",
        )  # fmt: skip
        return "\n".join(lines)

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start it; `wait` says when it listens, so that many can start at once."""
        program = shutil.which("sshd", path=os.environ["PATH"] + ":/usr/sbin")
        if program is None:
            raise RuntimeError("no sshd; hint: setup/host.sh test")
        Path("/run/sshd").mkdir(exist_ok=True)  # its empty folder, made by its service else
        arguments = ["-D", "-E", str(self._folder / "log"), "-f", str(self._folder / "config")]
        # It does not outlive a test that is killed.
        self._process = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", program, *arguments])

    def wait(self) -> None:
        """Return when it listens."""
        assert self._process is not None
        deadline_s = time.monotonic() + _START_S
        while True:
            with socket.socket() as probe:
                if probe.connect_ex((self.address, self.port)) == 0:
                    return
            if self._process.poll() is not None or time.monotonic() > deadline_s:
                raise RuntimeError(f"sshd did not start: {(self._folder / 'log').read_text(errors='replace')[-1000:]}")
            time.sleep(0.02)

    def kill_connections(self) -> None:
        """End the listener and its sessions only, as a broken link does: what was ordered may go on without them."""
        if self._process is not None:
            _signal(self._process.pid, signal.SIGSTOP)
            sessions = {pid for pid in _below({self._process.pid}) if _program(pid).startswith("sshd")}
            for pid in (self._process.pid, *sessions):
                _signal(pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

    def kill(self) -> None:
        """End the listener, its sessions and everything that runs at the site, as the end of power does: at once.

        All are stopped first, so that none sees another end and goes on by a step.
        """
        roots = [] if self._process is None else [self._process.pid]
        for pid in roots:
            _signal(pid, signal.SIGSTOP)
        stopped: set[int] = set(roots)
        while found := _of_site(self.places.root, stopped) - stopped:
            for pid in found:
                _signal(pid, signal.SIGSTOP)
            stopped |= found
        for pid in stopped:
            _signal(pid, signal.SIGKILL)
        if self._process is not None:
            self._process.wait()
            self._process = None


def _signal(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)


def _program(pid: int) -> str:
    with suppress(OSError):
        return Path(f"/proc/{pid}/comm").read_text().strip()
    return ""


def _processes() -> dict[int, int]:
    """Every process and its parent."""
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError, ValueError, IndexError):
                found[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
    return found


def _below(parents: set[int]) -> set[int]:
    """All descendants."""
    parent_of = _processes()
    found, grown = set(parents), True
    while grown:
        more = {pid for pid, parent in parent_of.items() if parent in found} - found
        found |= more
        grown = bool(more)
    return found - parents


def working(root: Path) -> set[int]:
    """Processes that have the site's root in their environment: everything but sshd itself."""
    marker = b"SIMULATED_SITE=" + os.fsencode(root)
    found = set()
    for pid in _processes():
        with suppress(OSError):
            if marker in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0"):
                found.add(pid)
    return found


def _of_site(root: Path, parents: set[int]) -> set[int]:
    marked = working(root)
    return (parents | marked | _below(parents | marked)) - {os.getpid()}

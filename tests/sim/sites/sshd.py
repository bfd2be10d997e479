"""The real sshd of one simulated site, and the end of all of the site's processes at once.

One sshd a site: its start costs 10 ms and 2 MB of its own, a site that is off has no listener, and a power cut ends a
tree of processes and nobody else's. SetEnv gives its sessions the site's root and PATH.
"""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from pathlib import Path

from tests.fakes.sshd import LoopbackSshd
from tests.sim.sites.places import Places
from tests.sim.sites.programs import environment


class Sshd(LoopbackSshd):
    """`address` is one of 127/8; `authorized` is the file with the keys that may log in."""

    def __init__(self, places: Places, address: str, port: int, authorized: Path) -> None:
        self.places = places
        folder = places.simulated / "ssh"
        folder.mkdir(parents=True, exist_ok=True)
        super().__init__(folder, address, port, authorized, environment(places))

    def kill_connections(self) -> None:
        """End the listener and its sessions only, as a broken link does: what was ordered may go on without them."""
        if self.process is not None:
            _signal(self.process.pid, signal.SIGSTOP)
            sessions = {pid for pid in _below({self.process.pid}) if _program(pid).startswith("sshd")}
            for pid in (self.process.pid, *sessions):
                _signal(pid, signal.SIGKILL)
            self.process.wait()
            self.process = None

    def kill(self) -> None:
        """End the listener, its sessions and everything that runs at the site, as the end of power does: at once.

        All are stopped first, so that none sees another end and goes on by a step.
        """
        roots = [] if self.process is None else [self.process.pid]
        for pid in roots:
            _signal(pid, signal.SIGSTOP)
        stopped: set[int] = set(roots)
        while found := _of_site(self.places.root, stopped) - stopped:
            for pid in found:
                _signal(pid, signal.SIGSTOP)
            stopped |= found
        for pid in stopped:
            _signal(pid, signal.SIGKILL)
        if self.process is not None:
            self.process.wait()
            self.process = None


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

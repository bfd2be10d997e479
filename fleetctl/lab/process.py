"""A virtual site's processes: started detached, written down, and recognised for certain by any later fleetctl.

A process belongs to a site when its program is one that the lab starts and one of its arguments names a file under
the site's runtime directory. What was written down (pid and start time) says which of them plays which part; the
search through /proc also finds one that was started in the instant before fleetctl was killed.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from fleetctl.errors import FleetctlError

# What the lab starts. An editor or a pager that has the serial log open is none of them.
_PROGRAMS = ("qemu-system-", "swtpm", "python")
_CANARY_MODULE = "fleetctl.lab.canary"
_EXEC_S = 5.0

# What this very process started: a child of ours that has died has to be reaped by us, whoever ended it.
_children: set[int] = set()


class ProcessRecord(BaseModel):
    """Identity of one process. The start time (clock ticks after boot) tells it from a later one with its number."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    pid: int
    start_ticks: int


class SiteProcesses:
    """The processes of the site whose files are in `runtime_dir`."""

    def __init__(self, runtime_dir: Path) -> None:
        self._runtime_dir = runtime_dir
        self._pid_dir = runtime_dir / "pids"

    def start(self, name: str, argv: Sequence[str], *, environment: dict[str, str] | None = None) -> int:
        """Start `argv` in its own session, in the runtime directory, with output to `<name>.log`; write it down.

        The working directory is what lets the lab use short relative names for unix sockets, whose paths may have
        no more than 107 bytes.
        """
        self._pid_dir.mkdir(parents=True, exist_ok=True)
        with self.log_path(name).open("wb") as log:
            child = subprocess.Popen(
                list(argv),
                cwd=self._runtime_dir,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env=environment,
            )
        _children.add(child.pid)
        # For an instant after exec the kernel shows no command line yet, and the process would not be recognised.
        deadline = time.monotonic() + _EXEC_S
        while not self._owns(child.pid) and child.pid in _children and time.monotonic() < deadline:
            time.sleep(0.001)
        # It is to outlive us, and `_reap` knows it by its number: the handle has nothing more to wait for.
        child.returncode = 0
        start_ticks = _start_ticks(child.pid)
        if start_ticks is not None:
            self._write(name, ProcessRecord(pid=child.pid, start_ticks=start_ticks))
        return child.pid

    def log_path(self, name: str) -> Path:
        """Where the standard output and error of process `name` go."""
        return self._runtime_dir / f"{name}.log"

    def log_tail(self, name: str, lines: int = 5) -> str:
        """Last words of a process, for an error message."""
        try:
            text = self.log_path(name).read_text(encoding="utf-8", errors="replace")
        except OSError:
            return ""
        return "\n".join(text.strip().splitlines()[-lines:])

    def pid(self, name: str) -> int | None:
        """The pid of the recorded process if that very process still runs."""
        try:
            record = ProcessRecord.model_validate_json((self._pid_dir / f"{name}.json").read_bytes())
        except (OSError, ValidationError):
            return None
        if _start_ticks(record.pid) != record.start_ticks or not self._owns(record.pid):
            return None
        return record.pid

    def stop(self, name: str, grace_s: float) -> None:
        """End one recorded process: ask, and after `grace_s` force. Nothing happens if it does not run."""
        pid = self.pid(name)
        if pid is not None:
            self._end(pid, grace_s)
        (self._pid_dir / f"{name}.json").unlink(missing_ok=True)

    def stop_all(self, grace_s: float) -> int:
        """End every process of the site, written down or not; returns how many there were."""
        owned = list(self._search())
        for pid in owned:
            self._end(pid, grace_s)
        for record in self._pid_dir.glob("*.json"):
            record.unlink(missing_ok=True)
        return len(owned)

    def _search(self) -> Iterator[int]:
        for entry in Path("/proc").iterdir():
            if entry.name.isdecimal() and self._owns(int(entry.name)):
                yield int(entry.name)

    def _owns(self, pid: int) -> bool:
        """Whether `pid` is alive, ours by user, and by its command line a process of this site."""
        if pid == os.getpid() or _start_ticks(pid) is None:
            return False
        try:
            if Path(f"/proc/{pid}").stat().st_uid != os.getuid():
                return False
            argv = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
        except OSError:
            return False
        program = Path(argv[0]).name
        if not program.startswith(_PROGRAMS) or (program.startswith("python") and _CANARY_MODULE not in argv):
            return False
        return any(f"{self._runtime_dir}/" in argument for argument in argv[1:])

    def _end(self, pid: int, grace_s: float) -> None:
        try:
            handle = os.pidfd_open(pid)  # from here on the number cannot be taken over by another process
        except ProcessLookupError:
            return
        try:
            if not self._owns(pid):
                return
            for number, wait_s in ((signal.SIGTERM, grace_s), (signal.SIGKILL, 30.0)):
                if number is signal.SIGTERM and grace_s <= 0:
                    continue
                with suppress(ProcessLookupError):
                    signal.pidfd_send_signal(handle, number)
                if _wait(handle, wait_s):
                    _reap(pid)
                    return
        finally:
            os.close(handle)
        raise FleetctlError(
            f"process {pid} of {self._runtime_dir.name} does not end, even when killed",
            hint=f"look at /proc/{pid}/stack: it is most likely waiting for a disk",
        )

    def _write(self, name: str, record: ProcessRecord) -> None:
        partial = self._pid_dir / f".{name}"
        partial.write_text(record.model_dump_json(), encoding="utf-8")
        partial.replace(self._pid_dir / f"{name}.json")


def wait_for_exit(pid: int, timeout_s: float) -> bool:
    """Whether process `pid` is gone within `timeout_s`."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        gone = _wait(handle, timeout_s)
    finally:
        os.close(handle)
    if gone:
        _reap(pid)
    return gone


def age_s(pid: int) -> float | None:
    """Seconds since the process started, or None if it does not run."""
    ticks = _start_ticks(pid)
    return (
        None if ticks is None else max(0.0, time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK"))
    )


def _wait(handle: int, timeout_s: float) -> bool:
    """A pidfd becomes readable when its process ends; that holds for processes that are not our children too."""
    poller = select.poll()
    poller.register(handle, select.POLLIN)
    return bool(poller.poll(timeout_s * 1000))


def _reap(pid: int) -> None:
    if pid not in _children:
        return
    try:
        ended = os.waitpid(pid, os.WNOHANG)[0] == pid
    except ChildProcessError:  # somebody has reaped it
        ended = True
    if ended:
        _children.discard(pid)


def _start_ticks(pid: int) -> int | None:
    """Field 22 of /proc/<pid>/stat, or None when there is no such process or it is dead and unreaped."""
    _reap(pid)
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    fields = stat.rpartition(")")[2].split()  # the name before it may hold spaces and parentheses
    return None if fields[0] in ("Z", "X") else int(fields[19])

"""Receivers of an earlier transfer that still write a file: found by what they hold open, and ended."""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

from appliance.errors import RefusedError, UnknownStateError

# rsync moves what it has to its place for partial files when it is told to end; that is a rename.
_PATIENCE_S = 10.0
_PAUSE_S = 0.05
_RECEIVER = "rsync"


def writers_of(path: Path, proc: Path = Path("/proc")) -> list[int]:
    """Processes that hold this file open. Raises UnknownStateError where that cannot be told."""
    try:
        wanted = path.lstat()
    except FileNotFoundError:
        return []
    try:
        processes = [int(entry.name) for entry in proc.iterdir() if entry.name.isdigit()]
    except OSError as problem:
        raise UnknownStateError(f"{proc}: {problem.strerror}", hint="run it as root on the box") from None
    return [process for process in processes if _holds(proc / str(process) / "fd", wanted)]


def _holds(descriptors: Path, wanted: os.stat_result) -> bool:
    try:
        for descriptor in descriptors.iterdir():
            try:
                found = descriptor.stat()
            except OSError:
                continue  # closed meanwhile
            if (found.st_dev, found.st_ino) == (wanted.st_dev, wanted.st_ino):
                return True
    except OSError:
        pass  # the process ended meanwhile
    return False


def end_writers(
    path: Path,
    *,
    find: Callable[[Path], list[int]] = writers_of,
    kill: Callable[[int, int], None] = os.kill,
    name_of: Callable[[int], str] | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """End the receiver of an earlier transfer of this file: who orders it again has given it up.

    Raises RefusedError when something else than rsync holds it, or when it does not end.
    """
    waited_s = 0.0
    told: set[int] = set()
    while processes := find(path):
        for process in processes:
            name = (name_of or _name)(process)
            if name not in ("", _RECEIVER):
                raise RefusedError(f"{path.name} is held open by {name} ({process})", hint="wait until it has ended")
            if name and process not in told:
                told.add(process)
                try:
                    kill(process, signal.SIGTERM)
                except ProcessLookupError:
                    continue
        if waited_s >= _PATIENCE_S:
            raise RefusedError(
                f"an earlier transfer still writes {path.name} (process {processes[0]})",
                hint="is the disk slow? try again in a minute",
            )
        sleep(_PAUSE_S)
        waited_s += _PAUSE_S


def _name(process: int) -> str:
    """The program's name; empty when it has ended."""
    try:
        return Path(f"/proc/{process}/comm").read_text().strip()
    except OSError:
        return ""

"""Folders for secrets that live in memory only."""

from __future__ import annotations

import fcntl
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from fleetctl.errors import RefusedError

MEMORY_FILE_SYSTEMS = ("tmpfs", "ramfs")
_PREFIX = "fleetctl-"
_UNLOCKED = ".fleetctl-"


def memory_mount(mounts: str | None = None) -> Path:
    """A writable directory in memory. `mounts` is the text of /proc/mounts, a parameter for tests.

    Raises `RefusedError` if there is none: a key that touches a disk can be read from it later.
    """
    text = Path("/proc/mounts").read_text() if mounts is None else mounts
    kinds = {fields[1]: fields[2] for line in text.splitlines() if len(fields := line.split()) > 2}
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    for candidate in ("/dev/shm", runtime, "/run"):  # noqa: S108 - not a guessable name; mkdtemp makes one below it
        if kinds.get(candidate) in MEMORY_FILE_SYSTEMS and os.access(candidate, os.W_OK):
            return Path(candidate)
    raise RefusedError(
        "no writable file system in memory (/dev/shm, $XDG_RUNTIME_DIR, /run)", hint="mount -t tmpfs tmpfs /dev/shm"
    )


@contextmanager
def private_tmpfs_dir(purpose: str) -> Iterator[Path]:
    """A new folder in memory, mode 0700; its files are overwritten and removed at the end.

    It is locked while we live, so that the next call can remove what a killed process left. A process id would not do:
    containers that share /dev/shm do not see each other's.
    """
    base = memory_mount()
    _sweep(base)
    fresh = Path(tempfile.mkdtemp(prefix=f"{_UNLOCKED}{purpose}-", dir=base))
    held = _locked(fresh)
    try:
        # Only now can a sweeper find it, and then it is locked.
        directory = fresh.rename(base / f"{_PREFIX}{fresh.name.removeprefix(_UNLOCKED)}")
    except OSError:
        fresh.rmdir()
        raise
    try:
        yield directory
    finally:
        _destroy(directory)
        if held is not None:
            os.close(held)


def _locked(directory: Path) -> int | None:
    """A descriptor that holds the folder's lock until it is closed; None when somebody else holds it."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


def _sweep(base: Path) -> None:
    for directory in base.glob(f"{_PREFIX}*"):
        with suppress(OSError):  # another user's, or gone meanwhile
            status = directory.lstat()
            if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid():
                continue
            held = _locked(directory)
            if held is not None:
                _destroy(directory)
                os.close(held)


def _destroy(directory: Path) -> None:
    for path in directory.rglob("*"):
        if path.is_file() and not path.is_symlink():
            with path.open("r+b") as file:
                file.write(b"\0" * path.stat().st_size)
    shutil.rmtree(directory, ignore_errors=True)

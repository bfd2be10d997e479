"""Folders for secrets that live in memory only."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fleetctl.errors import RefusedError

MEMORY_FILE_SYSTEMS = ("tmpfs", "ramfs")


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

    Its name carries our process id, so that the next call can remove what a killed process left.
    """
    base = memory_mount()
    _sweep(base)
    directory = Path(tempfile.mkdtemp(prefix=f"fleetctl-{os.getpid()}-{purpose}-", dir=base))
    try:
        yield directory
    finally:
        _destroy(directory)


def _sweep(base: Path) -> None:
    for directory in base.glob("fleetctl-*-*"):
        pid = directory.name.split("-")[1]
        status = directory.lstat()
        ours = stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid()
        if ours and pid.isdigit() and not Path("/proc", pid).exists():
            _destroy(directory)


def _destroy(directory: Path) -> None:
    for path in directory.rglob("*"):
        if path.is_file() and not path.is_symlink():
            with path.open("r+b") as file:
                file.write(b"\0" * path.stat().st_size)
    shutil.rmtree(directory, ignore_errors=True)

"""One build at a time in a cache directory."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fleetctl.errors import LockHeldError


@contextmanager
def build_lock(path: Path) -> Iterator[None]:
    """Hold the lock file `path`. Raises `LockHeldError` at once when another process builds.

    The kernel drops the lock when the holder and the tools that it started are gone, however they went: there is no
    stale lock to clean up.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(descriptor, 32, 0).decode(errors="replace").strip() or "unknown"
            raise LockHeldError(
                f"another image build is running here (process {holder})",
                hint=f"wait for it, or use another cache with FLEETCTL_CACHE_DIR; lock: {path}",
            ) from None
        os.set_inheritable(descriptor, True)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)

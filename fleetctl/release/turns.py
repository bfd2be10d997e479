"""Who changes what of the releases on this machine takes turns; the kernel frees a lock with its process."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager

from fleetctl.errors import LockHeldError
from fleetctl.release.store import ReleaseStore


@contextmanager
def turn(store: ReleaseStore, lock: str, words: str) -> Iterator[None]:
    """Hold the file `lock` of the store. Raises LockHeldError: "another process on this machine `words`"."""
    folder = store.fleet.state_dir / "releases"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(folder / lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LockHeldError(f"another process on this machine {words}", hint="wait for it, then again") from None
        yield
    finally:
        os.close(descriptor)

"""One module at a time changes the box.

The site's lock lets a killed run's successor go on at once, because both show the same token. What the killed run had
started on the box may still be at work then; this lock makes the successor wait for its end. The kernel drops it with
the process that holds it, so nothing is left to clean up.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

from ansible.module_utils.fleet_box import Refusal

TURN_PATH = "/run/fleetctl-module.lock"
# The longest steps, making the volumes and checking a model image, take a minute or two on an emulated machine. Below
# the time that fleetctl waits for a word of Ansible.
TURN_WAIT_S = 300.0
_POLL_S = 0.2


@contextmanager
def own_turn(module: str, *, path: str = TURN_PATH, wait_s: float = TURN_WAIT_S) -> Iterator[None]:
    """Be the only module that changes the box. Raises Refusal when another one does not end within `wait_s`."""
    # Not inherited by commands: a daemon started by a module must not hold it for ever.
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        _wait(descriptor, wait_s)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{module}, process {os.getpid()}".encode(), 0)
        yield
    finally:
        os.close(descriptor)


def _wait(descriptor: int, wait_s: float) -> None:
    deadline_s = time.monotonic() + wait_s
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() >= deadline_s:
                holder = os.pread(descriptor, 200, 0).decode("utf-8", "replace") or "one that gave no name"
                raise Refusal(
                    f"A step of an earlier run is still changing this box after {wait_s:.0f} s: {holder}.",
                    "Run it again later. When that process hangs, end it on the machine's console; "
                    "the next run goes on where it stopped.",
                ) from None
        time.sleep(_POLL_S)

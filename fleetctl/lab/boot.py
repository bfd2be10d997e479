"""Waiting for a virtual site: until it can be reached and is the one that its own console names, or why it cannot."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

from fleetctl.errors import CriticalError, UnreachableError, VerificationError
from fleetctl.lab.console import SerialLog, find_fingerprint, find_trouble
from fleetctl.remote.hostkey import first_contact
from fleetctl.remote.pins import fingerprint

# First boots of 103–152 s were measured with one emulated machine and up to 288 s with three on two cores.
BOOT_TIMEOUT_S = 900.0
_POLL_S = 1.0
_TAIL_LINES = 15
# What QEMU calls a machine that does not run, and why that is.
_STOPPED_STATES = {
    "io-error": ("a disk of the guest could not be written, so QEMU stopped it",
                 "most likely the host's file system is full: free some space, then lab down and lab up"),
    "internal-error": ("the accelerator failed", "fleetctl lab down, then lab up with --accel tcg"),
    "guest-panicked": ("the guest's kernel panicked", "read the serial log"),
    "shutdown": ("the guest powered itself off", "read the serial log"),
}  # fmt: skip


class Guest(Protocol):
    """What the waiting needs to know of a running site."""

    name: str
    serial: SerialLog

    def qemu_state(self) -> str | None:
        """QEMU's run state, or None when its process is gone."""

    def qemu_words(self) -> str:
        """What QEMU printed last."""


Report = Callable[[str], None]


class BootWatch:
    """Looks at one boot of a guest; `check` raises as soon as the boot cannot succeed any more."""

    def __init__(
        self,
        guest: Guest,
        since: int,
        timeout_s: float,
        report: Report,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._guest = guest
        self._since = since
        self._report = report
        self._clock, self._sleep = clock, sleep
        self._started = clock()
        self._timeout_s = timeout_s
        self._windows = guest.serial.follow(since)
        self.fingerprint: str | None = None

    def wait_for_fingerprint(self) -> str:
        """Until the guest has printed the fingerprint of its SSH host key."""
        while self.fingerprint is None:
            self.step(f"waiting for the host key on the console; last: {self._last_line()}")
        return self.fingerprint

    def wait_for_key(self, address: str, port: int) -> str:
        """Until SSH answers with the key that the console named; returns `ssh-ed25519 AAAA…`.

        Raises VerificationError when another machine's key answers.
        """
        wanted = self.wait_for_fingerprint()
        while True:
            try:
                kind, key = first_contact(address, port, timeout_s=min(60.0, self._timeout_s))
            except UnreachableError as error:
                self.step(f"waiting for SSH; {error.message}")
                continue
            seen = fingerprint(f"{kind} {key}")
            if seen != wanted:
                raise VerificationError(
                    f"host key mismatch: the console names {wanted}, {address}:{port} shows {seen}",
                    hint="another program answers on that port: fleetctl lab down, then lab up",
                    host=self._guest.name,
                )
            return f"{kind} {key}"

    def step(self, doing: str) -> None:
        """Look once at everything that can have gone wrong, show progress, wait a second."""
        self._read_console()
        state = self._guest.qemu_state()
        if state is None:
            raise self._failed(
                f"QEMU ended: {self._guest.qemu_words() or 'it says nothing'}",
                f"fleetctl lab up {self._guest.name} starts it again",
            )
        if state in _STOPPED_STATES:
            raise self._failed(*_STOPPED_STATES[state])
        elapsed = self._clock() - self._started
        if elapsed > self._timeout_s:
            raise self._failed(
                f"not reachable after {elapsed:.0f} s ({doing.partition(';')[0]})",
                "the machine still runs: `fleetctl lab up` waits again, `lab console` shows it, "
                "--timeout-s gives it longer",
            )
        self._report(doing)
        self._sleep(_POLL_S)

    def _read_console(self) -> None:
        """Everything new, window by window. After the fingerprint the guest is up: enough seen."""
        more = True
        while more and self.fingerprint is None:
            window, more = next(self._windows)
            self.fingerprint = find_fingerprint(window)
            trouble = None if self.fingerprint else find_trouble(window)
            if trouble:
                raise self._failed(f"{trouble[0].what}: {trouble[1]}", trouble[0].hint)

    def _last_line(self) -> str:
        return (self._guest.serial.tail(1, self._since) or ["nothing yet"])[0][:100]

    def _failed(self, what: str, hint: str) -> CriticalError:
        lines = self._guest.serial.tail(_TAIL_LINES, self._since)
        tail = "".join(f"\n    | {line[:160]}" for line in lines) or "\n    | (nothing)"
        return CriticalError(
            f"{what}\n  console, last lines:{tail}\n  serial log: {self._guest.serial.path}",
            hint=hint.replace("NAME", self._guest.name),
            host=self._guest.name,
        )

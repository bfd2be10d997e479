"""The errors that fleetctl raises on purpose, and the exit code of each.

    FleetctlError 1
    ├── ConfigError 2         a file of the fleet is wrong
    ├── UsageError 2          the command was called wrongly
    ├── ChangeError 1         a change on a host failed
    │   └── NoRoomError 1     a file could not be written there
    ├── StoreError 1          the store of observations cannot be read or written
    ├── DegradedError 3       it works, with a fault
    ├── CriticalError 4       it does not work
    │   └── PreflightError 4  a host does not fit its profile
    ├── UnreachableError 5    a host gave no answer: unknown is never healthy
    ├── RefusedError 6        a rule of ours says no (gate, hold, existing data)
    ├── PartialError 7        some hosts succeeded, some did not
    ├── LockHeldError 8       someone else is changing the host
    └── VerificationError 9   a signature, key, digest or identity is not the expected one

Only `fleetctl.__main__` turns them into exit codes.
"""

from __future__ import annotations

import unicodedata
from typing import ClassVar

# What a caller may rely on; the same for every command and every -o.
EXIT_CODES = {
    0: "ok",
    1: "failed",
    2: "wrong usage or configuration",
    3: "degraded: it works, with a fault",
    4: "critical: it does not work, or does not fit its profile",
    5: "unknown or unreachable",
    6: "refused by a rule (gate, hold, existing data)",
    7: "partial: some hosts succeeded, some did not",
    8: "locked by someone else",
    9: "verification failed: a signature, key, digest or identity is not the expected one",
    130: "interrupted",
    141: "who read the output has closed it, as head does when it has its lines; nothing is said",
}


class FleetctlError(Exception):
    """A failure with words for a person: what was seen, and in `hint` the next action.

    `host` is the name of the site it belongs to, where there is one.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, hint: str, host: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.host = host


class ConfigError(FleetctlError):
    exit_code = 2


class UsageError(FleetctlError):
    exit_code = 2


class ChangeError(FleetctlError):
    exit_code = 1


class NoRoomError(ChangeError):
    """A file could not be written at the box; who asks it learns whether its disk is full."""


class StoreError(FleetctlError):
    """The store cannot be read or written. It never hides what was seen of the sites."""

    exit_code = 1


class DegradedError(FleetctlError):
    exit_code = 3


class CriticalError(FleetctlError):
    exit_code = 4


class PreflightError(CriticalError):
    exit_code = 4


class UnreachableError(FleetctlError):
    exit_code = 5


class RefusedError(FleetctlError):
    exit_code = 6


class PartialError(FleetctlError):
    exit_code = 7


class LockHeldError(FleetctlError):
    exit_code = 8


class VerificationError(FleetctlError):
    exit_code = 9


def printable(text: str) -> str:
    """`text` without control and format characters (newline and tab stay).

    What a host answers ends up on an operator's terminal: an escape sequence in it could rewrite the screen.
    """
    return "".join(c for c in text if c in "\n\t" or unicodedata.category(c) not in ("Cc", "Cf", "Cs"))


def describe(error: FleetctlError) -> str:
    """The two lines that a person sees: `error: … [host]` and `  hint: …`."""
    host = f" [{error.host}]" if error.host else ""
    return printable(f"error: {error.message}{host}\n  hint: {error.hint}")

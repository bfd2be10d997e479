"""The passphrase of the fleet's keys: from a file descriptor, a file or a prompt; never from argv."""

from __future__ import annotations

import getpass
import os
import stat
import sys
from pathlib import Path

from fleetctl.errors import UsageError

ENVIRONMENT_FILE = "FLEETCTL_PASSPHRASE_FILE"
# Someone who steals the key directory can guess offline: 12 characters hold against PBKDF2 at our iteration count
# (NIST SP 800-63B asks for 8 where guessing is limited online, which it is not here).
MIN_LENGTH = 12
MAX_BYTES = 1024

_HOW = "use --passphrase-fd N, --passphrase-file FILE, or FLEETCTL_PASSPHRASE_FILE"


class Passphrase:
    """Holds the secret and does not show it by accident: `repr`, `str` and tracebacks carry no part of it."""

    __slots__ = ("_secret",)

    def __init__(self, secret: str) -> None:
        self._secret = secret

    def reveal(self) -> str:
        """The secret itself. Only for a cipher or a child's file descriptor."""
        return self._secret

    def __repr__(self) -> str:
        return "Passphrase(…)"

    def __reduce__(self) -> str:
        raise TypeError("a passphrase is not stored")

    @classmethod
    def from_options(cls, fd: int | None = None, file: Path | None = None, *, new: bool = False) -> Passphrase:
        """From the descriptor, else the file, else the file that the environment names, else a prompt on a terminal.

        `new`: for keys being made; asks twice and wants at least MIN_LENGTH characters.
        Raises `UsageError` if there is none, it is empty or (when new) too short.
        """
        if fd is not None and file is not None and str(file) != os.environ.get(ENVIRONMENT_FILE):
            raise UsageError("two sources for the passphrase", hint="give either --passphrase-fd or --passphrase-file")
        if fd is not None:
            secret = _from_descriptor(fd)
        elif file is not None:
            secret = _from_file(file)
        elif os.environ.get(ENVIRONMENT_FILE):
            secret = _from_file(Path(os.environ[ENVIRONMENT_FILE]))
        elif sys.stdin.isatty():
            secret = _from_prompt(new)
        else:
            raise UsageError("the keys need a passphrase, and stdin is no terminal to ask on", hint=_HOW)
        if not secret:
            raise UsageError("the passphrase is empty", hint=_HOW)
        if new and len(secret) < MIN_LENGTH:
            raise UsageError(
                f"the passphrase has {len(secret)} characters, at least {MIN_LENGTH} are needed",
                hint="five or six random words are good",
            )
        return cls(secret)


def _first_line(content: bytes, source: str) -> str:
    if len(content) > MAX_BYTES:
        raise UsageError(f"{source} has more than {MAX_BYTES} bytes", hint="the passphrase is its only line")
    try:
        lines = content.decode("utf-8").splitlines()
    except UnicodeDecodeError:
        raise UsageError(f"{source} is not UTF-8 text", hint="the passphrase is its only line") from None
    if len(lines) > 1:
        raise UsageError(f"{source} has more than one line", hint="the passphrase is its only line")
    return lines[0] if lines else ""


def _from_descriptor(fd: int) -> str:
    content = b""
    try:
        while len(content) <= MAX_BYTES and (part := os.read(fd, MAX_BYTES + 1)):
            content += part
    except OSError as error:
        raise UsageError(
            f"file descriptor {fd} cannot be read: {error.strerror}", hint="for example: --passphrase-fd 3 3<FILE"
        ) from None
    return _first_line(content, f"file descriptor {fd}")


def _from_file(path: Path) -> str:
    try:
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            # A pipe (process substitution) has no rights worth checking.
            if stat.S_ISREG(status.st_mode) and status.st_mode & 0o077:
                raise UsageError(f"{path} can be read by others", hint=f"chmod 600 {path}")
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise UsageError(f"passphrase file {path}: {error.strerror}", hint=_HOW) from None
    return _first_line(content, str(path))


def _from_prompt(new: bool) -> str:
    secret = getpass.getpass("Passphrase of the fleet's keys: " if not new else "New passphrase for the fleet's keys: ")
    if new and getpass.getpass("The same again: ") != secret:
        raise UsageError("the two entries differ", hint="run the command again")
    return secret

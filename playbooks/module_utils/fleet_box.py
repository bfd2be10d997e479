"""The one place where our modules touch the machine: commands, durable files, raw device edges, the clock.

Box does it for real; ReadOnlyBox is what check mode gets: it refuses to change anything, so that no step tests a flag.
"""

from __future__ import annotations

import datetime
import os
import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

SECRET_PATH = "{secret}"  # noqa: S105 - a placeholder in an argument list, replaced by the path of a memory file
EDGE_BYTES = 1 << 20  # partition tables, md and LUKS headers live in the first or last MiB
_PATH = "/usr/sbin:/usr/bin:/sbin:/bin:/usr/lib/systemd"
_RECOVERY_KEY = re.compile(r"(?:[cbdefghijklnrtuv]{8}-){7}[cbdefghijklnrtuv]{8}")
_STDERR_CHARACTERS = 2000

# Loads rules where there is nothing to filter, an empty network namespace, and shows what they mean.
REHEARSE_RULES = ("unshare", "--net", "sh", "-c", "nft -f - && nft -j list ruleset")

# Commands that only read, by their first words. ReadOnlyBox runs nothing else.
READ_COMMANDS = (
    ("lsblk",),
    ("wipefs", "--json"),
    ("blkid", "--probe"),
    ("mdadm", "--detail"),
    ("cryptsetup", "luksDump"),
    ("systemctl", "is-enabled"),
    ("systemctl", "is-active"),
    ("nft", "-j", "list", "ruleset"),
    REHEARSE_RULES,
)


class Refusal(Exception):
    """The module will not go on by itself: what it found, and what a person must decide."""

    def __init__(self, found: str, decide: str) -> None:
        super().__init__(f"{found} {decide}")
        self.found = found
        self.decide = decide


class CommandError(Exception):
    """A command failed. The text carries the command and its own words, and never a recovery key."""

    def __init__(self, argv: Sequence[str], outcome: str, stderr: str) -> None:
        words = without_recovery_keys(stderr.strip())[-_STDERR_CHARACTERS:]
        super().__init__(f"`{' '.join(argv)}` {outcome}" + (f": {words}" if words else " without a message"))


class WriteInCheckMode(Exception):
    """A step tried to change the machine in check mode: a mistake in our code, stopped before it did anything."""


@dataclass(frozen=True)
class Completed:
    """A finished command."""

    code: int
    stdout: str
    stderr: str


def without_recovery_keys(text: str) -> str:
    """The text with anything that looks like a recovery key taken out; the last barrier before a log."""
    return _RECOVERY_KEY.sub("[recovery key removed]", text)


class Box:
    """This machine."""

    def run(
        self,
        argv: Sequence[str],
        *,
        stdin: bytes = b"",
        secret: bytes | None = None,
        timeout_s: int = 600,
        codes: tuple[int, ...] = (0,),
    ) -> Completed:
        """Run a command without a shell; `secret` is readable by it at SECRET_PATH and exists in memory only."""
        environment = {"PATH": _PATH, "LC_ALL": "C", "SYSTEMD_COLORS": "0", "SYSTEMD_LOG_LEVEL": "info"}
        descriptor = -1
        words = list(argv)
        try:
            if secret is not None:
                descriptor = os.memfd_create("fleet", 0)
                os.write(descriptor, secret)
                words = [word.replace(SECRET_PATH, f"/proc/self/fd/{descriptor}") for word in words]
            done = subprocess.run(
                words,
                input=stdin,
                capture_output=True,
                timeout=timeout_s,
                env=environment,
                pass_fds=(descriptor,) if descriptor >= 0 else (),
                check=False,
                cwd="/",
            )
        except FileNotFoundError as error:
            raise CommandError(argv, "is not installed in the image", "") from error
        except subprocess.TimeoutExpired as error:
            raise CommandError(argv, f"did not end within {timeout_s} s", _text(error.stderr)) from error
        finally:
            if descriptor >= 0:
                os.close(descriptor)
        result = Completed(done.returncode, _text(done.stdout), _text(done.stderr))
        if result.code not in codes:
            raise CommandError(argv, f"ended with {result.code}", result.stderr or result.stdout)
        return result

    def read(self, path: str) -> bytes | None:
        """The bytes of a file, or None when there is none; any other trouble is an OSError."""
        try:
            return Path(path).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None

    def write(self, path: str, content: bytes, mode: int = 0o600) -> None:
        """Replace a file so that after a power cut either the old or the new one is there, whole."""
        target = Path(path)
        self._make_directories(target.parent)
        temporary = target.with_name(f".{target.name}.new")
        temporary.unlink(missing_ok=True)
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fchmod(stream.fileno(), mode)
            os.fsync(stream.fileno())
        temporary.replace(target)
        _sync_directory(target.parent)

    def remove(self, path: str) -> None:
        """Delete a file durably; harmless when it is not there."""
        Path(path).unlink(missing_ok=True)
        _sync_directory(Path(path).parent)

    def names(self, directory: str) -> list[str]:
        """Names in a directory, sorted; empty when it does not exist."""
        try:
            return sorted(entry.name for entry in Path(directory).iterdir())
        except FileNotFoundError:
            return []

    def edges_are_zero(self, device: str, size_bytes: int) -> bool:
        """Whether the first and the last MiB of a device hold nothing but zeroes."""
        with Path(device).open("rb") as stream:
            for offset in (0, max(0, size_bytes - EDGE_BYTES)):
                stream.seek(offset)
                if any(stream.read(EDGE_BYTES)):
                    return False
        return True

    def sync_directory(self, path: str) -> None:
        """Make the names in a directory durable."""
        _sync_directory(Path(path))

    def now(self) -> str:
        """The box's time, UTC, seconds."""
        return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds").replace("+00:00", "Z")

    @staticmethod
    def _make_directories(directory: Path) -> None:
        if directory.is_dir():
            return
        Box._make_directories(directory.parent)
        directory.mkdir(mode=0o755, exist_ok=True)
        _sync_directory(directory.parent)


class ReadOnlyBox(Box):
    """This machine, with nothing but reading allowed."""

    def run(
        self,
        argv: Sequence[str],
        *,
        stdin: bytes = b"",
        secret: bytes | None = None,
        timeout_s: int = 600,
        codes: tuple[int, ...] = (0,),
    ) -> Completed:
        """Run a command of READ_COMMANDS; refuse every other."""
        if not any(tuple(argv[: len(words)]) == words for words in READ_COMMANDS):
            raise WriteInCheckMode(f"`{' '.join(argv)}` is not a reading command")
        return super().run(argv, stdin=stdin, secret=secret, timeout_s=timeout_s, codes=codes)

    def write(self, path: str, content: bytes, mode: int = 0o600) -> None:
        """Refuse."""
        raise WriteInCheckMode(f"writing {path}")

    def remove(self, path: str) -> None:
        """Refuse."""
        raise WriteInCheckMode(f"removing {path}")


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _text(output: bytes | None) -> str:
    return (output or b"").decode("utf-8", "replace")

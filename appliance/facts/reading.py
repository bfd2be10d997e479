"""How a fact is read: bounded commands and files, and one error for everything that could not be read."""

import os
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

MAX_TEXT_BYTES = 4 * 1024 * 1024
"""More than any fact needs; a full `nft -j list ruleset` of ours is some 20 KiB."""
_PIECE_BYTES = 65536


class UnreadableError(Exception):
    """The fact could not be read. The message says why, and never stands for "absent"."""


def run(argv: Sequence[str], *, timeout_s: float = 20.0) -> str:
    """Run a read-only command and return its standard output."""
    try:
        process = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env={**os.environ, "LC_ALL": "C", "SYSTEMD_COLORS": "0", "SYSTEMD_PAGER": ""},
        )  # fmt: skip
    except FileNotFoundError:
        raise UnreadableError(f"{argv[0]} is not installed") from None
    except OSError as error:
        raise UnreadableError(f"{argv[0]} cannot be run: {error.strerror}") from None
    try:
        output, errors = process.communicate(timeout=timeout_s)
    except subprocess.TimeoutExpired:
        _leave(process)
        raise UnreadableError(f"{argv[0]} did not answer within {timeout_s:g} s") from None
    if process.returncode != 0:
        words = errors.decode(errors="replace").strip().splitlines()
        raise UnreadableError(f"{argv[0]} exited {process.returncode}: {(words or ['no message'])[-1][:200]}")
    if len(output) > MAX_TEXT_BYTES:
        raise UnreadableError(f"{argv[0]} wrote {len(output)} bytes, more than expected")
    return output.decode(errors="replace")


def _leave(process: "subprocess.Popen[bytes]") -> None:
    """Kill it, and wait a moment only: a process that waits for a dead disk does not die, and must not hold us."""
    process.kill()
    for pipe in (process.stdout, process.stderr):
        if pipe is not None:
            pipe.close()
    with suppress(subprocess.TimeoutExpired):
        process.wait(timeout=1.0)


def read_text(path: Path) -> str:
    """Return a small file's text without the last line end."""
    data = b""
    try:
        with path.open("rb", buffering=0) as file:
            # In pieces: some files of /proc/sys refuse a read with a large buffer (ENOMEM).
            while len(data) <= MAX_TEXT_BYTES and (piece := file.read(_PIECE_BYTES)):
                data += piece
    except OSError as error:
        raise UnreadableError(f"{path}: {error.strerror}") from None
    if len(data) > MAX_TEXT_BYTES:
        raise UnreadableError(f"{path}: larger than expected")
    return data.decode(errors="replace").rstrip("\n")

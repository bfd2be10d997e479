"""The guest's serial console: what it said, what of that matters, and typing into it."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from fleetctl.errors import UnreachableError
from fleetctl.lab.qemu import CONSOLE_SOCKET, SERIAL_LOG
from fleetctl.lab.unixsocket import connect

_CHUNK_BYTES = 32 * 1024
# Text kept while following the log: a pattern may span two chunks, and a guest may write without end.
_WINDOW_CHARS = 64 * 1024

_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[ -/]*[0-~])")
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_FINGERPRINT = re.compile(r"fleetctl: ssh host key (SHA256:[A-Za-z0-9+/]{43})(?![A-Za-z0-9+/])")


@dataclass(frozen=True)
class Trouble:
    """Words on the console after which waiting for SSH is pointless."""

    pattern: re.Pattern[str]
    what: str
    hint: str


_TYPE_INTO = "type into it with `fleetctl lab console NAME`"
TROUBLES: tuple[Trouble, ...] = (
    Trouble(re.compile(r"Kernel panic - not syncing[^\n]*"), "the guest's kernel panicked",
            "the serial log has the trace; a damaged image is replaced by `lab down --destroy` and `lab up`"),
    Trouble(re.compile(r"You are in (?:emergency|rescue) mode|Entering (?:emergency|rescue) mode"
                       r"|Cannot open access to console, the root account is locked"),
            "the guest stopped in emergency mode", "the serial log names the unit that failed"),
    Trouble(re.compile(r"(?:Access Denied|Security Violation)[^\n]*"), "the firmware refused the image (Secure Boot)",
            "the image must be signed by this fleet's key: fleetctl image build, then lab down --destroy and lab up"),
    Trouble(re.compile(r"No bootable option or device was found|UEFI Interactive Shell"),
            "the firmware found nothing to boot", "the system disk holds no valid image: fleetctl image build"),
    Trouble(re.compile(r"Please enter (?:passphrase|recovery key|LUKS2 token PIN)[^\n]*"),
            "the guest asks for a recovery key: this TPM does not unlock its disk", _TYPE_INTO),
)  # fmt: skip


def clean(text: str) -> str:
    """Console output as plain lines: no escape sequences, no carriage returns, no control characters."""
    return _CONTROLS.sub("", _ESCAPES.sub("", text))


def find_fingerprint(text: str) -> str | None:
    """The last host key fingerprint that the guest printed, as `SHA256:…`."""
    found = _FINGERPRINT.findall(text)
    return str(found[-1]) if found else None


def find_trouble(text: str) -> tuple[Trouble, str] | None:
    """The first known trouble in the text and the words that show it."""
    for trouble in TROUBLES:
        match = trouble.pattern.search(text)
        if match:
            return trouble, match.group().strip()
    return None


class SerialLog:
    """The log file of a site's serial console. It only ever grows; `since` is a size taken earlier."""

    def __init__(self, runtime_dir: Path) -> None:
        self.path = runtime_dir / SERIAL_LOG

    def size(self) -> int:
        """Bytes so far: remember it before an action, to look only at what came after."""
        try:
            return self.path.stat().st_size
        except FileNotFoundError:
            return 0

    def text(self, since: int = 0) -> str:
        """Cleaned text from byte `since` on."""
        try:
            with self.path.open("rb") as log:
                log.seek(since)
                return clean(log.read().decode("utf-8", errors="replace"))
        except FileNotFoundError:
            return ""

    def tail(self, lines: int, since: int = 0) -> list[str]:
        """The last lines that are not empty, from the last 32 KiB after `since`."""
        text = self.text(max(since, self.size() - _CHUNK_BYTES))
        return [line.rstrip() for line in text.splitlines() if line.strip()][-lines:]

    def follow(self, since: int) -> Iterator[tuple[str, bool]]:
        """A window over the text from `since` on, yielded again and again: everything passes through it.

        The second value says whether there was anything new; False: the end of the log is reached for now.
        """
        at, window = since, ""
        while True:
            chunk = self._read(at)
            at += len(chunk)
            window = (window + clean(chunk.decode("utf-8", errors="replace")))[-_WINDOW_CHARS:]
            yield window, bool(chunk)

    def _read(self, at: int) -> bytes:
        try:
            with self.path.open("rb") as log:
                log.seek(at)
                chunk = log.read(_CHUNK_BYTES)
        except FileNotFoundError:
            return b""
        # Only whole lines, so that no escape sequence, character or word is cut; a prompt has no line end, so a
        # remainder that is all there is gets through as it is.
        end = chunk.rfind(b"\n") + 1
        return chunk[:end] if end else chunk


def send(runtime_dir: Path, text: str, timeout_s: float = 10.0) -> None:
    """Type `text` into the console (a newline presses Enter). Raises UnreachableError."""
    try:
        with connect(runtime_dir, CONSOLE_SOCKET, timeout_s) as console:
            console.sendall(text.replace("\n", "\r").encode())
            # QEMU drops what it has not yet read when the connection closes, and a UART takes a byte at a time.
            time.sleep(min(2.0, 0.5 + 0.01 * len(text)))
    except OSError as error:
        raise UnreachableError(
            f"the console of {runtime_dir.name} cannot be typed into: {error}",
            hint="is the site up (`fleetctl lab status`), and no other `lab console` open?",
            host=runtime_dir.name,
        ) from error

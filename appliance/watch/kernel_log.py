"""Xids in the kernel's own words, from /dev/kmsg: also those from before this program started.

A record is `PRIORITY,SEQUENCE,MICROSECONDS,FLAGS;WORDS` (Documentation/ABI/testing/dev-kmsg of Linux). The sequence
number tells what was taken already, so that a restart neither loses an event nor counts one twice.
"""

import os
import re
import time
from dataclasses import dataclass
from pathlib import Path

from appliance.gpu.child import clean

KMSG = Path("/dev/kmsg")
_RECORD_BYTES = 8192  # the kernel's own bound of one record
_RECORDS_AT_ONCE = 5000
# As nvidia.ko prints it: `NVRM: Xid (PCI:0000:3b:00): 79, pid=…`; older drivers leave out `PCI:`.
_XID = re.compile(r"\bNVRM: Xid\b")
_PLACE = re.compile(r"\bNVRM: Xid \((?:PCI:)?([0-9a-fA-F]{4,8}):([0-9a-fA-F]{2}):([0-9a-fA-F]{2})(?:\.\d)?\): (\d+)\b")


@dataclass(frozen=True)
class KernelXid:
    """One line about an Xid. `pci_id` and `xid` are None if the line is not understood.

    `mono_s` is when it was written, by the kernel's clock; `before_start` that it was there when the log was opened.
    """

    seq: int
    mono_s: float
    before_start: bool
    pci_id: str | None
    xid: int | None
    words: str


class KernelLog:
    """Reads records as they come."""

    def __init__(self, path: Path = KMSG) -> None:
        self._path = path
        self.problem = ""
        self.lost = False  # the kernel overwrote records that nobody had read
        self._rest = b""
        self._caught_up = False
        self._file: int | None = None
        self._open()

    def _open(self) -> None:
        """Open it from its beginning: whoever keeps sequence numbers knows what was taken already."""
        self._caught_up, self._rest = False, b""
        try:
            self._file = os.open(self._path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            self.problem = ""
        except OSError as error:
            self.problem = f"{self._path}: {error.strerror}"

    def descriptor(self) -> int | None:
        """What to wait on; None for a plain file, which is always readable."""
        if self._file is None or self._path.is_file():
            return None
        return self._file

    def poll(self) -> list[KernelXid]:
        """Return the Xids that were written since."""
        found: list[KernelXid] = []
        if self._file is None:
            self._open()
        for _ in range(_RECORDS_AT_ONCE):
            if self._file is None:
                break
            try:
                piece = os.read(self._file, _RECORD_BYTES)
            except BlockingIOError:
                piece = b""
            except BrokenPipeError:  # EPIPE: the next read goes on with the oldest record that is left
                self.lost = True
                continue
            except OSError as error:
                self.problem = f"{self._path}: {error.strerror}"
                os.close(self._file)
                self._file = None
                break
            if not piece:
                self._caught_up = True
                break
            found += self._take(piece)
        return found

    def _take(self, piece: bytes) -> list[KernelXid]:
        *lines, self._rest = (self._rest + piece).split(b"\n")
        return [xid for line in lines if (xid := self._line(line.decode(errors="replace")))]

    def _line(self, line: str) -> KernelXid | None:
        head, _, words = line.partition(";")
        fields = head.split(",")
        if not _XID.search(words) or len(fields) < 3:  # a line that begins with a blank belongs to the record before
            return None
        try:
            seq, mono_s = int(fields[1]), int(fields[2]) / 1e6
        except ValueError:
            return None
        place = _PLACE.search(words)
        pci_id = f"{int(place[1], 16):04x}:{place[2].lower()}:{place[3].lower()}.0" if place else None
        when_s = time.monotonic() if self._caught_up else mono_s
        xid = int(place[4]) if place else None
        return KernelXid(seq, when_s, not self._caught_up, pci_id, xid, clean(words))

"""Counts the kernel's own words about errors, from now on: Xids, machine checks, memory controllers, PCIe, disks."""

import os
import re
from pathlib import Path
from typing import Any

from appliance.burnin.observe import Reading, unread, value
from appliance.gpu.child import clean

KMSG = Path("/dev/kmsg")
_RECORD_BYTES = 8192  # the kernel's own bound of one record (Documentation/ABI/testing/dev-kmsg)
_MAX_FIRST_LINES = 20

# As they are printed by nvidia.ko (Xid catalogue) and, in Linux, arch/x86 (mce), drivers/edac, drivers/pci/pcie/aer.c,
# block/blk-core.c and drivers/nvme.
KINDS: dict[str, re.Pattern[str]] = {
    "xid": re.compile(r"\bNVRM: Xid\b"),
    "mce": re.compile(
        r"\bmce: .*(\[Hardware Error\]|Machine check|hardware error)|\[Hardware Error\]: (Machine check|CPU)"
    ),
    "edac": re.compile(r"\bEDAC .*\b[0-9]+ (CE|UE)\b"),
    "pcie": re.compile(r"\bAER: |PCIe Bus Error"),
    "storage": re.compile(r"\b(I/O error|critical (medium|target) error)\b.*\bdev\b|\bnvme\S*: .*(timeout|I/O Cmd)"),
}


class KernelLog:
    """/dev/kmsg from the moment of opening on."""

    def __init__(self, path: Path | None = None) -> None:
        self._file: int | None = None
        self._counts = dict.fromkeys(KINDS, 0)
        self._first: list[str] = []
        self._problem = ""
        path = KMSG if path is None else path
        try:
            self._file = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            os.lseek(self._file, 0, os.SEEK_END)
        except OSError as error:
            self._problem = f"{path}: {error.strerror}"

    def poll(self) -> None:
        """Take the records that came since."""
        while self._file is not None and not self._problem:
            try:
                record = os.read(self._file, _RECORD_BYTES)
            except BlockingIOError:
                return
            except BrokenPipeError:  # EPIPE: the ring overran us, and nobody knows what was in it
                self._problem = "records of the kernel log were lost: it was written faster than it could be read"
                return
            except OSError as error:
                self._problem = f"the kernel log cannot be read: {error.strerror}"
                return
            if not record:
                return
            self.take(record.decode(errors="replace"))

    def take(self, record: str) -> None:
        """Count one record: `PRIORITY,SEQUENCE,TIME,FLAGS;WORDS`, then lines of key=value."""
        words = record.partition(";")[2].partition("\n")[0]
        found = [kind for kind, pattern in KINDS.items() if pattern.search(words)]
        for kind in found:
            self._counts[kind] += 1
        if found and len(self._first) < _MAX_FIRST_LINES:
            self._first.append(clean(words))

    def reading(self) -> Reading:
        """Return the counts, or why they are not known; what was seen before a loss is told with it."""
        if self._problem:
            seen = ", ".join(f"{kind} {count}" for kind, count in self._counts.items() if count)
            return unread(f"{self._problem}{'; seen before: ' + seen if seen else ''}")
        counts: dict[str, Any] = {**self._counts, "first_lines": self._first}
        return value(counts)

    def close(self) -> None:
        """Close the log."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

"""A file of records that are only ever appended, and that survive a crash at any point.

A line is `CRC32 JSON`. A record counts once it is synced. What a crash left half-written at the end is cut off by the
next writer; a damaged line with sound ones behind it is no crash, and is counted. Two programs write: the watch, and
`appliancectl health ack`; each takes the lock of the folder. The file alone is the truth: whoever wrote reads it back.
"""

import fcntl
import json
import os
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

DIRECTORY = Path("/var/lib/appliance/gpu-watch")
NAME = "faults.journal"
_MAX_BYTES = 64 * 1024 * 1024
_COMPACT_BYTES = 256 * 1024

Record = dict[str, Any]


def framed(record: Record) -> bytes:
    """One line."""
    text = json.dumps(record, separators=(",", ":"), sort_keys=True).encode()
    return b"%08x %s\n" % (zlib.crc32(text), text)


def _parsed(line: bytes) -> Record | None:
    crc, _, text = line.partition(b" ")
    try:
        if int(crc, 16) != zlib.crc32(text):
            return None
        record = json.loads(text)
    except ValueError:
        return None
    return record if isinstance(record, dict) else None


@dataclass
class Read:
    """What was read: sound records, how many lines between them are damaged, and where the sound part ends."""

    records: list[Record] = field(default_factory=list)
    damaged: int = 0
    end: int = 0


def parse(data: bytes) -> Read:
    """Parse whole lines; what is unsound at the very end does not belong to it."""
    read, suspect, place = Read(), 0, 0
    for line in data.splitlines(keepends=True):
        place += len(line)
        record = _parsed(line[:-1]) if line.endswith(b"\n") else None
        if record is None:
            suspect += 1
            continue
        read.records.append(record)
        read.damaged += suspect
        suspect, read.end = 0, place
    return read


class Journal:
    """The file of one folder. Every method may raise OSError."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._path = folder, folder / NAME
        self._inode: int | None = None
        self._end = 0

    def news(self) -> tuple[bool, Read]:
        """Return what came since the last call, and whether it is everything anew (the file is another one)."""
        try:
            descriptor = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        except FileNotFoundError:
            anew = self._inode is not None
            self._inode, self._end = None, 0
            return anew, Read()
        with os.fdopen(descriptor, "rb", buffering=0) as file:
            found = os.fstat(descriptor)
            anew = found.st_ino != self._inode or found.st_size < self._end
            if anew:
                self._inode, self._end = found.st_ino, 0
            if found.st_size == self._end:
                return anew, Read()
            file.seek(self._end)
            read = parse(_everything(file, found.st_size - self._end))
        self._end += read.end
        return anew, read

    def append(self, records: Iterable[Record]) -> None:
        """Write records behind the sound part, and return when they are on the disk."""
        data = b"".join(map(framed, records))
        with self._locked() as folder:
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
            with os.fdopen(descriptor, "r+b", buffering=0) as file:
                found = os.fstat(descriptor)
                size = found.st_size
                # What was read before is sound; the rest is looked at by whoever writes behind it.
                end = self._end if found.st_ino == self._inode and self._end <= size else 0
                file.seek(end)
                end += parse(_everything(file, size - end)).end
                if end != size:
                    os.ftruncate(descriptor, end)
                try:
                    _write(descriptor, data, end)
                    os.fsync(descriptor)
                except OSError:
                    os.ftruncate(descriptor, end)
                    raise
            if not size:
                os.fsync(folder)

    def is_large(self) -> bool:
        """Whether the file should be written anew with what is left of it."""
        return self._end > _COMPACT_BYTES

    def replace(self, records: Iterable[Record]) -> bool:
        """Put another file in its place in one step; returns False, and does nothing, if somebody wrote meanwhile."""
        temporary = self._path.with_suffix(".new")
        with self._locked() as folder:
            found = self._path.stat()
            if (found.st_ino, found.st_size) != (self._inode, self._end):
                return False
            temporary.unlink(missing_ok=True)
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
            try:
                _write(descriptor, b"".join(map(framed, records)), 0)
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
            temporary.replace(self._path)
            os.fsync(folder)
        return True

    @contextmanager
    def _locked(self) -> Iterator[int]:
        folder = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX)
            yield folder
        finally:
            os.close(folder)


def _everything(file: Any, size: int) -> bytes:
    if size > _MAX_BYTES:
        raise OSError(f"{NAME} is larger than a journal can be")
    data = b""
    while len(data) < size and (piece := file.read(size - len(data))):
        data += piece
    return data


def _write(descriptor: int, data: bytes, place: int) -> None:
    while data:
        written = os.pwrite(descriptor, data, place)
        data, place = data[written:], place + written

"""A small file that is read again when it changes, so that keys rotate and sessions are revoked without a restart."""

import os
import stat
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

T = TypeVar("T")

# A second write within the same tick of the file system's clock leaves the time stamp as it was. A file this young is
# therefore read again although it looks unchanged.
_YOUNG_NS = 2_000_000_000


class WatchedFile(Generic[T]):
    """The parsed content of `path`. The last good content is not kept: a list that cannot be read is unknown."""

    def __init__(self, path: Path, parse: Callable[[bytes], T], max_bytes: int) -> None:
        self._path = path
        self._parse = parse
        self._max_bytes = max_bytes
        self._lock = threading.Lock()
        self._stamp: tuple[int, ...] | None = None
        self._content: T | None = None

    def get(self) -> T:
        """Return the content as it is now.

        Raises OSError when it cannot be read, ValueError when it is no regular file, too large, or does not parse.
        """
        with self._lock:
            descriptor = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
            try:
                found = os.fstat(descriptor)
                stamp = (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
                if self._content is not None and stamp == self._stamp:
                    return self._content
                self._stamp = self._content = None
                if not stat.S_ISREG(found.st_mode):
                    raise ValueError("not a regular file")
                data = _read(descriptor, self._max_bytes)
            finally:
                os.close(descriptor)
            content = self._parse(data)
            self._content = content
            if time.time_ns() - found.st_ctime_ns > _YOUNG_NS:
                self._stamp = stamp
            return content


def _read(descriptor: int, max_bytes: int) -> bytes:
    data = b""
    while len(data) <= max_bytes:
        piece = os.read(descriptor, max_bytes + 1 - len(data))
        if not piece:
            return data
        data += piece
    raise ValueError(f"larger than {max_bytes} bytes")

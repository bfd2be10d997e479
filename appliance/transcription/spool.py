"""What a live stream has received: PCM in an unnamed temporary file, appended by one and read by others."""

import tempfile
import threading
from collections.abc import Iterator
from types import TracebackType
from typing import Any, Self

import numpy as np

from appliance.transcription.media import SAMPLE_RATE_HZ

Samples = np.ndarray[Any, Any]
BYTES_PER_S = SAMPLE_RATE_HZ * 2


class Spool:
    """16-bit little-endian mono samples at SAMPLE_RATE_HZ. Gone when it is closed, and when the process dies.

    On the box TMPDIR is in memory: no recording reaches a disk by this way.
    """

    def __init__(self, limit_s: int) -> None:
        self.limit_bytes = limit_s * BYTES_PER_S
        self.size_bytes = 0
        self._lock = threading.Lock()
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 (closed by close)

    @property
    def duration_s(self) -> float:
        """Length of what was received."""
        return self.size_bytes // 2 / SAMPLE_RATE_HZ

    def append(self, data: bytes) -> bool:
        """Keep the bytes; False, and nothing is kept, where they would exceed the limit."""
        if self.size_bytes + len(data) > self.limit_bytes:
            return False
        with self._lock:
            self._file.seek(self.size_bytes)
            self._file.write(data)
            self.size_bytes += len(data)
        return True

    def read(self, start_s: float, end_s: float) -> Samples:
        """Return int16 samples of [start_s, end_s), as far as they are there."""
        start, end = (max(0, round(at * SAMPLE_RATE_HZ)) * 2 for at in (start_s, end_s))
        with self._lock:
            self._file.seek(start)
            data = self._file.read(max(0, min(end, self.size_bytes) - start))
        return np.frombuffer(data[: len(data) // 2 * 2], dtype="<i2")

    def pieces(self, channels: int) -> Iterator[Samples]:
        """Yield all of it as the clinical path wants it; a stream has one channel."""
        for second in range(int(self.duration_s) + 1):
            samples = self.read(second, second + 1)
            if len(samples):
                yield np.repeat(samples[:, None], channels, axis=1)

    def close(self) -> None:
        """Free it."""
        with self._lock:
            self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

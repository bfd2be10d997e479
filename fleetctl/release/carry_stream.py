"""Copies and hashes at once: the digest is made of the bytes in memory while they are written, not read again."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import BinaryIO

from fleetctl.errors import ChangeError

_CHUNK = 4 << 20


def stream(
    source: BinaryIO,
    most: int,
    use: Callable[[bytes], object],
    on_bytes: Callable[[int], None],
    write: Callable[[bytes], object] = len,
) -> None:
    """Give at most `most` bytes of `source` to `use` and to `write`, at the same time; `use` runs in a thread.

    Raises ChangeError when the source cannot be read; what `write` raises is left as it is.
    """
    with ThreadPoolExecutor(1) as pool:
        used: Future[object] | None = None
        while most and (chunk := _read(source, min(_CHUNK, most))):
            most -= len(chunk)
            if used is not None:
                used.result()
            used = pool.submit(use, chunk)
            write(chunk)
            on_bytes(len(chunk))
        if used is not None:
            used.result()


def _read(source: BinaryIO, most: int) -> bytes:
    try:
        return source.read(most)
    except OSError as error:
        raise ChangeError(
            f"reading stopped at byte {source.tell():,}: {error.strerror}",
            hint="the medium or its reader is failing; run this again: what was copied is kept",
        ) from None

"""Looks at the disk files of a virtual site from outside, with none of the tools that wrote them."""

from __future__ import annotations

import errno
import mmap
import os
from pathlib import Path

LUKS2_MAGIC = b"LUKS\xba\xbe\x00\x02"
"""Primary LUKS2 header: magic and version (LUKS2 On-Disk Format Specification, table 1)."""

MD_MAGIC = (0xA92B4EFC).to_bytes(4, "little")
"""Superblock of Linux md, version 1.x (md(4)); version 1.2 stands 4 KiB from the start."""


def contains(path: Path, needle: bytes) -> bool:
    """Whether `needle` is anywhere in the file. Holes, of which a disk mostly is, are not read."""
    size, at, over = path.stat().st_size, 0, len(needle) - 1
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        while at < size:
            try:
                start = os.lseek(file.fileno(), at, os.SEEK_DATA)
            except OSError as error:
                if error.errno == errno.ENXIO:  # nothing but a hole up to the end
                    return False
                raise
            at = os.lseek(file.fileno(), start, os.SEEK_HOLE)
            # Zeros of the holes on both sides may belong to it.
            if content.find(needle, max(0, start - over), at + over) >= 0:
                return True
    return False


def read_at(path: Path, offset: int, size: int) -> bytes:
    """`size` bytes at `offset`."""
    with path.open("rb") as file:
        file.seek(offset)
        return file.read(size)

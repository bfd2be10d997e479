"""Opening packs: the whole file is hashed first, and what does not fit its digest or its own layout is not used."""

from __future__ import annotations

import hashlib
import mmap
import os
import stat
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from appliance.contract.code_pack import MAX_HEADER_BYTES, MAX_PACK_BYTES, PackHead, head_of
from appliance.errors import NotVerifiedError, UnknownStateError

_HINT = "import the table again, or bring back the file from where it was taken"


@dataclass(frozen=True)
class Pack:
    """A verified pack, mapped read-only. Slices are copies, so any number of threads may read."""

    head: PackHead
    digest: str
    content: mmap.mmap | bytes
    sections: dict[str, tuple[int, int]]

    def section(self, name: str) -> tuple[int, int]:
        """Offset and length of a section; empty when the pack has none."""
        return self.sections.get(name, (0, 0))

    def rows(self, name: str, record: struct.Struct) -> int:
        """Number of records in a section."""
        return self.section(name)[1] // record.size

    def row(self, name: str, record: struct.Struct, place: int) -> tuple[Any, ...]:
        """One record."""
        return record.unpack_from(self.content, self.section(name)[0] + place * record.size)

    def text(self, offset: int, length: int) -> str:
        """A text."""
        start, size = self.section("texts")
        if offset + length > size:
            raise NotVerifiedError("a code pack points behind its own end", hint=_HINT)
        return self.content[start + offset : start + offset + length].decode()


def open_pack(path: Path, digest: str | None = None) -> Pack:
    """Open a pack and verify every byte of it.

    Args:
        path: The file.
        digest: The SHA-256 that it must have, hexadecimal; None: whatever it has is its identity.

    Raises:
        NotVerifiedError: it is not the pack of that digest, or no pack.
        UnknownStateError: it cannot be read.
    """
    try:
        # O_NONBLOCK: a FIFO laid here must not hold up a service.
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode) or not 0 < status.st_size <= MAX_PACK_BYTES:
                raise NotVerifiedError(f"{path}: no code pack (an ordinary file was wanted)", hint=_HINT)
            content = mmap.mmap(descriptor, status.st_size, access=mmap.ACCESS_READ)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise UnknownStateError(f"{path}: {error.strerror}", hint=_HINT) from None
    return _verified(content, str(path), digest)


def read_pack(content: bytes, digest: str | None = None) -> Pack:
    """The same for a pack in memory."""
    return _verified(content, "the pack", digest)


def _verified(content: mmap.mmap | bytes, name: str, digest: str | None) -> Pack:
    found = hashlib.sha256(content).hexdigest()
    if digest is not None and found != digest:
        seen = f"its SHA-256 is {found[:16]}…, {digest[:16]}… was wanted"
        raise NotVerifiedError(f"{name}: is not the pack that was approved: {seen}", hint=_HINT)
    try:
        head, sections = head_of(content[: MAX_HEADER_BYTES + 16], len(content))
    except ValueError as error:
        words = " ".join(str(error).split())[:120]
        raise NotVerifiedError(f"{name}: no code pack of this version ({words})", hint=_HINT) from None
    return Pack(head, found, content, sections)

"""Reads where data, hash tree and signature lie in a model image (GPT: UEFI specification 2.10, section 5.3).

The image is not verified yet when this reads it: every number in it is bounded.
"""

import json
import os
import struct
import uuid
from dataclasses import dataclass

from appliance.errors import NotVerifiedError

_SECTOR = 512
_MAX_ENTRIES, _MAX_ENTRY_BYTES = 256, 512
_MAX_SIGNATURE_BYTES = 1 << 20
# Discoverable Partitions Specification, x86-64: root, root-verity, root-verity-sig.
_DATA = uuid.UUID("4f68bce3-e8cd-4db1-96e7-fbcaf984b709")
_HASHES = uuid.UUID("2c7357ed-ebd2-46d9-aec1-23d437ec2bf5")
_SIGNATURE = uuid.UUID("41092b05-9fc8-4523-994f-2def0408b176")


@dataclass(frozen=True)
class Extent:
    """A partition, in bytes from the start of the image."""

    start: int
    size: int


@dataclass(frozen=True)
class Layout:
    """The parts of an image, and the root hash that it claims: not proven by anything here."""

    data: Extent
    hashes: Extent
    root_hash: str


def read_layout(descriptor: int) -> Layout:
    """Raises NotVerifiedError when it is no model image, or disagrees with itself about its root hash."""
    size = os.fstat(descriptor).st_size
    found = _partitions(descriptor, size)
    missing = [words for kind, words in ((_DATA, "data"), (_HASHES, "hashes"), (_SIGNATURE, "signature"))
               if kind not in found]  # fmt: skip
    if missing:
        raise broken(f"it has no partition for {', '.join(missing)}")
    (data_id, data), (hashes_id, hashes), (_, signature) = found[_DATA], found[_HASHES], found[_SIGNATURE]
    if signature.size > _MAX_SIGNATURE_BYTES:
        raise broken(f"its signature partition has {signature.size} bytes")
    try:
        signed = json.loads(os.pread(descriptor, signature.size, signature.start).rstrip(b"\0"))["rootHash"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise broken("its signature partition is not readable") from None
    claimed = data_id.hex + hashes_id.hex
    if signed != claimed:
        raise broken(f"its partitions say root hash {claimed}, its signature {str(signed)[:80]}")
    return Layout(data, hashes, claimed)


def _partitions(descriptor: int, size: int) -> dict[uuid.UUID, tuple[uuid.UUID, Extent]]:
    header = os.pread(descriptor, 92, _SECTOR)
    if len(header) < 92 or header[:8] != b"EFI PART":
        raise broken("it has no partition table")
    sector, count, entry_bytes = struct.unpack_from("<QII", header, 72)
    if not 0 < count <= _MAX_ENTRIES or not 128 <= entry_bytes <= _MAX_ENTRY_BYTES or sector * _SECTOR > size:
        raise broken(f"its partition table names {count} entries of {entry_bytes} bytes at sector {sector}")
    table = os.pread(descriptor, count * entry_bytes, sector * _SECTOR)
    found: dict[uuid.UUID, tuple[uuid.UUID, Extent]] = {}
    for at in range(0, len(table) - 127, entry_bytes):
        kind, identity, first, last = struct.unpack_from("<16s16sQQ", table, at)
        if kind == bytes(16):
            continue
        extent = Extent(first * _SECTOR, (last - first + 1) * _SECTOR)
        if extent.size <= 0 or extent.start + extent.size > size:
            raise broken("a partition lies outside of it")
        key = uuid.UUID(bytes_le=kind)
        if key in found:
            raise broken(f"it has two partitions of type {key}")
        found[key] = uuid.UUID(bytes_le=identity), extent
    return found


def broken(reason: str) -> NotVerifiedError:
    """The error for an image that is not what it should be."""
    return NotVerifiedError(f"no model image: {reason}", hint="send the image again; if it repeats, build it anew")

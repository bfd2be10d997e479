"""Reads the partition table of a disk image (UEFI specification 2.10, section 5.3) and dm-verity hashes out of it."""

from __future__ import annotations

import json
import struct
import uuid
from dataclasses import dataclass
from pathlib import Path

from fleetctl.errors import VerificationError

SECTOR_BYTES = 512
_MAX_ENTRIES = 256

# Discoverable Partitions Specification, x86-64.
ROOT = uuid.UUID("4f68bce3-e8cd-4db1-96e7-fbcaf984b709")
ROOT_VERITY = uuid.UUID("2c7357ed-ebd2-46d9-aec1-23d437ec2bf5")
ROOT_VERITY_SIG = uuid.UUID("41092b05-9fc8-4523-994f-2def0408b176")
USR = uuid.UUID("8484680c-9521-48c6-9c11-b0720656f69e")
USR_VERITY = uuid.UUID("77ff5f63-e7b6-4633-acf4-1565b864c0e6")
USR_VERITY_SIG = uuid.UUID("e7bb33fb-06cf-4e81-8273-e543b413e2e2")


@dataclass(frozen=True)
class Partition:
    """One used entry of the table; `offset_bytes` and `size_bytes` count from the start of the image."""

    kind: uuid.UUID
    identity: uuid.UUID
    label: str
    offset_bytes: int
    size_bytes: int


def read_partitions(image: Path) -> list[Partition]:
    """The partitions in the order of the table. Raises `VerificationError` when there is no readable table."""
    with image.open("rb") as file:
        file.seek(SECTOR_BYTES)
        header = file.read(92)
        if len(header) < 92 or header[:8] != b"EFI PART":
            raise _broken(image, "it has no GPT")
        table_sector, count, entry_bytes = struct.unpack_from("<QII", header, 72)
        if not 0 < count <= _MAX_ENTRIES or entry_bytes < 128:
            raise _broken(image, f"its GPT names {count} entries of {entry_bytes} bytes")
        file.seek(table_sector * SECTOR_BYTES)
        table = file.read(count * entry_bytes)
    partitions = []
    for start in range(0, len(table) - 127, entry_bytes):
        kind, identity, first, last, _, label = struct.unpack_from("<16s16sQQQ72s", table, start)
        if kind != bytes(16):
            partitions.append(
                Partition(
                    uuid.UUID(bytes_le=kind),
                    uuid.UUID(bytes_le=identity),
                    label.decode("utf-16-le", errors="replace").rstrip("\0"),
                    first * SECTOR_BYTES,
                    (last - first + 1) * SECTOR_BYTES,
                )
            )
    return partitions


def verity_root_hash(image: Path, data: uuid.UUID, hashes: uuid.UUID, signature: uuid.UUID) -> str:
    """The dm-verity root hash of the partitions of these three kinds.

    It stands twice in such an image: the UUIDs of the data and the hash partition are its two halves, and the
    signature partition names it. Raises `VerificationError` when the two disagree.
    """
    found = {partition.kind: partition for partition in reversed(read_partitions(image))}
    missing = [str(kind) for kind in (data, hashes, signature) if kind not in found]
    if missing:
        raise _broken(image, f"it has no partition of type {', '.join(missing)}")
    from_table = found[data].identity.hex + found[hashes].identity.hex
    with image.open("rb") as file:
        file.seek(found[signature].offset_bytes)
        text = file.read(found[signature].size_bytes).rstrip(b"\0")
    try:
        signed = json.loads(text)["rootHash"]
    except (ValueError, KeyError, TypeError):
        raise _broken(image, "its signature partition is not readable") from None
    if signed != from_table:
        raise _broken(image, f"its partitions say root hash {from_table}, its signature {signed}")
    return from_table


def _broken(image: Path, reason: str) -> VerificationError:
    return VerificationError(f"{image} is no signed image: {reason}", hint="build it again")

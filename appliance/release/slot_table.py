"""The partition table of the system disk, as far as slots go: read with both of its copies, changed in one write.

UEFI specification 2.10, section 5.3. A box has two slots, each of three partitions (/usr, its dm-verity hashes, the
signed root hash); the first of each type is slot a, the second slot b. Which image a slot holds stand the identifiers
of its partitions for: the two halves of the root hash, by which the initrd finds them (`usrhash=`). So they are
written last, and taken away first.
"""

import hashlib
import os
import struct
import uuid
import zlib
from dataclasses import dataclass, replace

from appliance.audit.disk import Disk
from appliance.errors import UnknownStateError

SECTOR = 512
# Discoverable Partitions Specification, x86-64.
USR = uuid.UUID("8484680c-9521-48c6-9c11-b0720656f69e")
USR_VERITY = uuid.UUID("77ff5f63-e7b6-4633-acf4-1565b864c0e6")
USR_VERITY_SIG = uuid.UUID("e7bb33fb-06cf-4e81-8273-e543b413e2e2")
ESP = uuid.UUID("c12a7328-f81f-11d2-ba4b-00a0c93ec93b")
KINDS = {"usr": USR, "verity": USR_VERITY, "signature": USR_VERITY_SIG}
EMPTY = "_empty"
_HEADER = struct.Struct("<8sIIIIQQQQ16sQIII")
_ENTRY = struct.Struct("<16s16sQQQ72s")
_MAX_ENTRIES = 256
# Header and the entries of a box's partitions lie in the first 4 KiB of the disk: one aligned write.
_PAGE = 4096
_IN_PAGE = (_PAGE - 2 * SECTOR) // _ENTRY.size


@dataclass(frozen=True)
class Entry:
    """A partition: `start` and `size` in bytes, `number` as in its device's name."""

    number: int
    kind: uuid.UUID
    identity: uuid.UUID
    start: int
    size: int
    flags: int
    label: str

    def packed(self) -> bytes:
        """As it stands in the table."""
        last = (self.start + self.size) // SECTOR - 1
        label = self.label.encode("utf-16-le")[:72].ljust(72, b"\0")
        return _ENTRY.pack(
            self.kind.bytes_le, self.identity.bytes_le, self.start // SECTOR, last, self.flags, label
        )  # fmt: skip


@dataclass(frozen=True)
class Slot:
    """Three partitions that hold one image, or none."""

    name: str
    usr: Entry
    verity: Entry
    signature: Entry

    @property
    def entries(self) -> dict[str, Entry]:
        """By the names of a system's parts."""
        return {"usr": self.usr, "verity": self.verity, "signature": self.signature}

    @property
    def root_hash(self) -> str | None:
        """Of the image that it holds whole; None when it holds none."""
        return None if self.usr.label == EMPTY else self.usr.identity.hex + self.verity.identity.hex

    def emptied(self) -> "Slot":
        """Without an image: nothing finds its partitions any more. The identifiers stay unique on the disk."""

        def empty(entry: Entry) -> Entry:
            content = f"{EMPTY} {entry.start}".encode()
            return replace(entry, label=EMPTY, identity=uuid.UUID(bytes=hashlib.sha256(content).digest()[:16]))

        return replace(
            self, usr=empty(self.usr), verity=empty(self.verity), signature=empty(self.signature)
        )  # fmt: skip

    def holding(self, root_hash: str, version: str) -> "Slot":
        """With an image."""
        label = f"edge_{version}"
        signature = uuid.UUID(bytes=hashlib.sha256(f"signature {root_hash}".encode()).digest()[:16])
        return replace(
            self,
            usr=replace(self.usr, label=label, identity=uuid.UUID(hex=root_hash[:32])),
            verity=replace(self.verity, label=f"{label}_verity"[:36], identity=uuid.UUID(hex=root_hash[32:])),
            signature=replace(self.signature, label=f"{label}_sig"[:36], identity=signature),
        )


@dataclass(frozen=True)
class Table:
    """A table that fits its checksums. `header` is that of the first copy, made anew where only the second is whole."""

    header: bytes
    array: bytes
    entries: tuple[Entry, ...]

    def one(self, kind: uuid.UUID) -> Entry | None:
        """The only partition of a type; None when there is none or more than one."""
        found = [entry for entry in self.entries if entry.kind == kind]
        return found[0] if len(found) == 1 else None

    def slots(self) -> tuple[Slot, Slot]:
        """Both slots. Raises UnknownStateError for a disk that has not two of each type."""
        found = {name: [each for each in self.entries if each.kind == kind] for name, kind in KINDS.items()}
        if any(len(each) != 2 for each in found.values()):
            words = ", ".join(f"{len(each)} for {name}" for name, each in found.items())
            raise UnknownStateError(f"the system disk has not two slots: partitions {words}", hint="look at the disk")
        slots = [Slot("ab"[i], found["usr"][i], found["verity"][i], found["signature"][i]) for i in (0, 1)]
        return slots[0], slots[1]


def read_table(descriptor: int) -> Table:
    """Read it. Raises UnknownStateError when neither copy is whole, OSError."""
    size = _size(descriptor)
    first = _copy(descriptor, SECTOR, size)
    if first is not None:
        return first
    second = _copy(descriptor, size - SECTOR, size)
    if second is None:
        raise UnknownStateError("the partition table of the system disk does not fit its checksums", hint="see gdisk")
    fields = list(_HEADER.unpack_from(second.header))
    fields[5], fields[6], fields[10] = 1, fields[5], 2
    return replace(second, header=_sealed(fields, second.array))


def write_slot(descriptor: int, slot: Slot, disk: Disk) -> None:
    """Change the entries of a slot. It counts when this returns: a cut before that leaves the table as it was.

    The second copy is written and flushed first. The first copy is then changed by one aligned write of 4 KiB, which
    a disk with sectors of that size does whole or not at all; with smaller ones a cut in the middle of it is left to
    the firmware, which puts the second copy in its place before anything is started, and to `read_table`.
    """
    table = read_table(descriptor)
    array = bytearray(table.array)
    for entry in slot.entries.values():
        if entry.number > _IN_PAGE:
            raise UnknownStateError(f"partition {entry.number} is none of a slot", hint="look at the system disk")
        array[(entry.number - 1) * _ENTRY.size : entry.number * _ENTRY.size] = entry.packed()
    content = bytes(array)
    fields = list(_HEADER.unpack_from(table.header))
    own, other = fields[5], fields[6]
    back = [*fields]
    # The second copy's entries lie before its header, at the end of the disk.
    back[5], back[6], back[10] = other, own, other - -(-len(content) // SECTOR)
    disk.write_at(descriptor, content.ljust((other - back[10]) * SECTOR, b"\0") + _sealed(back, content),
                  back[10] * SECTOR)  # fmt: skip
    disk.sync(descriptor)
    header = _sealed(fields, content)
    mbr = os.pread(descriptor, SECTOR, 0)
    page = (mbr + header + content)[:_PAGE]
    rest = (mbr + header + content)[_PAGE:]
    if os.pread(descriptor, len(rest), _PAGE) != rest:
        disk.write_at(descriptor, rest, _PAGE)
    disk.write_at(descriptor, page, 0)
    disk.sync(descriptor)


def _copy(descriptor: int, at: int, size: int) -> Table | None:
    header = os.pread(descriptor, SECTOR, at)
    if len(header) < SECTOR or header[:8] != b"EFI PART":
        return None
    fields = _HEADER.unpack_from(header)
    length, checksum, own, sector, count, entry_bytes, array_checksum = (fields[i] for i in (2, 3, 5, 10, 11, 12, 13))
    if length != _HEADER.size or own * SECTOR != at or entry_bytes != _ENTRY.size or not 0 < count <= _MAX_ENTRIES:
        return None
    if zlib.crc32(header[:16] + bytes(4) + header[20:length]) != checksum:
        return None
    if not 2 <= sector < size // SECTOR or (at == SECTOR and sector != 2):
        return None
    array = os.pread(descriptor, count * entry_bytes, sector * SECTOR)
    if len(array) != count * entry_bytes or zlib.crc32(array) != array_checksum:
        return None
    entries = []
    for index in range(count):
        kind, identity, first, last, flags, label = _ENTRY.unpack_from(array, index * entry_bytes)
        if kind == bytes(16):
            continue
        start, end = first * SECTOR, (last + 1) * SECTOR
        if not 0 < start < end <= size:
            return None
        words = label.decode("utf-16-le", errors="replace").split("\0")[0]
        entries.append(
            Entry(index + 1, uuid.UUID(bytes_le=kind), uuid.UUID(bytes_le=identity), start, end - start, flags, words)
        )
    return Table(header, array, tuple(entries))


def _sealed(fields: list[int], array: bytes) -> bytes:
    fields = [*fields]
    fields[3], fields[13] = 0, zlib.crc32(array)
    fields[3] = zlib.crc32(_HEADER.pack(*fields))
    return _HEADER.pack(*fields).ljust(SECTOR, b"\0")


def _size(descriptor: int) -> int:
    return os.lseek(descriptor, 0, os.SEEK_END)

"""The system that runs, read from its slot as one file, part behind part: what a delta of another system starts from.

rsync takes no block device as a basis, so that a copy has to lie on the state volume while another system is sent
(incoming.py makes room for it and takes it away again). Nothing is proven here: rsync compares a digest of every file
that it has put together, and the release machine demands the signed SHA-256 of the whole.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from appliance.errors import ApplianceError, UnknownStateError
from appliance.release.boot_files import BootFiles
from appliance.release.disk import Disk
from appliance.release.facts import running_usr
from appliance.release.gpt import Extent, Layout
from appliance.release.kernel_image import MAX_BYTES
from appliance.release.places import Places
from appliance.release.slot_table import ESP, Table, read_table
from appliance.release.system_disk import SystemDisk
from appliance.release.verity import used_extents

_PIECE = 4 << 20
# Written by nobody here, but mounted as the release machine mounts it: a file system is mounted in one way at a time.
_BOOT_PARTITION = "/run/appliance-boot-partition-basis"


@dataclass(frozen=True)
class SlotSystem:
    """A system that a slot holds. The signature is left out: 4 KiB that are other ones in every build."""

    disk: SystemDisk
    extents: tuple[Extent, ...]
    kernel: bytes

    @property
    def size_bytes(self) -> int:
        """Of what `pieces` gives."""
        return sum(each.size for each in self.extents) + len(self.kernel)

    def pieces(self) -> Iterator[bytes]:
        """/usr, its hash tree and its kernel image. Raises UnknownStateError, OSError."""
        with self.disk.opened(write=False) as descriptor:
            for extent in self.extents:
                done = 0
                while done < extent.size:
                    piece = os.pread(descriptor, min(_PIECE, extent.size - done), extent.start + done)
                    if not piece:
                        raise UnknownStateError(f"{self.disk.device} ends inside of a slot", hint="look at the disk")
                    done += len(piece)
                    yield piece
                # It is read once: the engines' weights shall stay in memory, and not this.
                os.posix_fadvise(descriptor, extent.start, extent.size, os.POSIX_FADV_DONTNEED)
        if self.kernel:
            yield self.kernel


def slot_system(places: Places, root_hash: str) -> SlotSystem | None:
    """The running system, if that is its root hash: weights are in no slot. Raises ApplianceError, OSError."""
    try:
        if running_usr(places) != root_hash:
            return None
    except UnknownStateError:
        return None
    disk = SystemDisk.find(places, root_hash)
    with disk.opened(write=False) as descriptor:
        table = read_table(descriptor)
        slot = next((each for each in table.slots() if each.root_hash == root_hash), None)
        if slot is None:
            raise UnknownStateError("the running system is in no slot", hint="look at the system disk's partitions")
        layout = Layout(Extent(slot.usr.start, slot.usr.size), Extent(slot.verity.start, slot.verity.size), root_hash)
        extents = used_extents(descriptor, layout)
    return SlotSystem(disk, extents, _kernel(disk, table, root_hash))


def _kernel(disk: SystemDisk, table: Table, root_hash: str) -> bytes:
    """Its kernel image; empty where the boot partition does not give it: most of a system is /usr."""
    try:
        with disk.boot_partition(table.one(ESP), _BOOT_PARTITION) as top:
            return _content(BootFiles(top, Disk()), root_hash)
    except (ApplianceError, OSError):
        return b""


def _content(boot: BootFiles, root_hash: str) -> bytes:
    found = boot.find(root_hash)
    path: Path | None = None if found is None else found.path
    if path is None or path.stat().st_size > MAX_BYTES:
        return b""
    return path.read_bytes()

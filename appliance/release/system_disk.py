"""The disk that the running system was started from, and its boot partition."""

import os
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from appliance.errors import UnknownStateError
from appliance.release.places import Places
from appliance.release.slot_table import Entry

_MOUNT_S = 60
_BOOT_PARTITION = "/run/appliance-boot-partition"


@dataclass(frozen=True)
class SystemDisk:
    """`device` is the whole disk. In a test's folder it is a file, and so are its partitions' places in it."""

    places: Places
    device: Path

    @classmethod
    def find(cls, places: Places, running: str) -> "SystemDisk":
        """The disk that holds the running /usr. Raises UnknownStateError."""
        if places.root != Path("/"):
            return cls(places, places.below("/dev/system-disk"))
        link = Path("/dev/disk/by-partuuid") / str(uuid.UUID(hex=running[:32]))
        try:
            partition = link.resolve(strict=True)
            device = Path("/sys/class/block", partition.name).resolve(strict=True).parent.name
        except OSError as error:
            raise UnknownStateError(f"{link}: {error.strerror}", hint="which disk was it started from?") from None
        return cls(places, Path("/dev") / device)

    @contextmanager
    def opened(self, *, write: bool) -> Iterator[int]:
        """The whole disk. Raises UnknownStateError."""
        flags = (os.O_RDWR if write else os.O_RDONLY) | os.O_CLOEXEC
        try:
            descriptor = os.open(self.device, flags)
        except OSError as error:
            raise UnknownStateError(f"{self.device}: {error.strerror}", hint="run it as root on the box") from None
        try:
            yield descriptor
        finally:
            os.close(descriptor)

    def partition(self, entry: Entry) -> tuple[Path, int]:
        """Where a partition is written, and from which byte on. Its own device: another name has another cache."""
        if not self.device.is_block_device():
            return self.device, entry.start
        separator = "p" if self.device.name[-1].isdigit() else ""
        return self.device.with_name(f"{self.device.name}{separator}{entry.number}"), 0

    @contextmanager
    def boot_partition(self, entry: Entry | None, where: str = _BOOT_PARTITION) -> Iterator[Path]:
        """Mount it, for as long as this is open. Raises UnknownStateError.

        `where`: a place of its own for who is not under the release machine's lock; else one's end is the other's.
        """
        if not self.device.is_block_device():
            yield self.places.below("/efi")
            return
        if entry is None:
            raise UnknownStateError(f"{self.device} has not one boot partition", hint="look at the system disk")
        place = self.places.below(where)
        place.mkdir(mode=0o700, exist_ok=True)
        options = "rw,nosuid,nodev,noexec,umask=0077,quiet"
        _run(["mount", "-t", "vfat", "-o", options, str(self.partition(entry)[0]), str(place)])
        try:
            yield place
        finally:
            # Not mounted longer than needed: this file system has no journal.
            _run(["umount", str(place)])


def _run(argv: list[str]) -> None:
    try:
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, timeout=_MOUNT_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UnknownStateError(f"{argv[0]}: {error}", hint="look at the boot partition") from None
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip()[:200]
        raise UnknownStateError(f"{' '.join(argv)}: exit {done.returncode}: {said}", hint="look at the boot partition")

"""The raw disk files of a virtual site: sparse, so that they cost what the guest has written."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

from fleetctl.errors import PreflightError
from fleetctl.lab.record import Disk

# A provisioned site was seen to need about 1.5 GiB over the image; one that starts with less room stops in its boot.
WORKING_SPACE_BYTES = 2 * 1024**3


def make_disks(disks: tuple[Disk, ...], image: Path, runtime_dir: Path) -> None:
    """Make what is not there yet. Each file appears whole or not at all. Raises PreflightError when space is short."""
    absent = [disk for disk in disks if not (runtime_dir / disk.file).exists()]
    needed = sum(allocated_bytes(image) for disk in absent if disk.role == "system")
    require_space(runtime_dir, needed + WORKING_SPACE_BYTES if absent else 0)
    for disk in absent:
        target = runtime_dir / disk.file
        partial = target.with_name(f".{target.name}.partial")
        try:
            if disk.role == "system":
                copy_sparse(image, partial)
            else:
                partial.touch(mode=0o600)
            os.truncate(partial, disk.size_bytes)
        except OSError as error:
            partial.unlink(missing_ok=True)
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise _no_space(runtime_dir, f"while {disk.file} was written") from error
            raise
        partial.replace(target)


def require_space(folder: Path, needed_bytes: int) -> None:
    """Raise PreflightError when the file system of `folder` has less than `needed_bytes` free."""
    free = shutil.disk_usage(folder).free
    if free < needed_bytes:
        raise _no_space(folder, f"{_gib(free)} is free, {_gib(needed_bytes)} is needed")


def copy_sparse(source: Path, target: Path) -> None:
    """Copy only what holds data, by the file system's own map of holes."""
    with source.open("rb") as reader, target.open("wb") as writer:
        os.fchmod(writer.fileno(), 0o600)
        size = os.fstat(reader.fileno()).st_size
        os.ftruncate(writer.fileno(), size)
        at = 0
        while at < size:
            try:
                start = os.lseek(reader.fileno(), at, os.SEEK_DATA)
            except OSError as error:
                if error.errno == errno.ENXIO:  # nothing but a hole up to the end
                    return
                raise
            at = os.lseek(reader.fileno(), start, os.SEEK_HOLE)
            _copy_range(reader.fileno(), writer.fileno(), start, at)


def allocated_bytes(path: Path) -> int:
    """What a sparse file takes on the disk."""
    return path.stat().st_blocks * 512


def _copy_range(reader: int, writer: int, start: int, end: int) -> None:
    os.lseek(writer, start, os.SEEK_SET)
    while start < end:
        start += os.sendfile(writer, reader, start, min(end - start, 64 * 1024 * 1024))


def _no_space(folder: Path, what: str) -> PreflightError:
    return PreflightError(
        f"not enough space for the virtual site in {folder}: {what}",
        hint="free some space there, or set FLEETCTL_STATE_DIR to a folder on a larger file system; "
        "`fleetctl lab down NAME --destroy` removes a site's disks",
    )


def _gib(count_bytes: int) -> str:
    return f"{count_bytes / 1024**3:.1f} GiB"

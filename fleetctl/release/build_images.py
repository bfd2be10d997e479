"""Puts model images where releases keep them: by root hash, whole and verified or not at all."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path

from appliance.contract.release import CodePackComponent, Component, ImageComponent, SystemComponent
from fleetctl import atomic
from fleetctl.errors import ChangeError, VerificationError
from fleetctl.image import gpt
from fleetctl.release.store import ReleaseStore

# linux/fs.h: share the blocks of a file (btrfs, XFS) until one of the two is written to.
_FICLONE = 0x40049409
_CHUNK = 4 << 20
OnBytes = Callable[[int], None]


def sha256_of(path: Path, on_bytes: OnBytes = lambda count: None) -> str:
    """The digest of a file; `on_bytes` gets how many more were read."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
            on_bytes(len(chunk))
    return digest.hexdigest()


def check_file(
    path: Path, size_bytes: int, sha256: str, again: str, on_bytes: OnBytes = lambda count: None
) -> None:  # fmt: skip
    """Raise VerificationError, with the hint `again`, unless `path` has that length and digest."""
    try:
        if (size := path.stat().st_size) != size_bytes:
            raise VerificationError(f"{path}: {size:,} bytes; wanted: {size_bytes:,}", hint=again)
        if (found := sha256_of(path, on_bytes)) != sha256:
            raise VerificationError(f"{path}: SHA-256 {found}; wanted: {sha256}", hint=again)
    except OSError as error:
        raise VerificationError(f"{path} cannot be read: {error.strerror}", hint=again) from None


def check_component(path: Path, wanted: Component, on_bytes: OnBytes = lambda count: None) -> None:
    """Raise VerificationError unless `path` is that file: an image, or an operating system."""
    if isinstance(wanted, SystemComponent):
        check_file(path, wanted.size_bytes, wanted.sha256, "build it again: fleetctl image build", on_bytes)
    else:
        check_image(path, wanted, on_bytes)


def check_image(path: Path, wanted: ImageComponent, on_bytes: OnBytes = lambda count: None) -> None:
    """Raise VerificationError unless `path` is that image: length, digest, and the root hash in it.

    A code table is no image: its digest is all there is to it.
    """
    again = f"build it again: fleetctl image model {wanted.name}"
    if isinstance(wanted, CodePackComponent):
        again = f"give the table again: fleetctl release build --code-pack FILE ({wanted.name} {wanted.version})"
    check_file(path, wanted.size_bytes, wanted.sha256, again, on_bytes)
    if isinstance(wanted, CodePackComponent):
        return
    root_hash = gpt.verity_root_hash(path, gpt.ROOT, gpt.ROOT_VERITY, gpt.ROOT_VERITY_SIG)
    if root_hash != wanted.root_hash:
        raise VerificationError(f"{path}: root hash {root_hash}; wanted: {wanted.root_hash}", hint=again)


def place(source: Path, wanted: ImageComponent, store: ReleaseStore, on_bytes: OnBytes = lambda count: None) -> str:
    """Put an image into the store and return how: shared, linked or copied. It is verified before it has its name.

    Raises VerificationError for another image, ChangeError when there is no room.
    """
    target = store.image(wanted.root_hash)
    store.images.mkdir(parents=True, exist_ok=True, mode=0o700)
    temporary = store.images / f".{wanted.root_hash}.new"
    temporary.unlink(missing_ok=True)
    try:
        how = _laid(source, temporary)
        check_image(temporary, wanted, on_bytes)
        temporary.replace(target)
        atomic.sync_directory(store.images)
    except OSError as error:
        raise full(error, temporary, wanted.size_bytes) from None
    finally:
        temporary.unlink(missing_ok=True)
    return how


def full(error: OSError, path: Path, needed_bytes: int) -> ChangeError:
    """The error of a file that could not be written, with the room that it wants and the room that there is."""
    free = shutil.disk_usage(path.parent).free if path.parent.is_dir() else 0
    if error.errno == errno.EFBIG:
        return ChangeError(
            f"{path}: {error.strerror}: {needed_bytes:,} bytes in one file",
            hint="this file system has a limit for one file (FAT32: 4 GiB): format the medium as ext4 or exFAT",
        )
    return ChangeError(
        f"{path}: {error.strerror}; {needed_bytes:,} bytes are needed, {free:,} are free",
        hint="make room there, then run this again: what is complete is not done again",
    )


def _laid(source: Path, target: Path) -> str:
    """The cheapest of three ways. A hard link is safe: finished images are replaced, never written to."""
    if _shared(source, target):
        return "shared"
    try:
        target.hardlink_to(source)
        return "linked"
    except OSError as error:
        if error.errno not in (errno.EXDEV, errno.EPERM, errno.EMLINK, errno.EOPNOTSUPP):
            raise
    with source.open("rb") as origin, target.open("xb") as copy:
        shutil.copyfileobj(origin, copy, _CHUNK)
        copy.flush()
        os.fsync(copy.fileno())
    return "copied"


def _shared(source: Path, target: Path) -> bool:
    with source.open("rb") as origin, target.open("xb") as copy:
        try:
            fcntl.ioctl(copy.fileno(), _FICLONE, origin.fileno())
            os.fsync(copy.fileno())
            return True
        except OSError:
            pass
    target.unlink()
    return False

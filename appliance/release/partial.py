"""What is left of a transfer that broke off, and how it becomes the basis of the next one.

rsync takes one file as the basis of a delta, and a partial file is always that one: whatever else lies on the box then
counts for nothing, and all behind the cut is sent whole. It is also written to in place, so that what it had and
content that has moved get lost. So the partial file is taken out of rsync's hands: it becomes the beginning of a
basis file that nobody writes to, and the older image is appended to it.

How much of that file was received is written down first, bound to the file itself, so that a power cut in the middle,
or a second order, cuts it back to that, and no byte of the older image is ever taken for a received one.
"""

import json
import os
import re
import stat
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from appliance.contract.release_incoming import PARTIAL_FOLDER
from appliance.errors import ApplianceError, RefusedError

# A receiver that was killed leaves `.NAME.XXXXXX`; rsync itself never takes it up again.
_LEFT = re.compile(r"^\.([0-9a-f]{64})\.raw\.[A-Za-z0-9]{6}$")
_NAME = re.compile(r"^([0-9a-f]{64})\.raw$")
_MAX_RECORD_BYTES = 1000


@dataclass(frozen=True)
class Received:
    """What was received of images: partial files below `images`, one an image, and basis files that begin with one."""

    images: Path
    bases: Path

    @property
    def folder(self) -> Path:
        """Where rsync keeps what broke off."""
        return self.images / PARTIAL_FOLDER

    def partial(self, root_hash: str) -> Path:
        """The partial file of an image."""
        return self.folder / f"{root_hash}.raw"

    def basis_folder(self, root_hash: str) -> Path:
        """What rsync is told to compare with: a file of the image's own name is in it."""
        return self.bases / root_hash

    def _basis(self, root_hash: str) -> Path:
        return self.basis_folder(root_hash) / f"{root_hash}.raw"

    def _record(self, root_hash: str) -> Path:
        return self.basis_folder(root_hash) / "received"

    def left_over(self) -> dict[str, list[Path]]:
        """Temporary files of receivers, by the image that they were for."""
        found: dict[str, list[Path]] = {}
        for entry in self.images.iterdir():
            if match := _LEFT.match(entry.name):
                found.setdefault(match[1], []).append(entry)
        return found

    def collect(self, root_hash: str) -> int:
        """Make the longest of what was received the partial file, and remove the others; returns its bytes."""
        self._cut_back(root_hash)
        left = [(found.st_size, path) for path in self.left_over().get(root_hash, ()) if (found := plain(path))]
        for _, path in sorted(left, reverse=True):
            self._take(root_hash, path)
        found = plain(self.partial(root_hash))
        return 0 if found is None else found.st_size

    def _cut_back(self, root_hash: str) -> None:
        """Take the basis file apart again: what was received of it stays."""
        basis = self._basis(root_hash)
        with suppress(OSError, ValueError, KeyError, TypeError):
            with self._record(root_hash).open("rb") as file:
                record = json.loads(file.read(_MAX_RECORD_BYTES))
            inode, received = int(record["inode"]), int(record["received_bytes"])
            found = plain(basis)
            if found is not None and found.st_ino == inode and 0 < received <= found.st_size:
                os.truncate(basis, received)
                self._take(root_hash, basis)
        self.forget_basis(root_hash)

    def _take(self, root_hash: str, path: Path) -> None:
        """A candidate for the partial file: the longer one wins, both begin with the first byte."""
        have, offered = plain(self.partial(root_hash)), plain(path)
        if offered is not None and (have is None or offered.st_size > have.st_size):
            path.replace(self.partial(root_hash))
            sync(self.folder)
        else:
            path.unlink(missing_ok=True)

    def as_basis(self, root_hash: str, older: Iterable[bytes]) -> int:
        """Make the partial file a basis file with an older image appended; returns the bytes of that.

        What is raised when it could not be, OSError or an error of `older`, leaves everything as it was before.
        """
        partial, basis = self.partial(root_hash), self._basis(root_hash)
        found = plain(partial)
        if found is None:
            raise FileNotFoundError(partial)
        self.basis_folder(root_hash).mkdir(mode=0o700)
        try:
            record = json.dumps({"inode": found.st_ino, "received_bytes": found.st_size}).encode()
            with self._record(root_hash).open("wb") as file:
                file.write(record)
                file.flush()
                os.fsync(file.fileno())
            sync(self.basis_folder(root_hash))
            partial.replace(basis)
            with basis.open("ab") as target:
                target.writelines(older)
            return basis.stat().st_size - found.st_size
        except (OSError, ApplianceError):
            self._cut_back(root_hash)
            raise

    def copy_basis(self, root_hash: str, older: Iterable[bytes]) -> int:
        """Make an older image that is no file a basis file; returns its bytes. What is raised leaves nothing of it."""
        self.basis_folder(root_hash).mkdir(mode=0o700)
        try:
            with self._basis(root_hash).open("xb") as target:
                target.writelines(older)
            return self._basis(root_hash).stat().st_size
        except (OSError, ApplianceError):
            self.forget_basis(root_hash)
            raise

    def link_basis(self, root_hash: str, older: Path) -> None:
        """Give an older image a second name in the basis folder: nothing is copied."""
        self.basis_folder(root_hash).mkdir(mode=0o700)
        os.link(older, self._basis(root_hash), follow_symlinks=False)

    def give_back(self, root_hash: str, arrived: bool, links: bool) -> None:
        """Free what the basis of an image that nobody sends now takes of the disk; what was received of it stays,
        unless the image has `arrived`. `links`: second names too, which take nothing as long as the image stays."""
        if arrived:
            self.drop(root_hash)
        elif self._record(root_hash).exists():
            self.collect(root_hash)
        elif links or self._takes_room(root_hash):
            self.forget_basis(root_hash)

    def _takes_room(self, root_hash: str) -> bool:
        try:
            return self._basis(root_hash).lstat().st_nlink == 1
        except OSError:
            return True

    def forget_basis(self, root_hash: str) -> None:
        """Remove the basis folder. Only names go: an older image stays where it is kept."""
        folder = self.basis_folder(root_hash)
        if folder.is_symlink() or not folder.is_dir():
            folder.unlink(missing_ok=True)
            return
        for entry in folder.iterdir():
            entry.unlink()
        folder.rmdir()

    def drop(self, root_hash: str) -> None:
        """Forget what was received of an image."""
        self.partial(root_hash).unlink(missing_ok=True)
        self.forget_basis(root_hash)

    def others(self, root_hash: str) -> list[str]:
        """Images besides this one of which something was received, the oldest first."""
        ages: dict[str, float] = {}
        for entry in (*self.folder.iterdir(), *self.bases.iterdir()):
            name = match[1] if (match := _NAME.match(entry.name)) else entry.name
            if name != root_hash:
                with suppress(FileNotFoundError):
                    ages[name] = max(ages.get(name, 0.0), entry.lstat().st_mtime)
        return sorted(ages, key=ages.__getitem__)


def plain(path: Path) -> os.stat_result | None:
    """A regular file with this one name, or None. Raises RefusedError for anything else: it would be written to."""
    try:
        found = path.lstat()
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(found.st_mode):
        raise RefusedError(f"{path}: a regular file was wanted, this is none", hint="look who made it, and remove it")
    if found.st_nlink != 1:
        raise RefusedError(f"{path}: the file has {found.st_nlink} names", hint="look who linked it, and remove it")
    return found


def sync(folder: Path) -> None:
    """Make the names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

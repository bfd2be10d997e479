"""What is left of a transfer that broke off, and how it becomes the basis of the next one.

rsync takes one file as the basis of a delta, and a partial file is always that one: whatever else lies on the box then
counts for nothing, and all behind the cut is sent whole. So the older image is appended to the partial file. How much
of it was received is written down first, bound to the file itself, so that a power cut in the middle, or a second
order, cuts it back to that and no byte of the older image is ever taken for a received one.
"""

import json
import os
import re
import stat
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from appliance.contract.release_incoming import PARTIAL_FOLDER
from appliance.errors import RefusedError

# A receiver that was killed leaves `.NAME.XXXXXX`; rsync itself never takes it up again.
_LEFT = re.compile(r"^\.([0-9a-f]{64})\.raw\.[A-Za-z0-9]{6}$")
_NAME = re.compile(r"^([0-9a-f]{64})\.raw$")
_COPY_BYTES = 1 << 20


@dataclass(frozen=True)
class Partials:
    """The partial files below `incoming/images`, one an image."""

    images: Path

    @property
    def folder(self) -> Path:
        """Where rsync keeps them."""
        return self.images / PARTIAL_FOLDER

    def path(self, root_hash: str) -> Path:
        """Of one image."""
        return self.folder / f"{root_hash}.raw"

    def _record(self, root_hash: str) -> Path:
        return self.folder / f"{root_hash}.received"

    def left_over(self) -> dict[str, list[Path]]:
        """Temporary files of receivers, by the image that they were for."""
        found: dict[str, list[Path]] = {}
        for entry in self.images.iterdir():
            if match := _LEFT.match(entry.name):
                found.setdefault(match[1], []).append(entry)
        return found

    def received_bytes(self, root_hash: str) -> int:
        """How much of the image is there; 0 without a partial file."""
        found = plain(self.path(root_hash))
        if found is None:
            return 0
        try:
            record = json.loads(self._record(root_hash).read_bytes()[:1000])
            inode, received = int(record["inode"]), int(record["received_bytes"])
        except (OSError, ValueError, KeyError, TypeError):
            return found.st_size
        # Another file: rsync has put a newer one in its place, which is received from the first byte to the last.
        return min(received, found.st_size) if inode == found.st_ino and received >= 0 else found.st_size

    def adopt(self, root_hash: str) -> None:
        """Take the longest of what killed receivers left as the partial file, and remove the others."""
        left = [(found.st_size, path) for path in self.left_over().get(root_hash, ()) if (found := plain(path))]
        for size, path in sorted(left, reverse=True):
            if size > self.received_bytes(root_hash):
                path.replace(self.path(root_hash))
            else:
                path.unlink()

    def cut_back(self, root_hash: str) -> int:
        """Take away what was appended; returns what was received."""
        received = self.received_bytes(root_hash)
        if plain(self.path(root_hash)) is not None:
            os.truncate(self.path(root_hash), received)
        self._record(root_hash).unlink(missing_ok=True)
        return received

    def append(self, root_hash: str, basis: Path) -> int:
        """Append an older image; returns its bytes. What was received is durable first. Raises OSError: cut back."""
        path = self.path(root_hash)
        found = plain(path)
        if found is None:
            return 0
        record = json.dumps({"inode": found.st_ino, "received_bytes": found.st_size}).encode()
        with self._record(root_hash).open("wb") as file:
            file.write(record)
            file.flush()
            os.fsync(file.fileno())
        sync(self.folder)
        try:
            with basis.open("rb") as source, path.open("ab") as target:
                while block := source.read(_COPY_BYTES):
                    target.write(block)
            return path.stat().st_size - found.st_size
        except OSError:
            self.cut_back(root_hash)
            raise

    def drop(self, root_hash: str) -> None:
        """Forget what was received of an image."""
        self.path(root_hash).unlink(missing_ok=True)
        self._record(root_hash).unlink(missing_ok=True)

    def others(self, root_hash: str) -> list[str]:
        """Images besides this one that have a partial file, the oldest first."""
        ages = {}
        for entry in self.folder.iterdir():
            match = _NAME.match(entry.name)
            if match and match[1] != root_hash:
                with suppress(FileNotFoundError):
                    ages[match[1]] = entry.lstat().st_mtime
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

"""Every change of a file that the log makes, in one place: so that each can be made durable, and be made to fail."""

import errno
import os
from pathlib import Path


class Disk:
    """The operations of the real disk. All raise OSError."""

    def open(self, path: Path) -> int:
        """A descriptor to write an existing file."""
        return os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)

    def close(self, descriptor: int) -> None:
        """Close it."""
        os.close(descriptor)

    def write_at(self, descriptor: int, data: bytes, offset: int) -> None:
        """Write all of `data`, or raise."""
        view = memoryview(data)
        while view:
            written = os.pwrite(descriptor, view, offset)
            if written <= 0:
                raise OSError(errno.EIO, "nothing was written")
            view, offset = view[written:], offset + written

    def sync(self, descriptor: int) -> None:
        """Return when what was written to it is on the disk."""
        os.fdatasync(descriptor)

    def replace(self, path: Path, data: bytes, *, mode: int = 0o640) -> None:
        """Put `data` under `path`, durably: a crash leaves the old file or the new one."""
        temporary = path.with_name(f".{path.name}.new")
        temporary.unlink(missing_ok=True)
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
        try:
            os.fchmod(descriptor, mode)
            self.write_at(descriptor, data, 0)
            self.sync(descriptor)
        finally:
            os.close(descriptor)
        temporary.replace(path)
        self.sync_directory(path.parent)

    def make_directory(self, path: Path) -> None:
        """Make a directory and those above it, durably."""
        missing = []
        while not path.is_dir():
            missing.append(path)
            path = path.parent
        for directory in reversed(missing):
            directory.mkdir(mode=0o750)
            self.sync_directory(directory.parent)

    def remove_directory(self, path: Path) -> None:
        """Remove a directory of files, where there is one. Not durably: what comes back harms nobody."""
        if path.is_dir():
            for file in path.iterdir():
                file.unlink()
            path.rmdir()

    def sync_directory(self, path: Path) -> None:
        """Make the names in a directory durable."""
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

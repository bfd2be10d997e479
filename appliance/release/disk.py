"""Every change of the file system that a release makes, in one place: durable when it returns."""

import os
from pathlib import Path

from appliance.audit import disk as audit_disk


class Disk(audit_disk.Disk):
    """The real disk. Every operation is one step: a crash leaves what was before it or what is behind. OSError."""

    def point(self, link: Path, target: str) -> None:
        """Make `link` a symbolic link to `target`, whatever was under that name."""
        temporary = link.with_name(f".{link.name}.new")
        temporary.unlink(missing_ok=True)
        temporary.symlink_to(target)
        temporary.replace(link)
        self.sync_directory(link.parent)

    def link(self, path: Path, name: Path) -> None:
        """Give a file another name on the same file system."""
        name.hardlink_to(path)
        self.sync_directory(name.parent)

    def move(self, path: Path, name: Path) -> None:
        """Give a file on the same file system another name instead."""
        path.replace(name)
        self.sync_directory(name.parent)
        if path.parent != name.parent:
            self.sync_directory(path.parent)

    def remove(self, path: Path) -> None:
        """Remove a file or a link, where there is one."""
        path.unlink(missing_ok=True)
        self.sync_directory(path.parent)

    def close_for_writing(self, descriptor: int) -> None:
        """Take the right to write from everybody, and make the content durable."""
        os.fchmod(descriptor, 0o444)
        os.fsync(descriptor)

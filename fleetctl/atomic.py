"""Writes a file so that a crash leaves the old content or the new one, never a part."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


def write_bytes(path: Path, content: bytes, *, mode: int = 0o644, replace: bool = True) -> None:
    """Write `content` to `path` durably (fsync of file and folder). `replace` off: FileExistsError if it exists."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(file.fileno(), mode)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if replace:
            temporary.replace(path)
        else:
            path.hardlink_to(temporary)  # fails if the name is taken, also by a process that came first
            temporary.unlink()
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_directory(path.parent)


def write_text(path: Path, content: str, *, mode: int = 0o644, replace: bool = True) -> None:
    """`write_bytes` for text, as UTF-8."""
    write_bytes(path, content.encode("utf-8"), mode=mode, replace=replace)


def sync_directory(path: Path) -> None:
    """Make names in `path` durable; without it a new file can vanish with the power."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

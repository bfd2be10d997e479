"""Digests of files and of folders: the identity of what goes into a build and of what comes out."""

from __future__ import annotations

import hashlib
import stat
from collections.abc import Iterable
from pathlib import Path


def file_sha256(path: Path) -> str:
    """SHA-256 of a file's content, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def tree_digest(folder: Path, *, ignore: Iterable[str] = ("__pycache__",)) -> str:
    """Digest of every file below `folder`: its path, whether it is executable, its content or where it links to."""
    skipped = set(ignore)
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        relative = path.relative_to(folder)
        if skipped.intersection(relative.parts):
            continue
        if path.is_symlink():
            line = f"link {relative} {path.readlink()}"
        elif path.is_file():
            executable = bool(path.stat().st_mode & stat.S_IXUSR)
            line = f"file {relative} {executable} {file_sha256(path)}"
        else:
            continue
        digest.update(line.encode() + b"\n")
    return digest.hexdigest()


def combined(parts: dict[str, str]) -> str:
    """One digest over named parts, independent of their order."""
    text = "".join(f"{name}={parts[name]}\n" for name in sorted(parts))
    return hashlib.sha256(text.encode()).hexdigest()

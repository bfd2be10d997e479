"""Moves finished files to their final names: whole or not at all."""

from __future__ import annotations

import errno
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from fleetctl import atomic
from fleetctl.errors import ChangeError


def publish(files: Mapping[Path, Path]) -> None:
    """Move each source to its target, durably. A target is never seen half written."""
    for source, target in files.items():
        target.parent.mkdir(parents=True, exist_ok=True)
        _sync(source)
        try:
            source.replace(target)
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            _copy(source, target)
        atomic.sync_directory(target.parent)


def _copy(source: Path, target: Path) -> None:
    """Across file systems; the holes of a disk image stay holes."""
    partial = target.with_name(f".{target.name}.partial")
    argv = ["cp", "--sparse=always", str(source), str(partial)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        partial.unlink(missing_ok=True)
        raise ChangeError(f"{target} could not be written: {done.stderr.strip()}", hint="df -h")
    _sync(partial)
    partial.replace(target)
    source.unlink()


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

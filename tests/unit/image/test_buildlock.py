"""Two builds in one cache exclude each other; a lock without a holder does not count."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from fleetctl.errors import LockHeldError
from fleetctl.image.buildlock import build_lock


def test_second_build_is_told_who_holds_the_lock(tmp_path: Path) -> None:
    path = tmp_path / "build/lock"
    with build_lock(path), pytest.raises(LockHeldError, match=str(os.getpid())), build_lock(path):
        pass


def test_lock_is_free_again(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    path.write_text("999999\n")
    with build_lock(path):
        pass
    with build_lock(path):
        assert path.read_text() == f"{os.getpid()}\n"


def test_tool_that_outlives_its_build_keeps_the_lock(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with build_lock(path):
        tool = subprocess.Popen(["cat"], stdin=subprocess.PIPE, close_fds=False)
    try:
        with pytest.raises(LockHeldError), build_lock(path):
            pass
    finally:
        tool.communicate()
    with build_lock(path):
        pass

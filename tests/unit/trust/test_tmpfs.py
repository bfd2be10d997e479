"""Folders for secrets: who may remove them, and when."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from fleetctl.trust import tmpfs
from fleetctl.trust.tmpfs import private_tmpfs_dir

HOLDER = """
import sys
from pathlib import Path
from fleetctl.trust import tmpfs
tmpfs.memory_mount = lambda: Path(sys.argv[1])
with tmpfs.private_tmpfs_dir("held") as folder:
    print(folder, flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tmpfs, "memory_mount", lambda: tmp_path)
    return tmp_path


def test_a_folder_of_a_living_process_stays_whatever_its_number(base: Path) -> None:
    """Its process id may mean nothing here: it can live in a container that shares our /dev/shm."""
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(base)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdin
    assert holder.stdout
    with holder:
        folder = Path(holder.stdout.readline().strip())
        (folder / "secret").write_text("x")
        with private_tmpfs_dir("other") as ours:
            assert (folder / "secret").read_text() == "x"
            assert ours != folder
            assert sorted(base.iterdir()) == sorted([folder, ours])
        holder.stdin.close()
    assert list(base.iterdir()) == []


def test_a_folder_that_nobody_holds_is_overwritten_and_removed(base: Path) -> None:
    left = base / "fleetctl-keys-abc"
    left.mkdir()
    (left / "key").write_bytes(b"secret")
    with (left / "key").open("rb") as before, private_tmpfs_dir("next"):
        assert not left.exists()
        assert before.read() == b"\0" * 6


def test_what_is_no_folder_of_ours_stays(base: Path) -> None:
    (base / "fleetctl-file").write_text("somebody's")
    (base / "elsewhere").mkdir()
    (base / "fleetctl-link").symlink_to(base / "elsewhere")
    with private_tmpfs_dir("next") as folder:
        assert folder.stat().st_mode & 0o777 == 0o700
        assert folder.stat().st_uid == os.geteuid()
    assert sorted(path.name for path in base.iterdir()) == ["elsewhere", "fleetctl-file", "fleetctl-link"]

"""Sparse disks, whole or not at all."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from fleetctl.errors import PreflightError
from fleetctl.lab import disks
from fleetctl.lab.disks import allocated_bytes, copy_sparse, make_disks, require_space
from fleetctl.lab.record import disks_for

MIB = 1024**2


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """16 MiB with data in two places and holes around them."""
    path = tmp_path / "edge-lab.raw"
    with path.open("wb") as file:
        file.truncate(16 * MIB)
        for at in (1 * MIB, 9 * MIB):
            file.seek(at)
            file.write(os.urandom(256 * 1024))
    return path


@pytest.fixture(autouse=True)
def small_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disks, "WORKING_SPACE_BYTES", MIB)


def test_copy_is_equal_and_sparse(image: Path, tmp_path: Path) -> None:
    copy_sparse(image, tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == image.read_bytes()
    assert allocated_bytes(tmp_path / "copy") < 2 * MIB
    assert (tmp_path / "copy").stat().st_mode & 0o777 == 0o600


def test_copy_of_nothing_but_a_hole(tmp_path: Path) -> None:
    (tmp_path / "hole").touch()
    os.truncate(tmp_path / "hole", 3 * MIB)
    copy_sparse(tmp_path / "hole", tmp_path / "copy")
    assert (tmp_path / "copy").stat().st_size == 3 * MIB
    assert allocated_bytes(tmp_path / "copy") == 0


def test_system_disk_is_the_image_enlarged_and_data_disks_are_empty(image: Path, tmp_path: Path) -> None:
    wanted = disks_for("lab-1", 64 * MIB, 2, 8 * MIB)
    make_disks(wanted, image, tmp_path)
    system = (tmp_path / "system.raw").read_bytes()
    assert len(system) == 64 * MIB
    assert system[: 16 * MIB] == image.read_bytes()
    assert allocated_bytes(tmp_path / "data1.raw") == 0
    assert (tmp_path / "data1.raw").stat().st_size == 8 * MIB


def test_a_disk_that_exists_is_never_touched(image: Path, tmp_path: Path) -> None:
    wanted = disks_for("lab-1", 64 * MIB, 1, 8 * MIB)
    (tmp_path / "data0.raw").write_bytes(b"a clinic's data")
    make_disks(wanted, image, tmp_path)
    assert (tmp_path / "data0.raw").read_bytes() == b"a clinic's data"
    os.truncate(image, 0)
    before = (tmp_path / "system.raw").stat().st_mtime_ns
    make_disks(wanted, image, tmp_path)
    assert (tmp_path / "system.raw").stat().st_mtime_ns == before


def test_space_is_asked_before_anything_is_written(image: Path, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(disks, "WORKING_SPACE_BYTES", 1024**5)
    folder = tmp_path / "site"
    folder.mkdir()
    with pytest.raises(PreflightError, match=r"not enough space .*is needed") as caught:
        make_disks(disks_for("lab-1", 64 * MIB, 1, MIB), image, folder)
    assert "FLEETCTL_STATE_DIR" in caught.value.hint
    assert list(folder.iterdir()) == []


def test_disk_that_fills_up_during_the_copy_leaves_no_half(image: Path, tmp_path: Path, monkeypatch) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(disks.os, "sendfile", full)
    folder = tmp_path / "site"
    folder.mkdir()
    with pytest.raises(PreflightError, match=r"not enough space .*system\.raw"):
        make_disks(disks_for("lab-1", 64 * MIB, 1, MIB), image, folder)
    assert list(folder.iterdir()) == []


def test_enough_space_passes(tmp_path: Path) -> None:
    require_space(tmp_path, 1)

"""Sparse disks, whole or not at all."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from appliance.release.incoming import KEPT_FREE_SHARE
from fleetctl.errors import PreflightError
from fleetctl.lab import disks
from fleetctl.lab.disks import allocated_bytes, copy_sparse, make_disks, require_space
from fleetctl.lab.make import DEFAULT_DATA_DISK_GIB
from fleetctl.lab.record import disks_for

MIB = 1024**2
# A lab image as `fleetctl image build` makes it is 721 to 756 MiB; a set of two models, and the set before it, 0.3 GiB.
SYSTEM_BYTES = 800 * MIB
MODELS_BYTES = 400 * MIB


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


@pytest.mark.skipif(shutil.which("mkfs.ext4") is None, reason="e2fsprogs is not installed")
def test_the_state_volume_of_a_new_site_has_room_for_a_delta_of_an_operating_system(tmp_path: Path) -> None:
    """As the box counts it: image and copy of the slot beside what a site has, and the share that stays free."""
    volume = tmp_path / "state"
    volume.touch()
    # One half of the mirror, without md's superblock and the LUKS2 header (cryptsetup's 16 MiB).
    os.truncate(volume, int(DEFAULT_DATA_DISK_GIB * 1024 * MIB) - 17 * MIB)
    subprocess.run(["mkfs.ext4", "-F", "-q", "-m", "1", volume], check=True)
    dumped = subprocess.run(["dumpe2fs", "-h", volume], check=True, capture_output=True, text=True).stdout
    found = {key: words.strip() for key, _, words in (line.partition(":") for line in dumped.splitlines())}
    total, overhead, free, reserved = (
        int(found[name]) * 4096 for name in ("Block count", "Overhead clusters", "Free blocks", "Reserved block count")
    )
    assert found["Block size"] == "4096"
    kept = int((total - overhead) * KEPT_FREE_SHARE)
    assert free - reserved - kept - MODELS_BYTES > 2 * SYSTEM_BYTES
    # And it costs what is written: the journal, which a file system of this size has.
    assert allocated_bytes(volume) < 80 * MIB

"""The look at a disk file from outside: what is anywhere in it, without reading its holes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.rawdisk import contains

MIB = 1 << 20


def disk(path: Path, *pieces: tuple[int, bytes]) -> Path:
    with path.open("wb") as file:
        file.truncate(64 * MIB)
        for at, content in pieces:
            file.seek(at)
            file.write(content)
    return path


@pytest.mark.parametrize("at", [0, 4096 - 3, 20 * MIB + 17, 64 * MIB - 6])
def test_what_is_there_is_found_wherever_it_is(tmp_path: Path, at: int) -> None:
    path = disk(tmp_path / "disk", (at, b"needle"), (40 * MIB, b"x" * 5000))
    assert path.stat().st_blocks * 512 < MIB, "the holes are not kept here, and nothing is tested"
    assert contains(path, b"needle")
    assert not contains(path, b"needles")


def test_zeros_of_a_hole_belong_to_it(tmp_path: Path) -> None:
    block = tmp_path.stat().st_blksize
    path = disk(tmp_path / "disk", (10 * MIB + block - 2, b"ab"), (20 * MIB, b"cd"))
    assert contains(path, b"ab\0\0")
    assert contains(path, b"\0\0cd")


def test_nothing_but_a_hole(tmp_path: Path) -> None:
    assert not contains(disk(tmp_path / "disk"), b"needle")

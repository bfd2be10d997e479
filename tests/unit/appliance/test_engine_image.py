"""The engine's image: verified by the kernel, the one that was sealed, and nothing laid over it."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from appliance import engine_image
from appliance.errors import SealBrokenError, UnknownStateError

A, B = "a" * 64, "b" * 64


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A fake engine tree: one program."""
    program = tmp_path / "engine/bin/vllm"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\n")
    return tmp_path / "engine"


@pytest.fixture
def sysfs(tmp_path: Path, tree: Path) -> Path:
    """A kernel that says: the tree's device is a verity mapping of A."""
    device = tree.stat().st_dev
    node = tmp_path / "sys/dev/block" / f"{os.major(device)}:{os.minor(device)}" / "dm"
    node.mkdir(parents=True)
    (node / "uuid").write_text("CRYPT-VERITY-0-x\n")
    (node / "name").write_text(f"{A}-verity\n")
    return tmp_path / "sys"


def mounts(folder: Path, *points: str) -> Path:
    path = folder / "mountinfo"
    path.write_text("".join(f"36 35 98:0 / {point} ro - erofs /dev/dm-1 ro\n" for point in ("/", *points)))
    return path


def seal(folder: Path, engine: object) -> Path:
    path = folder / "seal.json"
    path.write_text(json.dumps({"engine": engine}))
    return path


def check(tmp_path: Path, tree: Path, sysfs: Path, sealed: Path | None, *points: str) -> engine_image.EngineImage:
    table = mounts(tmp_path, str(tree), *points)
    return engine_image.check(tree, tree / "bin/vllm", sealed, sysfs=sysfs, mountinfo=table)


def test_the_sealed_image_is_taken(tmp_path: Path, tree: Path, sysfs: Path) -> None:
    found = check(tmp_path, tree, sysfs, seal(tmp_path, {"name": "vllm-1", "root_hash": A}))
    assert (found.name, found.root_hash) == ("vllm-1", A)


def test_another_image_breaks_the_seal(tmp_path: Path, tree: Path, sysfs: Path) -> None:
    with pytest.raises(SealBrokenError, match="sealed was b"):
        check(tmp_path, tree, sysfs, seal(tmp_path, {"name": "vllm-1", "root_hash": B}))


@pytest.mark.parametrize("engine", [None, {}, {"name": "vllm-1"}, "vllm"])
def test_a_seal_without_an_engine_approves_none(tmp_path: Path, tree: Path, sysfs: Path, engine: object) -> None:
    with pytest.raises(UnknownStateError, match="seal"):
        check(tmp_path, tree, sysfs, seal(tmp_path, engine))


def test_without_a_seal_nothing_serves(tmp_path: Path, tree: Path, sysfs: Path) -> None:
    with pytest.raises(UnknownStateError, match="no seal"):
        check(tmp_path, tree, sysfs, None)


@pytest.mark.parametrize("below", ["lib", "a folder"])
def test_a_mount_over_a_part_of_it_is_not_verified(tmp_path: Path, tree: Path, sysfs: Path, below: str) -> None:
    point = f"{tree}/{below}".replace(" ", "\\040")
    with pytest.raises(UnknownStateError, match=f"{below} is mounted over"):
        check(tmp_path, tree, sysfs, seal(tmp_path, {"name": "vllm-1", "root_hash": A}), point)


def test_a_mount_beside_it_does_not_matter(tmp_path: Path, tree: Path, sysfs: Path) -> None:
    approved = seal(tmp_path, {"name": "vllm-1", "root_hash": A})
    assert check(tmp_path, tree, sysfs, approved, f"{tree}-other/lib").root_hash == A


def test_a_program_from_elsewhere_is_not_of_the_image(tmp_path: Path, tree: Path, sysfs: Path) -> None:
    table = mounts(tmp_path, str(tree))
    for program in (tmp_path / "vllm", tree / "bin/gone"):
        assert engine_image.root_hash(tree, program, sysfs=sysfs, mountinfo=table)[0] is None


def test_no_mapping_and_no_mount_table_are_no_proof(tmp_path: Path, tree: Path, sysfs: Path) -> None:
    program, table = tree / "bin/vllm", mounts(tmp_path, str(tree))
    assert engine_image.root_hash(tree, program, sysfs=tmp_path / "empty", mountinfo=table)[0] is None
    assert engine_image.root_hash(tree, program, sysfs=sysfs, mountinfo=tmp_path / "gone")[0] is None


def test_a_developers_engine_needs_no_seal(tmp_path: Path, tree: Path) -> None:
    found = engine_image.check(tree, tree / "bin/vllm", None, require_verity=False, sysfs=tmp_path / "empty")
    assert (found.name, found.root_hash) == ("engine", None)

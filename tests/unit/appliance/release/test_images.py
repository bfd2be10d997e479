"""Images: what is proven before one becomes an image of the box. Made by mkfs.erofs and veritysetup."""

from __future__ import annotations

import os
import struct
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from appliance.contract.release import ModelComponent
from appliance.errors import ApplianceError, NotVerifiedError
from appliance.release.disk import Disk
from appliance.release.gpt import read_layout
from appliance.release.images import Images, OpenedImage
from appliance.release.places import Places
from appliance.release.verity import proven_root_hash
from tests.fakes.release_images import Image, model_image

from .conftest import Box, op


@pytest.fixture
def images(tmp_path: Path) -> Images:
    places = Places(tmp_path)
    places.arrived.mkdir(parents=True)
    return Images(places, Disk())


def arrive(tmp_path: Path, image: Image, content: bytes | None = None) -> ModelComponent:
    path = Places(tmp_path).arrived / f"{image.root_hash}.raw"
    path.write_bytes(image.path.read_bytes() if content is None else content)
    return image.component("drafting")


@pytest.mark.parametrize("blocks", [1, 2, 127, 128, 129, 300])
def test_the_root_hash_is_that_of_veritysetup(blocks: int, tmp_path: Path) -> None:
    image = model_image(tmp_path, {"model.gguf": os.urandom(4096 * blocks)})
    with OpenedImage(image.path) as opened:
        assert proven_root_hash(opened.descriptor, read_layout(opened.descriptor)) == image.root_hash


def test_a_tree_of_three_levels(tmp_path: Path) -> None:
    image = model_image(tmp_path, {"model.gguf": os.urandom(4096 * 17_000)})
    with OpenedImage(image.path) as opened:
        layout = read_layout(opened.descriptor)
        assert proven_root_hash(opened.descriptor, layout) == image.root_hash
    # One bit of the last data block that is used.
    with image.path.open("r+b") as file:
        file.seek(layout.data.start + layout.data.size - 1)
        byte = file.read(1)
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([byte[0] ^ 1]))
    with OpenedImage(image.path) as opened, pytest.raises(NotVerifiedError, match="data blocks"):
        proven_root_hash(opened.descriptor, layout)


def test_every_changed_block_is_seen(tmp_path: Path, made_images: dict[str, Image]) -> None:
    """One byte in every block of data and tree, by the tree alone: the file's SHA-256 is not asked here."""
    whole = made_images["new"].path.read_bytes()
    path = tmp_path / "image"
    path.write_bytes(whole)
    with OpenedImage(path) as opened:
        layout = read_layout(opened.descriptor)
    starts = range(layout.data.start, layout.data.start + layout.data.size, 4096)
    levels = range(layout.hashes.start + 4096, layout.hashes.start + layout.hashes.size, 4096)
    places = [*(at + 77 for at in starts), *(at + 5 for at in levels)]
    assert len(places) > 4
    for at in places:
        changed = bytearray(whole)
        changed[at] ^= 0x40
        path.write_bytes(changed)
        # The top of the tree gives another root hash; everything below it differs from the level above.
        with OpenedImage(path) as opened, suppress(NotVerifiedError):
            assert proven_root_hash(opened.descriptor, layout) != made_images["new"].root_hash


def table(whole: bytes, number: int, **fields: int) -> bytes:
    at = 1024 + 128 * number + 32
    first, last = struct.unpack_from("<QQ", whole, at)
    return whole[:at] + struct.pack("<QQ", fields.get("first", first), fields.get("last", last)) + whole[at + 16 :]


def header(whole: bytes, at: int, form: str, value: int) -> bytes:
    return whole[: 512 + at] + struct.pack(form, value) + whole[512 + at + struct.calcsize(form) :]


def superblock(whole: bytes, at: int, value: bytes) -> bytes:
    (first,) = struct.unpack_from("<Q", whole, 1024 + 128 + 32)
    return whole[: first * 512 + at] + value + whole[first * 512 + at + len(value) :]


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda whole: b"", "has no partition table"),
        (lambda whole: whole[:600], "has no partition table"),
        (lambda whole: b"\0" * 4096, "has no partition table"),
        (lambda whole: header(whole, 80, "<I", 1 << 31), "partition table names"),
        (lambda whole: header(whole, 84, "<I", 1 << 20), "partition table names"),
        (lambda whole: header(whole, 72, "<Q", 1 << 60), "partition table names"),
        (lambda whole: table(whole, 0, last=1 << 60), "lies outside of it"),
        (lambda whole: table(whole, 0, first=1 << 63, last=(1 << 63) + 8), "lies outside of it"),
        (lambda whole: table(whole, 1, first=100, last=50), "lies outside of it"),
        (lambda whole: whole[: 1024 + 128] + bytes(16) + whole[1024 + 144 :], "no partition for hashes"),
        (lambda whole: whole[: 1024 + 128] + whole[1024:1040] + whole[1024 + 144 :], "two partitions"),
        (lambda whole: whole[:1040] + os.urandom(16) + whole[1056:], "its partitions say root hash"),
        (lambda whole: whole.replace(b'"rootHash": "', b'"rootHash": 1e"'), "signature partition is not readable"),
        (lambda whole: superblock(whole, 0, b"verity\1\0"), "no dm-verity tree"),
        (lambda whole: superblock(whole, 8, struct.pack("<I", 9)), "no dm-verity tree"),
        (lambda whole: superblock(whole, 32, b"sha1\0\0\0"), "no dm-verity tree"),
        (lambda whole: superblock(whole, 64, struct.pack("<I", 3)), "has blocks of 3 bytes"),
        (lambda whole: superblock(whole, 68, struct.pack("<I", 1 << 30)), "has blocks of 1073741824 bytes"),
        (lambda whole: superblock(whole, 72, struct.pack("<Q", 1 << 50)), "covers 1125899906842624 blocks"),
        (lambda whole: superblock(whole, 72, struct.pack("<Q", 0)), "covers 0 blocks"),
        (lambda whole: superblock(whole, 80, struct.pack("<H", 999)), "999 bytes of salt"),
        (lambda whole: table(whole, 1, last=struct.unpack_from("<Q", whole, 1024 + 128 + 32)[0] + 7), "is cut off"),
    ],
)
def test_hostile_tables_and_trees_are_bounded(
    damage: Callable[[bytes], bytes], words: str, tmp_path: Path, made_images: dict[str, Image]
) -> None:
    path = tmp_path / "image"
    path.write_bytes(damage(made_images["new"].path.read_bytes()))
    with OpenedImage(path) as opened, pytest.raises(NotVerifiedError, match=words):
        proven_root_hash(opened.descriptor, read_layout(opened.descriptor))


def test_what_arrived_is_taken_and_nobody_may_write_it(
    images: Images, tmp_path: Path, made_images: dict[str, Image]
) -> None:
    component = arrive(tmp_path, made_images["new"])
    assert images.has_arrived(component)
    images.take(component)
    path = Places(tmp_path).image(component.root_hash)
    assert path.stat().st_mode & 0o777 == 0o444
    assert images.listed() == {component.root_hash: component.size_bytes}
    assert not images.has_arrived(component)
    images.take(component)  # again: it is there
    with pytest.raises(ApplianceError, match="has not arrived"):
        images.take(made_images["newer"].component())


@pytest.mark.parametrize("how", ["one bit", "shorter", "longer", "another image", "empty"])
def test_a_corrupted_transfer_is_removed_and_never_an_image(
    how: str, images: Images, tmp_path: Path, made_images: dict[str, Image]
) -> None:
    whole = made_images["new"].path.read_bytes()
    content = {
        "one bit": whole[:50_000] + bytes([whole[50_000] ^ 1]) + whole[50_001:], "shorter": whole[:-1],
        "longer": whole + b"\0", "another image": made_images["newer"].path.read_bytes(), "empty": b"",
    }[how]  # fmt: skip
    component = arrive(tmp_path, made_images["new"], content)
    with pytest.raises(NotVerifiedError):
        images.take(component)
    assert list(Places(tmp_path).images.iterdir()) == []
    assert list(Places(tmp_path).arrived.iterdir()) == []
    images.take(arrive(tmp_path, made_images["new"]))


def test_links_pipes_and_open_modes_are_not_taken(
    images: Images, tmp_path: Path, made_images: dict[str, Image]
) -> None:
    component = made_images["new"].component("drafting")
    arrived = Places(tmp_path).arrived / f"{component.root_hash}.raw"
    arrived.symlink_to(made_images["new"].path)
    with pytest.raises(NotVerifiedError, match="is a link"):
        images.take(component)
    assert made_images["new"].path.exists()
    os.mkfifo(arrived)
    with pytest.raises(NotVerifiedError, match="could be changed by others"):
        images.take(component)
    arrive(tmp_path, made_images["new"])
    arrived.chmod(0o666)
    with pytest.raises(NotVerifiedError, match="could be changed by others: owner 0, mode -rw-rw-rw-"):
        images.take(component)


def test_a_signed_digest_with_another_root_hash_is_refused(
    images: Images, tmp_path: Path, made_images: dict[str, Image]
) -> None:
    image = made_images["new"]
    lie = image.component("drafting").model_copy(update={"root_hash": "f" * 64})
    (Places(tmp_path).arrived / f"{'f' * 64}.raw").write_bytes(image.path.read_bytes())
    with pytest.raises(NotVerifiedError, match=f"says root hash {image.root_hash}, signed is {'f' * 64}"):
        images.take(lie)


def test_an_image_that_rots_after_it_was_staged_is_not_activated(box: Box) -> None:
    box.staged("r1", 1, "new")
    path = box.places.image(box.images["new"].root_hash)
    content = bytearray(path.read_bytes())
    content[22_000] ^= 1
    path.chmod(0o644)
    path.write_bytes(content)
    with pytest.raises(NotVerifiedError, match="are not what its hash tree says"):
        box.machine.activate(op(2), "r1", 60, None)
    assert box.drain.begun == 0
    assert box.sealed()["drafting"] == box.images["old"].root_hash == box.linked()["drafting"]


def test_a_rotten_image_is_healed_by_staging_and_sending_again(box: Box) -> None:
    box.staged("r1", 1, "new")
    path = box.places.image(box.images["new"].root_hash)
    content = bytearray(path.read_bytes())
    content[22_000] ^= 1
    path.chmod(0o644)
    path.write_bytes(content)
    assert box.machine.offer("r1", "stable").missing == ()
    with pytest.raises(NotVerifiedError):
        box.machine.stage(op(2), "r1", "stable")
    assert [each.task for each in box.machine.offer("r1", "stable").missing] == ["drafting"]
    box.send("new")
    box.machine.stage(op(3), "r1", "stable")
    assert box.machine.activate(op(4), "r1", 60, None).outcome == "done"
    # One that runs is never removed, whatever is staged: without it nothing could be mounted at all.
    content = bytearray(path.read_bytes())
    content[22_000] ^= 1
    path.chmod(0o644)
    path.write_bytes(content)
    box.publish("r2", 2, "new")
    box.machine.stage(op(5), "r2", "stable")
    assert path.exists()
    with pytest.raises(NotVerifiedError):
        box.machine.activate(op(6), "r2", 60, None)
    assert path.exists()


def test_arrivals_of_other_releases_are_dropped_when_one_is_staged(box: Box) -> None:
    box.publish("r1", 1, "new")
    box.send("new", "newer")
    (box.places.arrived / ".partial").mkdir()
    (box.places.arrived / ".partial" / f"{'9' * 64}.raw").write_bytes(b"half")
    box.machine.stage(op(1), "r1", "stable")
    assert [path for path in box.places.arrived.rglob("*") if path.is_file()] == []

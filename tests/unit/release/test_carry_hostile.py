"""Hostile media: nothing of them is in the fleet that refused them."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from fleetctl.errors import VerificationError
from fleetctl.image.digest import file_sha256
from fleetctl.release.store import ReleaseStore
from tests.fakes.carried import Fleet, Sender, everything, flip, make_sender, taken


@dataclass(frozen=True)
class World:
    """Made once and copied from: a sender, its medium with release 2, and a fleet that has imported release 1."""

    sender: Sender
    medium: Path
    known: Path


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    folder = tmp_path_factory.mktemp("world")
    sender = make_sender(folder)
    known = ReleaseStore(Fleet(folder / "known"))
    taken(known, sender.sent(folder, "2026.11-1"), sender)
    return World(sender, sender.sent(folder), folder / "known")


def image_of(path: Path) -> Path:
    """The image of the drafting model: the other one may be in the fleet already, and is not read then."""
    models = json.loads(signed_manifest(path).read_bytes())["models"]
    return path / f"images/{models[1]['root_hash']}.raw"


def swapped(path: Path) -> None:
    one = image_of(path)
    two = next(each for each in (path / "images").iterdir() if each != one)
    content = one.read_bytes()
    one.write_bytes(two.read_bytes())
    two.write_bytes(content)


def reindexed(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    index = json.loads((path / "index.json").read_bytes())
    change(index)
    (path / "index.json").write_text(json.dumps(index))


def fitted(path: Path) -> None:
    """Let the index say what is there: the attacker can write it as he likes."""

    def fit(index: dict[str, Any]) -> None:
        index["files"] = [
            {"path": str(each.relative_to(path)), "sha256": file_sha256(each), "size_bytes": each.stat().st_size}
            for each in sorted(path.rglob("*"))
            if each.is_file() and each.name != "index.json"
        ]

    reindexed(path, fit)


def changed_and_fitted(path: Path) -> None:
    flip(image_of(path))
    fitted(path)


def extra_and_fitted(name: str) -> Callable[[Path], None]:
    def change(path: Path) -> None:
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(b"{}")
        fitted(path)

    return change


def lost_and_fitted(name: str) -> Callable[[Path], None]:
    def change(path: Path) -> None:
        (path / name).unlink()
        fitted(path)

    return change


def linked(path: Path) -> None:
    image = image_of(path)
    image.rename(path.parent / "elsewhere")
    image.symlink_to(path.parent / "elsewhere")


def linked_folder(path: Path) -> None:
    shutil.move(path / "images", path.parent / "images")
    (path / "images").symlink_to(path.parent / "images")


def pipe(path: Path) -> None:
    image = image_of(path)
    image.unlink()
    os.mkfifo(image)


def device(path: Path) -> None:
    image = image_of(path)
    image.unlink()
    image.symlink_to("/dev/zero")


def endless(path: Path) -> None:
    with image_of(path).open("r+b") as file:
        file.truncate(1 << 40)


def endless_and_fitted(path: Path) -> None:
    size = image_of(path).stat().st_size
    endless(path)
    name = f"images/{image_of(path).name}"
    for each in (size, 1 << 40):
        reindexed(
            path, lambda index, each=each: [f.update(size_bytes=each) for f in index["files"] if f["path"] == name]
        )


def signed_manifest(path: Path) -> Path:
    return path / "targets/stable/2026.11-2/release.json"


def other_manifest(path: Path) -> None:
    text = signed_manifest(path).read_text()
    signed_manifest(path).write_text(text.replace('"licence": "MIT"', '"licence": "GPL"'))
    fitted(path)


HOSTILE: dict[str, tuple[Callable[[Path], object], str]] = {
    "changed byte of an image": (lambda path: flip(image_of(path)), "the signed manifest wants"),
    "changed byte, index too": (changed_and_fitted, "does not say of it what the signed manifest says"),
    "swapped images": (swapped, "wants|wanted"),
    "swapped images, index too": (lambda path: (swapped(path), fitted(path)), "what the signed manifest says"),
    "short image": (lambda path: image_of(path).write_bytes(b"x"), "1 bytes; wanted"),
    "image is lost": (lambda path: image_of(path).unlink(), "is missing"),
    "image is lost, index too": (lambda path: (image_of(path).unlink(), fitted(path)), "what the signed manifest says"),
    "another image beside": (extra_and_fitted(f"images/{'e' * 64}.raw"), "what the signed manifest says"),
    "symbolic link": (linked, "is a symbolic link"),
    "symbolic link of a folder": (linked_folder, "is a symbolic link"),
    "pipe": (pipe, "is no plain file"),
    "device": (device, "is a symbolic link"),
    "endless file": (endless, "1,099,511,627,776 bytes; wanted"),
    "endless file, index too": (endless_and_fitted, "what the signed manifest says"),
    "extra file": (lambda path: (path / "autorun.inf").write_text("x"), "'autorun.inf' is not in the index"),
    "extra file in the index": (extra_and_fitted("autorun.inf"), "files"),
    "hidden file": (lambda path: (path / ".x").write_text("x"), "'.x' is not in the index"),
    "wrong case": (lambda path: (path / "images").rename(path / "IMAGES"), "IMAGES"),
    "wrong case of the image": (lambda path: image_of(path).rename(str(image_of(path)).upper().replace(
        str(path).upper(), str(path)).replace("IMAGES", "images")), "is not in the index"),
    "path out of the folder": (lambda path: reindexed(path, lambda index: index["files"].append(
        {"path": "targets/../../x", "sha256": "0" * 64, "size_bytes": 1})), "files"),
    "absolute path": (
        lambda path: reindexed(path, lambda index: index["files"][0].update(path="/etc/passwd")), "files"),
    "a file twice": (lambda path: reindexed(path, lambda index: index["files"].append(index["files"][0])), "twice"),
    "index is no JSON": (lambda path: (path / "index.json").write_text("[" * 99_999), "nested deeper"),
    "index is too long": (lambda path: (path / "index.json").write_text(" " * (3 << 20)), "at most"),
    "index of a later version": (lambda path: reindexed(path, lambda index: index.update(
        schema_version="carry-index/v2")), "schema_version"),
    "index names another release": (lambda path: reindexed(path, lambda index: index.update(release="2026.11-9")),
                                    "has no release 2026.11-9"),
    "index names the older release": (lambda path: reindexed(path, lambda index: index.update(release="2026.11-1")),
                                      "the index names release"),
    "index names another channel": (lambda path: reindexed(path, lambda index: index.update(channel="beta")),
                                    "no channel beta"),
    "changed manifest": (lambda path: flip(signed_manifest(path)), "is not what the index says"),
    "changed manifest, index too": (other_manifest, "is not what was signed"),
    "changed BOM, index too": (lambda path: (flip(path / "targets/stable/2026.11-2/bom.json"), fitted(path)),
                               "is not what was signed"),
    "manifest of another release is lost": (lost_and_fitted("targets/stable/2026.11-1/release.json"),
                                            "is not what was signed"),
    "metadata that nobody signed": (extra_and_fitted("metadata/9.evil.json"), "no part of the signed repository"),
    "target that nobody signed": (extra_and_fitted("targets/stable/evil/release.json"), "no part of the signed"),
    "timestamp is lost": (lost_and_fitted("metadata/timestamp.json"), "timestamp"),
    "root is lost": (lost_and_fitted("root.json"), "root.json' is missing|root.json is missing"),
    "deep folders": (lambda path: (path / "a/b/c/d/e").mkdir(parents=True), "more than a release does"),
    "many files": (lambda path: [(path / f"f{n}").touch() for n in range(9000)], "more than a release does"),
}  # fmt: skip


@pytest.mark.parametrize("attack", HOSTILE)
@pytest.mark.parametrize("known", [False, True], ids=["first import", "later import"])
def test_nothing_of_a_hostile_medium_is_in_the_fleet(world: World, tmp_path: Path, attack: str, known: bool) -> None:
    store = ReleaseStore(Fleet(tmp_path / "receiver"))
    if known:
        shutil.copytree(world.known, store.fleet.path, symlinks=True)
    path = tmp_path / "usb/2026.11-2"
    shutil.copytree(world.medium, path)
    before = everything(store.fleet.path)
    change, words = HOSTILE[attack]
    change(path)
    with pytest.raises(VerificationError, match=words) as refused:
        taken(store, path, world.sender)
    assert refused.value.exit_code == 9
    assert refused.value.hint
    assert everything(store.fleet.path) == before
    assert not (store.images.exists() and list(store.images.glob(".*")))
    assert not (store.fleet.state_dir / "releases/incoming").exists()
    if known:
        # What was refused has moved nothing that the fleet remembers: the right medium still comes in.
        taken(store, world.medium, world.sender)

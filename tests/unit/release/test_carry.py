"""Releases on removable media: what is exported arrives whole, and nothing of a hostile medium is in the fleet."""

from __future__ import annotations

import errno
import hashlib
import io
import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from appliance.contract.release import ReleaseManifest
from fleetctl.errors import ChangeError, FleetctlError, RefusedError, UsageError, VerificationError
from fleetctl.image.digest import file_sha256
from fleetctl.models.fleetdir import FleetDir
from fleetctl.release import carry_export, carry_import, carry_receive
from fleetctl.release.carry import Carried, CarriedIndex
from fleetctl.release.carry_export import export
from fleetctl.release.carry_import import import_release
from fleetctl.release.carry_receive import part
from fleetctl.release.repository_client import fingerprint
from fleetctl.release.repository_view import published
from fleetctl.release.store import ReleaseStore
from fleetctl.report.progress import Progress
from tests.fakes.killed import killed_at
from tests.fakes.releases import Image, SignedRepository, manifest, model_image

NOW = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)
QUIET = Progress(Console(file=io.StringIO()))


class Fleet(FleetDir):
    """A fleet with a state folder of its own, so that two fleets meet in one test."""

    @property
    def state_dir(self) -> Path:
        folder = self.path / "state"
        folder.mkdir(parents=True, exist_ok=True)
        return folder


@dataclass
class Sender:
    """A fleet with a repository of two releases, and their images in its store."""

    store: ReleaseStore
    repository: SignedRepository
    images: list[Image]
    releases: list[ReleaseManifest]

    def sent(self, to: Path, name: str = "2026.11-2") -> Path:
        export(self.store, name, "stable", to, lambda: NOW, QUIET)
        return to / name


def make_sender(folder: Path) -> Sender:
    store = ReleaseStore(Fleet(folder / "sender"))
    repository = SignedRepository(store.folder, now=lambda: NOW, channels=("stable", "canary"))
    (store.folder / "root.json").write_bytes(repository.root)
    store.images.mkdir(parents=True)
    work = folder / "work"
    work.mkdir()
    images = [model_image(work, {"model.bin": bytes([n]) * 50_000}) for n in range(3)]
    for image in images:
        shutil.move(image.path, store.image(image.root_hash))
    speech, old, new = images
    parts = [speech.component(), old.component("drafting", "notes")]
    releases = [manifest("2026.11-1", 1, parts), manifest("2026.11-2", 2, [parts[0], new.component("drafting", "n2")])]
    for each in releases:
        repository.publish("stable", each)
    return Sender(store, repository, images, releases)


@pytest.fixture
def sender(tmp_path: Path) -> Sender:
    return make_sender(tmp_path)


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


@pytest.fixture
def receiver(tmp_path: Path, sender: Sender) -> ReleaseStore:
    """Another fleet directory that has pinned the same root, with the repository as it was before the releases."""
    store = ReleaseStore(Fleet(tmp_path / "receiver"))
    store.folder.mkdir(parents=True)
    return store


@pytest.fixture
def usb(tmp_path: Path) -> Path:
    folder = tmp_path / "usb"
    folder.mkdir()
    return folder


def taken(store: ReleaseStore, path: Path, sender: Sender, **options: Any) -> Carried:
    pin = None if (store.folder / "root.json").exists() else fingerprint(sender.repository.root)
    return import_release(store, path, lambda: NOW, QUIET, **{"root_sha256": pin} | options)


def everything(folder: Path) -> dict[str, str]:
    """Every file that a person or a program would see, by digest: not locks, and not parts of images."""
    return {
        str(path.relative_to(folder)): file_sha256(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.endswith((".lock", ".part")) and "trusted" not in path.parts
    }


def test_what_is_exported_arrives_whole(sender: Sender, receiver: ReleaseStore, usb: Path) -> None:
    path = sender.sent(usb)
    assert [each.name for each in usb.iterdir()] == ["2026.11-2"]
    index = CarriedIndex.model_validate_json((path / "index.json").read_bytes())
    assert index.digest == sender.releases[1].digest
    assert {each.path for each in index.files} | {"index.json"} == {
        str(each.relative_to(path)) for each in path.rglob("*") if each.is_file()
    }
    carried = taken(receiver, path, sender)
    assert set(carried.images.values()) == {"copied"}
    for model in sender.releases[1].models:
        assert file_sha256(receiver.image(model.root_hash)) == model.sha256
    view = published(receiver, now=NOW)
    newest = view.newest_approved("stable")
    assert newest is not None
    assert newest.digest == sender.releases[1].digest
    # The whole repository came, the images of one release.
    assert [each.name for each in view.of("stable")] == ["2026.11-2", "2026.11-1"]
    assert not receiver.image(sender.images[1].root_hash).exists()
    assert not (receiver.fleet.state_dir / "releases/incoming").exists()
    assert not list(receiver.images.glob(".*"))


def test_a_second_import_copies_nothing_again(sender: Sender, receiver: ReleaseStore, usb: Path) -> None:
    path = sender.sent(usb)
    taken(receiver, path, sender)
    before = everything(receiver.fleet.path)
    assert set(taken(receiver, path, sender).images.values()) == {"there"}
    assert everything(receiver.fleet.path) == before
    first = sender.sent(usb, "2026.11-1")
    assert sorted(taken(receiver, first, sender).images.values()) == ["copied", "there"]


def test_a_dry_run_verifies_and_changes_nothing(sender: Sender, receiver: ReleaseStore, usb: Path) -> None:
    shown = export(sender.store, "2026.11-2", "stable", usb, lambda: NOW, QUIET, dry_run=True)
    assert shown.dry_run
    assert list(usb.iterdir()) == []
    path = sender.sent(usb)
    assert taken(receiver, path, sender, dry_run=True).images == {}
    assert everything(receiver.fleet.path) == {}
    image = path / f"images/{sender.images[2].root_hash}.raw"
    flip(image)
    with pytest.raises(VerificationError, match="the signed manifest wants"):
        taken(receiver, path, sender, dry_run=True)


def test_the_first_root_is_pinned_by_a_person(sender: Sender, receiver: ReleaseStore, usb: Path) -> None:
    path = sender.sent(usb)
    with pytest.raises(UsageError, match="no root to verify the medium from"):
        import_release(receiver, path, lambda: NOW, QUIET)
    with pytest.raises(VerificationError, match="the root on the medium has SHA-256"):
        import_release(receiver, path, lambda: NOW, QUIET, root_sha256="0" * 64)
    assert everything(receiver.fleet.path) == {}
    taken(receiver, path, sender)
    with pytest.raises(VerificationError, match="this fleet has pinned the root"):
        import_release(receiver, path, lambda: NOW, QUIET, root_sha256="0" * 64)


def test_another_fleets_repository_is_refused(
    sender: Sender, receiver: ReleaseStore, usb: Path, tmp_path: Path
) -> None:
    other = SignedRepository(receiver.folder / "other", now=lambda: NOW)
    shutil.copytree(other.metadata, receiver.metadata)
    (receiver.folder / "root.json").write_bytes(other.root)
    path = sender.sent(usb)
    with pytest.raises(VerificationError, match="this fleet has pinned"):
        taken(receiver, path, sender)


def flip(path: Path, at: int | None = None) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2 if at is None else at] ^= 1
    path.write_bytes(content)


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


def test_an_older_repository_is_refused(sender: Sender, receiver: ReleaseStore, usb: Path, tmp_path: Path) -> None:
    path = sender.sent(usb)
    taken(receiver, sender.sent(tmp_path / "work"), sender)
    sender.repository.revoke("stable", sender.releases[1], "invents doses")
    fresh = tmp_path / "fresh"
    fresh.mkdir()
    taken(receiver, sender.sent(fresh, "2026.11-1"), sender)
    before = everything(receiver.fleet.path)
    with pytest.raises(VerificationError, match=r"older|version"):
        taken(receiver, path, sender)
    assert everything(receiver.fleet.path) == before
    with pytest.raises(RefusedError, match="was revoked"):
        sender.sent(tmp_path)


def test_expired_metadata_is_refused(sender: Sender, receiver: ReleaseStore, usb: Path) -> None:
    path = sender.sent(usb)
    late = NOW + timedelta(days=181)
    with pytest.raises(VerificationError, match="expired"):
        import_release(receiver, path, lambda: late, QUIET, root_sha256=fingerprint(sender.repository.root))
    with pytest.raises(VerificationError, match="expired"):
        export(sender.store, "2026.11-1", "stable", usb, lambda: late, QUIET)


def test_a_rotated_root_is_followed(sender: Sender, receiver: ReleaseStore, usb: Path, tmp_path: Path) -> None:
    taken(receiver, sender.sent(usb, "2026.11-1"), sender)
    repository = sender.repository
    old = list(repository.keys["root"])
    fresh = type(old[0]).generate_ed25519()  # type: ignore[attr-defined]

    def change(root: Any) -> None:
        root.revoke_key(old[1].public_key.keyid, "root")
        root.add_key(fresh.public_key, "root")

    repository.keys["root"] = [old[0], fresh]
    repository.rotate_root(change, [*old, fresh])
    taken(receiver, sender.sent(usb), sender)
    assert published(receiver, now=NOW).trusted.root.signed.version == 2


@pytest.mark.slow
def test_an_import_killed_at_every_place_is_finished_by_the_next(sender: Sender, usb: Path, tmp_path: Path) -> None:
    path = sender.sent(usb)
    resumed = set()
    for turn in range(400):
        store = ReleaseStore(Fleet(tmp_path / f"receiver-{turn}"))
        store.folder.mkdir(parents=True)
        killed = killed_at(turn, lambda store=store: taken(store, path, sender))  # type: ignore[misc]
        for image in store.images.glob("*.raw") if store.images.exists() else ():
            # Whatever has its final name is whole, at any moment.
            assert file_sha256(image) in {each.sha256 for each in sender.images}
        if (store.folder / "root.json").exists():
            assert published(store, now=NOW).of("stable")[0].digest == sender.releases[1].digest
        carried = taken(store, path, sender)
        resumed |= set(carried.images.values())
        for model in sender.releases[1].models:
            assert file_sha256(store.image(model.root_hash)) == model.sha256
        assert published(store, now=NOW).of("stable")[0].digest == sender.releases[1].digest
        assert not [each for each in (*store.images.iterdir(), *store.folder.rglob("*")) if each.name.startswith(".")]
        if not killed:
            break
    assert turn > 20
    assert {"resumed", "copied", "there"} <= resumed


@pytest.mark.slow
def test_an_export_killed_at_every_place_is_finished_by_the_next(sender: Sender, usb: Path, tmp_path: Path) -> None:
    ways = set()
    for turn in range(200):
        folder = usb / str(turn)
        folder.mkdir()
        killed = killed_at(turn, lambda folder=folder: sender.sent(folder))  # type: ignore[misc]
        if (folder / "2026.11-2").exists():
            if killed:
                check_index(folder / "2026.11-2")
                continue
            break
        carried = export(sender.store, "2026.11-2", "stable", folder, lambda: NOW, QUIET)
        ways |= set(carried.images.values())
        check_index(folder / "2026.11-2")
        assert [each.name for each in folder.iterdir()] == ["2026.11-2"]
    assert turn > 10
    assert ways == {"copied", "there"}


def check_index(path: Path) -> None:
    index = CarriedIndex.model_validate_json((path / "index.json").read_bytes())
    for each in index.files:
        assert file_sha256(path / each.path) == each.sha256


def test_a_part_is_gone_on_with(sender: Sender, receiver: ReleaseStore, usb: Path) -> None:
    path = sender.sent(usb)
    speech, notes = sender.releases[1].models
    receiver.images.mkdir(parents=True)
    content = sender.store.image(speech.root_hash).read_bytes()
    part(receiver, speech.root_hash).write_bytes(content[:20_000])
    part(receiver, notes.root_hash).write_bytes(b"from elsewhere" * 1000)
    carried = taken(receiver, path, sender)
    assert carried.images == {speech.root_hash: "resumed", notes.root_hash: "copied"}
    for model in (speech, notes):
        assert file_sha256(receiver.image(model.root_hash)) == model.sha256


def test_a_part_that_is_a_link_is_not_written_through(
    sender: Sender, receiver: ReleaseStore, usb: Path, tmp_path: Path
) -> None:
    path = sender.sent(usb)
    victim = tmp_path / "victim"
    victim.write_text("mine")
    receiver.images.mkdir(parents=True)
    part(receiver, sender.images[0].root_hash).symlink_to(victim)
    taken(receiver, path, sender)
    assert victim.read_text() == "mine"


class Disk:
    """shutil.disk_usage of a nearly full disk."""

    def __init__(self, free: int) -> None:
        self.free = free

    def __call__(self, path: Path) -> Disk:
        return self


def test_a_full_disk_is_said_with_numbers_before_anything_is_copied(
    sender: Sender, receiver: ReleaseStore, usb: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = sender.sent(usb)
    needed = sum(model.size_bytes for model in sender.releases[1].models)
    with monkeypatch.context() as patched:
        patched.setattr(carry_import.shutil, "disk_usage", Disk(1000))
        with pytest.raises(ChangeError, match=rf"{needed:,} bytes are needed, 1,000 are free"):
            taken(receiver, path, sender)
    assert everything(receiver.fleet.path) == {}
    with monkeypatch.context() as patched:
        patched.setattr(carry_export.shutil, "disk_usage", Disk(1000))
        with pytest.raises(ChangeError, match=r"bytes are needed, 1,000 are free"):
            sender.sent(usb, "2026.11-1")
    assert [each.name for each in usb.iterdir()] == ["2026.11-2"]


def test_a_disk_that_fills_up_leaves_nothing_half_visible(
    sender: Sender, receiver: ReleaseStore, usb: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = sender.sent(usb)

    def filled(*arguments: object) -> str:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(carry_receive, "_copied", filled)
        with pytest.raises(ChangeError, match=r"No space left on device; [0-9,]+ bytes are needed, [0-9,]+ are free"):
            taken(receiver, path, sender)
    assert everything(receiver.fleet.path) == {}
    with monkeypatch.context() as patched:
        patched.setattr(carry_export, "_copied", filled)
        with pytest.raises(ChangeError, match="No space left on device"):
            sender.sent(usb, "2026.11-1")
    assert not (usb / "2026.11-1").exists()
    taken(receiver, path, sender)
    sender.sent(usb, "2026.11-1")


def test_wrong_usage(sender: Sender, receiver: ReleaseStore, usb: Path) -> None:
    with pytest.raises(UsageError, match="is no folder"):
        sender.sent(usb / "none")
    path = sender.sent(usb)
    with pytest.raises(RefusedError, match="exists"):
        sender.sent(usb)
    with pytest.raises(UsageError, match="holds no exported release") as refused:
        taken(receiver, usb, sender)
    assert str(path) in refused.value.hint
    with pytest.raises(UsageError, match="holds no exported release"):
        taken(receiver, usb / "none", sender)
    with pytest.raises(FleetctlError, match="no channel"):
        export(sender.store, "2026.11-2", "beta", usb, lambda: NOW, QUIET)


def test_a_damaged_image_is_not_exported(sender: Sender, usb: Path) -> None:
    path = sender.store.image(sender.images[2].root_hash)
    flip(path)
    with pytest.raises(VerificationError, match=hashlib.sha256(path.read_bytes()).hexdigest()):
        sender.sent(usb)
    assert not (usb / "2026.11-2").exists()
    path.unlink()
    with pytest.raises(VerificationError, match="is missing: the image of drafting"):
        sender.sent(usb)


def test_a_change_that_was_cut_off_is_finished_first(sender: Sender, receiver: ReleaseStore, usb: Path) -> None:
    path = sender.sent(usb)
    (receiver.folder / "pending").mkdir()
    (receiver.folder / "pending/commit.json").write_text("{}")
    with pytest.raises(RefusedError, match="was cut off"):
        taken(receiver, path, sender)

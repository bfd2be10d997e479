"""Releases on removable media: what is exported arrives whole, and nothing of a hostile medium is in the fleet."""

from __future__ import annotations

import errno
import hashlib
import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from fleetctl.errors import ChangeError, FleetctlError, RefusedError, UsageError, VerificationError
from fleetctl.image.digest import file_sha256
from fleetctl.release import carry_export, carry_import, carry_receive
from fleetctl.release.carry import CarriedIndex
from fleetctl.release.carry_export import export
from fleetctl.release.carry_import import import_release
from fleetctl.release.repository_client import fingerprint
from fleetctl.release.repository_view import published
from fleetctl.release.store import ReleaseStore
from tests.fakes.carried import NOW, QUIET, Sender, everything, flip, taken
from tests.fakes.releases import SignedRepository


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
    with pytest.raises(UsageError, match="holds no exported release") as refused:
        taken(receiver, path.with_name(path.name + "1"), sender)
    assert refused.value.hint == f"did you mean {path.name}?"
    with pytest.raises(FleetctlError, match="no channel"):
        export(sender.store, "2026.11-2", "beta", usb, lambda: NOW, QUIET)


def test_a_damaged_image_is_not_exported(sender: Sender, usb: Path) -> None:
    path = sender.store.image(sender.images[2].root_hash)
    flip(path)
    with pytest.raises(VerificationError, match=hashlib.sha256(path.read_bytes()).hexdigest()):
        sender.sent(usb)
    assert not (usb / "2026.11-2").exists()
    path.unlink()
    with pytest.raises(VerificationError, match="is missing: the image of n2"):
        sender.sent(usb)

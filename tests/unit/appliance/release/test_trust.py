"""Metadata on the box: every class of attack is refused, and what was verified is not forgotten."""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from appliance.errors import NotVerifiedError, RefusedError
from appliance.release.record import load
from tests.fakes.releases import SignedRepository, manifest
from tests.fakes.tuf_attacks import MIRROR, NEEDS_MEMORY, SERVED_FROM_MEMORY
from tests.fakes.tuf_hostile import Builder, Target
from tests.fakes.tuf_stolen import HARMLESS, STOLEN

from .conftest import START, Box, op

# Unchanged in name and version: a box that has verified the channel's file does not read it again.
SERVED = SERVED_FROM_MEMORY | {"arbitrary_channel", "endless_channel"}


@pytest.fixture
def target(box: Box, tmp_path: Path) -> Target:
    """A box that has verified release r2; `older` is the repository of before it."""
    box.publish("r1", 1, "new")
    older = box.repository.copy(tmp_path / "older")
    box.publish("r2", 2, "newer")
    assert box.machine.offer("r2", "stable").release == "r2"
    return Target(box.repository.folder, older, box.repository.keys, "stable", "r2")


def attacked(box: Box, target: Target, name: str, build: Builder, tmp_path: Path) -> None:
    hostile = tmp_path / "hostile"
    build(target, hostile)
    shutil.rmtree(box.places.repository)
    hostile.rename(box.places.repository)  # no copy: some of its files are endless


ATTACKS = [
    *((name, True) for name in (*MIRROR, *STOLEN) if name not in SERVED),
    *((name, False) for name in (*MIRROR, *STOLEN) if name not in NEEDS_MEMORY),
]


@pytest.mark.parametrize(("name", "memory"), ATTACKS)
def test_every_attack_is_refused(name: str, memory: bool, box: Box, target: Target, tmp_path: Path) -> None:
    attacked(box, target, name, {**MIRROR, **STOLEN}[name], tmp_path)
    before = load(box.places.record)
    if not memory:
        shutil.rmtree(box.places.metadata)
    with pytest.raises(NotVerifiedError) as refused:
        box.machine.offer("r2", "stable")
    assert refused.value.exit_code == 9
    assert refused.value.hint
    with pytest.raises(NotVerifiedError):
        box.machine.stage(op(9), "r2", "stable")
    after = load(box.places.record)
    assert (after.staged, after.metadata, after.newest_time) == (None, before.metadata, before.newest_time)


@pytest.mark.parametrize("name", [*HARMLESS, *sorted(SERVED)])
def test_what_harms_nobody_gives_the_right_release(name: str, box: Box, target: Target, tmp_path: Path) -> None:
    attacked(box, target, name, {**MIRROR, **HARMLESS}[name], tmp_path)
    assert box.machine.offer("r2", "stable").digest
    with pytest.raises(NotVerifiedError):
        box.machine.offer("evil", "stable")


def test_a_cut_that_costs_the_clients_own_memory_does_not_help_an_old_repository(box: Box, target: Target) -> None:
    shutil.rmtree(box.places.metadata)
    box.send_metadata(target.older)
    with pytest.raises(NotVerifiedError, match="older than what this box has seen"):
        box.machine.offer("r1", "stable")


def test_expiry_is_judged_by_the_newest_time_that_was_seen(box: Box, target: Target) -> None:
    box.clock[0] = START + timedelta(days=200)
    with pytest.raises(NotVerifiedError, match="expired"):
        box.machine.offer("r2", "stable")
    # A time at which nothing could be verified is not kept: a clock that jumped ahead and came back does no harm.
    box.clock[0] = START + timedelta(days=100)
    assert box.machine.offer("r2", "stable").release == "r2"
    # Back by ten years, and the metadata of a day that is over for this box is not made valid again.
    box.clock[0] = START - timedelta(days=3650)
    assert load(box.places.record).newest_time == START + timedelta(days=100)
    old = SignedRepository(box.places.root / "x", now=lambda: START - timedelta(days=90))
    assert old.documents["timestamp"].signed.expires < START + timedelta(days=100)
    box.places.bootstrap.write_bytes(old.root)
    old.publish("stable", manifest("r3", 3, [box.images["speech"].component()]))
    shutil.rmtree(box.places.metadata)
    box.send_metadata(old.folder)
    with pytest.raises(NotVerifiedError, match="expired"):
        box.machine.offer("r3", "stable")


def test_a_revoked_release_is_refused_with_its_reason(box: Box) -> None:
    found = box.staged("r1", 1, "new")
    box.repository.revoke("stable", found, "doses were misheard")
    box.send_metadata()
    offer = box.machine.offer("r1", "stable")
    assert (offer.digest, offer.missing) == (found.digest, ())
    assert "doses were misheard" in offer.refused[0]
    # Staged before it was revoked: it does not become active.
    with pytest.raises(NotVerifiedError, match="doses were misheard"):
        box.machine.activate(op(2), "r1", 60, None)
    assert box.sealed()["drafting"] == box.images["old"].root_hash


def test_a_root_rotation_is_followed_and_the_revoked_key_counts_no_longer(box: Box, target: Target) -> None:
    from securesystemslib.signer import CryptoSigner

    old = box.repository.keys["timestamp"][0]
    new = CryptoSigner.generate_ed25519()

    def change(root: object) -> None:
        root.revoke_key(old.public_key.keyid, "timestamp")  # type: ignore[attr-defined]
        root.add_key(new.public_key, "timestamp")  # type: ignore[attr-defined]

    box.repository.keys["timestamp"] = [new]
    box.repository.rotate_root(change, box.repository.keys["root"])
    box.send_metadata()
    assert box.machine.offer("r2", "stable").release == "r2"
    assert load(box.places.record).metadata.root_version == 2  # type: ignore[union-attr]
    box.repository.keys["timestamp"] = [old]
    box.repository.refresh()
    box.send_metadata()
    with pytest.raises(NotVerifiedError):
        box.machine.offer("r2", "stable")


def test_without_a_root_nothing_is_trusted(box: Box) -> None:
    box.publish("r1", 1, "new")
    box.places.bootstrap.unlink()
    with pytest.raises(NotVerifiedError, match="nothing to trust"):
        box.machine.offer("r1", "stable")


def test_pipes_and_links_in_the_repository_are_not_read(box: Box, tmp_path: Path) -> None:
    import os

    box.publish("r1", 1, "new")
    path = box.places.repository / "metadata" / "timestamp.json"
    content = path.read_bytes()
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(NotVerifiedError, match="is no plain file"):
        box.machine.offer("r1", "stable")
    path.unlink()
    (tmp_path / "elsewhere.json").write_bytes(content)
    path.symlink_to(tmp_path / "elsewhere.json")
    with pytest.raises(NotVerifiedError, match="leads out of the repository"):
        box.machine.offer("r1", "stable")


def test_what_was_verified_is_flushed(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    import os

    flushed: list[int] = []
    real = os.fsync
    monkeypatch.setattr(
        os, "fsync", lambda descriptor: (flushed.append(os.fstat(descriptor).st_ino), real(descriptor))[1]
    )
    box.publish("r1", 1, "new")
    box.machine.offer("r1", "stable")
    names = ("timestamp.json", "snapshot.json", "targets.json", "stable.json", "root_history/1.root.json")
    assert {(box.places.metadata / name).stat().st_ino for name in names} <= set(flushed)


def test_metadata_does_not_make_a_release_of_another_name(box: Box) -> None:
    from tuf.api.metadata import TargetFile

    found = manifest("r1", 1, [box.images["speech"].component()])
    signed = box.repository.documents["stable"].signed
    path = "stable/r9/release.json"
    (box.repository.targets / "stable/r9").mkdir(parents=True)
    (box.repository.targets / path).write_bytes(found.content())
    signed.targets[path] = TargetFile.from_data(path, found.content(), ["sha256"])
    box.repository._publish(["stable"])
    box.send_metadata()
    with pytest.raises(NotVerifiedError, match="manifest of r1, wanted was r9"):
        box.machine.offer("r9", "stable")
    # The same words in another spelling have another digest than what is told of them.
    (box.repository.targets / path).write_bytes(manifest("r9", 1, [box.images["speech"].component()]).content()[:-1])
    content = (box.repository.targets / path).read_bytes()
    signed.targets[path] = TargetFile.from_data(path, content, ["sha256"])
    box.repository._publish(["stable"])
    box.send_metadata()
    with pytest.raises((NotVerifiedError, RefusedError), match="published form"):
        box.machine.offer("r9", "stable")

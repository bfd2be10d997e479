"""Exports and imports that were cut off: killed at every place, with parts of before; the next one finishes them."""

from __future__ import annotations

from pathlib import Path

import pytest

from fleetctl.errors import RefusedError
from fleetctl.image.digest import file_sha256
from fleetctl.release.carry import CarriedIndex
from fleetctl.release.carry_export import export
from fleetctl.release.carry_receive import part
from fleetctl.release.repository_view import published
from fleetctl.release.store import ReleaseStore
from tests.fakes.carried import NOW, QUIET, Fleet, Sender, taken
from tests.fakes.killed import killed_at


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


def test_a_change_that_was_cut_off_is_finished_first(sender: Sender, receiver: ReleaseStore, usb: Path) -> None:
    path = sender.sent(usb)
    (receiver.folder / "pending").mkdir()
    (receiver.folder / "pending/commit.json").write_text("{}")
    with pytest.raises(RefusedError, match="was cut off"):
        taken(receiver, path, sender)

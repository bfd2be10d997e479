"""Orders to the release machine: what each does, refuses and remembers."""

from __future__ import annotations

import errno
import json
import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from appliance.errors import ApplianceError, RefusedError, UnknownStateError, UsageError
from appliance.release.record import KeptSet, load
from appliance.release.status import status
from appliance.release.switch import NothingServesError, WentBackError

from .conftest import START, Box, op


def test_an_update_is_offered_staged_activated_and_rolled_back(box: Box) -> None:
    box.publish("r1", 1, "new")
    offer = box.machine.offer("r1", "stable")
    assert not offer.refused
    assert [(each.task, each.root_hash) for each in offer.missing] == [("drafting", box.images["new"].root_hash)]
    assert offer.missing[0].basis == box.images["old"].root_hash
    box.send("new")
    assert box.machine.stage(op(1), "r1", "stable").outcome == "done"
    found = status(box.parts)
    assert found.staged is not None
    assert found.staged.complete
    assert found.active is not None
    assert found.active.release is None
    assert box.machine.activate(op(2), "r1", 60, None).outcome == "done"
    assert box.linked() == box.sealed() == box.services.running
    assert box.sealed()["drafting"] == box.images["new"].root_hash
    # Only the engine whose model changed was stopped.
    assert "stop transcription" not in box.services.events
    assert not box.drain.on
    found = status(box.parts)
    assert (found.active.release, found.previous.release, found.staged) == ("r1", None, None)  # type: ignore[union-attr]
    assert box.machine.rollback(op(3), "too slow", 60).outcome == "done"
    assert box.sealed()["drafting"] == box.images["old"].root_hash
    assert box.linked() == box.sealed() == box.services.running
    # The link is the one that the provisioning made.
    assert str(box.places.link("drafting").readlink()) == "tiny-old.raw"
    found = status(box.parts)
    assert [each.release for each in found.denied] == ["r1"]
    assert found.previous is None
    assert box.machine.offer("r1", "stable").refused
    box.machine.clear(op(4), "r1")
    assert not box.machine.offer("r1", "stable").refused


def test_the_same_order_again_is_done_once(box: Box) -> None:
    box.staged("r1", 1, "new")
    first = box.machine.activate(op(2), "r1", 60, None)
    events = list(box.services.events)
    box.drain.visits = [5]
    assert box.machine.activate(op(2), "r1", 60, None) == first
    assert box.services.events == events
    assert box.drain.begun == 1
    with pytest.raises(UsageError, match="was activate of r1"):
        box.machine.stage(op(2), "r1", "stable")


def test_a_refused_order_is_refused_again_with_the_same_words(box: Box) -> None:
    box.publish("r1", 1, "new")
    with pytest.raises(RefusedError) as first:
        box.machine.activate(op(2), "r1", 60, None)
    box.send("new")
    box.machine.stage(op(3), "r1", "stable")
    with pytest.raises(RefusedError) as again:
        box.machine.activate(op(2), "r1", 60, None)
    assert str(again.value) == str(first.value)
    assert box.machine.activate(op(4), "r1", 60, None).outcome == "done"


@pytest.mark.parametrize("how", ["does not load", "fails its probe", "loads something else"])
def test_a_release_that_does_not_serve_goes_back_and_is_denied(how: str, box: Box) -> None:
    box.staged("r1", 1, "new")
    box.machine.activate(op(2), "r1", 60, None)
    box.staged("r2", 2, "newer")
    bad = box.images["newer"].root_hash
    if how == "does not load":
        box.services.bad.add(bad)
    elif how == "fails its probe":
        box.probe.bad.add(bad)
    else:
        real = box.services.loaded
        box.services.loaded = lambda task: "f" * 64 if real(task) == bad else real(task)  # type: ignore[method-assign]
    with pytest.raises(WentBackError, match="r1 runs again"):
        box.machine.activate(op(3), "r2", 60, None)
    record = load(box.places.record)
    assert box.linked() == box.sealed() == box.services.running == record.active.hashes  # type: ignore[union-attr]
    assert record.active.release == "r1"  # type: ignore[union-attr]
    assert box.probe.asked[-1] == "r1"
    assert record.found(op(3)).outcome == "rolled_back"  # type: ignore[union-attr]
    assert not box.drain.on
    with pytest.raises(RefusedError, match="denied here"):
        box.machine.activate(op(4), "r2", 60, None)
    box.machine.clear(op(5), "r2")
    box.services.bad.clear()
    box.probe.bad.clear()
    box.services.__dict__.pop("loaded", None)
    assert box.machine.activate(op(6), "r2", 60, None).outcome == "done"


def test_nothing_serves_is_said_and_tried_again(box: Box) -> None:
    box.staged("r1", 1, "new")
    box.services.bad |= {box.images["new"].root_hash, box.images["old"].root_hash}
    with pytest.raises(NothingServesError, match="CRITICAL: no clinical service runs"):
        box.machine.activate(op(2), "r1", 60, None)
    found = status(box.parts)
    assert found.phase == "rolling_back"
    assert (found.changes[0].operation, found.changes[0].outcome) == (op(2), "failed")
    assert "the provisioned set did not come up" in found.changes[0].reason
    # Files are the old ones; only they do not serve.
    assert box.sealed()["drafting"] == box.images["old"].root_hash == box.linked()["drafting"]
    with pytest.raises(NothingServesError):
        box.machine.recover()
    box.services.bad = {box.images["new"].root_hash}
    assert "the provisioned set runs again" in box.machine.recover()
    record = load(box.places.record)
    assert (record.change, record.found(op(2)).outcome) == (None, "rolled_back")  # type: ignore[union-attr]
    assert [each.release for each in record.denied] == ["r1"]


def test_a_site_that_was_provisioned_anew_is_not_put_back(box: Box) -> None:
    box.staged("r1", 1, "new")
    box.services.bad |= {box.images["new"].root_hash, box.images["old"].root_hash}
    with pytest.raises(NothingServesError):
        box.machine.activate(op(2), "r1", 60, None)
    newer = box.images["newer"]
    shutil.copy(newer.path, box.places.models / "tiny-newer.raw")
    box.places.link("drafting").unlink()
    box.places.link("drafting").symlink_to("tiny-newer.raw")
    seal = json.loads(box.places.seal.read_text())
    seal["models"][1] |= {"name": "tiny-newer", "root_hash": newer.root_hash}
    seal["sealed_at"] = "2026-11-26T12:30:00Z"
    box.places.seal.write_text(json.dumps(seal))
    box.services.start(["drafting"])
    assert "provisioned anew" in box.machine.recover()
    box.machine.clear(op(9), "r1")
    record = load(box.places.record)
    assert record.active is not None
    assert record.active.hashes == box.sealed()
    assert record.active.release is None


def test_an_overwritten_catalogue_name_takes_nothing_from_the_last_good_set(box: Box) -> None:
    box.staged("r1", 1, "new")
    box.machine.activate(op(2), "r1", 60, None)
    # The provisioning puts another file under the same name, by a rename, as fleet_model does.
    other = box.places.models / ".incoming"
    other.write_bytes(b"other")
    other.replace(box.places.models / "tiny-old.raw")
    assert box.machine.rollback(op(3), "slow", 60).outcome == "done"
    assert box.linked() == box.sealed() == box.services.running
    assert str(box.places.link("drafting").readlink()).startswith("../releases/images/")


def test_old_sets_are_given_up_and_the_last_good_one_is_kept(box: Box) -> None:
    def kept() -> set[str]:
        return {name for name, image in box.images.items() if box.places.image(image.root_hash).exists()}

    box.staged("r1", 1, "new")
    assert kept() == {"speech", "old", "new"}
    box.machine.activate(op(11), "r1", 60, None)
    assert kept() == {"speech", "old", "new"}
    box.staged("r2", 2, "newer")
    assert kept() == {"speech", "old", "new", "newer"}
    box.machine.activate(op(12), "r2", 60, None)
    # Its name of before goes as well: a second name keeps the room.
    assert kept() == {"speech", "new", "newer"}
    assert not (box.places.models / "tiny-old.raw").exists()
    assert (box.places.models / "tiny-speech.raw").exists()
    assert len(list(box.places.sets.glob("*.json"))) == 2
    box.machine.rollback(op(13), "slow", 60)
    assert kept() == {"speech", "new"}


def test_a_release_that_changes_no_model_stops_nothing(box: Box) -> None:
    box.publish("r1", 1, "old")
    box.machine.stage(op(1), "r1", "stable")
    seal = box.places.seal.read_bytes()
    box.machine.activate(op(2), "r1", 60, None)
    record = load(box.places.record)
    assert record.active.release == "r1"  # type: ignore[union-attr]
    assert box.places.seal.read_bytes() == seal
    assert not any(event.startswith("stop") for event in box.services.events)


def test_a_full_disk_changes_nothing_and_the_same_order_goes_on(box: Box) -> None:
    box.publish("r1", 1, "new")
    box.send("new")
    disk = box.disk
    real = disk.replace
    full = [True]

    def replace(path: object, data: bytes, *, mode: int = 0o640) -> None:
        if full[0] and str(path).endswith(".json"):
            raise OSError(errno.ENOSPC, "No space left on device", str(path))
        real(path, data, mode=mode)  # type: ignore[arg-type]

    disk.replace = replace  # type: ignore[method-assign]
    with pytest.raises(ApplianceError, match="No space left on device"):
        box.machine.stage(op(1), "r1", "stable")
    assert load(box.places.record).staged is None
    full[0] = False
    assert box.machine.stage(op(2), "r1", "stable").outcome == "done"
    box.free_bytes = 1 << 20
    with pytest.raises(RefusedError, match="are free"):
        box.machine.activate(op(3), "r1", 60, None)
    assert box.drain.begun == 0


def test_a_disk_that_fills_up_in_the_middle_of_a_switch_leads_back(box: Box) -> None:
    box.staged("r1", 1, "new")
    disk, real = box.disk, box.disk.replace
    left = [1]

    def replace(path: object, data: bytes, *, mode: int = 0o640) -> None:
        if str(path).endswith("seal.json") and left[0]:
            left[0] -= 1
            raise OSError(errno.ENOSPC, "No space left on device", str(path))
        real(path, data, mode=mode)  # type: ignore[arg-type]

    disk.replace = replace  # type: ignore[method-assign]
    with pytest.raises(WentBackError, match="No space left on device"):
        box.machine.activate(op(2), "r1", 60, None)
    assert box.linked() == box.sealed() == box.services.running
    assert box.sealed()["drafting"] == box.images["old"].root_hash
    record = load(box.places.record)
    # The release was never started: nothing is held against it.
    assert (record.found(op(2)).outcome, record.denied) == ("failed", ())  # type: ignore[union-attr]


def test_a_commit_that_cannot_be_written_leads_back_at_once(box: Box) -> None:
    box.staged("r1", 1, "new")
    real = box.disk.replace
    left = [1]

    def replace(path: Path, data: bytes, *, mode: int = 0o640) -> None:
        if path == box.places.record and b'"outcome":"done","reason":"r1 runs"' in data and left[0]:
            left[0] -= 1
            assert box.drain.on
            raise OSError(errno.ENOSPC, "No space left on device", str(path))
        real(path, data, mode=mode)

    box.disk.replace = replace  # type: ignore[method-assign]
    with pytest.raises(WentBackError, match="No space left on device"):
        box.machine.activate(op(2), "r1", 60, None)
    assert left == [0]
    assert box.linked() == box.sealed() == box.services.running
    assert box.sealed()["drafting"] == box.images["old"].root_hash
    assert (load(box.places.record).change, load(box.places.record).denied) == (None, ())


def test_a_full_disk_on_the_way_back_does_not_keep_the_old_set_from_serving(box: Box) -> None:
    box.staged("r1", 1, "new")
    box.probe.bad.add(box.images["new"].root_hash)
    real, full = box.disk.replace, [False]

    def replace(path: Path, data: bytes, *, mode: int = 0o640) -> None:
        full[0] = full[0] or (path == box.places.record and b'"phase":"rolling_back"' in data)
        if full[0] and path == box.places.record:
            raise OSError(errno.ENOSPC, "No space left on device", str(path))
        real(path, data, mode=mode)

    box.disk.replace = replace  # type: ignore[method-assign]
    with pytest.raises(ApplianceError, match="No space left on device"):
        box.machine.activate(op(2), "r1", 60, None)
    assert box.linked() == box.sealed() == box.services.running
    assert box.sealed()["drafting"] == box.images["old"].root_hash
    assert not box.drain.on
    # With room again it is written down, and no engine that serves is stopped for that.
    box.disk.replace = real  # type: ignore[method-assign]
    events = len(box.services.events)
    assert "the provisioned set runs again" in box.machine.recover()
    assert len(box.services.events) == events
    assert load(box.places.record).found(op(2)).outcome == "rolled_back"  # type: ignore[union-attr]


def test_a_fault_of_our_own_leads_back_as_well(box: Box) -> None:
    box.staged("r1", 1, "new")
    real = type(box.probe).__call__

    def probe(self: object, kept: KeptSet) -> None:
        if kept.release == "r1":
            raise ZeroDivisionError("a bug")
        real(box.probe, kept)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(box.probe), "__call__", probe)
        with pytest.raises(WentBackError, match="ZeroDivisionError: a bug"):
            box.machine.activate(op(2), "r1", 60, None)
    assert box.linked() == box.sealed() == box.services.running
    assert box.sealed()["drafting"] == box.images["old"].root_hash


def test_told_to_end_while_visits_are_waited_for(box: Box) -> None:
    box.staged("r1", 1, "new")
    box.drain.visits, box.told = [1], True
    with pytest.raises(ApplianceError, match="told to end"):
        box.machine.activate(op(2), "r1", 60, None)
    assert load(box.places.record).found(op(2)).outcome == "interrupted"  # type: ignore[union-attr]
    assert not box.drain.on
    # Behind the drain nobody is asked any more.
    box.drain.visits = [0]
    assert box.machine.activate(op(3), "r1", 60, None).outcome == "done"


def test_clocks_that_jump_do_not_confuse_the_record(box: Box) -> None:
    box.staged("r1", 1, "new")
    box.clock[0] = START - timedelta(days=4000)
    assert box.machine.activate(op(2), "r1", 60, None).outcome == "done"
    assert load(box.places.record).newest_time == START
    found = status(box.parts).changes[0]
    assert found.ended_at is not None
    assert found.ended_at >= found.started_at


def test_a_damaged_record_is_not_guessed_at(box: Box) -> None:
    box.staged("r1", 1, "new")
    data = box.places.record.read_bytes()
    for broken in (data[:-1], data[: len(data) // 2], data.replace(b'"r1"', b'"r2"'), b"", data + data):
        box.places.record.write_bytes(broken)
        with pytest.raises(UnknownStateError, match="damaged"):
            box.machine.offer("r1", "stable")
        with pytest.raises(UnknownStateError):
            status(box.parts)
    box.places.record.write_bytes(data)
    assert status(box.parts).staged is not None

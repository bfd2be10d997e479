"""Code tables of a release on a box: they are switched with the models, go back with them, and touch no import."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import pytest

from appliance.coding.suggestion import CodeSystem
from appliance.coding.tables.icd11 import icd11_pack
from appliance.coding.tables.library import Library
from appliance.coding.tables.pack import read_pack
from appliance.coding.tables.stamp import Stamp
from appliance.coding.tables.store import PackStore
from appliance.contract.release import CodePackComponent
from appliance.errors import NotVerifiedError
from appliance.release.places import Places
from appliance.release.record import load
from appliance.release.recovery import finish
from appliance.release.switch import WentBackError
from tests.unit.appliance.coding.tables.files import ICD11

from .conftest import Box, CutDisk, PowerCut, op

DAY = datetime.date(2026, 11, 26)


def pack(version: str, title: str = "mild", day: datetime.date = datetime.date(2026, 1, 1)) -> bytes:
    return icd11_pack(ICD11.replace(b"mild", title.encode()), "tabulation.txt", Stamp(version, day))


def component(content: bytes, **more: Any) -> CodePackComponent:
    found = read_pack(content)
    said = {"name": found.head.system, "version": found.head.version, "effective_from": found.head.effective_from}
    said |= {"sha256": found.digest, "size_bytes": len(content), "licence": found.head.licence}
    return CodePackComponent(**(said | more))


def send(box: Box, *contents: bytes) -> None:
    box.places.arrived.mkdir(parents=True, exist_ok=True)
    for content in contents:
        (box.places.arrived / f"{read_pack(content).digest}.raw").write_bytes(content)


def staged(box: Box, name: str, sequence: int, drafting: str, *contents: bytes) -> None:
    box.publish(name, sequence, drafting, code_packs=[component(each) for each in contents])
    box.send(drafting)
    send(box, *contents)
    box.machine.stage(op(1000 + sequence), name, "stable")


def version(box: Box) -> str | None:
    table = Library(box.places.codes).table(CodeSystem.ICD_11_MMS, DAY)
    return table.version if table is not None else None


def test_tables_are_offered_switched_and_go_back_with_the_models(box: Box) -> None:
    first, second = pack("2026-01"), pack("2026-02")
    box.publish("r1", 1, "new", code_packs=[component(first)])
    missing = box.machine.offer("r1", "stable").missing
    assert [(each.task, each.root_hash) for each in missing][1:] == [("codes", read_pack(first).digest)]
    staged(box, "r1", 1, "new", first)
    assert version(box) is None, "staged is not in use"
    box.machine.activate(op(1), "r1", 60, None)
    assert version(box) == "2026-01"
    box.publish("r2", 2, "newer", code_packs=[component(second)])
    assert [each.basis for each in box.machine.offer("r2", "stable").missing][1:] == [read_pack(first).digest]
    staged(box, "r2", 2, "newer", second)
    box.machine.activate(op(2), "r2", 60, None)
    assert version(box) == "2026-02"
    box.machine.rollback(op(3), "other codes are suggested", 60)
    assert version(box) == "2026-01"
    assert box.sealed()["drafting"] == box.images["new"].root_hash


def test_a_change_of_tables_alone_stops_no_engine(box: Box) -> None:
    staged(box, "r1", 1, "new", pack("2026-01"))
    box.machine.activate(op(1), "r1", 60, None)
    stops = [each for each in box.services.events if each.startswith("stop")]
    staged(box, "r2", 2, "new", pack("2026-02"))
    box.machine.activate(op(2), "r2", 60, None)
    assert [each for each in box.services.events if each.startswith("stop")] == stops
    assert version(box) == "2026-02"
    # And one without any leaves none in use.
    staged(box, "r3", 3, "new")
    box.machine.activate(op(3), "r3", 60, None)
    assert version(box) is None


def test_what_a_practice_imported_stays(box: Box) -> None:
    own = pack("own", day=datetime.date(2026, 6, 1))
    PackStore(box.places.codes).add(own)
    staged(box, "r1", 1, "new", pack("2026-01"))
    box.machine.activate(op(1), "r1", 60, None)
    # The practice's is newer: it holds. Of the same day the release's would.
    assert version(box) == "own"
    staged(box, "r2", 2, "new", pack("2026-06", day=datetime.date(2026, 6, 1)))
    box.machine.activate(op(2), "r2", 60, None)
    assert version(box) == "2026-06"
    box.machine.rollback(op(3), "no", 60)
    assert version(box) == "own"
    assert PackStore(box.places.codes).imported() == (read_pack(own).digest,)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"version": "2026-09"}, "says that it is icd-11-mms 2026-01"),
        ({"name": "icd-10-cm"}, "the code table icd-10-cm says that it is icd-11-mms"),
        ({"effective_from": datetime.date(2027, 1, 1)}, "of 2026-01-01"),
    ],
)
def test_a_table_that_says_other_things_than_the_manifest_is_refused(
    box: Box, more: dict[str, Any], message: str
) -> None:
    content = pack("2026-01")
    box.publish("r1", 1, "new", code_packs=[component(content, **more)])
    box.send("new")
    send(box, content)
    with pytest.raises(NotVerifiedError, match=message):
        box.machine.stage(op(1), "r1", "stable")
    assert load(box.places.record).staged is None


def test_a_changed_table_is_not_taken_in(box: Box) -> None:
    content = pack("2026-01")
    box.publish("r1", 1, "new", code_packs=[component(content)])
    box.send("new")
    path = box.places.arrived / f"{read_pack(content).digest}.raw"
    path.write_bytes(content.replace(b"mild", b"wild"))
    with pytest.raises(NotVerifiedError, match="has SHA-256"):
        box.machine.stage(op(1), "r1", "stable")
    assert not path.exists()


def test_a_table_damaged_since_it_was_staged_is_found_before_anything_is_touched(box: Box) -> None:
    content = pack("2026-01")
    staged(box, "r1", 1, "new", content)
    path = box.places.image(read_pack(content).digest)
    path.chmod(0o644)
    path.write_bytes(content.replace(b"mild", b"wild"))
    before = (box.places.seal.read_bytes(), box.linked())
    with pytest.raises(NotVerifiedError, match="not the one that was signed"):
        box.machine.activate(op(1), "r1", 60, None)
    assert (box.places.seal.read_bytes(), box.linked()) == before
    assert version(box) is None


def test_models_that_do_not_work_take_the_tables_back_with_them(box: Box) -> None:
    staged(box, "r1", 1, "new", pack("2026-01"))
    box.machine.activate(op(1), "r1", 60, None)
    staged(box, "r2", 2, "newer", pack("2026-02"))
    box.probe.bad.add(box.images["newer"].root_hash)
    with pytest.raises(WentBackError):
        box.machine.activate(op(2), "r2", 60, None)
    assert version(box) == "2026-01"


@pytest.mark.slow
def test_a_power_cut_at_any_step_leaves_models_and_tables_of_one_release(make_box: Any) -> None:
    """Before and behind every operation of the disk; what is found then belongs together, and a boot finishes it."""
    cut, through = 0, False
    while not through:
        cut += 1
        for how in ("before", "behind"):
            disk = CutDisk()
            box: Box = make_box(disk)
            staged(box, "r1", 1, "new", pack("2026-01"))
            box.machine.activate(op(1), "r1", 60, None)
            staged(box, "r2", 2, "newer", pack("2026-02"))
            disk.count, disk.cut_at, disk.how = 0, cut, how
            try:
                box.machine.activate(op(2), "r2", 60, None)
                through = True
            except PowerCut:
                pass
            disk.cut_at, disk.off = None, False
            box.boot()
            box.machine.recover(at_boot=True)
            box.systemd_starts()
            box.machine.recover()
            found = (version(box), box.linked()["drafting"], box.sealed()["drafting"])
            old, new = box.images["new"].root_hash, box.images["newer"].root_hash
            assert found in (("2026-01", old, old), ("2026-02", new, new)), (cut, how, disk.done)
    assert cut > 5


def test_a_release_without_tables_is_written_as_before_there_were_any(box: Box) -> None:
    found = box.staged("r1", 1, "new")
    box.machine.activate(op(1), "r1", 60, None)
    assert b"code_packs" not in found.content()
    assert b"code_packs" not in box.places.record.read_bytes()
    assert not box.places.codes.exists()
    assert finish(box.parts, _book(box)) == ""


def _book(box: Box) -> Any:
    from appliance.release.book import Book

    return Book(box.parts)


def test_the_folder_can_be_read_by_services(box: Box, tmp_path: Path) -> None:
    staged(box, "r1", 1, "new", pack("2026-01"))
    box.machine.activate(op(1), "r1", 60, None)
    assert box.places.codes.stat().st_mode & 0o777 == 0o755
    assert (box.places.codes / "release.json").stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize("unit", ["recover", "settle"])
def test_who_finishes_a_change_may_write_where_the_tables_lie(unit: str) -> None:
    system = Path(__file__).resolve().parents[4] / "images/edge/mkosi.extra/usr/lib/systemd/system"
    lines = (system / f"appliance-release-{unit}.service").read_text().splitlines()
    (allowed,) = [line.partition("=")[2].split() for line in lines if line.startswith("ReadWritePaths=")]
    places = Places()
    # With a minus: a box that never had a table has no such folder, and nothing to put back in it.
    assert {f"-{places.codes}", f"-{places.models}", f"-{places.releases}"} <= set(allowed)

"""Code tables that nothing needs: what holds each, that only the rest goes, and that a cut takes nothing else."""

from __future__ import annotations

import datetime
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from appliance.audit.disk import Disk as AuditDisk
from appliance.audit.errors import LogDamagedError
from appliance.audit.layout import TILE_WIDTH, tile_path
from appliance.audit.log import AuditLog
from appliance.coding.tables.ncci_units import units_pack
from appliance.coding.tables.pack import read_pack
from appliance.coding.tables.stamp import Stamp
from appliance.coding.tables.store import PackStore
from appliance.contract.audit import Actor, AuditEntry, Tool
from appliance.errors import ApplianceError, RefusedError, UsageError
from appliance.release.codes_held import LOG, SETTLED, CodesHeld
from appliance.release.record import OpenChange, keep, load
from tests.unit.appliance.coding.tables import files

from .conftest import START, Box, CutDisk, PowerCut, op
from .test_box_code_packs import pack, staged, version

PACKS = [pack(f"2026-0{number}") for number in (1, 2, 3)]
DIGESTS = [read_pack(each).digest for each in PACKS]


class Log:
    """The audit log of a box in a folder."""

    def __init__(self, box: Box) -> None:
        self.folder = box.places.below(LOG)
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        self.log = AuditLog.open(
            self.folder, box.places.root / "audit.key", "example.org/audit", disk=Quick(), publish_interval_s=3600
        )

    def decide(self, digest: str, times: int = 1) -> None:
        for _ in range(times):
            tool = Tool(kind="table", name="icd-11-mms@2026", digest=digest)
            self.log.append(AuditEntry(at=START, event="codes.opened", actor=ACTOR, tools=(tool,)))


class Quick(AuditDisk):
    """Without waiting for a disk."""

    def sync(self, descriptor: int) -> None:
        pass

    def sync_directory(self, path: Path) -> None:
        pass


ACTOR = Actor(subject="coder", role="coder")


@pytest.fixture
def log(box: Box) -> Iterator[Log]:
    made = Log(box)
    made.decide("0" * 64)
    yield made
    made.log.close()


def three(box: Box) -> None:
    """Three releases, one behind the other: the first one's table is in no set any more."""
    for number, content in enumerate(PACKS, 1):
        staged(box, f"r{number}", number, "new", content)
        box.machine.activate(op(number), f"r{number}", 60, None)


def held(box: Box, *, after: datetime.timedelta = SETTLED) -> CodesHeld:
    """As it is so long behind the last change of the folder."""
    folder = box.places.codes
    os.utime(folder, (START.timestamp(), START.timestamp()))
    found = CodesHeld.of(box.places)
    found.now = START + after
    return found


def by(box: Box, **more: Any) -> dict[str, tuple[str, ...]]:
    return {each.pack.digest: each.by for each in held(box, **more).listed()}


def there(box: Box) -> set[str]:
    return {path.stem for path in box.places.codes.glob("*.pack")}


def test_what_holds_a_table(box: Box, log: Log) -> None:
    three(box)
    own = pack("own", day=datetime.date(2026, 6, 1))
    PackStore(box.places.codes).add(own)
    found = by(box)
    assert found[DIGESTS[0]] == ()
    assert found[DIGESTS[1]] == ("previous set r2",)
    assert found[DIGESTS[2]] == ("running release", "active set r3")
    assert found[read_pack(own).digest] == ("import",)
    log.decide(DIGESTS[0], 300)  # more than a bundle of the log
    assert by(box)[DIGESTS[0]] == ("300 decisions, last in entry 300 of the audit log",)


def test_what_nothing_holds_goes_and_nothing_else(box: Box, log: Log) -> None:
    three(box)
    gone = held(box).remove_unheld(box.disk)
    assert [each.digest for each in gone] == DIGESTS[:1]
    assert there(box) == set(DIGESTS[1:])
    assert held(box).remove_unheld(box.disk) == []
    assert version(box) == "2026-03"
    box.machine.rollback(op(9), "other codes", 60)
    assert version(box) == "2026-02"


def test_a_table_that_is_staged_again_comes_back(box: Box, log: Log) -> None:
    three(box)
    staged(box, "r4", 4, "new", PACKS[0])
    assert by(box)[DIGESTS[0]] == ("staged set r4",)
    assert held(box).remove_unheld(box.disk) == []
    # And one that was removed is linked anew.
    box.places.codes.joinpath(f"{DIGESTS[0]}.pack").unlink()
    box.machine.activate(op(4), "r4", 60, None)
    assert version(box) == "2026-01"


def test_a_decision_keeps_its_table(box: Box, log: Log) -> None:
    three(box)
    log.decide(DIGESTS[0])
    assert held(box).remove_unheld(box.disk) == []
    assert there(box) == set(DIGESTS)


def test_a_request_that_had_begun_has_a_day(box: Box, log: Log) -> None:
    three(box)
    for after in (SETTLED - datetime.timedelta(seconds=1), -SETTLED):  # and a clock that was put back
        (words,) = by(box, after=after)[DIGESTS[0]]
        assert words.startswith("the tables were changed at ")
        assert held(box, after=after).remove_unheld(box.disk) == []


def test_edits_and_damaged_packs_stay(box: Box, log: Log) -> None:
    units = units_pack(files.UNITS, "mue.csv", Stamp("2026Q1", datetime.date(2026, 1, 1)))
    store = PackStore(box.places.codes)
    digest, _ = store.add(units)
    damaged, _ = store.add(pack("2026-05"))
    (box.places.codes / "active.json").write_text('{"packs": []}\n')
    store.path(damaged).chmod(0o644)
    store.path(damaged).write_bytes(b"no pack")
    found = by(box)
    assert found[digest] == ("edits: decisions quote units without its digest",)
    assert found[damaged] == ("damaged: nobody can say what it was",)
    assert held(box).remove_unheld(box.disk) == []


def test_without_a_log_nothing_goes(box: Box) -> None:
    three(box)
    with pytest.raises(UsageError, match="no audit log"):
        held(box).remove_unheld(box.disk)
    assert by(box)[DIGESTS[0]][0].startswith("the audit log cannot be read: ")
    assert there(box) == set(DIGESTS)


def test_a_log_that_does_not_verify_holds_everything(box: Box, log: Log) -> None:
    three(box)
    log.decide(DIGESTS[0], TILE_WIDTH)
    path = log.folder / tile_path(None, 0)
    # The digest is written over: whoever only searched would find it nowhere.
    path.write_bytes(path.read_bytes().replace(DIGESTS[0].encode(), b"1" * 64))
    with pytest.raises(LogDamagedError):
        held(box).remove_unheld(box.disk)
    assert by(box)[DIGESTS[0]][0].startswith("the audit log cannot be read: ")
    assert there(box) == set(DIGESTS)


def test_while_a_release_is_changed_or_the_record_is_damaged_nothing_goes(box: Box, log: Log) -> None:
    three(box)
    record = load(box.places.record)
    change = OpenChange(
        operation=op(7), action="activate", release="r4", phase="switching", started_at=START, boot_id="boot"
    )
    keep(box.places.record, record.model_copy(update={"change": change}), box.disk)
    with pytest.raises(RefusedError, match="a change of the release is open"):
        held(box).remove_unheld(box.disk)
    box.places.record.write_bytes(b"torn")
    with pytest.raises(ApplianceError, match="damaged"):
        held(box).remove_unheld(box.disk)
    assert by(box)[DIGESTS[0]][0].startswith("the release record cannot be read: ")
    assert there(box) == set(DIGESTS)


def test_an_import_at_work_is_not_disturbed(box: Box, log: Log) -> None:
    three(box)
    with PackStore(box.places.codes).alone(), pytest.raises(RefusedError, match="another import"):
        held(box).remove_unheld(box.disk)
    assert there(box) == set(DIGESTS)


def test_a_box_without_tables_has_nothing_to_remove(box: Box) -> None:
    assert CodesHeld.of(box.places).remove_unheld(box.disk) == []
    assert not box.places.codes.exists()


def test_a_power_cut_at_any_step_takes_nothing_that_is_held(make_box: Any) -> None:
    """Before and behind every operation of the disk: the box has the tables of its sets, and the next run ends it."""
    more = [pack(f"2025-0{number}") for number in (1, 2)]
    cut, through = 0, False
    while not through:
        cut += 1
        for how in ("before", "behind"):
            disk = CutDisk()
            box: Box = make_box(disk)
            log = Log(box)
            three(box)
            for content in more:  # imported once, and replaced
                PackStore(box.places.codes).add(content)
            (box.places.codes / "active.json").write_text('{"packs": []}\n')
            disk.count, disk.cut_at, disk.how = 0, cut, how
            try:
                held(box).remove_unheld(disk)
                through = True
            except PowerCut:
                pass
            disk.cut_at, disk.off = None, False
            box.boot()
            box.machine.recover(at_boot=True)
            box.systemd_starts()
            assert version(box) == "2026-03", (cut, how, disk.done)
            assert set(DIGESTS[1:]) <= there(box), (cut, how, disk.done)
            held(box).remove_unheld(disk)
            assert there(box) == set(DIGESTS[1:])
            log.log.close()
    assert cut == 4, "three packs, each one step"

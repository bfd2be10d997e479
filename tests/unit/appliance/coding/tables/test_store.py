"""An import is whole or it did not happen, and nothing in the folder is believed for its name."""

from __future__ import annotations

import datetime
import fcntl
import multiprocessing
import os
import signal
from pathlib import Path

import pytest

from appliance.coding.suggestion import CodeSystem
from appliance.coding.tables import store as stores
from appliance.coding.tables.kinds import ImportKind, read_files
from appliance.coding.tables.library import Library
from appliance.coding.tables.stamp import Stamp
from appliance.coding.tables.store import PackStore
from appliance.errors import NotVerifiedError, RefusedError, UnknownStateError, UsageError
from tests.unit.appliance.coding.tables import files

OCTOBER = datetime.date(2026, 10, 1)


def pack(folder: Path, kind: ImportKind, content: bytes, day: datetime.date = OCTOBER, version: str = "2027") -> bytes:
    path = folder / "file"
    path.write_bytes(content)
    return read_files(kind, [path], Stamp(version, day))


@pytest.fixture
def store(tmp_path: Path) -> PackStore:
    return PackStore(tmp_path / "codes")


def test_what_was_added_is_in_use(store: PackStore, tmp_path: Path) -> None:
    digest, replaced = store.add(pack(tmp_path, ImportKind.CPT, files.CPT_TAB))
    assert (store.active(), replaced) == ((digest,), ())
    assert store.open(digest).head.system == "cpt"
    assert store.path(digest).stat().st_mode & 0o777 == 0o444
    assert store.folder.stat().st_mode & 0o777 == 0o755
    assert sorted(path.name for path in store.folder.iterdir()) == sorted([".lock", "active.json", f"{digest}.pack"])


def test_the_same_again_changes_nothing(store: PackStore, tmp_path: Path) -> None:
    content = pack(tmp_path, ImportKind.CPT, files.CPT_TAB)
    assert store.add(content)[0] == store.add(content)[0]
    assert len(store.active()) == 1


def test_another_of_the_same_day_takes_the_place_and_the_earlier_stays(store: PackStore, tmp_path: Path) -> None:
    first, _ = store.add(pack(tmp_path, ImportKind.CPT, files.CPT_TAB))
    second, replaced = store.add(pack(tmp_path, ImportKind.CPT, files.CPT_LINK))
    assert (store.active(), replaced) == ((second,), (first,))
    assert store.open(first).digest == first
    later, replaced = store.add(pack(tmp_path, ImportKind.CPT, files.CPT_LINK, datetime.date(2027, 1, 1)))
    assert replaced == ()
    assert set(store.active()) == {second, later}


def _add_and_die(folder: Path, content: bytes, step: int) -> None:
    """Add a pack, and be killed before the n-th step that changes the disk."""
    steps = 0

    def counted(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal steps
        changes = event in ("os.rename", "os.chmod", "os.remove", "os.mkdir") or (
            event == "open" and isinstance(arguments[2], int) and bool(arguments[2] & (os.O_WRONLY | os.O_RDWR))
        )
        if changes:
            steps += 1
            if steps == step:
                os.kill(os.getpid(), signal.SIGKILL)

    import sys

    sys.addaudithook(counted)
    PackStore(folder).add(content)
    os._exit(0)


def test_killed_at_every_step_it_is_the_old_or_the_new(store: PackStore, tmp_path: Path) -> None:
    old, _ = store.add(pack(tmp_path, ImportKind.CPT, files.CPT_TAB))
    content = pack(tmp_path, ImportKind.CPT, files.CPT_LINK)
    fork = multiprocessing.get_context("fork")
    ends = set()
    for step in range(1, 40):
        process = fork.Process(target=_add_and_die, args=(store.folder, content, step))
        process.start()
        process.join()
        (active,) = store.active()
        assert store.open(active).head.system == "cpt"
        assert all(each.head is not None for each in store.packs())
        ends.add((process.exitcode, active == old))
        if process.exitcode == 0:
            break
    assert (-signal.SIGKILL, True) in ends, "it was never cut off before its end"
    assert (0, False) in ends, "it never got through"
    assert not list(store.folder.glob(".making-*")), "what was cut off is swept by the next"


def test_a_pack_that_was_never_put_in_use_is_not_called_superseded(store: PackStore, tmp_path: Path) -> None:
    store.add(pack(tmp_path, ImportKind.HCPCS, files.HCPCS))
    # As a kill between the pack and the list leaves it.
    (store.folder / stores.ACTIVE).unlink()
    listed = [each for each in Library(store.folder).listed() if each.origin != "built-in"]
    assert [each.origin for each in listed] == ["not in use"]


def test_a_full_disk_leaves_the_old(store: PackStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old, _ = store.add(pack(tmp_path, ImportKind.CPT, files.CPT_TAB))

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    content = pack(tmp_path, ImportKind.CPT, files.CPT_LINK)
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UnknownStateError, match="No space left"):
        store.add(content)
    assert store.active() == (old,)
    assert len(store.packs()) == 1
    assert not list(store.folder.glob(".making-*"))


def test_one_import_at_a_time(store: PackStore, tmp_path: Path) -> None:
    store.add(pack(tmp_path, ImportKind.CPT, files.CPT_TAB))
    with (store.folder / ".lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(RefusedError, match="another import"):
            store.add(pack(tmp_path, ImportKind.CPT, files.CPT_LINK))


def test_a_changed_pack_is_not_used(store: PackStore, tmp_path: Path) -> None:
    digest, _ = store.add(pack(tmp_path, ImportKind.CPT, files.CPT_TAB))
    path = store.path(digest)
    path.chmod(0o644)
    path.write_bytes(path.read_bytes().replace(b"visit", b"wisit"))
    with pytest.raises(NotVerifiedError):
        Library(store.folder).table(CodeSystem.CPT, OCTOBER)
    # Not only of its own system: a box with a changed table cannot say which of its answers are whole.
    with pytest.raises(NotVerifiedError):
        Library(store.folder).table(CodeSystem.HCPCS, OCTOBER)
    assert [each.head for each in store.packs()] == [None]
    assert "damaged" in [each.origin for each in Library(store.folder).listed()]


def test_a_missing_pack_is_not_passed_over(store: PackStore, tmp_path: Path) -> None:
    digest, _ = store.add(pack(tmp_path, ImportKind.CPT, files.CPT_TAB))
    store.path(digest).unlink()
    with pytest.raises(UnknownStateError):
        Library(store.folder).table(CodeSystem.CPT, OCTOBER)


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"packs": 1}', '{"packs": ["../../etc/passwd"]}', "x" * 70_000])
def test_a_list_that_is_none_is_refused(store: PackStore, text: str) -> None:
    store.folder.mkdir()
    (store.folder / stores.ACTIVE).write_text(text)
    with pytest.raises(NotVerifiedError):
        store.active()


def test_the_table_of_the_day(store: PackStore, tmp_path: Path) -> None:
    library = Library(store.folder)
    assert library.table(CodeSystem.CPT, OCTOBER) is None
    for day, version, content in (
        (datetime.date(2026, 1, 1), "2026", files.CPT_TAB),
        (datetime.date(2027, 1, 1), "2027", files.CPT_LINK),
    ):
        store.add(pack(tmp_path, ImportKind.CPT, content, day, version))
    versions = {}
    for day in (datetime.date(2025, 1, 1), datetime.date(2026, 12, 31), datetime.date(2027, 1, 1)):
        table = library.table(CodeSystem.CPT, day)
        versions[day.isoformat()] = table.version if table else None
    # Of a day before all tables the oldest judges; its own dates say what it knows of it.
    assert versions == {"2025-01-01": "2026", "2026-12-31": "2026", "2027-01-01": "2027"}


def test_an_imported_table_goes_before_a_built_in_one(store: PackStore, tmp_path: Path) -> None:
    store.add(pack(tmp_path, ImportKind.HCPCS, files.HCPCS, datetime.date(2020, 4, 1), "again"))
    table = Library(store.folder).table(CodeSystem.HCPCS, OCTOBER)
    assert table is not None
    assert table.version == "again"


def test_tables_by_name(store: PackStore, tmp_path: Path) -> None:
    digest, _ = store.add(pack(tmp_path, ImportKind.CPT, files.CPT_TAB))
    library = Library(store.folder)
    assert library.named("cpt@2027").digest == library.named(digest[:8].upper()).digest == digest
    for name in ("cpt@2028", digest[:5], ""):
        with pytest.raises(UsageError, match="no pack of that name"):
            library.named(name)

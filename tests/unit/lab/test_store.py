"""Records on disk, and the lock."""

from __future__ import annotations

from pathlib import Path

import pytest

from fleetctl.errors import ConfigError, LockHeldError, UsageError
from fleetctl.lab.record import LabRecord
from fleetctl.lab.store import LabStore


def test_saved_record_is_found_in_a_private_directory(tmp_path: Path, record: LabRecord) -> None:
    store = LabStore(tmp_path)
    store.save(record)
    assert store.load("lab-1") == record
    assert store.names() == ["lab-1"]
    assert store.runtime_dir("lab-1").stat().st_mode & 0o777 == 0o700
    assert [path.name for path in store.runtime_dir("lab-1").iterdir()] == ["lab.json"]


def test_unknown_site_names_the_known_ones(tmp_path: Path, record: LabRecord) -> None:
    store = LabStore(tmp_path)
    assert store.find("lab-2") is None
    store.save(record)
    with pytest.raises(UsageError, match=r"no virtual site lab-2 .*there is: lab-1"):
        store.load("lab-2")


@pytest.mark.parametrize("content", ["", "{", '{"name": "lab-1"}', '{"schema_version": 2}'])
def test_broken_record_is_an_error_and_not_absence(tmp_path: Path, record: LabRecord, content: str) -> None:
    store = LabStore(tmp_path)
    store.save(record)
    (store.runtime_dir("lab-1") / "lab.json").write_text(content)
    with pytest.raises(ConfigError, match=r"lab\.json cannot be read"):
        store.find("lab-1")
    assert store.taken_ports() == set()


def test_ports_of_other_sites_are_taken(tmp_path: Path, record: LabRecord) -> None:
    store = LabStore(tmp_path)
    store.save(record)
    assert store.taken_ports(except_for="lab-1") == set()
    assert store.taken_ports(except_for="lab-2") == set(range(20001, 20009))


def test_two_at_once_take_turns(tmp_path: Path) -> None:
    first, second = LabStore(tmp_path), LabStore(tmp_path)
    with first.lock("lab-1"):
        with second.lock("lab-2", wait_s=0):
            pass
        with pytest.raises(LockHeldError, match="another fleetctl"), second.lock("lab-1", wait_s=0):
            pass
    with second.lock("lab-1", wait_s=0):
        pass


def test_lock_outlives_the_sites_files(tmp_path: Path, record: LabRecord) -> None:
    store = LabStore(tmp_path)
    store.save(record)
    with store.lock("lab-1"):
        store.destroy("lab-1")
        with pytest.raises(LockHeldError), LabStore(tmp_path).lock("lab-1", wait_s=0):
            pass
    assert store.find("lab-1") is None


def test_path_that_qemu_would_misread_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="comma"):
        LabStore(tmp_path / "a,readonly=on")

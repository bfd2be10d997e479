"""Memory and disks: the real stress-ng and fio on small sizes, and which disks are read at all."""

from __future__ import annotations

import hashlib
import json
import time
from pathlib import Path
from typing import Any

import pytest

from appliance.burnin import drive_load, memory_load
from appliance.burnin.drive_load import Drive, DriveLoad, data_disks
from appliance.burnin.memory_load import MemoryLoad
from appliance.contract.burnin import DriveBurnIn, MemoryBurnIn
from appliance.contract.gpu import Unread, Value
from appliance.facts.reading import UnreadableError

SIZE = 8 * 1024**2


def ended(load: Any) -> Any:
    while load.process.poll():
        time.sleep(0.05)
    return load


@pytest.mark.slow
def test_a_disk_is_read_and_left_as_it_was(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.write_bytes(bytes(range(256)) * (SIZE // 256))
    before = (hashlib.sha256(disk.read_bytes()).hexdigest(), disk.stat().st_mtime_ns, disk.stat().st_size)
    load = ended(DriveLoad(Drive(str(disk), "S 1", None), seconds=2))
    found = DriveBurnIn.model_validate(load.result(""))
    assert (found.state, found.ended, found.reason) == ("ran", "finished", "")
    assert (found.serial, found.errors) == (Value(value="S 1"), Value(value=0))
    assert isinstance(found.model, Unread)
    assert found.read_mib.value >= SIZE // 1024**2
    assert min(found.sequential_mb_per_s.value, found.random_mb_per_s.value, found.random_p99_ms.value) > 0
    assert (hashlib.sha256(disk.read_bytes()).hexdigest(), disk.stat().st_mtime_ns, disk.stat().st_size) == before


@pytest.mark.slow
def test_a_disk_that_is_gone_is_an_error_and_no_file_appears(tmp_path: Path) -> None:
    path = tmp_path / "gone"
    found = DriveBurnIn.model_validate(ended(DriveLoad(Drive(str(path), None, None), seconds=2)).result(""))
    assert found.ended == "failed"
    assert found.reason
    assert isinstance(found.sequential_mb_per_s, Unread)
    assert not path.exists()


@pytest.mark.slow
def test_a_stopped_read_tells_what_it_read(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.write_bytes(bytes(SIZE))
    load = DriveLoad(Drive(str(disk), None, None), seconds=60)
    time.sleep(1)
    load.process.terminate()
    found = DriveBurnIn.model_validate(ended(load).result("stopped by SIGTERM"))
    assert (found.ended, found.reason) == ("interrupted", "stopped by SIGTERM")


@pytest.mark.slow
def test_memory_is_verified() -> None:
    found = MemoryBurnIn.model_validate(ended(MemoryLoad(seconds=1, mib=32)).result(""))
    assert (found.state, found.ended, found.reason) == ("ran", "finished", "")
    assert (found.mib, found.errors) == (Value(value=32), Value(value=0))
    assert found.operations.value > 0


def fake_stress(monkeypatch: pytest.MonkeyPatch, folder: Path, script: str) -> MemoryBurnIn:
    """A stress-ng that finds errors: sound memory gives the real one nothing to find."""
    tool = folder / "stress-ng"
    tool.write_text(f"#!/bin/sh\n{script}\n")
    tool.chmod(0o755)
    monkeypatch.setattr(memory_load, "TOOL", str(tool))
    return MemoryBurnIn.model_validate(ended(MemoryLoad(seconds=1, mib=32)).result(""))


def test_memory_that_fails_is_an_answer(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    words = "stress-ng: fail:  [7] vm: detected 1 bit error\n" * 3
    found = fake_stress(monkeypatch, tmp_path, f"printf '{words}' >&2; exit 2")
    assert (found.ended, found.errors) == ("finished", Value(value=3))
    assert fake_stress(monkeypatch, tmp_path, "exit 2").errors == Value(value=1)


def test_a_tool_that_gives_no_answer_is_no_pass(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    found = fake_stress(monkeypatch, tmp_path, "echo no room >&2; exit 3")
    assert (found.ended, isinstance(found.errors, Unread)) == ("failed", True)
    assert found.reason.endswith("ended with 3: no room")
    assert isinstance(fake_stress(monkeypatch, tmp_path, "exit 0").errors, Unread), "without a report nothing ran"


def test_a_tool_that_is_missing_is_not_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory_load, "TOOL", "no-such-stress")
    monkeypatch.setattr(drive_load, "TOOL", "no-such-fio")
    memory = MemoryBurnIn.model_validate(MemoryLoad(1, 32).result(""))
    drive = DriveBurnIn.model_validate(DriveLoad(Drive("/dev/vdb", None, None), 1).result(""))
    assert (memory.state, memory.reason) == ("not_run", "no-such-stress is not installed")
    assert (drive.state, drive.reason) == ("not_run", "no-such-fio is not installed")


def test_fio_may_not_write() -> None:
    argv = drive_load.argv("/dev/nvme1n1", 600)
    assert {"--readonly", "--allow_file_create=0", "--invalidate=0"} <= set(argv)
    assert {word for word in argv if word.startswith("--rw=")} == {"--rw=read", "--rw=randread"}
    assert {word for word in argv if word.startswith("--runtime=")} == {"--runtime=300"}


@pytest.mark.parametrize("report", ["", "{", "[]", '{"jobs": []}', '{"jobs": [{"jobname": "sequential"}]}'])
def test_a_report_that_makes_no_sense_is_none(report: str) -> None:
    with pytest.raises(ValueError):
        drive_load.readings(report)


def disk(name: str, *places: str, kind: str = "disk", size: int = 10**12, children: Any = ()) -> dict[str, Any]:
    device = {"name": name, "path": f"/dev/{name}", "type": kind, "size": size, "serial": f"S-{name}", "model": "M"}
    return {**device, "mountpoints": list(places) or [None], "children": list(children)}


def listed(*devices: dict[str, Any]) -> str:
    return json.dumps({"blockdevices": devices})


def test_the_system_disk_and_other_kinds_are_left_out() -> None:
    root = disk("root", "/", kind="crypt")
    system = disk("nvme0n1", children=[disk("nvme0n1p1", kind="part", children=[root])])
    data = disk("nvme1n1", children=[disk("md0", "/var/lib/appliance", kind="raid1")])
    others = (disk("sda"), disk("zram0", "[SWAP]"), disk("nvme2n1", size=0), disk("vdb"), disk("loop0", kind="loop"))
    assert [drive.path for drive in data_disks(listed(system, data, *others))] == ["/dev/nvme1n1", "/dev/vdb"]


def test_both_disks_of_a_mirrored_system_are_left_out() -> None:
    mirror = disk("md0", "/", kind="raid1")
    disks = [disk(f"nvme{number}n1", children=[mirror]) for number in (0, 1)]
    assert data_disks(listed(*disks, disk("nvme2n1")))[0].serial == "S-nvme2n1"


@pytest.mark.parametrize("answer", ["", "{}", listed(disk("nvme0n1")), listed({"name": "vda"})])
def test_disks_that_cannot_be_told_apart_are_not_read(answer: str) -> None:
    with pytest.raises(UnreadableError):
        data_disks(answer)

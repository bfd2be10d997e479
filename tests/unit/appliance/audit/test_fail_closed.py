"""A disk that fails: nothing is acknowledged from then on, and nothing that was is lost."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from appliance.audit import AuditLog, AuditUnavailableError
from appliance.audit.canonical import encode
from appliance.audit.disk import Disk
from appliance.contract.audit import AuditEntry

Entry = Callable[[int], AuditEntry]
Open = Callable[..., AuditLog]


class FailingDisk(Disk):
    """Fails at one operation, counted from when it is armed; from then on works again, which must not help."""

    def __init__(self, code: int) -> None:
        self.code = code
        self.left: int | None = None
        self.short = 0

    def _step(self) -> None:
        if self.left is not None:
            self.left -= 1
            if self.left == 0:
                raise OSError(self.code, os.strerror(self.code))

    def write_at(self, descriptor: int, data: bytes, offset: int) -> None:
        try:
            self._step()
        except OSError:
            super().write_at(descriptor, data[: len(data) // 2], offset)
            raise
        super().write_at(descriptor, data, offset)

    def sync(self, descriptor: int) -> None:
        self._step()

    def replace(self, path: Path, data: bytes, *, mode: int = 0o640) -> None:
        self._step()
        super().replace(path, data, mode=mode)

    def sync_directory(self, path: Path) -> None:
        self._step()


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO])
@pytest.mark.parametrize("last", [3, 255], ids=["append", "full bundle"])
def test_a_failure_at_any_step_ends_the_log(
    code: int, last: int, tmp_path: Path, entry: Entry, fast_disk: Disk
) -> None:
    def opened(step: int, disk: Disk) -> AuditLog:
        root = tmp_path / str(step)
        return AuditLog.open(root / "log", root / "key", "example.org/audit", disk=disk, publish_interval_s=3600)

    with opened(0, fast_disk) as log:
        for n in range(last):
            log.append(entry(n))
    failed = 0
    for step in range(1, 100):
        shutil.copytree(tmp_path / "0", tmp_path / str(step))
        disk = FailingDisk(code)
        log = opened(step, disk)
        disk.left = step
        try:
            log.append(entry(last))
        except AuditUnavailableError as error:
            failed, said = step, str(error)
        else:
            disk.left = None
            log.close()
            break
        assert os.strerror(code) in said
        for _ in range(3):
            with pytest.raises(AuditUnavailableError):
                log.append(entry(1000))
        with pytest.raises(AuditUnavailableError):
            log.checkpoint()
        assert not log.available
        log.close()
        with opened(step, fast_disk) as again:
            assert [found.data for found in again.entries(0, last)] == [encode(entry(n)) for n in range(last)]
            # What was in flight may be there or not; nothing else may.
            assert [found.data for found in again.entries(last, again.size)] in ([], [encode(entry(last))])
    # Two writes and two flushes, and for a full bundle what its tiles and the next journal need.
    assert failed == 4 if last == 3 else failed > 8


def test_everybody_who_waits_hears_of_it(open_log: Open, entry: Entry) -> None:
    disk = FailingDisk(errno.EIO)
    log = open_log(disk=disk)
    disk.left = 2
    waiting = [log._submit(encode(entry(n))) for n in range(20)]
    for future in waiting:
        with pytest.raises(AuditUnavailableError):
            future.result(timeout=30)


def test_a_disk_that_cannot_hold_the_log_makes_none(open_log: Open, tmp_path: Path) -> None:
    for step in range(1, 12):
        disk = FailingDisk(errno.ENOSPC)
        disk.left = step
        with pytest.raises(AuditUnavailableError, match="No space left"):
            open_log(disk=disk)
    assert open_log().size == 0


def test_the_queue_is_bounded(open_log: Open, entry: Entry, monkeypatch: pytest.MonkeyPatch) -> None:
    log = open_log()
    monkeypatch.setattr("appliance.audit.log.MAX_WAITING", 0)
    with pytest.raises(AuditUnavailableError, match="wait for the disk"):
        log.append(entry(0))
    monkeypatch.undo()
    assert log.append(entry(0)).index == 0

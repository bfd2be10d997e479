"""Entries and logs to write, for every test of the audit log."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from appliance.audit import AuditLog
from appliance.audit.disk import Disk
from appliance.contract.audit import Actor, AuditEntry

ORIGIN = "example.org/north/audit"


def _entry(number: int) -> AuditEntry:
    return AuditEntry(
        at=datetime(2026, 3, 1, tzinfo=UTC) + timedelta(seconds=number),
        event="draft.completed",
        actor=Actor(subject=f"user-{number}", role="clinician"),
        numbers={"n": number},
    )


@pytest.fixture
def entry() -> Callable[[int], AuditEntry]:
    """Entry number n; no two are alike."""
    return _entry


class FastDisk(Disk):
    """The real disk without its flushes, for tests in which no power fails."""

    def sync(self, descriptor: int) -> None:
        pass

    def sync_directory(self, path: Path) -> None:
        pass


@pytest.fixture
def fast_disk() -> Disk:
    return FastDisk()


@pytest.fixture
def open_log(tmp_path: Path, fast_disk: Disk) -> Iterator[Callable[..., AuditLog]]:
    """Opens the log of this test; closes what the test leaves open."""
    opened: list[AuditLog] = []

    def make(*, disk: Disk | None = None, directory: Path | None = None, origin: str = ORIGIN) -> AuditLog:
        log = AuditLog.open(
            directory or tmp_path / "audit",
            tmp_path / "keys" / "audit.key",
            origin,
            disk=disk or fast_disk,
            publish_interval_s=3600,
        )
        opened.append(log)
        return log

    yield make
    for log in opened:
        log.close()

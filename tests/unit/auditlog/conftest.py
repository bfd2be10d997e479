"""A log that the appliance wrote, for the verifier that knows nothing of how."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import pytest

from appliance.audit import AuditLog
from appliance.contract.audit import Actor, AuditEntry
from fleetctl.auditlog.notes import LOG, PublicKey


class Made(NamedTuple):
    """A log of 520 entries in `directory`, with its checkpoints at 256, 300 and 520."""

    directory: Path
    key: PublicKey
    notes: dict[int, str]


def _fill(log: AuditLog, until: int, mark: str = "user") -> str:
    for n in range(log.size, until):
        at = datetime(2026, 3, 1, tzinfo=UTC) + timedelta(seconds=n)
        log.append(AuditEntry(at=at, event="note.signed", actor=Actor(subject=f"{mark}-{n}", role="clinician")))
    return log.checkpoint().note


@pytest.fixture
def fill() -> Callable[..., str]:
    """fill(log, size) appends until the log has that size and returns its checkpoint."""
    return _fill


@pytest.fixture(scope="session")
def _made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    root = tmp_path_factory.mktemp("site")
    with AuditLog.open(root / "log", root / "key", "example.org/audit", publish_interval_s=3600) as log:
        notes = {size: _fill(log, size) for size in (256, 300, 520)}
        key = PublicKey.of(str(log.verifier_key), LOG)
    return Made(root / "log", key, notes)


@pytest.fixture
def made(_made: Made, tmp_path: Path) -> Made:
    """A copy of it that the test may spoil; its signing key lies beside."""
    shutil.copytree(_made.directory, tmp_path / "log")
    shutil.copy(_made.directory.parent / "key", tmp_path / "key")
    return _made._replace(directory=tmp_path / "log")

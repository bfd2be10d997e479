"""The witness: it remembers, and cosigns nothing that contradicts what it remembers."""

from __future__ import annotations

import fcntl
import os
import shutil
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from appliance.audit import AuditLog
from fleetctl.auditlog import witness as module
from fleetctl.auditlog.files import LogCopy
from fleetctl.auditlog.witness import WitnessKey, witness
from fleetctl.errors import LockHeldError, RefusedError, UnreachableError, UsageError, VerificationError


@pytest.fixture
def signer(tmp_path: Path) -> WitnessKey:
    return WitnessKey.make(tmp_path / "witness.key", "example.org/w1")


def test_the_key_is_made_once_and_is_its_owners(tmp_path: Path, signer: WitnessKey) -> None:
    path = tmp_path / "witness.key"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert WitnessKey.load(path).public == signer.public
    with pytest.raises(RefusedError, match="exists"):
        WitnessKey.make(path, "example.org/w1")
    with pytest.raises(UsageError, match="name"):
        WitnessKey.make(tmp_path / "other", "two words")
    path.chmod(0o644)
    with pytest.raises(RefusedError, match="others may read"):
        WitnessKey.load(path)
    with pytest.raises(UnreachableError):
        WitnessKey.load(tmp_path / "nothing")


def test_it_follows_a_log_and_refuses_rollback_and_fork(
    made, tmp_path: Path, signer: WitnessKey, fill: Callable[..., str]
) -> None:
    state = tmp_path / "state"
    shutil.copytree(made.directory, tmp_path / "old")
    shutil.copytree(made.directory, tmp_path / "twin")
    assert witness(LogCopy(made.directory), made.key, state, signer)[0].size == 520
    with AuditLog.open(made.directory, tmp_path / "key", "example.org/audit") as log:
        fill(log, 530)
    assert witness(LogCopy(made.directory), made.key, state, signer)[0].size == 530
    seen = state.read_text()
    with pytest.raises(VerificationError, match="rolled back"):
        witness(LogCopy(tmp_path / "old"), made.key, state, signer)
    with AuditLog.open(tmp_path / "twin", tmp_path / "key", "example.org/audit") as log:
        fill(log, 530, "other")
        with pytest.raises(VerificationError, match="fork"):
            witness(LogCopy(tmp_path / "twin"), made.key, state, signer)
        fill(log, 540, "other")
    with pytest.raises(VerificationError, match="fork"):
        witness(LogCopy(tmp_path / "twin"), made.key, state, signer)
    assert state.read_text() == seen


def test_nothing_is_cosigned_before_it_is_remembered(
    made, tmp_path: Path, signer: WitnessKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[str] = []
    write, cosign = module.write_text, module.cosign
    monkeypatch.setattr(module, "write_text", lambda *a, **k: (steps.append("remembered"), write(*a, **k)))
    monkeypatch.setattr(module, "cosign", lambda *a: (steps.append("cosigned"), cosign(*a))[1])
    witness(LogCopy(made.directory), made.key, tmp_path / "state", signer)
    assert steps == ["remembered", "cosigned"]

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    steps.clear()
    monkeypatch.setattr(module, "write_text", full)
    with pytest.raises(UnreachableError, match="No space"):
        witness(LogCopy(made.directory), made.key, tmp_path / "state", signer)
    assert steps == []


def test_a_damaged_memory_is_not_an_empty_one(made, tmp_path: Path, signer: WitnessKey) -> None:
    state = tmp_path / "state"
    witness(LogCopy(made.directory), made.key, state, signer)
    whole = state.read_bytes()
    for spoiled in (b"", whole[:-20], whole.replace(b"520", b"510")):
        state.write_bytes(spoiled)
        with pytest.raises(VerificationError):
            witness(LogCopy(made.directory), made.key, state, signer)


def test_two_witnesses_on_one_memory_wait(made, tmp_path: Path, signer: WitnessKey) -> None:
    lock = os.open(tmp_path / "state.lock", os.O_RDWR | os.O_CREAT)
    fcntl.flock(lock, fcntl.LOCK_EX)
    with pytest.raises(LockHeldError):
        witness(LogCopy(made.directory), made.key, tmp_path / "state", signer)
    os.close(lock)

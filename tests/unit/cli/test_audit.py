"""`fleetctl audit`: exit codes and what goes to stdout."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from appliance.audit import AuditLog
from appliance.contract.audit import Actor, AuditEntry
from fleetctl.__main__ import run


@pytest.fixture
def site(tmp_path: Path) -> tuple[Path, str]:
    with AuditLog.open(tmp_path / "log", tmp_path / "key", "example.org/audit") as log:
        for n in range(5):
            actor = Actor(subject=f"user-{n}", role="clinician")
            log.append(AuditEntry(at=datetime(2026, 3, 1, tzinfo=UTC), event="note.signed", actor=actor))
        return tmp_path / "log", str(log.verifier_key)


def test_verify_with_a_key_and_with_its_file(site: tuple[Path, str], capsys: pytest.CaptureFixture[str]) -> None:
    directory, key = site
    assert run(["audit", "verify", str(directory), "--key", key, "-o", "json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert (shown["verdict"], shown["size"], shown["origin"]) == ("verified", 5, "example.org/audit")
    assert run(["audit", "verify", str(directory), "--key", str(directory / "verifier-key")]) == 0
    assert "verdict: verified" in capsys.readouterr().out


def test_a_changed_log_is_exit_code_9_and_a_missing_one_5(
    site: tuple[Path, str], capsys: pytest.CaptureFixture[str]
) -> None:
    directory, key = site
    bundle = directory / "tile/entries/000.p/5"
    bundle.write_bytes(bundle.read_bytes().replace(b"user-3", b"user-4"))
    assert run(["audit", "verify", str(directory), "--key", key]) == 9
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "entry 3 was changed" in shown.err
    assert run(["audit", "verify", str(directory / "nothing"), "--key", key]) == 5
    assert run(["audit", "verify", str(directory), "--key", "no+key+"]) == 2
    assert run(["audit", "verify", str(directory), "--key", key, "--against", str(directory / "nothing")]) == 2


def test_witness_makes_a_key_and_a_cosignature_that_verify_asks_for(
    site: tuple[Path, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    directory, key = site
    assert run(["audit", "witness-key", str(tmp_path / "w.key"), "--name", "example.org/w1"]) == 0
    witness = capsys.readouterr().out.strip()
    state = ["--state", str(tmp_path / "state"), "--witness-key", str(tmp_path / "w.key")]
    assert run(["audit", "witness", str(directory), "--key", key, *state]) == 0
    shown = capsys.readouterr()
    assert "cosigned: 5 entries" in shown.err
    assert run(["audit", "verify", str(directory), "--key", key, "--witness", witness]) == 9
    (directory / "checkpoint").write_text(shown.out)
    assert run(["audit", "verify", str(directory), "--key", key, "--witness", witness]) == 0
    out = ["--out", str(tmp_path / "cosigned")]
    assert run(["audit", "witness", str(directory), "--key", key, *state, *out]) == 0
    assert (tmp_path / "cosigned").read_text().count("example.org/w1") == 2

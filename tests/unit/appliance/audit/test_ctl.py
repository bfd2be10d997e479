"""`appliancectl audit`: exit codes and words."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from appliance.audit import AuditLog, Checkpoint
from appliance.audit.proof import parse
from appliance.contract.audit import AuditEntry
from appliance.contract.audit_check import AuditCheck
from appliance.ctl import audit_check
from appliance.ctl.__main__ import run as command


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[int, str, str]]:
    def call(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["appliancectl", "audit", *map(str, arguments)])
        code = command()
        shown = capsys.readouterr()
        return code, shown.out, shown.err

    return call


@pytest.fixture
def log(open_log: Callable[..., AuditLog], entry: Callable[[int], AuditEntry]) -> AuditLog:
    log = open_log()
    for n in range(300):
        log.append(entry(n))
    return log


Run = Callable[..., tuple[int, str, str]]


def test_verify_while_the_writer_goes_on(
    run: Run, log: AuditLog, tmp_path: Path, entry: Callable[[int], AuditEntry]
) -> None:
    where = ("--directory", tmp_path / "audit")
    code, out, err = run("verify", *where)
    assert (code, "verified: 300 entries" in out, "published: 0" in out) == (0, True, True)
    assert "beside the log" in err
    (tmp_path / "kept").write_text(run("checkpoint", *where)[1])
    log.append(entry(300))
    code, out, err = run("verify", *where, "--key", log.verifier_key, "--against", tmp_path / "kept")
    assert (code, err) == (0, "")
    assert "compared: the 300 entries" in out


def test_a_difference_is_exit_code_9_and_names_the_entry(run: Run, log: AuditLog, tmp_path: Path) -> None:
    bundle = tmp_path / "audit/tile/entries/000"
    bundle.write_bytes(bundle.read_bytes().replace(b"user-77", b"user-78"))
    code, _, err = run("verify", "--directory", tmp_path / "audit")
    assert code == 9
    assert "entry 77" in err
    assert run("show", 77, "--directory", tmp_path / "audit")[0] == 9


def test_show_and_prove(run: Run, log: AuditLog, tmp_path: Path) -> None:
    where = ("--directory", tmp_path / "audit", "--key", log.verifier_key)
    code, out, _ = run("show", 299, *where)
    assert (code, "user-299" in out) == (0, True)
    code, out, _ = run("prove", 5, *where)
    assert parse(out).verify(log.verifier_key).size == 300
    kept = tmp_path / "kept"
    kept.write_text(log.checkpoint().note)
    code, out, _ = run("prove", 299, *where, "--checkpoint", kept)
    assert code == 0
    assert isinstance(parse(out).verify(log.verifier_key), Checkpoint)
    assert run("prove", 300, *where)[0] == 2


def test_usage_and_unreadable(run: Run, log: AuditLog, tmp_path: Path) -> None:
    where = ("--directory", tmp_path / "audit")
    assert run("verify", "--directory", tmp_path / "nothing")[0] == 2
    assert run("verify", *where, "--key", "a+b+c")[0] == 2
    assert run("verify", *where, "--against", tmp_path / "nothing")[0] == 2
    (tmp_path / "audit/tile/0/000").unlink()
    (tmp_path / "audit/tile/0/000").mkdir()
    assert run("verify", *where)[0] == 5
    assert run("key", *where)[1] == f"{log.verifier_key}\n"


def test_the_daily_check_leaves_what_it_found_for_the_health_agent(log: AuditLog, tmp_path: Path) -> None:
    log.checkpoint()
    directory, result = tmp_path / "audit", tmp_path / "result.json"
    assert audit_check.main(result, directory) == 0
    found = AuditCheck.model_validate_json(result.read_text())
    assert (found.verified, found.size, found.reason) == (True, 300, "")
    assert result.stat().st_mode & 0o777 == 0o644
    bundle = directory / "tile/entries/000"
    bundle.chmod(0o600)
    bundle.write_bytes(bundle.read_bytes().replace(b"draft", b"graft", 1))
    assert audit_check.main(result, directory) == 0
    found = AuditCheck.model_validate_json(result.read_text())
    assert (found.verified, found.size) == (False, None)
    assert found.reason
    missing = audit_check.check(tmp_path / "nowhere")
    assert missing.verified is not True

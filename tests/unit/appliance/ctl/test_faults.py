"""`appliancectl health faults` and `health ack`."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from appliance.contract.faults import FaultList
from appliance.ctl.__main__ import app
from appliance.errors import ApplianceError, RefusedError, UnknownStateError, UsageError
from appliance.watch.fault_book import FaultBook
from appliance.watch.journal import Journal
from appliance.watch.tellings import Telling, records_of


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    """One Xid 79 that nobody has dealt with."""
    book = FaultBook(Journal(tmp_path))
    telling = Telling("kernel log", 79, "0000:3b:00.0", 5.0, seq=1)
    book.write(records_of([telling], book, "b1", datetime.now(UTC)))
    return tmp_path


def run(folder: Path, *arguments: str) -> Result:
    return CliRunner().invoke(app, ["health", *arguments, "--directory", str(folder)])


def the_id(folder: Path) -> str:
    (fault,) = FaultList.model_validate_json(run(folder, "faults", "-o", "json").stdout).faults
    return fault.id


def failure(result: Result, kind: type[ApplianceError]) -> str:
    assert isinstance(result.exception, kind), result.output
    return str(result.exception)


def test_faults_are_listed_with_the_next_action_and_the_exit_code_of_the_worst(journal: Path) -> None:
    result = run(journal, "faults")
    assert result.exit_code == 4
    for words in (the_id(journal), "critical, open", "0000:3b:00.0", "1 × Xid 79", "next: reboot the machine", "once"):
        assert words in result.stdout
    assert json.loads(run(journal, "faults", "-o", "json").stdout)["schema_version"] == "faults/v1"


def test_no_faults(tmp_path: Path) -> None:
    result = run(tmp_path, "faults")
    assert (result.exit_code, result.stdout) == (0, "no faults\n")


def test_a_box_without_a_journal_is_unknown(tmp_path: Path) -> None:
    failure(run(tmp_path / "none", "faults"), UnknownStateError)


def test_an_acknowledgement_is_in_the_journal_with_who_and_why(journal: Path) -> None:
    fault = the_id(journal)
    assert run(journal, "ack", fault, "--note", "rebooted at 3", "--by", "night shift").exit_code == 0
    result = run(journal, "faults")
    assert result.exit_code == 0
    assert "acknowledged by night shift" in result.stdout
    assert "rebooted at 3" in result.stdout
    refused = run(journal, "ack", fault, "--note", "again", "--by", "day shift")
    assert "acknowledged already" in failure(refused, RefusedError)


def test_a_fault_that_comes_again_is_open_again(journal: Path) -> None:
    run(journal, "ack", the_id(journal), "--note", "seen", "--by", "night shift")
    book = FaultBook(Journal(journal))
    book.refresh()
    book.write(records_of([Telling("nvml", 79, "0000:3b:00.0", 900.0)], book, "b1", datetime.now(UTC)))
    result = run(journal, "faults")
    assert result.exit_code == 4
    assert "2 times" in result.stdout
    assert "acknowledged" not in result.stdout


def test_somebody_must_be_named_and_say_something(journal: Path) -> None:
    fault = the_id(journal)
    assert "nobody is named" in failure(run(journal, "ack", fault, "--note", "seen"), UsageError)
    for note in (" ", "x" * 501, "two\nlines"):
        assert "--note" in failure(run(journal, "ack", fault, "--note", note, "--by", "me"), UsageError)
    assert "--by" in failure(run(journal, "ack", fault, "--note", "seen", "--by", "\x1b[31m"), UsageError)
    assert "no fault xid1" in failure(run(journal, "ack", "xid1", "--note", "seen", "--by", "me"), UsageError)
    assert run(journal, "faults").exit_code == 4

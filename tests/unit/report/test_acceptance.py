"""The acceptance record: what it says, what it never says, and that its page needs nothing from outside."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from appliance.contract.health import worst
from fleetctl.actions.judge import SiteJudgement
from fleetctl.checks.inventory import inventory
from fleetctl.checks.lists import PREFLIGHT_CHECKS
from fleetctl.checks.result import EXIT_CODES
from fleetctl.errors import ChangeError
from fleetctl.facts.dmi import DmiFacts
from fleetctl.report.acceptance import AcceptanceRecord, acceptance_record, page, write_record
from tests.fakes import hardware as server
from tests.fakes import site as fake

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def _record(**changed: Any) -> AcceptanceRecord:
    context = server.server_context(**changed)
    checks = tuple(check(context) for check in PREFLIGHT_CHECKS)
    verdict = worst([check.verdict for check in checks])
    judgement = SiteJudgement(
        site="north",
        verdict=verdict,
        checks=checks,
        machine=inventory(context.facts),
        exit_code=EXIT_CODES[verdict],
    )
    return acceptance_record(judgement, server.PROFILE, NOW)


def test_a_machine_that_fits_is_described_with_serials_and_firmware() -> None:
    record = _record()
    text = page(record, "north.json", "{}")
    assert "The machine meets the profile." in text
    for part in ("7ABCDE1", "PowerEdge R760xa", server.SERIALS[3], "M321 M0015", "NPCT75x", "2026-03-01T12:00:00Z"):
        assert part in text
    assert "What needs attention" not in text
    assert "Other parts than the reference" not in text


def test_differences_and_faults_stand_apart() -> None:
    dmi = server.server_facts().dmi
    assert isinstance(dmi, DmiFacts)
    text = page(
        _record(dmi=replace(dmi, product="PowerEdge R750xa"), memory_modules=server.modules(ecc="None")), "x", ""
    )
    assert "NOT ACCEPTED: the machine does not meet the profile." in text
    assert "Other parts than the reference" in text
    assert "Dell Inc. PowerEdge R750xa, rack mount chassis in place of Dell Inc. PowerEdge R760xa" in text
    assert "no error correction in A1" in text


def test_what_could_not_be_read_is_not_accepted() -> None:
    record = _record(nvme=fake.unreadable("nvme"), dmi=fake.unreadable("dmi"))
    assert record.machine["machine"].startswith("could not be read")
    assert "NOT ACCEPTED: not everything could be read." in page(record, "x", "")


def test_what_a_machine_says_of_itself_is_only_text() -> None:
    dmi = server.server_facts().dmi
    assert isinstance(dmi, DmiFacts)
    text = page(_record(dmi=replace(dmi, serial="<script>alert(1)</script>\x1b[2J")), "x", "")
    assert "<script" not in text
    assert "&lt;script&gt;" in text
    assert "\x1b" not in text


def test_the_page_refers_to_nothing_outside() -> None:
    text = page(_record(), "x", "")
    assert not re.search(r"https?://|src=|@import|url\(|href=", text)


def test_the_page_names_the_digest_of_the_data_beside_it(tmp_path: Path) -> None:
    data_file, page_file = write_record(_record(), tmp_path / "records")
    assert data_file.name == "north-acceptance-20260301T120000Z.json"
    assert json.loads(data_file.read_text())["machine"]["serial number"] == "7ABCDE1"
    text = page_file.read_text()
    assert hashlib.sha256(data_file.read_bytes()).hexdigest() in text
    assert data_file.name in text


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    in_the_way = tmp_path / "file"
    in_the_way.write_text("")
    with pytest.raises(ChangeError, match="cannot be written"):
        write_record(_record(), in_the_way)


def test_of_a_machine_that_was_not_read_nothing_is_claimed() -> None:
    error = "another host key than the pinned one"
    judgement = SiteJudgement(site="north", verdict=worst([]), error=error, exit_code=9)
    text = page(acceptance_record(judgement, server.PROFILE, NOW), "x", "")
    assert "NOT ACCEPTED: nothing was read of the machine." in text
    assert error in text
    assert "were read over SSH" not in text
    assert "Accepted by" not in text


def test_the_record_holds_the_profile_that_was_applied() -> None:
    judgement = SiteJudgement(site="north", verdict=worst([]), exit_code=5)
    digests = {
        acceptance_record(judgement, profile, NOW).profile_sha256 for profile in (server.PROFILE, server.HOSPITAL)
    }
    assert len(digests) == 2

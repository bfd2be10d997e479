"""Burn-ins as tables and as records: figures with their spread, what was not measured, and text that stays text."""

from __future__ import annotations

import io
import json
import re
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from appliance.contract.burnin import BurnInReport
from fleetctl.actions.burnin import BurnInJudgement, judgement
from fleetctl.facts.gpus import GpuFacts
from fleetctl.phases.run_burnin import BurnInOutcome
from fleetctl.phases.runner import HostReport
from fleetctl.report.acceptance import burnin_record, page, write_record
from fleetctl.report.burnin import burnins_table, drive_figures, gpu_figures
from tests.fakes import burnin as fake
from tests.fakes import gpus as idle
from tests.fakes import hardware
from tests.fakes.gpus import unread

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
SLOW = fake.report(fake.gpu(0), fake.gpu(1, tensor_tflops=165.0, pcie_to_gpu_gb_per_s=unread()))


def _judged(report: BurnInReport | None) -> BurnInJudgement:
    facts = hardware.server_facts(gpus=GpuFacts(idle.report()))
    outcome = BurnInOutcome(facts=facts, progress=fake.progress(), report=report)
    return judgement("north", idle.profile(), fake.MINUTES, outcome, HostReport("north"))


def test_figures_show_by_how_much_a_gpu_differs_from_its_equals() -> None:
    columns, rows = gpu_figures(SLOW)
    first, second = (dict(zip(columns, row, strict=True)) for row in rows)
    assert first["tensor TFLOP/s"] == "180 (+9.1 %)"
    assert second["tensor TFLOP/s"] == "165 (-8.3 %)"
    assert second["memory GB/s"] == "688 (+0.0 %)"
    assert second["PCIe to GPU GB/s"] == "–"
    assert first["PCIe to GPU GB/s"] == "25.1"
    assert (second["max °C"], second["least margin °C"], second["wrong words"]) == ("74", "14", "0")


def test_disks_have_a_row_each() -> None:
    _, rows = drive_figures(fake.report())
    assert rows[1] == ("/dev/nvme1n1", "Example NVMe 3.84TB", "S6XPNE0W900001", "6500", "2900", "0.4", "900000", "0")


def test_the_table_has_checks_gpus_and_disks_and_without_a_report_the_checks() -> None:
    def shown(report: BurnInReport | None) -> str:
        stream = io.StringIO()
        Console(file=stream, width=220).print(burnins_table([_judged(report)]))
        return stream.getvalue()

    assert "165 (-8.3 %)" in shown(SLOW)
    assert "slow twin" in shown(SLOW)
    assert "/dev/nvme0n1" in shown(SLOW)
    assert "burnin_finished" in shown(None)
    assert "under load" not in shown(None).replace("was under load", "")


def test_the_record_is_a_page_and_data_of_its_own_kind(tmp_path: Path) -> None:
    data_file, page_file = write_record(burnin_record(_judged(SLOW), idle.profile(), NOW), tmp_path)
    assert data_file.name == "north-burnin-20260301T120000Z.json"
    data = json.loads(data_file.read_text())
    assert (data["record"], data["minutes"]) == ("fleetctl/burnin/v1", 30.0)
    assert BurnInReport.model_validate(data["report"]) == SLOW
    text = page_file.read_text()
    for part in ("Burn-in record: north", "under load for 30 minutes", "165 (-8.3 %)", "not everything was measured"):
        assert part in text
    assert "nothing on the machine was changed" not in text
    assert not re.search(r"https?://|src=|@import|url\(|href=", text)


def test_a_record_without_a_report_says_so() -> None:
    text = page(burnin_record(_judged(None), idle.profile(), NOW), "x", "")
    assert "NOT ACCEPTED: not everything was measured." in text
    assert "<h2>Under load</h2>" not in text


def test_what_a_card_calls_itself_is_only_text() -> None:
    report = fake.report(fake.gpu(0, name="<b>L40S</b>"), fake.gpu(1))
    text = page(burnin_record(_judged(report), idle.profile(), NOW), "x", "")
    assert "<b>L40S" not in text
    assert "&lt;b&gt;L40S" in text

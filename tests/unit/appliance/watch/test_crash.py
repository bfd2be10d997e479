"""The watch is killed at random points, 200 times, while Xids happen: each of them is counted once."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from appliance.contract.gpu_watch import GpuWatch
from appliance.watch.fault_book import FaultBook
from appliance.watch.journal import Journal
from tests.sim import watched

pytestmark = pytest.mark.slow

KILLS = 200


@pytest.fixture
def killed(tmp_path: Path) -> dict[str, Any]:
    """What happened while the watch of the folder was killed over and over."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.sim.killed", str(tmp_path), str(KILLS)],
        cwd=Path(__file__).parents[4], capture_output=True, text=True, timeout=3600, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def test_no_event_is_lost_and_none_counts_twice(
    killed: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    happened = {(place, xid): count for place, xid, count in killed["happened"]}
    assert sum(happened.values()) >= 2 * KILLS
    assert min(killed["far"].values()) >= 3

    def all_there(said: GpuWatch) -> bool:
        return sum(fault.count for fault in said.faults) >= sum(happened.values())

    box = watched.Box(tmp_path, monkeypatch)
    watch = box.watch("healthy-l40s-x4", watched.wanted())
    try:
        box.run(watch, all_there)
        said = box.run(watch, watched.readings(3))  # what would count twice has come by now
    finally:
        watch.close()
    counted = {(fault.subject, fault.code): fault.count for fault in said.faults if fault.check == "gpu_xid"}
    assert counted == happened
    book = FaultBook(Journal(box.state))
    book.refresh()
    assert book.damaged == 0

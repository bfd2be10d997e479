"""`fleetctl --help` starts fast enough; the measurement is bench/startup.py's."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

BENCH = Path(__file__).resolve().parents[2] / "bench" / "startup.py"


@pytest.mark.slow
def test_help_starts_within_the_goal() -> None:
    spec = importlib.util.spec_from_file_location("startup", BENCH)
    assert spec
    assert spec.loader
    startup = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(startup)
    base_s, help_s = startup.measure(runs=7)
    assert help_s / base_s <= startup.GOAL_RATIO

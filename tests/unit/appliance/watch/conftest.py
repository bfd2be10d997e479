"""A box whose GPUs are watched."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.sim import watched


@pytest.fixture
def box(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> watched.Box:
    return watched.Box(tmp_path, monkeypatch)


@pytest.fixture
def look(box: watched.Box) -> Any:
    """Start a watch over a scenario, wait until its document says so, and end it."""

    def looked(scenario: str, until: Any = None, **given: Any) -> watched.GpuWatch:
        watch = box.watch(scenario, **{"wants": watched.wanted(), **given})
        try:
            return box.run(watch, until or watched.readings(1))
        finally:
            watch.close()

    return looked

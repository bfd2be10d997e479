"""What every test of phases needs: no waiting for the box."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fleetctl.phases.verify.HEALTH_DEADLINE_S", 0.0)

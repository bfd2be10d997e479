"""An alert that fires, as most tests of delivery want it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from appliance.contract.health import Verdict
from fleetctl.alerts.message import Message, message_of
from fleetctl.alerts.state import Alert, AlertFinding, AlertKey, Phase
from fleetctl.alerts.telling import Notice

NOW = datetime(2026, 11, 26, 3, 0, tzinfo=UTC)


@pytest.fixture
def alert() -> Alert:
    return Alert(
        AlertKey("bad", "north", "storage"), "page", Phase.FIRING,
        AlertFinding("storage", Verdict.CRITICAL, "array\n degraded\x1b[2J", "replace the disk"),
        since=NOW - timedelta(minutes=5), fired_at=NOW - timedelta(minutes=3), labels={"region": "east", "tier/x": "1"},
    )  # fmt: skip


@pytest.fixture
def message(alert: Alert) -> Message:
    return message_of("sim", Notice(alert))

"""Observations for tests of the store."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from appliance.contract.health import HealthSnapshot, Verdict
from fleetctl.remote.poll_outcome import Observation, Outcome, Signature
from fleetctl.store.records import Kept
from tests.fakes import site as fake

START = datetime(2026, 11, 22, 12, 0, 0, 123000, tzinfo=UTC)

FAULT: dict[str, Any] = {
    "id": "xid79-3b1c9a", "check": "gpu_xid", "code": 79, "subject": "0000:3b:00.0",
    "first_seen": "2026-11-22T11:00:00Z", "last_seen": "2026-11-22T11:30:00Z",
    "first_boot_id": "b", "last_boot_id": "b",
    "count": 2, "count_24h": 2, "state": "open", "verdict": "critical", "reason": "2 × Xid 79",
    "next_action": "reboot the machine",
}  # fmt: skip


def kept(
    site: str = "lab-1",
    at: datetime = START,
    *,
    verdict: Verdict = Verdict.OK,
    reason: str = "",
    outcome: Outcome = Outcome.ANSWERED,
    **changed: Any,
) -> Kept:
    """An observation of a site, answered unless another outcome is given."""
    if outcome is not Outcome.ANSWERED:
        return Kept(Observation(site, at, outcome, "words", 5.0), verdict, reason)
    snapshot = fake.snapshot(verdict.value, **{"site": site, "taken_at": at.isoformat(), **changed})
    body = snapshot.model_dump_json().encode()
    assert json.loads(body)
    seen = Observation(site, at, outcome, "", 5.0, HealthSnapshot.model_validate_json(body), body, Signature.VERIFIED)
    return Kept(seen, verdict, reason)

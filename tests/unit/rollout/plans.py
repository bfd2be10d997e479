"""What tests of plans share: a release, sites in several states, and a plan of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from fleetctl.models.rollout import Plan, RolloutPolicySpec
from fleetctl.rollout.plan import Subject, make_plan
from fleetctl.rollout.selection import Candidate, Seen
from tests.fakes.boxes import FakeBox
from tests.fakes.sets import manifest, set_of

NOW = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)
NEW, OLD = manifest("new-1", 5, size=1 << 20), manifest("old-1", 3)
POLICY: dict[str, Any] = {
    "waves": [{"name": "canary", "sites": ["north"], "bake": "2h"}, {"name": "rest", "percent": 100}]
}


def policy(**values: Any) -> RolloutPolicySpec:
    return RolloutPolicySpec.model_validate({**POLICY, **values})


def site(name: str, labels: dict[str, str] | None = None, *, seen: Seen | None = None, **box: Any) -> Candidate:
    status = FakeBox(name, {"new-1": NEW}, clock=lambda: NOW, **box).status()
    return Candidate(name=name, labels=labels or {}, engine="llama.cpp", seen=seen or Seen(status))


FLEET = (site("north"), site("south", active=set_of(OLD)), site("west", seen=Seen(None, "no answer", offline=True)))


def subject(candidates: Sequence[Candidate] = FLEET, **values: Any) -> Subject:
    made = Subject("clinics", policy(), "careful", "careful.yaml", NEW, candidates, {})
    return replace(made, **values)


def plan(of: Subject | None = None, **values: Any) -> Plan:
    given: dict[str, Any] = {
        "now": NOW,
        "identity": "0" * 31 + "1",
        "expires_in": timedelta(days=7),
        "created_by": "Ada Berg",
        "rates": lambda name: None,
    }
    return make_plan(of or subject(), **{**given, **values})

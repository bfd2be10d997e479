"""A visit in California, and the events that are recorded in it."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any

import pytest

from appliance.gateway.consent.event import ConsentEvent
from appliance.gateway.consent.law import LawTable, load
from appliance.gateway.consent.overrides import Overrides
from appliance.gateway.consent.requirement import Requirement, required

START = datetime(2026, 3, 4, 18, 0, tzinfo=UTC)


@pytest.fixture
def start() -> datetime:
    return START


@pytest.fixture(scope="session")
def table() -> LawTable:
    return load()


@pytest.fixture
def california(table: LawTable) -> Requirement:
    """All parties, with patient and clinician in California."""
    return required("CA", "CA", table, Overrides(), date(2026, 3, 4))


@pytest.fixture
def say() -> Callable[..., ConsentEvent]:
    """say("given", "patient", minute=3): an event of this visit, each with its own id."""
    numbers = count(1)

    def make(kind: str, party: str, *, minute: float = 0, **changed: Any) -> ConsentEvent:
        whom: dict[str, Any] = {"kind": party}
        for name in ("ref", "relation", "count"):
            if name in changed:
                whom[name] = changed.pop(name)
        fields: dict[str, Any] = {
            "id": f"e{next(numbers)}", "kind": kind, "party": whom, "method": "verbal", "patient_state": "CA",
            "clinician_state": "CA", "at": START + timedelta(minutes=minute), "recorded_by": "https://idp.example#c1",
            "wording": "standard-1",
        }  # fmt: skip
        return ConsentEvent.model_validate(fields | changed)

    return make

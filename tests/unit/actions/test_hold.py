"""Holds from an operator's words: durations, times with zones, ends."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from fleetctl.actions.hold import new_hold, operator
from fleetctl.errors import UsageError

NOW = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)


def test_a_duration_counts_from_now() -> None:
    hold = new_hold("north", reason="x", until="12h", by="Ada", now=NOW).spec
    assert hold.until == "2026-11-27T00:00:00+00:00"
    assert hold.is_active(NOW + timedelta(hours=12, seconds=-1))
    assert not hold.is_active(NOW + timedelta(hours=12))


def test_a_time_keeps_its_zone() -> None:
    hold = new_hold("north", reason="x", until="2026-12-24T18:00+01:00", by="Ada", now=NOW).spec
    assert hold.until == "2026-12-24T18:00:00+01:00"
    assert hold.words() == "held by Ada until 2026-12-24T18:00:00+01:00: x"


def test_without_an_end_it_lasts() -> None:
    assert new_hold("north", reason="x", until=None, by="Ada", now=NOW).spec.is_active(NOW + timedelta(days=10_000))


@pytest.mark.parametrize("until", ["2026-11-26T11:59Z", "0h", "2026-12-24T18:00", "tomorrow"])
def test_an_end_that_is_past_or_no_time_is_refused(until: str) -> None:
    with pytest.raises(UsageError, match="--until"):
        new_hold("north", reason="x", until=until, by="Ada", now=NOW)


def test_who(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGNAME", "ops")
    assert operator(" Ada Berg ") == "Ada Berg"
    assert operator(None) == operator("  ") == "ops"

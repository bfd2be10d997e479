"""What goes into the store and what comes out of it, without SQLAlchemy."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from appliance.contract.faults import Fault
from appliance.contract.health import Verdict, worst
from fleetctl.remote.poll_outcome import Observation, Outcome

Span = Literal["once", "hour", "day"]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def milliseconds(at: datetime) -> int:
    """Whole milliseconds since 1970, without the rounding of floating point."""
    return (at - _EPOCH) // timedelta(milliseconds=1)


def moment(ms: int) -> datetime:
    return _EPOCH + timedelta(milliseconds=ms)


@dataclass(frozen=True)
class Kept:
    """One observation with what it came to."""

    observation: Observation
    verdict: Verdict
    reason: str


@dataclass(frozen=True)
class LastState:
    """What was seen last of a site, and since when its verdict is what it is."""

    site: str
    at: datetime
    outcome: Outcome
    verdict: Verdict
    reason: str
    since: datetime


@dataclass(frozen=True)
class Point:
    """A moment, or an hour or a day that was summed up. `count` has the observations of each verdict."""

    start: datetime
    span: Span
    count: dict[Verdict, int]
    outcome: Outcome | None = None
    reason: str = ""

    @property
    def verdict(self) -> Verdict:
        """The worst one in it."""
        return worst([verdict for verdict, count in self.count.items() if count])


@dataclass(frozen=True)
class SeenFault:
    """A fault as the store last saw it at a site."""

    site: str
    fault: Fault


@dataclass(frozen=True)
class Retention:
    """Days after which single observations become hours, hours days, and days nothing."""

    raw_days: int = 7
    hourly_days: int = 90
    daily_days: int = 1100
    snapshot_minutes: int = 60

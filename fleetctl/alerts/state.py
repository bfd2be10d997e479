"""What an alert is: its key, its state, and what a round of findings looks like to the rules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from appliance.contract.health import Verdict

# In a site's place: what is found of the operator's own machine and keys. No site can have this name.
OPERATOR = "@operator"


class AlertKey(NamedTuple):
    """One alert at a time exists for a rule, a site and a check."""

    rule: str
    site: str
    check: str


class Phase(StrEnum):
    """`pending`: bad, not yet long enough. `firing`. `clearing`: good, not yet long enough. `resolved`: over."""

    PENDING = "pending"
    FIRING = "firing"
    CLEARING = "clearing"
    RESOLVED = "resolved"


@dataclass(frozen=True)
class AlertFinding:
    """One judgement about a site that is not ok. Words without patient data: they leave the operator's machine."""

    check: str
    verdict: Verdict
    reason: str
    next_action: str


@dataclass(frozen=True)
class Sighting:
    """What one look at a site found; `findings` empty: nothing was wrong."""

    site: str
    labels: Mapping[str, str]
    at: datetime
    findings: tuple[AlertFinding, ...]


@dataclass(frozen=True)
class Alert:
    """An alert as it is kept. All times are of sightings, so that a watcher that was down did not see anything.

    `since`: when the fault was first seen. `good_since`: since when it is gone, while clearing. `told_at`: when the
    receivers were last told of it; None: nobody knows of it. `told_phase`: which phase they were told.
    """

    key: AlertKey
    severity: str
    phase: Phase
    finding: AlertFinding
    since: datetime
    fired_at: datetime | None = None
    good_since: datetime | None = None
    ended_at: datetime | None = None
    told_at: datetime | None = None
    told_phase: Phase | None = None
    end_reason: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_active(self) -> bool:
        """Whether it counts as an alert now."""
        return self.phase in (Phase.FIRING, Phase.CLEARING)

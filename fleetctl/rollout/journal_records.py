"""What the journal of a rollout holds, without SQLAlchemy: states, and the records of sites, steps and decisions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

from pydantic import Field

from fleetctl.models.base import StrictModel
from fleetctl.models.rollout import Plan, Stamp


class SiteState(StrEnum):
    """How far a site is. `offline` is no state of its own: `SiteRecord.offline_since` says it of any of them."""

    WAITING = "waiting"
    HELD = "held"
    OFFERED = "offered"
    SENDING = "sending"
    RECEIVED = "received"
    STAGED = "staged"
    EVALUATED = "evaluated"
    ACTIVATING = "activating"
    BAKING = "baking"
    ROLLING_BACK = "rolling_back"
    DONE = "done"
    REFUSED = "refused"
    FAILED = "failed"
    TIMED_OUT = "timed_out"
    ROLLED_BACK = "rolled_back"
    SKIPPED = "skipped"


SETTLED = frozenset(
    {SiteState.DONE, SiteState.REFUSED, SiteState.FAILED, SiteState.TIMED_OUT, SiteState.ROLLED_BACK,
     SiteState.SKIPPED}
)  # fmt: skip
"""Nothing more is done at such a site, until somebody orders it."""
FAILURES = frozenset({SiteState.REFUSED, SiteState.FAILED, SiteState.ROLLED_BACK, SiteState.ROLLING_BACK})
"""What counts as failed; timed_out is counted by itself."""
SWITCHED = frozenset({SiteState.ACTIVATING, SiteState.BAKING, SiteState.ROLLING_BACK})
"""From the order to switch on: the site may run the new set, so being away is no longer harmless."""


class RolloutState(StrEnum):
    """The whole of it. stopped: a rule stopped it. catching_up: every wave passed, and some sites are away still."""

    RUNNING = "running"
    PAUSED = "paused"
    STOPPED = "stopped"
    ABORTED = "aborted"
    CATCHING_UP = "catching_up"
    DONE = "done"


class StepKind(StrEnum):
    """What is ordered of a site. The first eight are journalled before they begin; the others only look."""

    OFFER = "offer"
    SEND = "send"
    STAGE = "stage"
    EVALUATE = "evaluate"
    CHECK = "check"
    ACTIVATE = "activate"
    ROLLBACK = "rollback"
    CLEAR = "clear"
    SETTLE = "settle"
    WATCH = "watch"
    ASK = "ask"


LOOKS = frozenset({StepKind.SETTLE, StepKind.WATCH, StepKind.ASK})
OPERATIONS = frozenset({StepKind.STAGE, StepKind.EVALUATE, StepKind.ACTIVATE, StepKind.ROLLBACK, StepKind.CLEAR})
"""Carry an operation id that the box keeps: how they ended is asked there, never assumed."""


class StepOutcome(StrEnum):
    """How a step ended. unknown: no answer, so the box is asked. not_begun: the box has never heard of it.
    not_yet: what it needs is not there (an engine that no request has reached); asked again."""

    DONE = "done"
    REFUSED = "refused"
    FAILED = "failed"
    ROLLED_BACK = "rolled_back"
    INTERRUPTED = "interrupted"
    UNKNOWN = "unknown"
    GOING_ON = "going_on"
    NOT_BEGUN = "not_begun"
    NOT_YET = "not_yet"


class SiteRecord(StrictModel):
    """A site in the journal. Durations are of the controller's monotonic clock, so that a wrong clock spoils none."""

    site: str
    wave: str
    state: Annotated[SiteState, Field(strict=False)] = SiteState.WAITING
    since: Annotated[datetime, Field(strict=False)]
    reason: str = ""
    target: Stamp
    offline_since: Annotated[datetime | None, Field(strict=False)] = None
    spent_s: float = Field(0.0, description="In which it was worked at; what a site's timeout is compared with.")
    served_s: float = Field(0.0, description="Baked: connected and serving.")
    failing: int = Field(0, description="Observations in a row in which a gate said no.")
    unproven: str = Field("", description="What a gate still lacks: it does not pass before that is there.")
    tries: dict[str, int] = Field(default_factory=dict, description="Kind of step: how often it was cut off.")
    again: dict[str, str] = Field(default_factory=dict, description="Kind of step: an id that the box never heard of.")
    incumbent: dict[str, str] = Field(default_factory=dict, description="Root hash a task, before the switch.")
    baseline: dict[str, Any] = Field(default_factory=dict, description="Of the gates, from before the switch.")
    clinical_sha256: str = Field("", description="Of the clinical result that counts.")
    clinical_until: Annotated[datetime | None, Field(strict=False)] = None
    clear: bool = Field(False, description="An operator wants it taken off the box's deny-list first.")
    switched_here: bool = Field(False, description="This rollout switched it, so this rollout may switch it back.")

    @property
    def settled(self) -> bool:
        """Whether nothing more is done here by itself."""
        return self.state in SETTLED

    @property
    def shown(self) -> str:
        """The state as people read it."""
        return "offline" if self.offline_since is not None and not self.settled else self.state.value


@dataclass(frozen=True)
class OpenStep:
    """An intent without an outcome."""

    id: int
    site: str
    kind: StepKind
    operation: str
    at: datetime


@dataclass(frozen=True)
class Entry:
    """One row of a rollout's story: a step's intent or outcome, or a decision. `actor` is empty for a step."""

    at: datetime
    site: str
    what: str
    text: str
    facts: Mapping[str, Any]
    actor: str = ""
    operation: str = ""


@dataclass(frozen=True)
class Event:
    """A decision with the facts that it used. `site` is empty where it is about the whole rollout."""

    kind: str
    text: str
    site: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class RolloutRecord:
    """The row of a rollout."""

    plan: Plan
    state: RolloutState
    wanted: RolloutState
    wave: int
    reason: str
    started_at: datetime
    started_by: str
    changed_at: datetime


@dataclass(frozen=True)
class Holder:
    """Who controls a rollout."""

    host: str
    pid: int
    actor: str
    since: datetime

    @property
    def words(self) -> str:
        """For a person."""
        return f"{self.actor} on {self.host}, process {self.pid}"


@dataclass(frozen=True)
class Committed:
    """The release that a site runs since a rollout switched it."""

    site: str
    release: str
    digest: str
    sequence: int
    rollout: str
    at: datetime

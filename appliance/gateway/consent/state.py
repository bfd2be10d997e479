"""What the record of consent means now: may it be recorded, may it be drafted from, and what follows if not."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from appliance.gateway.consent.event import ConsentEvent, PartyKind, Scope
from appliance.gateway.consent.policy import ConsentPolicy, Handling, handling
from appliance.gateway.consent.record import check
from appliance.gateway.consent.refusal import ConsentError
from appliance.gateway.consent.requirement import Requirement

ALLOWED = "allowed"
_PATIENT_SIDE = (PartyKind.PATIENT, PartyKind.REPRESENTATIVE)


@dataclass(frozen=True)
class ConsentState:
    """`reason` and `drafting_reason` are `allowed`, or a code of REFUSALS.

    `withdrawn_at`: when a refusal or withdrawal of the recording was said that still stands; `handling` is then what
    the policy asks for what was captured. Both are None otherwise.
    """

    capture_allowed: bool
    reason: str
    drafting_allowed: bool
    drafting_reason: str
    withdrawn_at: datetime | None = None
    handling: Handling | None = None

    def require_capture(self) -> None:
        """Raise ConsentError unless capture is allowed."""
        if not self.capture_allowed:
            raise ConsentError(self.reason)

    def require_drafting(self) -> None:
        """Raise ConsentError unless drafting is allowed."""
        if not self.drafting_allowed:
            raise ConsentError(self.drafting_reason)


@dataclass(frozen=True)
class _Standing:
    """What each party said last about one scope, and how many others are present."""

    latest: tuple[ConsentEvent, ...]
    last: ConsentEvent | None
    others: int

    @property
    def blocking(self) -> ConsentEvent | None:
        """The no that stands. After one, only a yes that comes later lets anything go on, whoever it was."""
        if self.last is not None and not self.last.gives:
            return self.last
        return next((event for event in reversed(self.latest) if not event.gives), None)

    def has(self, *kinds: PartyKind) -> bool:
        return any(event.party.kind in kinds for event in self.latest if event.gives)

    def others_covered(self) -> bool:
        covered = sum(event.party.count for event in self.latest if _is_other(event) and event.gives)
        return covered >= self.others


def state_of(
    events: Sequence[ConsentEvent], requirement: Requirement, now: datetime, policy: ConsentPolicy | None = None
) -> ConsentState:
    """Return what the record allows at `now`.

    Raises ConsentError when the record itself is unsound (an event in the future, out of order, twice, without
    location): then nothing is allowed.
    """
    rules = policy or ConsentPolicy()
    check(events, now, rules)
    recording = _standing(events, Scope.RECORDING)
    drafting = _standing(events, Scope.DRAFTING)
    capture = _capture_reason(recording, requirement, now - timedelta(seconds=rules.max_age_s))
    draft = _standing_reason(drafting)
    blocking = recording.blocking
    return ConsentState(
        capture_allowed=capture == ALLOWED,
        reason=capture,
        drafting_allowed=draft == ALLOWED,
        drafting_reason=draft,
        withdrawn_at=blocking.at if blocking else None,
        handling=handling(rules.on_withdrawal) if blocking else None,
    )


def _is_other(event: ConsentEvent) -> bool:
    return event.party.kind is PartyKind.OTHER_PARTY


def _standing(events: Sequence[ConsentEvent], scope: Scope) -> _Standing:
    """Fold the events in order.

    Only a yes may say that fewer others are present. Who left is not recorded, so the yes of each of the others has to
    be given again, and their no stands, until nobody else is left. A refusal or withdrawal can add people, and never
    removes any.
    """
    latest: dict[tuple[PartyKind, str], ConsentEvent] = {}
    last: ConsentEvent | None = None
    others = 0
    for event in events:
        if event.gives and event.others_present < others:
            nobody = event.others_present == 0
            latest = {
                key: said for key, said in latest.items() if not (_is_other(said) and (said.gives or nobody))
            }  # fmt: skip
        others = event.others_present if event.gives else max(others, event.others_present)
        if scope in event.scope:
            key = (event.party.kind, event.party.ref)
            latest.pop(key, None)
            latest[key] = last = event
    return _Standing(tuple(latest.values()), last, others)


def _standing_reason(standing: _Standing) -> str:
    """Judge what holds under every law: the patient's side said yes, and nobody's no stands."""
    if standing.blocking is not None:
        return "consent-withdrawn" if standing.blocking.kind == "withdrawn" else "consent-refused"
    if not standing.latest:
        return "consent-missing"
    return ALLOWED if standing.has(*_PATIENT_SIDE) else "consent-patient-missing"


def _capture_reason(standing: _Standing, requirement: Requirement, oldest: datetime) -> str:
    reason = _standing_reason(standing)
    if reason != ALLOWED:
        return reason
    if requirement.parties == "all":
        if not standing.has(PartyKind.CLINICIAN):
            return "consent-clinician-missing"
        if not standing.others_covered():
            return "consent-others-missing"
    places = (requirement.patient_state, requirement.clinician_state)
    if any((event.patient_state, event.clinician_state) != places for event in standing.latest):
        return "consent-location-changed"
    return "consent-stale" if any(event.at < oldest for event in standing.latest) else ALLOWED

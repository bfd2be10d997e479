"""The record of an encounter's consent: which event may be appended, and whether a record is sound."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from appliance.gateway.consent.event import ConsentEvent
from appliance.gateway.consent.law import STATES
from appliance.gateway.consent.policy import ConsentPolicy
from appliance.gateway.consent.refusal import ConsentError

MAX_GIVEN = 100  # more is a program gone wrong
MAX_EVENTS = 200  # the rest is for refusals and withdrawals


def admit(
    events: Sequence[ConsentEvent], event: ConsentEvent, now: datetime, policy: ConsentPolicy | None = None
) -> tuple[ConsentEvent, ...]:
    """Return the record with one event more.

    Raises ConsentError: consent-duplicate, consent-out-of-order, consent-in-future, consent-no-location, state-unknown,
    consent-too-old, consent-too-many. A refusal or withdrawal is taken without a location and at any age.
    """
    rules = policy or ConsentPolicy()
    if event.gives and now - event.at > timedelta(seconds=rules.max_age_s):
        raise ConsentError("consent-too-old")
    if len(events) >= (MAX_GIVEN if event.gives else MAX_EVENTS):
        raise ConsentError("consent-too-many")
    record = (*events, event)
    check(record, now, rules)
    return record


def check(events: Sequence[ConsentEvent], now: datetime, policy: ConsentPolicy) -> None:
    """Raise ConsentError unless the record is one that `admit` could have made."""
    if len(events) > MAX_EVENTS:
        raise ConsentError("consent-too-many")
    seen: set[str] = set()
    last: datetime | None = None
    for event in events:
        if event.id in seen:
            raise ConsentError("consent-duplicate")
        if last is not None and event.at < last:
            raise ConsentError("consent-out-of-order")
        if event.at - now > timedelta(seconds=policy.clock_skew_s):
            raise ConsentError("consent-in-future")
        _check_location(event)
        seen.add(event.id)
        last = event.at


def _check_location(event: ConsentEvent) -> None:
    for state in (event.patient_state, event.clinician_state):
        if state is None and event.gives:
            raise ConsentError("consent-no-location")
        if state is not None and state not in STATES:
            raise ConsentError("state-unknown")

"""What a record of consent allows, case by case."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from pydantic import ValidationError

from appliance.gateway.consent.event import ConsentEvent, Scope
from appliance.gateway.consent.policy import ConsentPolicy, Disposition
from appliance.gateway.consent.record import MAX_EVENTS, MAX_GIVEN, admit
from appliance.gateway.consent.refusal import REFUSALS, ConsentError
from appliance.gateway.consent.requirement import Requirement
from appliance.gateway.consent.state import state_of

Say = Callable[..., ConsentEvent]


@pytest.fixture
def reason(california: Requirement, start: datetime) -> Callable[..., str]:
    def of(*events: ConsentEvent, minute: float = 30, one: bool = False) -> str:
        requirement = replace(california, parties="one") if one else california
        found = state_of(events, requirement, start + timedelta(minutes=minute))
        assert found.capture_allowed == (found.reason == "allowed")
        assert found.reason in {"allowed", *REFUSALS}
        return found.reason

    return of


def test_nothing_recorded_allows_nothing(reason: Callable[..., str]) -> None:
    assert reason() == "consent-missing"
    assert reason(one=True) == "consent-missing"


def test_all_party_needs_patient_and_clinician(reason: Callable[..., str], say: Say) -> None:
    patient, clinician = say("given", "patient"), say("given", "clinician")
    assert reason(patient) == "consent-clinician-missing"
    assert reason(clinician) == "consent-patient-missing"
    assert reason(patient, clinician) == "allowed"


def test_one_party_still_asks_the_patient(reason: Callable[..., str], say: Say) -> None:
    assert reason(say("given", "clinician"), one=True) == "consent-patient-missing"
    assert reason(say("given", "patient"), one=True) == "allowed"


def test_everybody_else_who_is_present_counts(reason: Callable[..., str], say: Say) -> None:
    base = (say("given", "patient", others_present=3), say("given", "clinician", others_present=3))
    assert reason(*base) == "consent-others-missing"
    two = say("given", "other_party", ref="family", count=2, others_present=3)
    assert reason(*base, two) == "consent-others-missing"
    assert reason(*base, two, say("given", "other_party", ref="student", others_present=3)) == "allowed"
    # The same person again is not a third one.
    again = say("given", "other_party", ref="family", count=2, others_present=3)
    assert reason(*base, two, again) == "consent-others-missing"
    assert reason(*base, one=True) == "allowed"


def test_somebody_who_comes_in_later_must_consent(reason: Callable[..., str], say: Say) -> None:
    base = (say("given", "patient"), say("given", "clinician"))
    comes = say("given", "clinician", minute=5, others_present=1)
    assert reason(*base, comes) == "consent-others-missing"
    assert reason(*base, comes, say("given", "other_party", minute=6, others_present=1)) == "allowed"


def test_guest_who_refused_may_leave(reason: Callable[..., str], say: Say) -> None:
    base = (say("given", "patient", others_present=1), say("given", "clinician", others_present=1))
    refused = say("refused", "other_party", minute=1, others_present=1)
    assert reason(*base, refused) == "consent-refused"
    # That the refusal says that nobody is left changes nothing: only a yes afterwards does.
    alone = say("given", "patient", minute=2, others_present=0)
    assert reason(*base, refused, alone) == "allowed"
    # Another one comes: the yes and no of those who left are not theirs.
    another = say("given", "patient", minute=3, others_present=1)
    assert reason(*base, refused, alone, another) == "consent-others-missing"


def test_when_one_of_two_guests_leaves_the_others_are_asked_again(reason: Callable[..., str], say: Say) -> None:
    base = (say("given", "patient", others_present=2), say("given", "clinician", others_present=2))
    guests = tuple(say("given", "other_party", ref=ref, others_present=2) for ref in ("g1", "g2"))
    assert reason(*base, *guests) == "allowed"
    left = say("given", "patient", minute=4, others_present=1)
    assert reason(*base, *guests, left) == "consent-others-missing"
    assert reason(*base, *guests, left, say("given", "other_party", ref="g1", minute=5, others_present=1)) == "allowed"


def test_one_no_among_guests_stands_while_others_stay(reason: Callable[..., str], say: Say) -> None:
    base = (say("given", "patient", others_present=2), say("given", "clinician", others_present=2))
    no = say("refused", "other_party", ref="g1", others_present=2)
    fewer = say("given", "other_party", ref="g2", minute=2, others_present=1)
    assert reason(*base, no, fewer) == "consent-refused"


def test_representative_speaks_for_a_minor(reason: Callable[..., str], say: Say) -> None:
    parent = say("given", "representative", relation="parent")
    clinician = say("given", "clinician")
    assert reason(parent, clinician) == "allowed"
    # The child says no: that counts, whatever the parent said.
    assert reason(parent, clinician, say("refused", "patient", minute=1)) == "consent-refused"


@pytest.mark.parametrize("party", ["patient", "clinician", "other_party"])
def test_withdrawal_stops_at_once_and_a_later_yes_allows_again(
    reason: Callable[..., str], say: Say, party: str
) -> None:
    guests = 1 if party == "other_party" else 0
    base = tuple(say("given", who, others_present=guests) for who in ("patient", "clinician"))
    if guests:
        base = (*base, say("given", party, others_present=1))
    assert reason(*base) == "allowed"
    withdrawn = say("withdrawn", party, minute=9, others_present=guests)
    assert reason(*base, withdrawn, minute=9) == "consent-withdrawn"
    assert reason(*base, withdrawn, one=True) == "consent-withdrawn"
    assert reason(*base, withdrawn, say("given", party, minute=10, others_present=guests)) == "allowed"


def test_another_ones_yes_does_not_undo_a_withdrawal(reason: Callable[..., str], say: Say) -> None:
    base = (say("given", "patient"), say("given", "clinician"), say("withdrawn", "patient", minute=2))
    assert reason(*base, say("given", "clinician", minute=3)) == "consent-withdrawn"


def test_only_a_yes_to_recording_lets_recording_go_on(reason: Callable[..., str], say: Say) -> None:
    base = (say("given", "patient", others_present=1), say("given", "clinician", others_present=1))
    refused = say("refused", "other_party", minute=1, others_present=1)
    # The guest has left, but what was said since is about drafting.
    drafting = say("given", "patient", minute=2, scope=["drafting"])
    assert reason(*base, refused, drafting) == "consent-refused"
    assert reason(*base, refused, drafting, say("given", "patient", minute=3)) == "allowed"


def test_a_no_to_drafting_does_not_count_people_away(reason: Callable[..., str], say: Say) -> None:
    base = (say("given", "patient", others_present=1), say("given", "clinician", others_present=1))
    no = say("withdrawn", "patient", minute=1, scope=["drafting"], others_present=0)
    assert reason(*base, no) == "consent-others-missing"


def test_the_latest_no_that_stands_is_told(california: Requirement, say: Say, start: datetime) -> None:
    record = (
        say("refused", "patient", minute=1),
        say("refused", "clinician", minute=2),
        say("withdrawn", "patient", minute=3),
        say("given", "representative", relation="parent", minute=4),
    )
    found = state_of(record, california, start + timedelta(minutes=9))
    assert (found.reason, found.withdrawn_at) == ("consent-withdrawn", start + timedelta(minutes=3))


def test_withdrawal_is_told_with_its_time_and_handling(california: Requirement, say: Say, start: datetime) -> None:
    base = (say("given", "patient"), say("given", "clinician"))
    now = start + timedelta(minutes=30)
    before = state_of(base, california, now)
    assert (before.withdrawn_at, before.handling) == (None, None)
    expected = {
        Disposition.KEEP_UNTIL_REVIEW: (False, False, False, True),
        Disposition.DELETE_RECORDING: (True, False, False, False),
        Disposition.DELETE_ALL: (True, True, True, False),
    }
    record = (*base, say("withdrawn", "patient", minute=7))
    for disposition, acts in expected.items():
        after = state_of(record, california, now, ConsentPolicy(on_withdrawal=disposition))
        assert after.withdrawn_at == start + timedelta(minutes=7)
        handling = after.handling
        assert handling is not None
        assert handling.disposition is disposition
        assert acts == (
            handling.delete_recording, handling.delete_transcript, handling.delete_unsigned_documents, handling.hold,
        )  # fmt: skip


def test_scopes_are_apart(california: Requirement, say: Say, start: datetime) -> None:
    now = start + timedelta(minutes=30)
    recording = tuple(say("given", who, scope=["recording"]) for who in ("patient", "clinician"))
    only = state_of(recording, california, now)
    assert (only.capture_allowed, only.drafting_allowed, only.drafting_reason) == (True, False, "consent-missing")
    both = (say("given", "patient", minute=1), say("given", "clinician", minute=1))
    stop = state_of((*both, say("withdrawn", "patient", minute=2, scope=["drafting"])), california, now)
    assert (stop.capture_allowed, stop.drafting_allowed, stop.handling) == (True, False, None)
    with pytest.raises(ConsentError):
        stop.require_drafting()
    stop.require_capture()


def test_consent_holds_for_its_states_only(california: Requirement, say: Say, start: datetime) -> None:
    base = (say("given", "patient"), say("given", "clinician"))
    now = start + timedelta(minutes=5)
    for moved in (replace(california, patient_state="NV"), replace(california, clinician_state="NV")):
        assert state_of(base, moved, now).reason == "consent-location-changed"


def test_old_consent_is_stale_for_capture_and_still_good_for_drafting(
    california: Requirement, say: Say, start: datetime
) -> None:
    base = (say("given", "patient"), say("given", "clinician"))
    at_limit = state_of(base, california, start + timedelta(hours=24))
    later = state_of(base, california, start + timedelta(hours=24, seconds=1))
    assert (at_limit.reason, later.reason) == ("allowed", "consent-stale")
    assert later.drafting_allowed
    with pytest.raises(ConsentError) as refused:
        later.require_capture()
    assert refused.value.code == "consent-stale"


def refusal(record: tuple[ConsentEvent, ...], event: ConsentEvent, now: datetime) -> str:
    with pytest.raises(ConsentError) as refused:
        admit(record, event, now)
    return refused.value.code


def test_what_may_be_appended(say: Say, start: datetime) -> None:
    first = say("given", "patient", minute=10)
    record = admit((), first, start + timedelta(minutes=11))
    now = start + timedelta(minutes=20)
    assert record == (first,)
    assert refusal(record, first, now) == "consent-duplicate"
    assert refusal(record, say("given", "clinician", minute=9), now) == "consent-out-of-order"
    assert refusal(record, say("withdrawn", "patient", minute=22), now) == "consent-in-future"
    assert len(admit(record, say("withdrawn", "patient", minute=20.9), now)) == 2
    for missing in ("patient_state", "clinician_state"):
        event = say("given", "clinician", minute=12, **{missing: None})
        assert refusal(record, event, now) == "consent-no-location"
        assert refusal(record, say("given", "clinician", minute=12, **{missing: "ZZ"}), now) == "state-unknown"
    assert refusal((), first, start + timedelta(days=1, minutes=11)) == "consent-too-old"


def test_form_does_not_stop_a_withdrawal(say: Say, start: datetime) -> None:
    late = start + timedelta(days=9)
    event = say("withdrawn", "patient", patient_state=None, clinician_state=None)
    assert admit((), event, late) == (event,)
    full = tuple(say("given", "patient") for _ in range(MAX_GIVEN))
    assert refusal(full, say("given", "patient"), start) == "consent-too-many"
    assert len(admit(full, say("withdrawn", "patient"), start)) == MAX_GIVEN + 1
    stuffed = full + tuple(say("refused", "patient") for _ in range(MAX_EVENTS - MAX_GIVEN))
    assert refusal(stuffed, say("refused", "patient"), start) == "consent-too-many"


def test_unsound_record_allows_nothing(california: Requirement, say: Say, start: datetime) -> None:
    now = start + timedelta(minutes=30)
    good = say("given", "patient", minute=5)
    for record, code in (
        ((good, good), "consent-duplicate"),
        ((good, say("given", "clinician", minute=4)), "consent-out-of-order"),
        ((good, say("given", "clinician", minute=60)), "consent-in-future"),
        ((say("given", "patient", patient_state=None), good), "consent-no-location"),
    ):
        with pytest.raises(ConsentError) as refused:
            state_of(record, california, now)
        assert refused.value.code == code


@pytest.mark.parametrize(
    "changed",
    [
        {"at": "2026-03-04T10:00:00"},
        {"patient_state": "Calif"},
        {"party": {"kind": "representative"}},
        {"party": {"kind": "patient", "relation": "parent"}},
        {"party": {"kind": "patient", "count": 2}},
        {"party": {"kind": "other_party", "count": 2}, "others_present": 1},
        {"party": {"kind": "other_party", "count": 999}, "others_present": 999},
        {"kind": "assumed"},
        {"method": "implied"},
        {"scope": []},
        {"scope": ["recording", "recording"]},
        {"scope": ["training"]},
        {"note": "she said yes"},
        {"wording": "I agree that"},
        {"recorded_by": ""},
    ],
)
def test_event_of_another_form_is_refused(say: Say, changed: dict[str, object]) -> None:
    sound = say("given", "patient").model_dump()
    assert ConsentEvent.model_validate(sound)
    with pytest.raises(ValidationError):
        ConsentEvent.model_validate(sound | changed)


def test_event_has_one_form(say: Say) -> None:
    event = say("given", "patient", scope=["drafting", "recording"])
    assert event.scope == (Scope.RECORDING, Scope.DRAFTING)
    assert ConsentEvent.model_validate_json(event.model_dump_json()) == event

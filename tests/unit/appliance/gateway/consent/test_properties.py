"""What holds for every record of consent: a no never helps, a stricter law never loosens, time never helps."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from appliance.gateway.consent.event import ConsentEvent, Party, PartyKind, Relation, Scope
from appliance.gateway.consent.law import STATES, load
from appliance.gateway.consent.line import consent_line
from appliance.gateway.consent.overrides import Override, Overrides
from appliance.gateway.consent.record import admit
from appliance.gateway.consent.requirement import Requirement, required
from appliance.gateway.consent.state import ConsentState, state_of

START = datetime(2026, 3, 4, 18, 0, tzinfo=UTC)
NOW = START + timedelta(hours=2)
TABLE = load()
BOTH = required("CA", "CA", TABLE, Overrides(), date(2026, 3, 4))
ONE = replace(BOTH, parties="one")


@st.composite
def events(
    draw: st.DrawFn, kinds: tuple[str, ...] = ("given", "given", "given", "refused", "withdrawn")
) -> ConsentEvent:
    kind = draw(st.sampled_from(list(PartyKind)))
    other = kind is PartyKind.OTHER_PARTY
    return ConsentEvent(
        id="unset",
        kind=draw(st.sampled_from(kinds)),  # type: ignore[arg-type]
        party=Party(
            kind=kind,
            ref=draw(st.sampled_from(["a", "b"])) if other else "1",
            relation=Relation.PARENT if kind is PartyKind.REPRESENTATIVE else None,
            count=1,
        ),
        method="verbal",
        patient_state=draw(st.sampled_from(["CA", "CA", "CA", "CA", "CA", "NV"])),
        clinician_state="CA",
        others_present=draw(st.integers(min_value=1 if other else 0, max_value=2)),
        at=START,
        recorded_by="x",
        scope=draw(st.sampled_from([tuple(Scope), tuple(Scope), (Scope.RECORDING,), (Scope.DRAFTING,)])),
    )


def in_order(given_events: list[ConsentEvent]) -> list[ConsentEvent]:
    """Give each event its own id and a time after that of the one before."""
    return [
        event.model_copy(update={"id": f"e{number}", "at": START + timedelta(minutes=number)})
        for number, event in enumerate(given_events)
    ]


def state(record: list[ConsentEvent], requirement: Requirement = BOTH) -> ConsentState:
    return state_of(in_order(record), requirement, NOW)


# Records that allow something are rare among random ones, so half of them begin with one that does.
AGREED = [
    ConsentEvent(
        id="unset", kind="given", party=Party(kind=kind), method="verbal", patient_state="CA", clinician_state="CA",
        at=START, recorded_by="x",
    )
    for kind in (PartyKind.PATIENT, PartyKind.CLINICIAN)
]  # fmt: skip
records = st.builds(
    lambda begins, rest: [*(AGREED if begins else []), *rest], st.booleans(), st.lists(events(), max_size=8)
)
noes = events(kinds=("refused", "withdrawn"))


@given(records, noes, st.integers(min_value=0, max_value=10))
@settings(max_examples=200, deadline=None)
def test_a_no_anywhere_never_allows(record: list[ConsentEvent], no: ConsentEvent, place: int) -> None:
    place = min(place, len(record))
    for requirement in (BOTH, ONE):
        before, after = state(record, requirement), state([*record[:place], no, *record[place:]], requirement)
        assert before.capture_allowed or not after.capture_allowed
        assert before.drafting_allowed or not after.drafting_allowed


@given(records, noes)
@settings(max_examples=200, deadline=None)
def test_a_no_at_the_end_stops_its_scopes(record: list[ConsentEvent], no: ConsentEvent) -> None:
    after = state([*record, no], ONE)
    if Scope.RECORDING in no.scope:
        assert not after.capture_allowed
        assert after.handling is not None
    if Scope.DRAFTING in no.scope:
        assert not after.drafting_allowed


@given(records)
@settings(max_examples=200, deadline=None)
def test_stricter_law_never_loosens(record: list[ConsentEvent]) -> None:
    assert state(record, ONE).capture_allowed or not state(record, BOTH).capture_allowed


@given(records)
@settings(max_examples=200, deadline=None)
def test_more_people_at_the_end_never_allow(record: list[ConsentEvent]) -> None:
    assume(record)
    more = record[-1].model_copy(update={"others_present": 5})
    assert state(record).capture_allowed or not state([*record[:-1], more]).capture_allowed


@given(records)
@settings(max_examples=200, deadline=None)
def test_later_is_never_looser(record: list[ConsentEvent]) -> None:
    moments = [NOW + timedelta(hours=hours) for hours in (0, 12, 22, 23, 48, 1000)]
    allowed = [state_of(in_order(record), BOTH, moment).capture_allowed for moment in moments]
    assert all(first or not second for first, second in pairwise(allowed))
    assert not allowed[-1]


@given(records)
@settings(max_examples=100, deadline=None)
def test_appending_one_by_one_gives_the_same_record(record: list[ConsentEvent]) -> None:
    kept: tuple[ConsentEvent, ...] = ()
    for event in in_order(record):
        kept = admit(kept, event, NOW)
    assert list(kept) == in_order(record)
    line = consent_line(kept)
    assert line.count("Consent to ") == len(record)


@given(
    st.sampled_from(sorted(STATES)), st.sampled_from(sorted(STATES)), st.sets(st.sampled_from(sorted(STATES))),
    st.sets(st.sampled_from(sorted(STATES)), max_size=20),
)  # fmt: skip
@settings(max_examples=200, deadline=None)
def test_requirement_is_symmetric_and_fewer_overrides_never_loosen(
    patient: str, clinician: str, loosened: set[str], removed: set[str]
) -> None:
    day = date(2026, 3, 4)

    def counsel(states: set[str]) -> Overrides:
        if not states:
            return Overrides()
        entry = Override.model_validate(
            {
                "id": "o", "states": states, "parties": "one", "decided_by": "Counsel", "decided_on": day,
                "effective_from": day, "expires_on": day + timedelta(days=1), "reference": "Memo",
                "against_table": True,
            }
        )  # fmt: skip
        return Overrides((entry,), "0" * 64)

    wide = required(patient, clinician, TABLE, counsel(loosened), day).parties
    assert wide == required(clinician, patient, TABLE, counsel(loosened), day).parties
    assert (wide == "one") == ({patient, clinician} <= loosened)
    narrow = required(patient, clinician, TABLE, counsel(loosened - removed), day).parties
    assert not (wide == "all" and narrow == "one")


def test_generated_records_do_allow_sometimes() -> None:
    """The properties above would hold if nothing was ever allowed; this shows that the agreed beginning is."""
    assert state(AGREED).capture_allowed
    assert state(AGREED).drafting_allowed


@pytest.mark.parametrize("requirement", [BOTH, ONE])
def test_every_yes_is_needed(requirement: Requirement) -> None:
    assert not state(AGREED[1:], requirement).capture_allowed

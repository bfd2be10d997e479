"""The consent statement of a note."""

from collections.abc import Callable
from datetime import datetime, timedelta, timezone

from appliance.gateway.consent.event import ConsentEvent
from appliance.gateway.consent.line import NOTHING, consent_line

Say = Callable[..., ConsentEvent]


def test_nothing_recorded_is_said() -> None:
    assert consent_line(()) == NOTHING


def test_statement_says_who_how_when_and_where(say: Say) -> None:
    at = datetime(2026, 3, 4, 10, 2, tzinfo=timezone(timedelta(hours=-8)))
    assert consent_line([say("given", "patient", at=at)]) == (
        "Consent to recording and drafting was given verbally by the patient on 2026-03-04 at 10:02 UTC-08:00"
        " (patient in CA, clinician in CA; wording standard-1 (en))."
    )


def test_each_event_has_its_sentence_in_order(say: Say) -> None:
    line = consent_line(
        [
            say("given", "representative", relation="legal_guardian", method="written", wording=None),
            say("refused", "other_party", others_present=2, count=2, scope=["recording"]),
            say(
                "withdrawn", "patient", method="electronic", patient_state=None, clinician_state=None, language="es-MX"
            ),
        ]
    )
    first, second, third = line.split(". ")
    assert "given in writing by the patient's legal guardian" in first
    assert "language en)" in first
    assert second.startswith("Consent to recording was refused verbally by 2 other persons present")
    assert "withdrawn electronically by the patient" in third
    assert "patient in unknown, clinician in unknown; wording standard-1 (es-MX)" in third


def test_who_recorded_it_is_not_in_the_note(say: Say) -> None:
    assert "idp.example" not in consent_line([say("given", "clinician")])

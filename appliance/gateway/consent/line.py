"""The consent statement of a note, built from the recorded events and from nothing else. No model writes it."""

from collections.abc import Sequence
from datetime import datetime

from appliance.gateway.consent.event import ConsentEvent, Party, PartyKind, Relation, Scope

NOTHING = "No consent is recorded."

_VERBS = {"given": "given", "refused": "refused", "withdrawn": "withdrawn"}
_METHODS = {"verbal": "verbally", "written": "in writing", "electronic": "electronically"}
_RELATIONS = {
    Relation.PARENT: "a parent of the patient",
    Relation.LEGAL_GUARDIAN: "the patient's legal guardian",
    Relation.HEALTHCARE_AGENT: "the patient's healthcare agent",
    Relation.OTHER_AUTHORISED: "a person authorised to speak for the patient",
}


def consent_line(events: Sequence[ConsentEvent]) -> str:
    """Return a sentence for each event, in the order of the record. It holds no name and no free text."""
    return " ".join(_sentence(event) for event in events) or NOTHING


def _sentence(event: ConsentEvent) -> str:
    scope = " and ".join(word.value for word in Scope if word in event.scope)
    where = f"patient in {event.patient_state or 'unknown'}, clinician in {event.clinician_state or 'unknown'}"
    wording = f"; wording {event.wording} ({event.language})" if event.wording else f"; language {event.language}"
    said = f"{_VERBS[event.kind]} {_METHODS[event.method]} by {_party(event.party)}"
    return f"Consent to {scope} was {said} on {_when(event.at)} ({where}{wording})."


def _party(party: Party) -> str:
    match party.kind:
        case PartyKind.PATIENT:
            return "the patient"
        case PartyKind.CLINICIAN:
            return "the clinician"
        case PartyKind.REPRESENTATIVE:
            return _RELATIONS[party.relation] if party.relation else "the patient's representative"
    return "another person present" if party.count == 1 else f"{party.count} other persons present"


def _when(at: datetime) -> str:
    zone = at.strftime("%z")
    return f"{at:%Y-%m-%d at %H:%M} UTC{zone[:3]}:{zone[3:5]}"

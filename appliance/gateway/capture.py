"""May this be captured, or drafted from? The recorded events decide, each time anew, under the strictest law."""

from datetime import UTC, datetime

from sqlalchemy import Connection

from appliance.gateway.consent.event import ConsentEvent
from appliance.gateway.consent.policy import Disposition
from appliance.gateway.consent.requirement import Requirement, required
from appliance.gateway.consent.state import ConsentState, state_of
from appliance.gateway.core import Core
from appliance.gateway.opening import Opened
from appliance.gateway.store import captures, documents, encounters
from appliance.gateway.store.encounters import EncounterRow
from appliance.gateway.vault import EncounterKey


def place(event_id: str) -> str:
    """Return where an event is sealed to."""
    return f"consent_event/{event_id}"


def events_of(connection: Connection, encounter: str, key: EncounterKey) -> tuple[ConsentEvent, ...]:
    """Return the record of consent. Raises IntegrityError."""
    return tuple(
        ConsentEvent.model_validate_json(key.open(sealed, place(identifier)))
        for identifier, _, sealed in encounters.consent_events(connection, encounter)
    )


def requirement_of(core: Core, row: EncounterRow) -> Requirement:
    """Return what the law asks for today. Raises ConsentError state-unknown."""
    today = datetime.now(UTC).date()
    return required(row.patient_state, row.clinician_state, core.law, core.overrides, today)


def state_now(core: Core, connection: Connection, row: EncounterRow, key: EncounterKey) -> ConsentState:
    """Return what the record allows now. Raises ConsentError when the record is unsound."""
    events = events_of(connection, row.id, key)
    return state_of(events, requirement_of(core, row), datetime.now(UTC), core.settings.consent)


def require_capture(core: Core, connection: Connection, opened: Opened) -> None:
    """Raise ConsentError unless capture is allowed now, ProblemError 409 when the encounter is closed."""
    opened.require_open()
    state_now(core, connection, opened.row, opened.key).require_capture()


def require_drafting(core: Core, connection: Connection, opened: Opened) -> tuple[ConsentEvent, ...]:
    """Return the events, unless drafting from what was captured is not allowed now: then raise ConsentError."""
    opened.require_open()
    events = events_of(connection, opened.row.id, opened.key)
    state = state_of(events, requirement_of(core, opened.row), datetime.now(UTC), core.settings.consent)
    state.require_drafting()
    _require_not_held(state)
    return events


def require_not_held(core: Core, connection: Connection, opened: Opened) -> None:
    """Raise ConsentError while the policy holds everything of a withdrawn capture until a person has decided."""
    _require_not_held(state_now(core, connection, opened.row, opened.key))


def _require_not_held(state: ConsentState) -> None:
    if state.handling is not None and state.handling.hold:
        state.require_capture()


def withdraw(connection: Connection, row: EncounterRow, disposition: Disposition) -> dict[str, float]:
    """Do to what was captured what the policy says; return counts for the log. Signed documents stay.

    The files are the caller's to remove, after the commit.
    """
    counts = {"recordings": 0.0, "documents": 0.0}
    if disposition is Disposition.KEEP_UNTIL_REVIEW:
        return counts
    if disposition is Disposition.DELETE_ALL:
        counts["documents"] = documents.delete_drafts(connection, row.id)
        counts["recordings"] = captures.delete_captured(connection, row.id)
    else:
        counts["recordings"] = captures.delete_recordings(connection, row.id)
    return counts

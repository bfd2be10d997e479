"""Opening an encounter: find it, decide whether this person may, log emergency access, unwrap its key."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime

from pydantic import BaseModel, ConfigDict
from sqlalchemy import Connection

from appliance.clinical.document import DocumentKind
from appliance.contract.audit import Actor
from appliance.gateway.auth.actions import Action
from appliance.gateway.auth.break_glass import Grant
from appliance.gateway.auth.policy import Decision, EncounterFacts, may
from appliance.gateway.auth.principal import Principal
from appliance.gateway.core import Core
from appliance.gateway.store import captures, documents, encounters
from appliance.gateway.store.captures import RecordRow, TranscriptRow
from appliance.gateway.store.documents import DocumentRow
from appliance.gateway.store.encounters import EncounterRow
from appliance.gateway.trail import Act, actor_of
from appliance.gateway.vault import EncounterKey
from appliance.problems import ProblemError


def not_found(what: str) -> ProblemError:
    """Return the problem of something that is not there, or not for this caller to know of."""
    return ProblemError(404, "not-found", "Not found", f"there is no such {what}")


class Details(BaseModel):
    """What is sealed of an encounter."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    patient_ref: str
    title: str | None = None


def details_place(encounter: str) -> str:
    """Return where the details of an encounter are sealed to."""
    return f"encounter/{encounter}"


def details(row: EncounterRow, key: EncounterKey) -> Details:
    """Return the sealed part. Raises IntegrityError."""
    return Details.model_validate_json(key.open(row.sealed, details_place(row.id)))


@dataclass(frozen=True)
class Opened:
    """An encounter that a person may work on, for one action."""

    row: EncounterRow
    key: EncounterKey
    principal: Principal
    decision: Decision

    @property
    def actor(self) -> Actor:
        """Who acts, for the log."""
        return actor_of(self.principal, break_glass=self.decision.grant is not None)

    def details(self) -> Details:
        """Return what is sealed of it. Raises IntegrityError."""
        return details(self.row, self.key)

    def require_open(self) -> None:
        """Raise ProblemError 409 when nothing may be added any more."""
        if not self.row.is_open:
            raise ProblemError(409, "encounter-closed", "The encounter is closed", "nothing can be added to it")

    def require_also(self, core: Core, connection: Connection, action: Action) -> None:
        """Decide about one more action on it. Raises AccessError 403; emergency access is logged once more."""
        decision = decide(core, connection, self.row, self.principal, action).require()
        _log_grant(core, replace(self, decision=decision), action)


def _grants(connection: Connection, encounter: str, principal: Principal) -> tuple[Grant, ...]:
    return tuple(
        Grant(
            id=row.id, encounter=row.encounter_id, member_id=row.subject, opened_at=row.granted_at,
            expires_at=row.expires_at, reason="",
        )
        for row in encounters.grants(connection, encounter, principal.member_id)
    )  # fmt: skip


def _facts(
    connection: Connection, row: EncounterRow, principal: Principal, *,
    kind: DocumentKind | None, state: str | None,
) -> EncounterFacts:  # fmt: skip
    # A grant opens something only to who is not of the team (policy.py), so nobody else's are looked for.
    of_team = principal.member_id == row.clinician or principal.member_id in row.team
    return EncounterFacts(
        encounter=row.id, owner=row.clinician, members=row.team,
        grants=() if of_team else _grants(connection, row.id, principal), document_kind=kind, document_state=state,
    )  # fmt: skip


def decide(
    core: Core, connection: Connection, row: EncounterRow, principal: Principal, action: Action, *,
    kind: DocumentKind | None = None, state: str | None = None,
) -> Decision:  # fmt: skip
    """Return the decision about an action on an encounter, allowed or not."""
    facts = _facts(connection, row, principal, kind=kind, state=state)
    return may(principal, action, facts, now=datetime.now(UTC), policy=core.settings.all_access.policy)


def open_encounter(
    core: Core, connection: Connection, principal: Principal, encounter: str, action: Action, *,
    kind: DocumentKind | None = None, state: str | None = None, subject: str | None = None,
) -> Opened:  # fmt: skip
    """Return the opened encounter.

    Raises ProblemError 404 (not there), 410 (destroyed), AccessError 403. Emergency access is logged here, each time,
    before anything is answered.
    """
    found = encounters.find_with_key(connection, encounter)
    if found is None:
        raise not_found("encounter")
    row, wrapped = found
    decision = decide(core, connection, row, principal, action, kind=kind, state=state).require()
    if wrapped is None:
        raise ProblemError(410, "destroyed", "The encounter was destroyed", "its key is gone; only the log tells of it")
    opened = Opened(row, core.vault.unwrap(encounter, wrapped), principal, decision)
    _log_grant(core, opened, action, subject)
    return opened


def _log_grant(core: Core, opened: Opened, action: Action, subject: str | None = None) -> None:
    if opened.decision.grant is not None:
        core.trail.append(opened.actor, Act("access.break_glass_used", opened.row.id, subject, reason=_word(action)))


def _word(action: Action) -> str:
    return action.value


def open_document(
    core: Core, connection: Connection, principal: Principal, document: str, action: Action
) -> tuple[Opened, DocumentRow]:
    """Return a document and its encounter. Raises ProblemError and AccessError as `open_encounter`."""
    row = documents.find(connection, document)
    if row is None:
        raise not_found("document")
    opened = open_encounter(
        core, connection, principal, row.encounter_id, action,
        kind=DocumentKind(row.kind), state=row.state, subject=document,
    )  # fmt: skip
    return opened, row


def open_transcript(
    core: Core, connection: Connection, principal: Principal, transcript: str
) -> tuple[Opened, TranscriptRow]:
    """Return a transcript and its encounter."""
    row = captures.transcript(connection, transcript)
    if row is None:
        raise not_found("transcript")
    return open_encounter(
        core, connection, principal, row.encounter_id, Action.READ_TRANSCRIPT, subject=transcript
    ), row  # fmt: skip


def open_record(core: Core, connection: Connection, principal: Principal, record: str) -> tuple[Opened, RecordRow]:
    """Return a record and its encounter."""
    row = captures.record(connection, record)
    if row is None:
        raise not_found("record")
    return open_encounter(core, connection, principal, row.encounter_id, Action.READ_RECORD, subject=record), row

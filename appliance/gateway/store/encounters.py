"""Encounters: rows, their team, break-glass grants, consent events and keys."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import BindParameter, Connection, bindparam, delete, insert, select, tuple_, update

from appliance.gateway.store import code_tables as c
from appliance.gateway.store import tables as t

# Built once: every request that opens an encounter asks these, and building one costs as much as running it.
_ENCOUNTER: BindParameter[str] = bindparam("encounter")
_FIND = (
    select(t.encounter, t.encounter_key.c.wrapped, t.member.c.subject)
    .outerjoin(t.encounter_key, t.encounter_key.c.encounter_id == t.encounter.c.id)
    .outerjoin(t.member, t.member.c.encounter_id == t.encounter.c.id)
    .where(t.encounter.c.id == _ENCOUNTER)
)
_COLUMNS = tuple(t.encounter.c.keys())
_KEY = select(t.encounter_key.c.wrapped).where(t.encounter_key.c.encounter_id == _ENCOUNTER)
_GRANTS = select(t.grant).where(t.grant.c.encounter_id == _ENCOUNTER, t.grant.c.subject == bindparam("subject"))
_CONSENT = (
    select(t.consent_event.c.id, t.consent_event.c.number, t.consent_event.c.sealed)
    .where(t.consent_event.c.encounter_id == _ENCOUNTER)
    .order_by(t.consent_event.c.number)
)


@dataclass(frozen=True)
class EncounterRow:
    """One encounter without what is sealed."""

    id: str
    state: str
    created_at: datetime
    created_by: str
    clinician: str
    patient_state: str
    clinician_state: str
    capture_stopped_at: datetime | None
    sealed: bytes
    team: frozenset[str] = frozenset()

    @property
    def is_open(self) -> bool:
        """Whether anything may be added."""
        return self.state == "open"


def _row(found: Any, team: frozenset[str] = frozenset()) -> EncounterRow:
    return EncounterRow(**found._mapping, team=team)


def add(connection: Connection, row: EncounterRow, wrapped: bytes) -> None:
    """Store a new encounter with its key and team."""
    values = {name: getattr(row, name) for name in _COLUMNS}
    connection.execute(insert(t.encounter).values(**values))
    connection.execute(insert(t.encounter_key).values(encounter_id=row.id, wrapped=wrapped))
    set_team(connection, row.id, row.team)


def set_team(connection: Connection, encounter: str, subjects: frozenset[str]) -> None:
    """Replace the care team."""
    connection.execute(delete(t.member).where(t.member.c.encounter_id == encounter))
    if subjects:
        rows = [{"encounter_id": encounter, "subject": subject} for subject in sorted(subjects)]
        connection.execute(insert(t.member), rows)


def find(connection: Connection, encounter: str) -> EncounterRow | None:
    """Return an encounter with its team."""
    found = find_with_key(connection, encounter)
    return None if found is None else found[0]


def find_with_key(connection: Connection, encounter: str) -> tuple[EncounterRow, bytes | None] | None:
    """Return an encounter with its team, and its wrapped key: None after it was destroyed. One question for all."""
    found = connection.execute(_FIND, {"encounter": encounter}).all()
    if not found:
        return None
    first = found[0]
    team = frozenset(one.subject for one in found if one.subject is not None)
    return EncounterRow(**{name: getattr(first, name) for name in _COLUMNS}, team=team), first.wrapped


def wrapped_key(connection: Connection, encounter: str) -> bytes | None:
    """Return the wrapped key; None after it was destroyed."""
    return connection.execute(_KEY, {"encounter": encounter}).scalar()


def page(
    connection: Connection, *, member: str | None, state: str | None, after: tuple[datetime, str] | None, limit: int
) -> list[EncounterRow]:
    """Return encounters, newest first. `member`: only those of a person's teams."""
    query = select(t.encounter).order_by(t.encounter.c.created_at.desc(), t.encounter.c.id.desc()).limit(limit)
    if member is not None:
        mine = select(t.member.c.encounter_id).where(t.member.c.subject == member)
        query = query.where(t.encounter.c.id.in_(mine))
    if state is not None:
        query = query.where(t.encounter.c.state == state)
    if after is not None:
        query = query.where(tuple_(t.encounter.c.created_at, t.encounter.c.id) < after)
    found = list(connection.execute(query))
    teams: dict[str, set[str]] = {row.id: set() for row in found}
    members = select(t.member.c.encounter_id, t.member.c.subject).where(t.member.c.encounter_id.in_(teams))
    for encounter, subject in connection.execute(members):
        teams[encounter].add(subject)
    return [_row(row, frozenset(teams[row.id])) for row in found]


def stop_capture(connection: Connection, encounter: str, at: datetime) -> None:
    """Record that no capture is accepted any more."""
    connection.execute(update(t.encounter).where(t.encounter.c.id == encounter).values(capture_stopped_at=at))


def allow_capture(connection: Connection, encounter: str) -> None:
    """Record that consent was given again."""
    connection.execute(update(t.encounter).where(t.encounter.c.id == encounter).values(capture_stopped_at=None))


def close(connection: Connection, encounter: str) -> None:
    """Nothing is added any more."""
    connection.execute(update(t.encounter).where(t.encounter.c.id == encounter).values(state="closed"))


def add_consent(connection: Connection, event_id: str, encounter: str, sealed: bytes, number: int) -> None:
    """Append a consent event."""
    connection.execute(
        insert(t.consent_event).values(id=event_id, encounter_id=encounter, number=number, sealed=sealed)
    )


def consent_events(connection: Connection, encounter: str) -> Sequence[tuple[str, int, bytes]]:
    """Return (id, number, sealed) in the order in which they were recorded."""
    return [(row.id, row.number, row.sealed) for row in connection.execute(_CONSENT, {"encounter": encounter})]


def add_grant(
    connection: Connection, grant_id: str, encounter: str, subject: str, granted_at: datetime, expires_at: datetime,
    sealed: bytes,
) -> None:  # fmt: skip
    """Store a break-glass grant."""
    connection.execute(
        insert(t.grant).values(
            id=grant_id, encounter_id=encounter, subject=subject, granted_at=granted_at, expires_at=expires_at,
            sealed=sealed,
        )
    )  # fmt: skip


def grants(connection: Connection, encounter: str, subject: str) -> list[Any]:
    """Return a person's grants for an encounter, ended ones too: whoever asks is told that theirs ended."""
    return list(connection.execute(_GRANTS, {"encounter": encounter, "subject": subject}))


def destroy(connection: Connection, encounter: str) -> None:
    """Remove the key and everything that was sealed; the row stays, to say that there was an encounter."""
    documents = select(t.document.c.id).where(t.document.c.encounter_id == encounter)
    for table in (t.revision, t.acknowledgement, t.signature, t.addendum):
        connection.execute(delete(table).where(table.c.document_id.in_(documents)))
    for table in (
        t.document,
        t.transcript,
        t.recording,
        t.record,
        t.consent_event,
        t.grant,
        t.encounter_key,
        t.member,
        *c.TABLES,
    ):
        connection.execute(delete(table).where(table.c.encounter_id == encounter))
    connection.execute(update(t.encounter).where(t.encounter.c.id == encounter).values(state="deleted", sealed=b""))

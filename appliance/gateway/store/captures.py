"""What was captured: recordings, their transcripts, and records that were brought along."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, delete, func, insert, select, update

from appliance.gateway.store import tables as t


@dataclass(frozen=True)
class RecordingRow:
    """One recording; the sound lies in a sealed file. State: receiving, stored, interrupted, deleted."""

    id: str
    encounter_id: str
    state: str
    created_at: datetime
    created_by: str
    media_type: str
    bytes: int
    commitment: str | None = None


@dataclass(frozen=True)
class TranscriptRow:
    """One transcript. State: queued, running, done, failed."""

    id: str
    encounter_id: str
    recording_id: str
    state: str
    created_at: datetime
    created_by: str
    finished_at: datetime | None = None
    attempts: int = 0
    problem: str | None = None
    sealed: bytes | None = None
    audit_index: int | None = None


@dataclass(frozen=True)
class RecordRow:
    """One record, sealed."""

    id: str
    encounter_id: str
    created_at: datetime
    created_by: str
    format: str
    characters: int
    sealed: bytes


def _values(row: Any) -> dict[str, Any]:
    return dict(vars(row))


def add_recording(connection: Connection, row: RecordingRow) -> None:
    """Store."""
    connection.execute(insert(t.recording).values(**_values(row)))


def change_recording(connection: Connection, recording: str, **values: Any) -> None:
    """Change its state, size or commitment."""
    connection.execute(update(t.recording).where(t.recording.c.id == recording).values(**values))


def recording(connection: Connection, identifier: str) -> RecordingRow | None:
    """Return a recording."""
    found = connection.execute(select(t.recording).where(t.recording.c.id == identifier)).first()
    return None if found is None else RecordingRow(**found._mapping)


def recordings(connection: Connection, *, encounter: str | None = None, state: str | None = None) -> list[RecordingRow]:
    """Return recordings, oldest first."""
    query = select(t.recording).order_by(t.recording.c.created_at)
    if encounter is not None:
        query = query.where(t.recording.c.encounter_id == encounter)
    if state is not None:
        query = query.where(t.recording.c.state == state)
    return [RecordingRow(**found._mapping) for found in connection.execute(query)]


def add_transcript(connection: Connection, row: TranscriptRow) -> None:
    """Store."""
    connection.execute(insert(t.transcript).values(**_values(row)))


def change_transcript(connection: Connection, transcript: str, **values: Any) -> None:
    """Change its state or content."""
    connection.execute(update(t.transcript).where(t.transcript.c.id == transcript).values(**values))


_TRANSCRIPT = select(t.transcript).where(t.transcript.c.id == bindparam("identifier"))


def transcript(connection: Connection, identifier: str) -> TranscriptRow | None:
    """Return a transcript."""
    found = connection.execute(_TRANSCRIPT, {"identifier": identifier}).first()
    return None if found is None else TranscriptRow(**found._mapping)


def transcripts(
    connection: Connection, *, encounter: str | None = None, states: tuple[str, ...] = ()
) -> list[TranscriptRow]:
    """Return transcripts, oldest first."""
    query = select(t.transcript).order_by(t.transcript.c.created_at)
    if encounter is not None:
        query = query.where(t.transcript.c.encounter_id == encounter)
    if states:
        query = query.where(t.transcript.c.state.in_(states))
    return [TranscriptRow(**found._mapping) for found in connection.execute(query)]


def count_transcripts(connection: Connection, states: tuple[str, ...]) -> int:
    """Return how many are in one of these states."""
    query = select(func.count()).select_from(t.transcript).where(t.transcript.c.state.in_(states))
    return int(connection.execute(query).scalar_one())


def delete_recordings(connection: Connection, encounter: str) -> int:
    """Mark the recordings as deleted; return how many. Files go separately, transcripts that wait fail."""
    waiting = t.transcript.c.encounter_id == encounter, t.transcript.c.state.in_(("queued", "running"))
    connection.execute(update(t.transcript).where(*waiting).values(state="failed", problem="consent-withdrawn"))
    there = t.recording.c.encounter_id == encounter, t.recording.c.state != "deleted"
    return connection.execute(update(t.recording).where(*there).values(state="deleted", commitment=None)).rowcount


def delete_captured(connection: Connection, encounter: str) -> int:
    """Remove the transcripts as well; return how many recordings."""
    connection.execute(delete(t.transcript).where(t.transcript.c.encounter_id == encounter))
    return delete_recordings(connection, encounter)


def add_record(connection: Connection, row: RecordRow) -> None:
    """Store."""
    connection.execute(insert(t.record).values(**_values(row)))


def record(connection: Connection, identifier: str) -> RecordRow | None:
    """Return a record."""
    found = connection.execute(select(t.record).where(t.record.c.id == identifier)).first()
    return None if found is None else RecordRow(**found._mapping)


def records(connection: Connection, encounter: str, form: str) -> list[RecordRow]:
    """Return the records of an encounter in a format, newest first."""
    query = (
        select(t.record).where(t.record.c.encounter_id == encounter, t.record.c.format == form)
        .order_by(t.record.c.created_at.desc())
    )  # fmt: skip
    return [RecordRow(**found._mapping) for found in connection.execute(query)]

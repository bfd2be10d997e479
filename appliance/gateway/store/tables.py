"""The tables. A column that may hold patient data is named `sealed` and holds ciphertext; the others are looked up by.

Schema version 1. `revision`, `consent_event`, `acknowledgement` and `addendum` are append-only, and the content of a
signed document cannot change: the database itself refuses it (triggers), whatever the program does.
"""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    DDL,
    Boolean,
    Column,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    UniqueConstraint,
    event,
)
from sqlalchemy.types import TypeDecorator

SCHEMA_VERSION = 1


class UtcTime(TypeDecorator[datetime]):
    """A moment, kept as ISO 8601 text in UTC with microseconds: sorts as time does in every database."""

    impl = String(32)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> str | None:
        """See TypeDecorator."""
        return None if value is None else value.astimezone(UTC).isoformat(timespec="microseconds")

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """See TypeDecorator."""
        return None if value is None else datetime.fromisoformat(value)


metadata = MetaData()
_ID = String(36)
_SUBJECT = String(500)
_STATE = String(20)


def _of_encounter() -> Column[Any]:
    return Column("encounter_id", _ID, ForeignKey("encounter.id"), nullable=False, index=True)


encounter = Table(
    "encounter",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("state", _STATE, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("created_by", _SUBJECT, nullable=False),
    Column("clinician", _SUBJECT, nullable=False),
    Column("patient_state", String(2), nullable=False),
    Column("clinician_state", String(2), nullable=False),
    Column("capture_stopped_at", UtcTime),
    Column("sealed", LargeBinary, nullable=False),
    Index("encounter_by_time", "created_at", "id"),
)
# The only way to what is sealed. Deleting the row is deleting the encounter.
encounter_key = Table(
    "encounter_key",
    metadata,
    Column("encounter_id", _ID, ForeignKey("encounter.id"), primary_key=True),
    Column("wrapped", LargeBinary, nullable=False),
)
member = Table(
    "member",
    metadata,
    Column("encounter_id", _ID, ForeignKey("encounter.id"), primary_key=True),
    Column("subject", _SUBJECT, primary_key=True),
)
grant = Table(
    "break_glass",
    metadata,
    Column("id", _ID, primary_key=True),
    _of_encounter(),
    Column("subject", _SUBJECT, nullable=False),
    Column("granted_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
)
consent_event = Table(
    "consent_event",
    metadata,
    Column("encounter_id", _ID, ForeignKey("encounter.id"), primary_key=True),
    Column("id", String(100), primary_key=True),
    Column("number", Integer, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    UniqueConstraint("encounter_id", "number"),
)
recording = Table(
    "recording",
    metadata,
    Column("id", _ID, primary_key=True),
    _of_encounter(),
    Column("state", _STATE, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("created_by", _SUBJECT, nullable=False),
    Column("media_type", String(60), nullable=False),
    Column("bytes", Integer, nullable=False),
    Column("commitment", String(64)),
)
transcript = Table(
    "transcript",
    metadata,
    Column("id", _ID, primary_key=True),
    _of_encounter(),
    Column("recording_id", _ID, ForeignKey("recording.id"), nullable=False),
    Column("state", _STATE, nullable=False, index=True),
    Column("created_at", UtcTime, nullable=False),
    Column("created_by", _SUBJECT, nullable=False),
    Column("finished_at", UtcTime),
    Column("attempts", Integer, nullable=False, default=0),
    Column("problem", String(100)),
    Column("sealed", LargeBinary),
    Column("audit_index", Integer),
)
record = Table(
    "record",
    metadata,
    Column("id", _ID, primary_key=True),
    _of_encounter(),
    Column("created_at", UtcTime, nullable=False),
    Column("created_by", _SUBJECT, nullable=False),
    Column("format", String(20), nullable=False),
    Column("characters", Integer, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
)
document = Table(
    "document",
    metadata,
    Column("id", _ID, primary_key=True),
    _of_encounter(),
    Column("kind", String(40), nullable=False),
    Column("state", _STATE, nullable=False),
    Column("version", Integer, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("created_by", _SUBJECT, nullable=False),
    Column("completed_at", UtcTime),
    Column("reviewed_at", UtcTime),
    Column("reviewer", _SUBJECT),
    Column("closed_at", UtcTime),
    Column("problem", String(100)),
    Column("edited_words", Integer),
    Column("of_words", Integer),
    Column("review_minutes", Integer),
    Column("sealed", LargeBinary),
    Column("audit_index", Integer),
)
# Every state of the content, from what the model wrote to what was signed.
revision = Table(
    "revision",
    metadata,
    Column("document_id", _ID, ForeignKey("document.id"), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("at", UtcTime, nullable=False),
    Column("subject", _SUBJECT, nullable=False),
    Column("act", String(20), nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("audit_index", Integer, nullable=False),
)
acknowledgement = Table(
    "acknowledgement",
    metadata,
    Column("document_id", _ID, ForeignKey("document.id"), primary_key=True),
    Column("statement", String(100), primary_key=True),
    Column("text_commitment", String(64), primary_key=True),
    Column("at", UtcTime, nullable=False),
    Column("subject", _SUBJECT, nullable=False),
    Column("reason", String(40), nullable=False),
    Column("audit_index", Integer, nullable=False),
)
signature = Table(
    "signature",
    metadata,
    Column("document_id", _ID, ForeignKey("document.id"), primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
    Column("audit_index", Integer, nullable=False),
)
addendum = Table(
    "addendum",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("document_id", _ID, ForeignKey("document.id"), nullable=False, index=True),
    Column("at", UtcTime, nullable=False),
    Column("subject", _SUBJECT, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("audit_index", Integer, nullable=False),
)
practice = Table(
    "practice",
    metadata,
    Column("name", String(100), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("at", UtcTime, nullable=False),
    Column("subject", _SUBJECT, nullable=False),
    Column("current", Boolean, nullable=False),
    Column("value", LargeBinary, nullable=False),
)
meta = Table(
    "meta", metadata, Column("name", String(50), primary_key=True), Column("value", String(200), nullable=False)
)

# Deleting an encounter takes everything sealed of it along, so rows may go; they may not change.
_APPEND_ONLY = ("revision", "consent_event", "acknowledgement", "signature", "addendum")


def refuse_updates(table: str, name: str, when: str, words: str) -> None:
    """Let the database refuse updates of a table, or of its rows that a condition names."""
    sqlite = f"CREATE TRIGGER {name} BEFORE UPDATE ON {table} {when} BEGIN SELECT RAISE(ABORT, '{words}'); END"
    function = (
        f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger AS $$ BEGIN RAISE EXCEPTION '{words}'; END $$ "
        "LANGUAGE plpgsql"
    )
    postgresql = f"CREATE TRIGGER {name} BEFORE UPDATE ON {table} FOR EACH ROW {when} EXECUTE FUNCTION {name}()"
    target = metadata.tables[table]
    event.listen(target, "after_create", DDL(sqlite).execute_if(dialect="sqlite"))
    event.listen(target, "after_create", DDL(function).execute_if(dialect="postgresql"))
    event.listen(target, "after_create", DDL(postgresql).execute_if(dialect="postgresql"))


for _table in _APPEND_ONLY:
    refuse_updates(_table, f"{_table}_is_append_only", "", f"{_table} is append-only")
refuse_updates("document", "a_signed_document_stays", "WHEN (OLD.state = 'signed')", "a signed document cannot change")

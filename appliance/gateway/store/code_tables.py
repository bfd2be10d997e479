"""The tables of suggested codes. They came after schema version 1 and are made beside what is there.

They hold no foreign keys: a program that does not know them (an older release, after a rollback) must still be able to
remove documents and to destroy encounters. What it leaves here is sealed under a key that is gone.
"""

from sqlalchemy import Column, Integer, LargeBinary, String, Table

from appliance.gateway.store.tables import UtcTime, metadata, refuse_updates

_ID = String(36)
_SUBJECT = String(500)

# One for a document: the suggestions, and what was decided about each, in one sealed piece.
code_set = Table(
    "code_set",
    metadata,
    Column("document_id", _ID, primary_key=True),
    Column("encounter_id", _ID, nullable=False, index=True),
    Column("state", String(20), nullable=False),
    Column("version", Integer, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("created_by", _SUBJECT, nullable=False),
    Column("finalised_at", UtcTime),
    Column("finalised_by", _SUBJECT),
    Column("sealed", LargeBinary, nullable=False),
    Column("audit_index", Integer, nullable=False),
)
# Every state of it, from the suggestions to what was finalised.
code_revision = Table(
    "code_revision",
    metadata,
    Column("document_id", _ID, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("encounter_id", _ID, nullable=False, index=True),
    Column("at", UtcTime, nullable=False),
    Column("subject", _SUBJECT, nullable=False),
    Column("act", String(20), nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("audit_index", Integer, nullable=False),
)
TABLES = (code_set, code_revision)

refuse_updates("code_revision", "code_revision_is_append_only", "", "code_revision is append-only")
refuse_updates("code_set", "final_codes_stay", "WHEN (OLD.state = 'final')", "finalised codes cannot change")

"""Suggested codes of a document, and every state that they were in."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select, update

from appliance.gateway.store import code_tables as c


@dataclass(frozen=True)
class CodeSetRow:
    """The codes of one document; the content is sealed. `version` rises with every act and is the ETag."""

    document_id: str
    encounter_id: str
    state: str
    version: int
    created_at: datetime
    created_by: str
    sealed: bytes
    audit_index: int
    finalised_at: datetime | None = None
    finalised_by: str | None = None


@dataclass(frozen=True)
class CodeRevisionRow:
    """The content after an act."""

    document_id: str
    version: int
    encounter_id: str
    at: datetime
    subject: str
    act: str
    sealed: bytes
    audit_index: int


def find(connection: Connection, document: str) -> CodeSetRow | None:
    """Return the codes of a document."""
    found = connection.execute(select(c.code_set).where(c.code_set.c.document_id == document)).first()
    return None if found is None else CodeSetRow(**found._mapping)


def add(connection: Connection, row: CodeSetRow) -> None:
    """Store; there is one set for a document."""
    connection.execute(insert(c.code_set).values(**vars(row)))


def change(connection: Connection, document: str, version: int, **values: Any) -> bool:
    """Change a set that still has `version`, and raise its version. False: somebody was faster."""
    there = (c.code_set.c.document_id == document) & (c.code_set.c.version == version)
    return connection.execute(update(c.code_set).where(there).values(version=version + 1, **values)).rowcount == 1


def add_revision(connection: Connection, row: CodeRevisionRow) -> None:
    """Append."""
    connection.execute(insert(c.code_revision).values(**vars(row)))


def revisions(connection: Connection, document: str) -> list[CodeRevisionRow]:
    """Return all states of the content, oldest first."""
    query = select(c.code_revision).where(c.code_revision.c.document_id == document).order_by(c.code_revision.c.version)
    return [CodeRevisionRow(**found._mapping) for found in connection.execute(query)]

"""Documents, their revisions, acknowledgements, signatures and addenda."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from appliance.gateway.store import code_tables as c
from appliance.gateway.store import tables as t


@dataclass(frozen=True)
class DocumentRow:
    """One document; the content is sealed. `version` rises with every act and is the ETag."""

    id: str
    encounter_id: str
    kind: str
    state: str
    version: int
    created_at: datetime
    created_by: str
    completed_at: datetime | None = None
    reviewed_at: datetime | None = None
    reviewer: str | None = None
    closed_at: datetime | None = None
    problem: str | None = None
    edited_words: int | None = None
    of_words: int | None = None
    review_minutes: int | None = None
    sealed: bytes | None = None
    audit_index: int | None = None


@dataclass(frozen=True)
class RevisionRow:
    """The content after an act."""

    document_id: str
    version: int
    at: datetime
    subject: str
    act: str
    sealed: bytes
    audit_index: int


@dataclass(frozen=True)
class AcknowledgementRow:
    """A person took the responsibility for one unsupported statement, in exactly this wording."""

    document_id: str
    statement: str
    text_commitment: str
    at: datetime
    subject: str
    reason: str
    audit_index: int


@dataclass(frozen=True)
class AddendumRow:
    """Text that was added after the signature."""

    id: str
    document_id: str
    at: datetime
    subject: str
    sealed: bytes
    audit_index: int


def add(connection: Connection, row: DocumentRow) -> None:
    """Store."""
    connection.execute(insert(t.document).values(**vars(row)))


def change(connection: Connection, document: str, version: int, **values: Any) -> bool:
    """Change a document that still has `version`, and raise its version. False: somebody was faster."""
    there = (t.document.c.id == document) & (t.document.c.version == version)
    return connection.execute(update(t.document).where(there).values(version=version + 1, **values)).rowcount == 1


def find(connection: Connection, identifier: str) -> DocumentRow | None:
    """Return a document."""
    found = connection.execute(select(t.document).where(t.document.c.id == identifier)).first()
    return None if found is None else DocumentRow(**found._mapping)


def of_encounter(connection: Connection, encounter: str) -> list[DocumentRow]:
    """Return an encounter's documents, oldest first."""
    query = select(t.document).where(t.document.c.encounter_id == encounter).order_by(t.document.c.created_at)
    return [DocumentRow(**found._mapping) for found in connection.execute(query)]


def in_state(connection: Connection, state: str) -> list[DocumentRow]:
    """Return the documents in a state."""
    return [
        DocumentRow(**found._mapping)
        for found in connection.execute(select(t.document).where(t.document.c.state == state))
    ]


def add_revision(connection: Connection, row: RevisionRow) -> None:
    """Append."""
    connection.execute(insert(t.revision).values(**vars(row)))


def revisions(connection: Connection, document: str) -> list[RevisionRow]:
    """Return all states of the content, oldest first."""
    query = select(t.revision).where(t.revision.c.document_id == document).order_by(t.revision.c.version)
    return [RevisionRow(**found._mapping) for found in connection.execute(query)]


def add_acknowledgement(connection: Connection, row: AcknowledgementRow) -> None:
    """Append; the same once more changes nothing."""
    known = {(found.statement, found.text_commitment) for found in acknowledgements(connection, row.document_id)}
    if (row.statement, row.text_commitment) not in known:
        connection.execute(insert(t.acknowledgement).values(**vars(row)))


def acknowledgements(connection: Connection, document: str) -> list[AcknowledgementRow]:
    """Return all of a document."""
    query = select(t.acknowledgement).where(t.acknowledgement.c.document_id == document)
    return [AcknowledgementRow(**found._mapping) for found in connection.execute(query)]


def add_signature(connection: Connection, document: str, sealed: bytes, audit_index: int) -> None:
    """Store the signature; there is one at most."""
    connection.execute(insert(t.signature).values(document_id=document, sealed=sealed, audit_index=audit_index))


def signature(connection: Connection, document: str) -> tuple[bytes, int] | None:
    """Return (sealed, audit index)."""
    found = connection.execute(select(t.signature).where(t.signature.c.document_id == document)).first()
    return None if found is None else (found.sealed, found.audit_index)


def add_addendum(connection: Connection, row: AddendumRow) -> None:
    """Append."""
    connection.execute(insert(t.addendum).values(**vars(row)))


def addenda(connection: Connection, document: str) -> list[AddendumRow]:
    """Return all of a document, oldest first."""
    query = select(t.addendum).where(t.addendum.c.document_id == document).order_by(t.addendum.c.at, t.addendum.c.id)
    return [AddendumRow(**found._mapping) for found in connection.execute(query)]


def delete_drafts(connection: Connection, encounter: str) -> int:
    """Remove every document that was not signed, with its revisions; return how many."""
    unsigned = (t.document.c.encounter_id == encounter) & (t.document.c.state != "signed")
    ids = select(t.document.c.id).where(unsigned)
    for table in (t.revision, t.acknowledgement, *c.TABLES):
        connection.execute(delete(table).where(table.c.document_id.in_(ids)))
    return connection.execute(delete(t.document).where(unsigned)).rowcount

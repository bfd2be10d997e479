"""Documents: read in each state, with their history, and as documents of record."""

from datetime import timedelta

from fastapi import APIRouter, Response
from fastapi.responses import PlainTextResponse

from appliance.clinical.document import Document, DocumentKind
from appliance.drafting.disclaimers import disclaimers
from appliance.gateway import review
from appliance.gateway.api import (
    Acknowledged,
    AddendumAnswer,
    DocumentAnswer,
    DocumentList,
    History,
    RevisionAnswer,
    SignatureAnswer,
    SignedAnswer,
    Uuid,
)
from appliance.gateway.auth.actions import Action
from appliance.gateway.core import Core
from appliance.gateway.drafts import document_place
from appliance.gateway.opening import Opened, decide, not_found, open_document, open_encounter
from appliance.gateway.routes.caller import Caller, TheCore
from appliance.gateway.store import documents
from appliance.gateway.store.documents import AddendumRow, DocumentRow
from appliance.gateway.trail import Act
from appliance.gateway.vault import IntegrityError
from appliance.problems import ProblemError

router = APIRouter(prefix="/v1", tags=["documents"])


def content_of(opened: Opened, row: DocumentRow) -> Document:
    """Return the present content. Raises ProblemError 409 when there is none, IntegrityError when it was changed."""
    if row.sealed is None:
        raise ProblemError(409, "no-content", "There is no document", f"the document is {row.state}", state=row.state)
    content = opened.key.open(row.sealed, document_place(row.id, row.version))
    return Document.model_validate_json(content)


def _with_notices(opened: Opened, row: DocumentRow, document: Document) -> Document:
    """Say what the law wants to be said, as long as nobody has signed."""
    wanted = disclaimers(document.kind, opened.row.patient_state, row.state == "signed")
    return document.model_copy(update={"notices": (*document.notices, *wanted)}) if wanted else document


def answer(core: Core, opened: Opened, row: DocumentRow, *, with_content: bool = True) -> DocumentAnswer:
    """Return a document as the API shows it."""
    document = content_of(opened, row) if with_content and row.sealed is not None else None
    with core.database.read() as connection:
        acknowledged = documents.acknowledgements(connection, row.id) if document else []
    until = row.completed_at + timedelta(hours=core.settings.review_window_h) if row.completed_at else None
    return DocumentAnswer(
        id=row.id, encounter=row.encounter_id, kind=DocumentKind(row.kind), state=row.state, version=row.version,
        created_at=row.created_at, created_by=row.created_by, completed_at=row.completed_at, review_until=until,
        reviewed_at=row.reviewed_at, closed_at=row.closed_at, problem=row.problem, edited_words=row.edited_words,
        of_words=row.of_words, review_minutes=row.review_minutes, audit_index=row.audit_index,
        document=_with_notices(opened, row, document) if document else None,
        text=document.text() if document else None,
        unsupported=tuple(one.id for one in review.unsupported(document)) if document else (),
        acknowledged=tuple(
            Acknowledged(statement=one.statement, subject=one.subject, at=one.at, reason=one.reason)
            for one in acknowledged
        ),
    )  # fmt: skip


@router.get("/encounters/{encounter}/documents", summary="List the documents of an encounter")
def listed(encounter: Uuid, caller: Caller, core: TheCore) -> DocumentList:
    """Those that the caller may read, oldest first, without their content."""
    with core.database.read() as connection:
        opened = open_encounter(core, connection, caller, encounter, Action.READ_METADATA, state="signed")
        rows = documents.of_encounter(connection, encounter)
        seen = [
            row
            for row in rows
            if decide(
                core, connection, opened.row, caller, Action.READ_DOCUMENT, kind=DocumentKind(row.kind), state=row.state
            ).allowed
        ]
    return DocumentList(documents=tuple(answer(core, opened, row, with_content=False) for row in seen))


@router.get("/documents/{document}", summary="Read a document in its present state")
def read(document: Uuid, caller: Caller, core: TheCore, response: Response) -> DocumentAnswer:
    """Each statement with its evidence in the sources. Each reading is an entry in the log."""
    with core.database.read() as connection:
        opened, row = open_document(core, connection, caller, document, Action.READ_DOCUMENT)
    core.trail.append(opened.actor, Act("document.read", row.encounter_id, document))
    response.headers["etag"] = f'"{row.version}"'
    return answer(core, opened, row)


@router.get("/documents/{document}/history", summary="How a document became what it is")
def history(document: Uuid, caller: Caller, core: TheCore) -> History:
    """Every state of its content, from the model's text to the signed one."""
    with core.database.read() as connection:
        opened, row = open_document(core, connection, caller, document, Action.READ_DOCUMENT)
        rows = documents.revisions(connection, document)
    core.trail.append(opened.actor, Act("document.history_read", row.encounter_id, document))
    return History(
        revisions=tuple(
            RevisionAnswer(
                version=one.version, at=one.at, subject=one.subject, act=one.act, audit_index=one.audit_index,
                text=Document.model_validate_json(
                    opened.key.open(one.sealed, f"revision/{document}/{one.version}")
                ).text(),
            )
            for one in rows
        )
    )  # fmt: skip


def addendum_answer(opened: Opened, row: AddendumRow) -> AddendumAnswer:
    """Return an addendum."""
    text = opened.key.open(row.sealed, f"addendum/{row.id}").decode()
    return AddendumAnswer(id=row.id, at=row.at, subject=row.subject, text=text)


def signed_answer(core: Core, opened: Opened, row: DocumentRow) -> SignedAnswer:
    """Return a document of record. Raises IntegrityError if the text is not the one that was signed."""
    if row.state != "signed":
        raise ProblemError(409, "not-signed", "Not signed", f"the document is {row.state}", state=row.state)
    with core.database.read() as connection:
        found = documents.signature(connection, row.id)
        added = documents.addenda(connection, row.id)
    if found is None:
        raise IntegrityError(f"document {row.id} has no signature", hint="compare with the audit log")
    signature = SignatureAnswer.model_validate_json(opened.key.open(found[0], f"signature/{row.id}"))
    text = content_of(opened, row).text()
    if review.text_digest(text) != signature.content_sha256:
        raise IntegrityError(f"document {row.id} is not the text that was signed", hint="compare with the audit log")
    return SignedAnswer(
        id=row.id, kind=DocumentKind(row.kind), text=text,
        signature=signature.model_copy(update={"audit_index": found[1]}),
        addenda=tuple(addendum_answer(opened, one) for one in added),
    )  # fmt: skip


@router.get("/documents/{document}/signed", summary="Fetch a signed document, for the EHR")
def signed(document: Uuid, caller: Caller, core: TheCore) -> SignedAnswer:
    """The text that was signed, its signature and its addenda."""
    with core.database.read() as connection:
        opened, row = open_document(core, connection, caller, document, Action.READ_SIGNED)
    core.trail.append(opened.actor, Act("document.signed_read", row.encounter_id, document))
    return signed_answer(core, opened, row)


@router.get(
    "/documents/{document}/audit-proof",
    summary="Prove a document's last entry in the log",
    response_class=PlainTextResponse,
)
def proof(document: Uuid, caller: Caller, core: TheCore) -> PlainTextResponse:
    """A file that `fleetctl audit verify` checks offline with the log's public key. It holds no patient data."""
    with core.database.read() as connection:
        _, row = open_document(core, connection, caller, document, Action.READ_METADATA)
        found = documents.signature(connection, document)
    index = found[1] if found else row.audit_index
    if index is None:
        raise not_found("entry for this document")
    return PlainTextResponse(core.proof(index))

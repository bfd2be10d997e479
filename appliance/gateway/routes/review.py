"""Review: a clinician takes a draft up, corrects it, takes responsibility for what is unsupported, signs or rejects."""

import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter, Response
from sqlalchemy import Connection

from appliance.clinical.document import Document
from appliance.gateway import review
from appliance.gateway.api import (
    Acknowledgement,
    AddendumAnswer,
    Attestation,
    Correction,
    DocumentAnswer,
    NewAddendum,
    Rejection,
    SignatureAnswer,
    SignedAnswer,
    Uuid,
)
from appliance.gateway.auth.actions import Action
from appliance.gateway.auth.principal import Principal
from appliance.gateway.capture import require_not_held
from appliance.gateway.core import Core
from appliance.gateway.drafts import document_place
from appliance.gateway.opening import Opened, open_document
from appliance.gateway.review import Act as Deed
from appliance.gateway.review import State
from appliance.gateway.routes.caller import Caller, SeenVersion, TheCore
from appliance.gateway.routes.documents import addendum_answer, answer, content_of, signed_answer
from appliance.gateway.store import documents
from appliance.gateway.store.documents import AcknowledgementRow, AddendumRow, DocumentRow, RevisionRow
from appliance.gateway.trail import Act, commitment
from appliance.problems import ProblemError

router = APIRouter(prefix="/v1/documents/{document}", tags=["review"])
MAX_ADDENDA = 100

ATTESTATION = (
    "I have read this document and compared it with the visit. I have corrected what was wrong. I sign it as mine; "
    "a machine drafted it and decided nothing."
)
"""What a signature says; its wording is ours and versioned with the program."""


class Turn:
    """One act on one document: opened, allowed, in the right state and of the version that the caller saw."""

    def __init__(
        self, core: Core, connection: Connection, caller: Principal, document: str, action: Action, deed: Deed,
        seen: int | None,
    ) -> None:  # fmt: skip
        self.core, self.connection, self.deed = core, connection, deed
        self.opened, self.row = open_document(core, connection, caller, document, action)
        self.now = datetime.now(UTC)
        self.after = review.follow(State(self.row.state), deed)
        if seen is not None and seen != self.row.version:
            raise ProblemError(
                412, "changed-meanwhile", "Somebody was faster",
                f"you saw version {seen}, now it is {self.row.version}: read it again", version=self.row.version,
            )  # fmt: skip
        completed = self.row.completed_at
        if completed is None or review.is_over(deed, completed, self.now, core.settings.review_window_h):
            raise ProblemError(
                409, "review-window-over", "The review window is over",
                f"a draft is reviewed within {core.settings.review_window_h:g} h; draft it anew",
            )  # fmt: skip

    def log(self, event: str, **more: Any) -> int:
        """Write the entry; returns its index."""
        act = Act(event, self.row.encounter_id, self.row.id, **more)
        return self.core.trail.append(self.opened.actor, act)

    def store(self, content: bytes | None, **values: Any) -> DocumentRow:
        """Change the row; with `content`, the text as well. The sealed text moves along with the version."""
        version = self.row.version + 1
        if content is None and self.row.sealed is not None:
            content = self.opened.key.open(self.row.sealed, document_place(self.row.id, self.row.version))
        sealed = None if content is None else self.opened.key.seal(content, document_place(self.row.id, version))
        changed = documents.change(
            self.connection, self.row.id, self.row.version, state=self.after.value, sealed=sealed, **values
        )
        found = documents.find(self.connection, self.row.id)
        if not changed or found is None:
            raise ProblemError(412, "changed-meanwhile", "Somebody was faster", "read the document again")
        return found


def _act(
    core: Core, caller: Principal, document: str, action: Action, deed: Deed, seen: int | None,
    do: Callable[[Turn], DocumentRow],
) -> tuple[Opened, DocumentRow]:  # fmt: skip
    with core.database.write() as connection:
        turn = Turn(core, connection, caller, document, action, deed, seen)
        return turn.opened, do(turn)


def _answered(core: Core, done: tuple[Opened, DocumentRow], response: Response) -> DocumentAnswer:
    opened, row = done
    response.headers["etag"] = f'"{row.version}"'
    return answer(core, opened, row)


@router.post("/review", summary="Take a draft up for review")
def take_up(document: Uuid, seen: SeenVersion, caller: Caller, core: TheCore, response: Response) -> DocumentAnswer:
    """The minutes until the signature are counted from here."""

    def do(turn: Turn) -> DocumentRow:
        index = turn.log("review.begun")
        return turn.store(None, reviewed_at=turn.now, reviewer=caller.member_id, audit_index=index)

    return _answered(core, _act(core, caller, document, Action.EDIT, Deed.REVIEW, seen, do), response)


@router.put("/content", summary="Correct a document")
def correct(
    document: Uuid, given: Correction, seen: SeenVersion, caller: Caller, core: TheCore, response: Response
) -> DocumentAnswer:
    """What a person wrote is theirs; what they left keeps its evidence. Needs the version that was seen (If-Match)."""

    def do(turn: Turn) -> DocumentRow:
        before = content_of(turn.opened, turn.row)
        texts = {name: [(one.id, one.text) for one in statements] for name, statements in given.sections.items()}
        content = review.corrected(before, texts).model_dump_json().encode()
        committed = turn.opened.key.commit(content)
        index = turn.log("review.corrected", produced=(commitment("document", committed),))
        row = turn.store(content, audit_index=index)
        _revise(turn, row, content, "correct", index)
        return row

    return _answered(core, _act(core, caller, document, Action.EDIT, Deed.CORRECT, seen, do), response)


def _revise(turn: Turn, row: DocumentRow, content: bytes, act: str, index: int) -> None:
    sealed = turn.opened.key.seal(content, f"revision/{row.id}/{row.version}")
    subject = turn.opened.principal.member_id
    documents.add_revision(
        turn.connection, RevisionRow(row.id, row.version, turn.now, subject, act, sealed, index)
    )  # fmt: skip


@router.post("/acknowledgements", summary="Take the responsibility for unsupported statements")
def acknowledge(
    document: Uuid, given: Acknowledgement, seen: SeenVersion, caller: Caller, core: TheCore, response: Response
) -> DocumentAnswer:
    """One explicit act for each statement, in exactly the wording of now. Each is an entry in the log."""

    def do(turn: Turn) -> DocumentRow:
        open_ones = {one.id: one for one in review.unsupported(content_of(turn.opened, turn.row))}
        strange = [one for one in given.statements if one not in open_ones]
        if strange:
            raise ProblemError(
                422, "not-unsupported", "Nothing to take responsibility for",
                f"not unsupported, or not there: {', '.join(strange[:20])}", parameter="statements",
            )  # fmt: skip
        index = turn.row.audit_index
        for identifier in given.statements:
            committed = turn.opened.key.commit(open_ones[identifier].text.encode())
            findings = open_ones[identifier].grounding
            index = turn.log(
                "review.acknowledged", considered=(commitment("statement", committed),),
                reason=given.reason, numbers={"findings": len(findings.findings) if findings else 0},
            )  # fmt: skip
            documents.add_acknowledgement(
                turn.connection,
                AcknowledgementRow(
                    turn.row.id, identifier, committed, turn.now, caller.member_id, given.reason, index
                ),
            )  # fmt: skip
        return turn.store(None, audit_index=index)

    return _answered(core, _act(core, caller, document, Action.EDIT, Deed.ACKNOWLEDGE, seen, do), response)


@router.post("/signature", status_code=201, summary="Sign a document")
def sign(document: Uuid, given: Attestation, seen: SeenVersion, caller: Caller, core: TheCore) -> SignedAnswer:
    """Refused while an unsupported statement has no explicit act (409). After it, nothing can change."""

    def do(turn: Turn) -> DocumentRow:
        content = content_of(turn.opened, turn.row)
        require_not_held(core, turn.connection, turn.opened)
        _require_acknowledged(turn, content)
        first = documents.revisions(turn.connection, turn.row.id)[0]
        drafted = Document.model_validate_json(
            turn.opened.key.open(first.sealed, f"revision/{turn.row.id}/{first.version}")
        )
        edit = review.edit(drafted, content)
        begun = turn.row.reviewed_at or turn.now
        minutes = round((turn.now - begun).total_seconds() / 60)
        digest = review.text_digest(content.text())
        index = turn.log(
            "document.signed", produced=(commitment("document", turn.opened.key.commit(digest.encode())),),
            numbers={"edited_words": edit.words, "of_words": edit.of, "minutes": minutes},
        )  # fmt: skip
        signature = SignatureAnswer(
            document=turn.row.id, subject=caller.member_id, name=caller.name or None, npi=caller.npi, at=turn.now,
            attestation=ATTESTATION, content_sha256=digest, audit_index=index,
        )  # fmt: skip
        sealed = turn.opened.key.seal(signature.model_dump_json().encode(), f"signature/{turn.row.id}")
        documents.add_signature(turn.connection, turn.row.id, sealed, index)
        row = turn.store(
            None, closed_at=turn.now, edited_words=edit.words, of_words=edit.of, review_minutes=minutes,
            audit_index=index,
        )  # fmt: skip
        _revise(turn, row, content.model_dump_json().encode(), "sign", index)
        return row

    return signed_answer(core, *_act(core, caller, document, Action.SIGN, Deed.SIGN, seen, do))


def _require_acknowledged(turn: Turn, content: Document) -> None:
    known = {(one.statement, one.text_commitment) for one in documents.acknowledgements(turn.connection, turn.row.id)}
    left = [
        one.id
        for one in review.unsupported(content)
        if (one.id, turn.opened.key.commit(one.text.encode())) not in known
    ]
    if left:
        raise ProblemError(
            409, "unsupported-statements", "Unsupported statements",
            f"{len(left)} statements have no support in the sources: correct, remove or acknowledge each",
            statements=left[:500],
        )  # fmt: skip


@router.post("/rejection", summary="Reject a document")
def reject(
    document: Uuid, given: Rejection, seen: SeenVersion, caller: Caller, core: TheCore, response: Response
) -> DocumentAnswer:
    """It is kept for the history and never used."""

    def do(turn: Turn) -> DocumentRow:
        index = turn.log("document.rejected", outcome="refused", reason=given.reason)
        return turn.store(None, closed_at=turn.now, audit_index=index)

    return _answered(core, _act(core, caller, document, Action.REJECT, Deed.REJECT, seen, do), response)


@router.post("/addenda", status_code=201, summary="Add to a signed document")
def add(document: Uuid, given: NewAddendum, caller: Caller, core: TheCore) -> AddendumAnswer:
    """The signed text stays as it is."""
    with core.database.write() as connection:
        turn = Turn(core, connection, caller, document, Action.ADD, Deed.ADD, None)
        if len(documents.addenda(connection, document)) >= MAX_ADDENDA:
            raise ProblemError(409, "too-many-addenda", "Too many addenda", f"a document has {MAX_ADDENDA} at most")
        identifier, content = str(uuid.uuid4()), given.text.encode()
        index = turn.log("document.addendum", produced=(commitment("addendum", turn.opened.key.commit(content)),))
        sealed = turn.opened.key.seal(content, f"addendum/{identifier}")
        row = AddendumRow(identifier, document, turn.now, caller.member_id, sealed, index)
        documents.add_addendum(connection, row)
    return addendum_answer(turn.opened, row)

"""Codes of a document: read, decided by a coder, put into a claim's order, finalised with the document of record."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Response

from appliance.clinical.document import DocumentKind
from appliance.gateway import code_set
from appliance.gateway.api import Uuid
from appliance.gateway.api_codes import AddedAnswer, CodeAnswer, CodeDecision, CodeOrder, CodesAnswer
from appliance.gateway.auth.actions import Action
from appliance.gateway.code_set import Added, Item
from appliance.gateway.opening import Opened, not_found, open_document
from appliance.gateway.routes.caller import Caller, SeenVersion, TheCore
from appliance.gateway.routes.code_turn import CodeTurn, code_set_of, is_current
from appliance.gateway.routes.own_json import OwnJsonResponse
from appliance.gateway.store import codes
from appliance.gateway.store.codes import CodeSetRow
from appliance.gateway.store.documents import DocumentRow
from appliance.gateway.trail import Act
from appliance.problems import ProblemError

router = APIRouter(prefix="/v1/documents/{document}/codes", tags=["codes"], default_response_class=OwnJsonResponse)


def answer(opened: Opened, document: DocumentRow, row: CodeSetRow, response: Response) -> CodesAnswer:
    """Return the codes of a document as the API shows them, with their version as the ETag."""
    content = code_set_of(opened, row)
    response.headers["etag"] = f'"{row.version}"'
    return CodesAnswer(
        document=row.document_id, encounter=row.encounter_id, kind=DocumentKind(document.kind),
        state="final" if row.state == "final" else "open",
        version=row.version, current=is_current(opened, document, content), date_of_service=content.date_of_service,
        system=content.system.value, table_version=content.table_version, table_digest=content.table_digest,
        ordered_by=content.ordered_by, order_problem=content.order_problem, model=content.model or None,
        codes=tuple(_item(number, item) for number, item in enumerate(content.items, 1)),
        added=tuple(_added(number, one) for number, one in enumerate(content.added, 1)),
        accepted=tuple(content.accepted), sequenced=content.sequenced, findings=content.findings,
        created_at=row.created_at, created_by=row.created_by, finalised_at=row.finalised_at,
        finalised_by=row.finalised_by, audit_index=row.audit_index,
    )  # fmt: skip


def _item(number: int, item: Item) -> CodeAnswer:
    one = item.suggestion
    return CodeAnswer(
        number=number, suggested=one.code, title=one.title, evidence=one.evidence, assertion=one.assertion.value,
        confidence=one.confidence, question=one.question, findings=one.findings, decision=item.decision,
        reason=item.reason, code=item.code or None, code_title=item.title or None, decided_by=item.by or None,
        decided_at=item.at,
    )  # fmt: skip


def _added(number: int, one: Added) -> AddedAnswer:
    return AddedAnswer(
        number=number, code=one.code, title=one.title, evidence=one.evidence, reason=one.reason, added_by=one.by,
        added_at=one.at, withdrawn_by=one.withdrawn_by or None, withdrawn_at=one.withdrawn_at,
    )  # fmt: skip


@router.get("", summary="Read the codes of a document")
def read(document: Uuid, caller: Caller, core: TheCore, response: Response) -> CodesAnswer:
    """Suggestions and decisions. Each reading is an entry in the log."""
    with core.database.read() as connection:
        opened, row = open_document(core, connection, caller, document, Action.READ_CODES)
        found = codes.find(connection, document)
    if found is None:
        raise not_found("set of codes for this document")
    core.trail.append(opened.actor, Act("codes.read", row.encounter_id, document))
    return answer(opened, row, found, response)


@router.post("/{number}/decision", summary="Accept, reject or replace a suggestion")
def decide(
    document: Uuid, number: Annotated[int, Path(ge=1, le=1000)], given: CodeDecision, seen: SeenVersion,
    caller: Caller, core: TheCore, response: Response,
) -> CodesAnswer:  # fmt: skip
    """May be decided anew until the codes are final. What is accepted must be billable on the date of service (422).

    The edits run over all codes that count, and their findings stand in the answer.
    """
    code_set.require_reason(given.decision, given.reason, given.code)
    with core.database.write() as connection:
        turn = CodeTurn(core, connection, caller, document, seen)
        content = turn.content
        item = content.item(number)
        code, title, table = "", "", None
        if given.decision != "reject":
            entry, table = turn.billable(given.code or item.suggestion.code)
            code, title = entry.code, entry.title
        decided = item.model_copy(
            update={
                "decision": given.decision, "reason": given.reason, "code": code, "title": title,
                "table_version": table.version if table and table.digest != content.table_digest else "",
                "by": caller.member_id, "at": turn.now,
            }
        )  # fmt: skip
        after = turn.checked(content.with_item(number, decided))
        considered = f"{item.suggestion.code} {code}"
        kept = turn.done(given.decision, after, considered=considered, reason=given.reason, table=table)
    return answer(turn.opened, turn.row, kept, response)


@router.put("/order", summary="Put the codes that count into the order of a claim")
def order(
    document: Uuid, given: CodeOrder, seen: SeenVersion, caller: Caller, core: TheCore, response: Response
) -> CodesAnswer:
    """All of them, each once (422); the first is the principal or first-listed diagnosis.

    The edits run anew, those of the order among them. Afterwards a replaced code hands its place on, a code that ends
    to count loses it, and a new one stands behind.
    """
    with core.database.write() as connection:
        turn = CodeTurn(core, connection, caller, document, seen)
        after = turn.checked(turn.content.with_order(given.codes))
        kept = turn.done("order", after, considered=" ".join(after.order))
    return answer(turn.opened, turn.row, kept, response)


@router.post("/finalisation", summary="Finalise the codes of a signed document")
def finalise(document: Uuid, seen: SeenVersion, caller: Caller, core: TheCore, response: Response) -> CodesAnswer:
    """Refused while a suggestion has no decision, an edit refuses the codes, or the document is not signed (409)."""
    with core.database.write() as connection:
        turn = CodeTurn(core, connection, caller, document, seen)
        if turn.row.state != "signed":
            raise ProblemError(
                409, "not-signed", "Not signed", f"the document is {turn.row.state}", state=turn.row.state
            )
        content = turn.checked(turn.content)
        code_set.require_complete(content)
        kept = turn.done("finalise", content)
    return answer(turn.opened, turn.row, kept, response)

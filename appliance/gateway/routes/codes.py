"""Codes of a document: suggested by the box, decided by a coder, finalised with the document of record."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Path, Response

from appliance.clinical.document import DocumentKind
from appliance.contract.audit import Tool
from appliance.gateway import code_set
from appliance.gateway.api import Uuid
from appliance.gateway.api_codes import AddedAnswer, CodeAnswer, CodeDecision, CodesAnswer, CodesWanted
from appliance.gateway.auth.actions import Action
from appliance.gateway.auth.policy import REVIEWABLE
from appliance.gateway.auth.principal import Principal
from appliance.gateway.code_cover import cover_of
from appliance.gateway.code_set import Added, CodeSet, Item
from appliance.gateway.coded_kinds import require_coded
from appliance.gateway.codes import Suggested
from appliance.gateway.core import Core
from appliance.gateway.opening import Opened, not_found, open_document
from appliance.gateway.routes.caller import Caller, SeenVersion, TheCore
from appliance.gateway.routes.code_turn import (
    CodeTurn,
    code_set_of,
    final_codes,
    is_current,
    place_of,
    revise,
    text_commitment,
)
from appliance.gateway.routes.documents import content_of
from appliance.gateway.routes.own_json import OwnJsonResponse
from appliance.gateway.store import codes
from appliance.gateway.store.codes import CodeSetRow
from appliance.gateway.store.documents import DocumentRow
from appliance.gateway.trail import Act, commitment
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
        accepted=tuple(content.accepted), findings=content.findings, created_at=row.created_at,
        created_by=row.created_by, finalised_at=row.finalised_at, finalised_by=row.finalised_by,
        audit_index=row.audit_index,
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


@router.post("", status_code=201, summary="Suggest codes for a document")
async def suggest(document: Uuid, given: CodesWanted, caller: Caller, core: TheCore, response: Response) -> CodesAnswer:
    """For a document in review or signed. Anew for another text, or while nothing was decided; never once final.

    Visit notes, discharge instructions and referral letters have codes; another document is refused, with why (409).

    Each suggestion has its evidence, a confidence and, where the text leaves something open, a question. Without a
    drafting engine they come in their statistical order, and the answer says so.
    """
    with core.drain.admitted("drafts"):
        opened, text = await asyncio.to_thread(_prepared, core, caller, document)
        engine = None
        if core.settings.drafting:
            try:
                engine, _ = await core.drafts.engine()
            except ProblemError:
                engine = None  # the order is the statistical one then, and says so
        suggested = await core.codes.suggest(text, given.date_of_service, engine, cover_of(core, opened))
        return await asyncio.to_thread(_stored, core, caller, document, given, text, suggested, response)


def _prepared(core: Core, caller: Principal, document: str) -> tuple[Opened, str]:
    with core.database.read() as connection:
        opened, row = open_document(core, connection, caller, document, Action.REVIEW_CODES)
        _require_suggestable(opened, row, codes.find(connection, document))
    return opened, content_of(opened, row).text()


def _require_suggestable(opened: Opened, row: DocumentRow, found: CodeSetRow | None) -> None:
    require_coded(DocumentKind(row.kind))
    if row.state not in REVIEWABLE:
        raise ProblemError(
            409, "not-in-review", "The document is not in review", f"the document is {row.state}", state=row.state
        )
    if found is None:
        return
    if found.state == "final":
        raise final_codes()
    content = code_set_of(opened, found)
    if content.worked_on and is_current(opened, row, content):
        raise ProblemError(
            409,
            "codes-decided",
            "Decisions were made",
            "codes are suggested anew while nothing was decided or added, or for a new text",
        )


def _hiding(core: Core, suggested: Suggested) -> tuple[Tool, ...]:
    return core.deid.tools(applied=suggested.counts is not None) if suggested.asked else ()


def _stored(
    core: Core, caller: Principal, document: str, given: CodesWanted, text: str, suggested: Suggested,
    response: Response,
) -> CodesAnswer:  # fmt: skip
    now, ranked = datetime.now(UTC), suggested.ranked
    with core.database.write() as connection:
        # The document, or the caller's right to it, may be another since the text was read.
        opened, row = open_document(core, connection, caller, document, Action.REVIEW_CODES)
        found = codes.find(connection, document)
        _require_suggestable(opened, row, found)
        committed = opened.key.commit(text.encode())
        if committed != text_commitment(opened, row):
            raise ProblemError(409, "document-changed", "The document has another text now", "ask again")
        content = CodeSet(
            date_of_service=given.date_of_service, age_years=given.age_years, sex=given.sex,
            system=suggested.table.system, table_version=suggested.table.version,
            table_digest=suggested.table.digest, text_commitment=committed, ordered_by=ranked.by,
            order_problem=ranked.problem, model=ranked.model.name if ranked.model else "",
            model_digest=ranked.model.sha256 if ranked.model else None,
            items=tuple(Item(suggestion=one) for one in ranked.suggestions),
        )  # fmt: skip
        plain = content.plain()
        index = core.trail.append(
            opened.actor,
            Act(
                "codes.suggested", row.encounter_id, document, inputs=(commitment("document", committed),),
                tools=(*suggested.tools, *_hiding(core, suggested)),
                produced=(commitment("codes", opened.key.commit(plain)),),
                reason=ranked.problem or None, numbers={"suggested": len(content.items), **suggested.numbers},
            ),
        )  # fmt: skip
        version = found.version + 1 if found else 1
        sealed = opened.key.seal(plain, place_of(document, version))
        if found is None:
            kept = CodeSetRow(document, row.encounter_id, "open", 1, now, caller.member_id, sealed, index)
            codes.add(connection, kept)
        else:
            codes.change(
                connection, document, found.version, sealed=sealed, audit_index=index, created_at=now,
                created_by=caller.member_id,
            )  # fmt: skip
        there = codes.find(connection, document)
        assert there is not None  # noqa: S101 (the transaction wrote it)
        revise(connection, opened, there, plain, now, caller.member_id, "suggest")
    return answer(opened, row, there, response)


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
                "by": caller.member_id, "at": turn.now,
            }
        )  # fmt: skip
        after = turn.checked(content.with_item(number, decided))
        considered = f"{item.suggestion.code} {code}"
        kept = turn.done(given.decision, after, considered=considered, reason=given.reason, table=table)
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

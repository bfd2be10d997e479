"""How the codes of a document begin: suggested by the box, or an empty set for a coder who finds them by hand."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter, Response
from sqlalchemy import Connection

from appliance.clinical.document import DocumentKind
from appliance.coding.suggestion import CodeTable
from appliance.contract.audit import Tool
from appliance.drafting.engine import Engine
from appliance.gateway.api import Uuid
from appliance.gateway.api_codes import CodesAnswer, CodesWanted
from appliance.gateway.auth.actions import Action
from appliance.gateway.auth.policy import REVIEWABLE
from appliance.gateway.auth.principal import Principal
from appliance.gateway.code_cover import cover_of, require_allowed
from appliance.gateway.code_set import CodeSet, Item
from appliance.gateway.coded_kinds import require_coded
from appliance.gateway.codes import Suggested, table_tool
from appliance.gateway.core import Core
from appliance.gateway.opening import Opened, open_document
from appliance.gateway.routes.caller import Caller, TheCore
from appliance.gateway.routes.code_turn import code_set_of, final_codes, is_current, place_of, revise, text_commitment
from appliance.gateway.routes.codes import answer
from appliance.gateway.routes.documents import content_of
from appliance.gateway.routes.own_json import OwnJsonResponse
from appliance.gateway.service_day import require_service_day
from appliance.gateway.store import codes
from appliance.gateway.store.codes import CodeSetRow
from appliance.gateway.store.documents import DocumentRow
from appliance.gateway.trail import Act, commitment
from appliance.problems import ProblemError

router = APIRouter(prefix="/v1/documents/{document}/codes", tags=["codes"], default_response_class=OwnJsonResponse)


@router.post("", status_code=201, summary="Suggest codes for a document, or open an empty set for a coder")
async def begin(document: Uuid, given: CodesWanted, caller: Caller, core: TheCore, response: Response) -> CodesAnswer:
    """For a document in review or signed. Anew for another text, or while nothing was decided; never once final.

    Visit notes, discharge instructions and referral letters have codes; another document is refused, with why (409).

    Each suggestion has its evidence, a confidence and, where the text leaves something open, a question. Without a
    drafting engine they come in their statistical order, and the answer says so. With `suggestions` false the set is
    empty, nothing reads the text, and a coder adds the codes: the edits and the table of the day are the same.

    `deidentified` against the practice's policy is refused (422), as it is for drafts.
    """
    require_service_day(given.date_of_service)
    if not given.suggestions:
        table = await asyncio.to_thread(core.codes.table, given.date_of_service)
        return await asyncio.to_thread(_by_hand, core, caller, document, given, table, response)
    with core.drain.admitted("drafts"):
        opened, text = await asyncio.to_thread(_prepared, core, caller, document)
        engine = await _engine(core)
        if engine is not None:
            require_allowed(core, engine.identity, given.deidentified)
        cover = cover_of(core, opened, given.deidentified)
        suggested = await core.codes.suggest(text, given.date_of_service, engine, cover)
        return await asyncio.to_thread(_suggested, core, caller, document, given, text, suggested, response)


async def _engine(core: Core) -> Engine | None:
    if not core.settings.drafting:
        return None
    try:
        engine, _ = await core.drafts.engine()
    except ProblemError:
        return None  # the order is the statistical one then, and says so
    return engine


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


@dataclass(frozen=True)
class _Begun:
    """A set to keep, and what its entry in the log says beside it. `act`: the word of its revision."""

    content: CodeSet
    event: str
    act: str
    tools: tuple[Tool, ...]
    reason: str | None
    numbers: dict[str, float]


def _suggested(
    core: Core, caller: Principal, document: str, given: CodesWanted, text: str, suggested: Suggested,
    response: Response,
) -> CodesAnswer:  # fmt: skip
    ranked = suggested.ranked
    with core.database.write() as connection:
        # The document, or the caller's right to it, may be another since the text was read.
        opened, row, found = _opened(core, connection, caller, document)
        committed = opened.key.commit(text.encode())
        if committed != text_commitment(opened, row):
            raise ProblemError(409, "document-changed", "The document has another text now", "ask again")
        content = CodeSet(
            **_asked(given, suggested.table), text_commitment=committed, ordered_by=ranked.by,
            order_problem=ranked.problem, model=ranked.model.name if ranked.model else "",
            model_digest=ranked.model.sha256 if ranked.model else None,
            items=tuple(Item(suggestion=one) for one in ranked.suggestions),
        )  # fmt: skip
        hiding = core.deid.tools(applied=suggested.counts is not None) if suggested.asked else ()
        numbers = {"suggested": float(len(content.items)), **suggested.numbers}
        begun = _Begun(
            content, "codes.suggested", "suggest", (*suggested.tools, *hiding), ranked.problem or None, numbers
        )
        kept = _kept(core, connection, caller, opened, row, found, begun)
    return answer(opened, row, kept, response)


def _by_hand(
    core: Core, caller: Principal, document: str, given: CodesWanted, table: CodeTable, response: Response
) -> CodesAnswer:
    with core.database.write() as connection:
        opened, row, found = _opened(core, connection, caller, document)
        content = CodeSet(
            **_asked(given, table), text_commitment=text_commitment(opened, row), ordered_by="nobody", items=()
        )
        begun = _Begun(content, "codes.opened", "open", (table_tool(table),), "by-hand", {"suggested": 0.0})
        kept = _kept(core, connection, caller, opened, row, found, begun)
    return answer(opened, row, kept, response)


def _asked(given: CodesWanted, table: CodeTable) -> dict[str, Any]:
    return {
        "date_of_service": given.date_of_service, "age_years": given.age_years, "sex": given.sex,
        "system": table.system, "table_version": table.version, "table_digest": table.digest,
    }  # fmt: skip


def _opened(
    core: Core, connection: Connection, caller: Principal, document: str
) -> tuple[Opened, DocumentRow, CodeSetRow | None]:
    opened, row = open_document(core, connection, caller, document, Action.REVIEW_CODES)
    found = codes.find(connection, document)
    _require_suggestable(opened, row, found)
    return opened, row, found


def _kept(
    core: Core, connection: Connection, caller: Principal, opened: Opened, row: DocumentRow, found: CodeSetRow | None,
    begun: _Begun,
) -> CodeSetRow:  # fmt: skip
    now, plain = datetime.now(UTC), begun.content.plain()
    index = core.trail.append(
        opened.actor,
        Act(
            begun.event, row.encounter_id, row.id, inputs=(commitment("document", begun.content.text_commitment),),
            tools=begun.tools, produced=(commitment("codes", opened.key.commit(plain)),), reason=begun.reason,
            numbers=begun.numbers,
        ),
    )  # fmt: skip
    version = found.version + 1 if found else 1
    sealed = opened.key.seal(plain, place_of(row.id, version))
    if found is None:
        codes.add(connection, CodeSetRow(row.id, row.encounter_id, "open", 1, now, caller.member_id, sealed, index))
    else:
        codes.change(
            connection, row.id, found.version, sealed=sealed, audit_index=index, created_at=now,
            created_by=caller.member_id,
        )  # fmt: skip
    there = codes.find(connection, row.id)
    assert there is not None  # noqa: S101 (the transaction wrote it)
    revise(connection, opened, there, plain, now, caller.member_id, begun.act)
    return there

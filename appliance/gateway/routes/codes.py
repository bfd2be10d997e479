"""Codes of a document: suggested by the box, decided by a coder, finalised with the document of record."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Path, Response
from sqlalchemy import Connection

from appliance.clinical.document import DocumentKind
from appliance.contract.audit import Tool
from appliance.gateway import code_set
from appliance.gateway.api import Uuid
from appliance.gateway.api_codes import CodeAnswer, CodeDecision, CodesAnswer, CodesWanted
from appliance.gateway.auth.actions import Action
from appliance.gateway.auth.policy import REVIEWABLE
from appliance.gateway.auth.principal import Principal
from appliance.gateway.code_cover import cover_of
from appliance.gateway.code_set import CodeSet, Item
from appliance.gateway.codes import Suggested
from appliance.gateway.core import Core
from appliance.gateway.opening import Opened, not_found, open_document
from appliance.gateway.routes.caller import Caller, SeenVersion, TheCore
from appliance.gateway.routes.documents import content_of
from appliance.gateway.store import codes
from appliance.gateway.store.codes import CodeRevisionRow, CodeSetRow
from appliance.gateway.store.documents import DocumentRow
from appliance.gateway.trail import Act, commitment
from appliance.problems import ProblemError

router = APIRouter(prefix="/v1/documents/{document}/codes", tags=["codes"])


class _Turn:
    """One act on the codes of one document: opened, allowed, of the version that the caller saw, and not final."""

    def __init__(self, core: Core, connection: Connection, caller: Principal, document: str, seen: int) -> None:
        self.core, self.connection, self.caller = core, connection, caller
        self.opened, self.row = open_document(core, connection, caller, document, Action.REVIEW_CODES)
        found = codes.find(connection, document)
        if found is None:
            raise not_found("set of codes for this document")
        self.set, self.now = found, datetime.now(UTC)
        if found.state == "final":
            raise _final()
        if seen != found.version:
            raise ProblemError(
                412, "changed-meanwhile", "Somebody was faster",
                f"you saw version {seen}, now it is {found.version}: read it again", version=found.version,
            )  # fmt: skip
        self.content = _content(self.opened, found)
        if not _current(self.opened, self.row, self.content):
            raise ProblemError(
                409, "document-changed", "The document has another text now", "have codes suggested anew for it"
            )

    def done(self, act: str, content: CodeSet, *, considered: str = "", reason: str | None = None) -> CodeSetRow:
        """Write the entry, then the new state and its revision."""
        final = act == "finalise"
        plain = content.model_dump_json().encode()
        key, version = self.opened.key, self.set.version + 1
        entry = Act(
            "codes.finalised" if final else "codes.decided", self.row.encounter_id, self.row.id,
            tools=(_table_tool(content),),
            considered=(commitment("code", key.commit(considered.encode())),) if considered else (),
            produced=(commitment("codes", key.commit(plain)),), reason=reason, action=None if final else f"codes.{act}",
            numbers={
                "codes": len(content.accepted), "decided": content.decided, "suggested": len(content.items),
                "findings": len(content.findings),
                "errors": sum(one.severity == "error" for one in content.findings),
            },
        )  # fmt: skip
        index = self.core.trail.append(self.opened.actor, entry)
        closed = {"finalised_at": self.now, "finalised_by": self.caller.member_id} if final else {}
        changed = codes.change(
            self.connection, self.row.id, self.set.version, state="final" if final else "open",
            sealed=key.seal(plain, _place(self.row.id, version)), audit_index=index, **closed,
        )  # fmt: skip
        found = codes.find(self.connection, self.row.id)
        if not changed or found is None:
            raise ProblemError(412, "changed-meanwhile", "Somebody was faster", "read the codes again")
        _revise(self.connection, self.opened, found, plain, self.now, self.caller.member_id, act)
        return found


def _final() -> ProblemError:
    return ProblemError(
        409, "codes-final", "The codes are final", "they were finalised, and nothing of them can change"
    )


def _place(document: str, version: int) -> str:
    return f"codes/{document}/{version}"


def _content(opened: Opened, row: CodeSetRow) -> CodeSet:
    return CodeSet.model_validate_json(opened.key.open(row.sealed, _place(row.document_id, row.version)))


def _text_commitment(opened: Opened, row: DocumentRow) -> str:
    return opened.key.commit(content_of(opened, row).text().encode())


def _current(opened: Opened, row: DocumentRow, content: CodeSet) -> bool:
    return row.sealed is not None and _text_commitment(opened, row) == content.text_commitment


def _table_tool(content: CodeSet) -> Tool:
    return Tool(kind="table", name=f"{content.system.value}@{content.table_version}", digest=content.table_digest)


def _revise(
    connection: Connection, opened: Opened, row: CodeSetRow, plain: bytes, at: datetime, subject: str, act: str
) -> None:
    sealed = opened.key.seal(plain, f"code-revision/{row.document_id}/{row.version}")
    codes.add_revision(
        connection,
        CodeRevisionRow(row.document_id, row.version, row.encounter_id, at, subject, act, sealed, row.audit_index),
    )


def _answer(opened: Opened, document: DocumentRow, row: CodeSetRow, response: Response) -> CodesAnswer:
    content = _content(opened, row)
    response.headers["etag"] = f'"{row.version}"'
    return CodesAnswer(
        document=row.document_id, encounter=row.encounter_id, state="final" if row.state == "final" else "open",
        version=row.version, current=_current(opened, document, content), date_of_service=content.date_of_service,
        system=content.system.value, table_version=content.table_version, table_digest=content.table_digest,
        ordered_by=content.ordered_by, order_problem=content.order_problem, model=content.model or None,
        codes=tuple(_item(number, item) for number, item in enumerate(content.items, 1)),
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


@router.post("", status_code=201, summary="Suggest codes for a document")
async def suggest(document: Uuid, given: CodesWanted, caller: Caller, core: TheCore, response: Response) -> CodesAnswer:
    """For a visit note in review or signed. Anew for another text, or while nothing was decided; never once final.

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
    if row.kind != DocumentKind.VISIT_NOTE.value:
        raise ProblemError(409, "not-coded", "This document has no codes", "codes are suggested for visit notes")
    if row.state not in REVIEWABLE:
        raise ProblemError(
            409, "not-in-review", "The document is not in review", f"the document is {row.state}", state=row.state
        )
    if found is None:
        return
    if found.state == "final":
        raise _final()
    content = _content(opened, found)
    if content.decided and _current(opened, row, content):
        raise ProblemError(
            409,
            "codes-decided",
            "Decisions were made",
            "codes are suggested anew while nothing was decided, or for a new text",
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
        if committed != _text_commitment(opened, row):
            raise ProblemError(409, "document-changed", "The document has another text now", "ask again")
        content = CodeSet(
            date_of_service=given.date_of_service, age_years=given.age_years, sex=given.sex,
            system=suggested.table.system, table_version=suggested.table.version,
            table_digest=suggested.table.digest, text_commitment=committed, ordered_by=ranked.by,
            order_problem=ranked.problem, model=ranked.model.name if ranked.model else "",
            model_digest=ranked.model.sha256 if ranked.model else None,
            items=tuple(Item(suggestion=one) for one in ranked.suggestions),
        )  # fmt: skip
        plain = content.model_dump_json().encode()
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
        sealed = opened.key.seal(plain, _place(document, version))
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
        _revise(connection, opened, there, plain, now, caller.member_id, "suggest")
    return _answer(opened, row, there, response)


@router.get("", summary="Read the codes of a document")
def read(document: Uuid, caller: Caller, core: TheCore, response: Response) -> CodesAnswer:
    """Suggestions and decisions. Each reading is an entry in the log."""
    with core.database.read() as connection:
        opened, row = open_document(core, connection, caller, document, Action.READ_CODES)
        found = codes.find(connection, document)
    if found is None:
        raise not_found("set of codes for this document")
    core.trail.append(opened.actor, Act("codes.read", row.encounter_id, document))
    return _answer(opened, row, found, response)


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
        turn = _Turn(core, connection, caller, document, seen)
        content = turn.content
        item = content.item(number)
        code, title = "", ""
        if given.decision != "reject":
            code, title = _billable(core, given.code or item.suggestion.code, content)
        decided = item.model_copy(
            update={
                "decision": given.decision, "reason": given.reason, "code": code, "title": title,
                "by": caller.member_id, "at": turn.now,
            }
        )  # fmt: skip
        after = content.with_item(number, decided)
        after = after.with_findings(
            core.codes.findings(after.accepted, after.date_of_service, after.age_years, after.sex)
        )
        considered = f"{item.suggestion.code} {code}"
        kept = turn.done(given.decision, after, considered=considered, reason=given.reason)
    return _answer(turn.opened, turn.row, kept, response)


def _billable(core: Core, code: str, content: CodeSet) -> tuple[str, str]:
    """Return (code as the table writes it, its title). Raises ProblemError 422."""
    table = core.codes.table(content.date_of_service)
    entry = table.lookup(code)
    if entry is None:
        raise ProblemError(
            422, "unknown-code", "The table has no such code", f"{table.system.value} {table.version}", parameter="code"
        )
    if not entry.billable or not table.billable_on(entry.code, content.date_of_service):
        raise ProblemError(
            422, "code-not-billable", "The code is not billable on the date of service",
            "choose a complete code that was valid on that day", parameter="code",
        )  # fmt: skip
    return entry.code, entry.title


@router.post("/finalisation", summary="Finalise the codes of a signed document")
def finalise(document: Uuid, seen: SeenVersion, caller: Caller, core: TheCore, response: Response) -> CodesAnswer:
    """Refused while a suggestion has no decision, an edit refuses the codes, or the document is not signed (409)."""
    with core.database.write() as connection:
        turn = _Turn(core, connection, caller, document, seen)
        if turn.row.state != "signed":
            raise ProblemError(
                409, "not-signed", "Not signed", f"the document is {turn.row.state}", state=turn.row.state
            )
        content = turn.content.with_findings(
            core.codes.findings(
                turn.content.accepted, turn.content.date_of_service, turn.content.age_years, turn.content.sex
            )
        )
        code_set.require_complete(content)
        kept = turn.done("finalise", content)
    return _answer(turn.opened, turn.row, kept, response)

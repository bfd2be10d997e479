"""How the codes of a document became what they are: each act, who did it, when, and what became another."""

from __future__ import annotations

from fastapi import APIRouter

from appliance.coding.suggestion import Evidence
from appliance.gateway.api import Uuid
from appliance.gateway.api_codes import CodeHistory, CodeRevisionAnswer
from appliance.gateway.auth.actions import Action
from appliance.gateway.code_form import read_codes, require_known
from appliance.gateway.code_set import AddReason, CodeSet, Reason
from appliance.gateway.opening import not_found, open_document
from appliance.gateway.routes.caller import Caller, TheCore
from appliance.gateway.routes.code_turn import revision_place
from appliance.gateway.routes.own_json import OwnJsonResponse
from appliance.gateway.store import codes
from appliance.gateway.store.codes import CodeRevisionRow
from appliance.gateway.trail import Act

router = APIRouter(prefix="/v1/documents/{document}/codes", tags=["codes"], default_response_class=OwnJsonResponse)


@router.get("/revisions", summary="How the codes of a document became what they are")
def revisions(document: Uuid, caller: Caller, core: TheCore) -> CodeHistory:
    """Every act from the first suggestions to the final codes. Each reading is an entry in the log."""
    with core.database.read() as connection:
        opened, row = open_document(core, connection, caller, document, Action.READ_CODES)
        rows = codes.revisions(connection, document)
    if not rows:
        raise not_found("set of codes for this document")
    answers: list[CodeRevisionAnswer] = []
    before: CodeSet | None = None
    for one in rows:
        # Each is sealed under its own place: one that was changed or put in another's place does not open.
        after = read_codes(opened.key.open(one.sealed, revision_place(document, one.version)))
        answers.append(_told(one, before, after))
        before = after
    core.trail.append(
        opened.actor,
        Act("codes.history_read", row.encounter_id, document, numbers={"revisions": len(answers)}),
    )  # fmt: skip
    return CodeHistory(document=document, encounter=row.encounter_id, revisions=tuple(answers))


def _told(row: CodeRevisionRow, before: CodeSet | None, after: CodeSet) -> CodeRevisionAnswer:
    number: int | None = None
    suggested: str | None = None
    reason: Reason | AddReason | None = None
    evidence: tuple[Evidence, ...] = ()
    if before is not None and row.act in ("accept", "reject", "replace"):
        number = _changed(before.items, after.items)
        item = after.items[number - 1] if number else None
        if item is not None:
            suggested, reason = item.suggestion.code, item.reason
    elif before is not None and row.act in ("add", "withdraw"):
        number = _changed(before.added, after.added)
        added = after.added[number - 1] if number else None
        if added is not None and row.act == "add":
            reason, evidence = added.reason, added.evidence
    counted = before.accepted if before else []
    return CodeRevisionAnswer(
        version=row.version, at=row.at, by=row.subject, act=require_known(row.act), number=number,
        suggested=suggested, reason=reason, evidence=evidence,
        began=tuple(code for code in after.accepted if code not in counted),
        ended=tuple(code for code in counted if code not in after.accepted), accepted=tuple(after.accepted),
        suggestions=len(after.items), findings=tuple(dict.fromkeys(one.rule for one in after.findings)),
        date_of_service=after.date_of_service, table_version=after.table_version, audit_index=row.audit_index,
    )  # fmt: skip


def _changed(before: tuple[object, ...], after: tuple[object, ...]) -> int | None:
    """Return the number of the first that is another than before, or that is new; from 1."""
    known = [*before, *([None] * (len(after) - len(before)))]
    return next((at for at, (old, new) in enumerate(zip(known, after, strict=False), 1) if old != new), None)

"""Codes that a coder found beside the suggestions: added with their evidence or a reason, and withdrawn."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Response

from appliance.coding.suggestion import Evidence
from appliance.gateway.api import Uuid
from appliance.gateway.api_codes import CodeAddition, CodesAnswer
from appliance.gateway.code_set import MAX_ADDED, Added, require_basis
from appliance.gateway.routes.caller import Caller, SeenVersion, TheCore
from appliance.gateway.routes.code_turn import CodeTurn
from appliance.gateway.routes.codes import answer
from appliance.gateway.routes.documents import content_of
from appliance.gateway.routes.own_json import OwnJsonResponse

router = APIRouter(
    prefix="/v1/documents/{document}/codes/added", tags=["codes"], default_response_class=OwnJsonResponse
)


@router.post("", status_code=201, summary="Add a code that was not suggested")
def add(
    document: Uuid, given: CodeAddition, seen: SeenVersion, caller: Caller, core: TheCore, response: Response
) -> CodesAnswer:
    """Shown as the coder's, never as a suggestion. It must be billable on the date of service (422).

    It rests on quoted words of the document, or on a reason. What was suggested is decided there (409). The edits run
    over all codes that count.
    """
    with core.database.write() as connection:
        turn = CodeTurn(core, connection, caller, document, seen)
        evidence = tuple(Evidence(start=one.start, end=one.end, quote=one.quote) for one in given.evidence)
        require_basis(evidence, given.reason, content_of(turn.opened, turn.row).text())
        entry, table = turn.billable(given.code)
        added = Added(
            code=entry.code, title=entry.title, table_version=table.version, table_digest=table.digest,
            evidence=evidence, reason=given.reason, by=caller.member_id, at=turn.now,
        )  # fmt: skip
        kept = turn.done(
            "add", turn.checked(turn.content.with_added(added)), considered=entry.code,
            quoted="\n".join(one.quote for one in evidence), reason=given.reason, table=table,
        )  # fmt: skip
    return answer(turn.opened, turn.row, kept, response)


@router.delete("/{number}", summary="Withdraw a code that a coder added")
def withdraw(
    document: Uuid, number: Annotated[int, Path(ge=1, le=MAX_ADDED)], seen: SeenVersion, caller: Caller,
    core: TheCore, response: Response,
) -> CodesAnswer:  # fmt: skip
    """It counts no more, and stays to be seen with who withdrew it and when. It may be added again."""
    with core.database.write() as connection:
        turn = CodeTurn(core, connection, caller, document, seen)
        gone = turn.content.one_added(number)
        after = turn.checked(turn.content.with_withdrawn(number, caller.member_id, turn.now))
        kept = turn.done("withdraw", after, considered=gone.code)
    return answer(turn.opened, turn.row, kept, response)

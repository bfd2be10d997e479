"""The level of a visit that a note supports, for who reviews its codes. It lowers or questions, and never raises."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter
from pydantic import Field, StringConstraints

from appliance.clinical.document import DocumentKind
from appliance.coding.em import support
from appliance.coding.em_result import Support
from appliance.contract.audit import Tool
from appliance.errors import RefusedError, UsageError
from appliance.gateway.api import Given, Uuid
from appliance.gateway.auth.actions import Action
from appliance.gateway.auth.policy import REVIEWABLE
from appliance.gateway.opening import open_document
from appliance.gateway.routes.caller import Caller, TheCore
from appliance.gateway.routes.documents import content_of
from appliance.gateway.routes.own_json import OwnJsonResponse
from appliance.gateway.service_day import ServiceDay, require_service_day
from appliance.gateway.trail import Act, commitment
from appliance.problems import ProblemError

router = APIRouter(prefix="/v1/documents/{document}", tags=["codes"], default_response_class=OwnJsonResponse)


class VisitLevelWanted(Given):
    """Which kind of visit, when, and which code is claimed for it."""

    visit: Annotated[
        Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,40}$")],
        Field(description="The kind of visit, for instance established-office."),
    ]
    date_of_service: ServiceDay
    claimed: Annotated[
        Annotated[str, StringConstraints(pattern=r"^[0-9A-Z]{5}$")] | None,
        Field(description="The E/M code that is claimed; nothing above it is judged or said."),
    ] = None


@router.post("/visit-level", summary="What level of a visit a note supports")
def judge(document: Uuid, given: VisitLevelWanted, caller: Caller, core: TheCore) -> Support:
    """By time or by decision making, with the facts found, what is missing, and questions for the coder.

    For a visit note in review, corrected or signed. Nothing is stored; each asking is an entry in the log.
    """
    require_service_day(given.date_of_service)
    with core.database.read() as connection:
        opened, row = open_document(core, connection, caller, document, Action.REVIEW_CODES)
    if row.kind != DocumentKind.VISIT_NOTE.value:
        raise ProblemError(
            409, "no-visit-note", "This document has no level", "the level of a visit rests on its visit note alone",
            kind=row.kind,
        )  # fmt: skip
    if row.state not in REVIEWABLE:
        raise ProblemError(
            409, "not-in-review", "The document is not in review", f"the document is {row.state}", state=row.state
        )
    text = content_of(opened, row).text()
    try:
        found = support(text, visit=given.visit, on=given.date_of_service, claimed=given.claimed)
    except (UsageError, RefusedError):
        # Its words name what a caller sent; the problem names where to look.
        raise ProblemError(
            422, "visit-level", "The level of this visit cannot be judged",
            "a kind of visit or a code that is not known, a day before the rules, or a note that is too long",
            parameter="visit",
        ) from None  # fmt: skip
    key = opened.key
    core.trail.append(
        opened.actor,
        Act(
            "codes.level_judged", row.encounter_id, document,
            inputs=(commitment("document", key.commit(text.encode())),),
            tools=(Tool(kind="program", name="em-support", digest=None),),
            produced=(commitment("support", key.commit(found.model_dump_json().encode())),),
            numbers={"missing": len(found.missing), "questions": len(found.questions)},
        ),
    )  # fmt: skip
    return found

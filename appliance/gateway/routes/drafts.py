"""Drafts: ordered, watched while they are written, or waited for."""

import asyncio
import logging
import uuid
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Header
from fastapi.responses import JSONResponse, Response, StreamingResponse

from appliance.clinical.document import DocumentKind, Notice
from appliance.clinical.source import Source
from appliance.drafting.events import Begun, Dropped, Event, Finished, StatementDone, Text
from appliance.drafting.kinds import built_in
from appliance.drafting.kinds.template import Template
from appliance.drafting.order import MAX_CONSENT_LINE_CHARS, Order
from appliance.drafting.records import skeleton
from appliance.gateway import events, practice
from appliance.gateway.api import DocumentAnswer, DraftWanted, Uuid
from appliance.gateway.auth.actions import Action
from appliance.gateway.auth.principal import Principal
from appliance.gateway.capture import events_of, require_drafting
from appliance.gateway.consent.event import ConsentEvent
from appliance.gateway.consent.line import consent_line
from appliance.gateway.consent.refusal import ConsentError
from appliance.gateway.core import Core
from appliance.gateway.drafts import Work
from appliance.gateway.opening import open_encounter
from appliance.gateway.readings import Reading
from appliance.gateway.routes.caller import Caller, TheCore
from appliance.gateway.routes.documents import answer
from appliance.gateway.sources import FORM, gather
from appliance.gateway.store.documents import DocumentRow
from appliance.problems import ProblemError, invalid
from appliance.problems import document as problem_document

log = logging.getLogger("appliance.gateway")
router = APIRouter(prefix="/v1/encounters/{encounter}/drafts", tags=["drafts"])
# Readings up to this size (a transcript of 10,000 characters) are prepared in a millisecond, without a thread.
_AT_ONCE_BYTES = 1 << 20
_STREAM: dict[int | str, dict[str, Any]] = {
    201: {
        "model": DocumentAnswer,
        "description": "The document, in state draft. With `Accept: text/event-stream`: the events begun, text, "
        "statement, dropped, then finished (the document) or problem.",
    },
    200: {"description": "Events, or a preview's document.", "content": {"text/event-stream": {}}},
}


def template_of(core: Core, kind: DocumentKind, name: str | None) -> Template | None:
    """Return the practice's template of that name; None: the built-in one. Raises ProblemError 404, 422."""
    if name is None:
        return None
    with core.database.read() as connection:
        found = practice.current(connection, f"template.{name}")
    if found.value is None:
        raise ProblemError(404, "not-found", "Not found", "the practice has no template of that name")
    template = Template.model_validate(found.value)
    if template.kind is not kind:
        raise ProblemError(422, "template-kind", "The template is of another kind", f"it is for {template.kind.value}")
    return template


def _form(fields: dict[str, str]) -> Source | None:
    if not fields:
        return None
    return Source(id=FORM, kind="form", text="\n".join(f"{name}: {value}" for name, value in sorted(fields.items())))


def _consent_line(events: tuple[ConsentEvent, ...]) -> tuple[str, int]:
    """Return the statement of the newest events that a document has room for, and how many older ones are not in it."""
    for first in range(len(events)):
        line = consent_line(events[first:])
        if len(line) <= MAX_CONSENT_LINE_CHARS:
            return line, first
    return consent_line(()), len(events)


def prepare(core: Core, caller: Principal, encounter: str, given: DraftWanted) -> Work:
    """Open, gather and decide. Raises ProblemError, AccessError, ConsentError."""
    template = template_of(core, given.kind, given.template)
    since = core.readings.mark()
    with core.database.read() as connection:
        opened = open_encounter(core, connection, caller, encounter, Action.DRAFT, kind=given.kind, state="")
        opened.require_open()
        # Someone who may only draft a form from a form must not read a visit through it.
        if given.sources:
            opened.require_also(core, connection, Action.READ_TRANSCRIPT)
        gathered = gather(core, connection, opened, given.sources, since)
        if gathered.captured:
            consent = require_drafting(core, connection, opened)
        else:
            consent = events_of(connection, encounter, opened.key)
    if (form := _form(given.fields)) is not None:
        gathered = replace(gathered, readings=(Reading(form), *gathered.readings))
    if not gathered.readings:
        raise invalid("sources", "name at least one source, or fields")
    chosen = template or built_in(given.kind)
    has_line = any(one.origin == "consent" for one in chosen.sections)
    made, notices = skeleton(gathered.facts, chosen) if gathered.facts else ((), ())
    gathered = replace(gathered, notices=(*gathered.notices, *notices))
    line, left_out = _consent_line(consent)
    if left_out and has_line:
        text = f"{left_out} earlier consent events are not in the consent statement; all are in the record of consent."
        gathered = replace(gathered, notices=(*gathered.notices, Notice(code="consent.earlier", text=text)))
    order = Order(
        kind=given.kind, sources=gathered.sources, template=template,
        max_output_tokens=core.settings.max_output_tokens, state=opened.row.patient_state,
        skeleton=made,
        consent_line=line if has_line and consent else None,
    )  # fmt: skip
    identifier = str(uuid.uuid4())
    if given.preview:
        return Work(opened, order, gathered, None, identifier, given.deidentified)
    core.require_room()
    row = DocumentRow(
        id=identifier, encounter_id=encounter, kind=given.kind.value, state="drafting", version=0,
        created_at=datetime.now(UTC), created_by=caller.member_id,
    )  # fmt: skip
    return Work(opened, order, gathered, row, identifier, given.deidentified)


async def _prepared(core: Core, caller: Principal, encounter: str, given: DraftWanted) -> Work:
    """Prepare here where that takes less than a thread's beginning, as for sources that are kept; else in a thread.

    It only reads: emergency access, whose use would be logged first, opens nothing for drafting (`auth/policy`).
    """
    size = core.readings.size_of(encounter, given.sources)
    if size is not None and size <= _AT_ONCE_BYTES and core.database.reads_at_once():
        return prepare(core, caller, encounter, given)
    return await asyncio.to_thread(prepare, core, caller, encounter, given)


@router.post("", status_code=201, response_model=None, summary="Draft a document", responses=_STREAM)
async def draft(
    encounter: Uuid,
    given: DraftWanted,
    caller: Caller,
    core: TheCore,
    accept: Annotated[str, Header(max_length=200)] = "application/json",
) -> Response:
    """Waits for the document, or streams it as it is written. A failed or abandoned draft is never a document."""
    work = await _prepared(core, caller, encounter, given)
    if "text/event-stream" in accept:
        # The first step runs here, so that a draft that cannot begin is a problem document with its status.
        stream = _events(core, work)
        first = await anext(stream)
        return StreamingResponse(
            _from(first, stream), media_type="text/event-stream", headers={"x-accel-buffering": "no"}
        )
    try:
        async with aclosing(core.drafts.run(work)) as found:
            async for event in found:
                if isinstance(event, DocumentRow):
                    shown = await asyncio.to_thread(answer, core, work.opened, event)
                    return Response(
                        shown.model_dump_json(), 201, {"etag": f'"{event.version}"'}, media_type="application/json"
                    )
                if isinstance(event, Finished):
                    return JSONResponse(_preview(event))
    except ConsentError as error:
        # Refused after it began: draft.failed says so in the log, and a second entry would tell of a second decision.
        raise _told(error) from None
    raise ProblemError(502, "no-document", "No document was drafted", "the engine ended without one")


def _preview(finished: Finished) -> dict[str, Any]:
    return {"document": finished.document.model_dump(mode="json"), "preview": True}


async def _from(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    async with aclosing(rest):  # type: ignore[type-var]
        yield first
        async for piece in rest:
            yield piece


async def _events(core: Core, work: Work) -> AsyncIterator[bytes]:
    begun = False
    try:
        async with aclosing(core.drafts.run(work)) as found:
            async for event in found:
                shown = await _shown(core, work, event)
                begun = True
                yield shown
    except Exception as error:
        if not begun:
            raise
        yield events.sse("problem", problem_document(_told(error), work.subject))


async def _shown(core: Core, work: Work, event: Event | DocumentRow) -> bytes:
    match event:
        case Begun():
            return events.of_begun(event, work.row.id if work.row else None)
        case Text():
            return events.of_text(event)
        case StatementDone():
            return events.of_statement(event)
        case Dropped():
            return events.of_dropped(event)
        case DocumentRow():
            document = await asyncio.to_thread(answer, core, work.opened, event)
            return events.sse("finished", document.model_dump(mode="json"))
        case Finished():
            return events.sse("finished", _preview(event))
    raise TypeError(type(event).__name__)


def _told(error: Exception) -> ProblemError:
    """Return what a client is told of an error when its answer has already begun."""
    if isinstance(error, ProblemError):
        return error
    if isinstance(error, ConsentError):
        return ProblemError(error.status, error.code, "Not without consent", error.detail, hint=error.hint)
    log.error("draft: %s", type(error).__name__)
    return ProblemError(500, "internal", "Internal error", "no document was made; the draft can be asked for again")

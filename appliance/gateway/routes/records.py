"""Records that are brought along: FHIR bundles and plain text, sealed, and read when a draft needs them."""

import asyncio
import uuid
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Header, Request

from appliance.drafting.records import RecordRefusedError, read_bundle, read_text
from appliance.gateway.api import RecordAnswer, SourceAnswer, Uuid
from appliance.gateway.auth.actions import Action
from appliance.gateway.auth.principal import Principal
from appliance.gateway.core import Core
from appliance.gateway.opening import open_encounter, open_record
from appliance.gateway.outer import too_large
from appliance.gateway.routes.caller import Caller, TheCore
from appliance.gateway.sources import read_record
from appliance.gateway.store import captures
from appliance.gateway.store.captures import RecordRow
from appliance.gateway.trail import Act, commitment
from appliance.problems import ProblemError

router = APIRouter(prefix="/v1", tags=["records"])
_FORMATS = {"application/fhir+json": "fhir", "application/json": "fhir", "text/plain": "text"}
_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "application/fhir+json": {"schema": {"type": "object"}},
            "text/plain": {"schema": {"type": "string"}},
        },
    }
}


@router.post("/encounters/{encounter}/records", status_code=201, summary="Bring a record", openapi_extra=_BODY)
async def bring(
    encounter: Uuid,
    request: Request,
    caller: Caller,
    core: TheCore,
    content_type: Annotated[str, Header(max_length=200)] = "application/fhir+json",
) -> RecordAnswer:
    """What of it is not read is said in `notices`. Nothing is dropped silently."""
    form = _FORMATS.get(content_type.partition(";")[0].strip().lower())
    if form is None:
        raise ProblemError(
            415, "unsupported-media", "The record's format is not supported", "send FHIR R4 JSON or text/plain"
        )
    with core.drain.admitted("uploads"):
        await asyncio.to_thread(_may, core, caller, encounter)
        body = bytearray()
        async for piece in request.stream():
            body += piece
            if len(body) > core.settings.max_record_bytes:
                raise too_large(core.settings.max_record_bytes)
        return await asyncio.to_thread(_store, core, caller, encounter, form, bytes(body))


def _may(core: Core, caller: Principal, encounter: str) -> None:
    with core.database.read() as connection:
        open_encounter(core, connection, caller, encounter, Action.UPLOAD_RECORD).require_open()
    core.require_room()


def _store(core: Core, caller: Principal, encounter: str, form: str, data: bytes) -> RecordAnswer:
    identifier = str(uuid.uuid4())
    try:
        if form == "fhir":
            record = read_bundle(data, identifier=identifier)
            characters, notices = len(record.source.text), tuple(one.text for one in record.notices)
        else:
            characters, notices = len(read_text(data, identifier=identifier).text), ()
    except RecordRefusedError as error:
        code = error.code.replace("_", "-")
        raise ProblemError(422, code, "The record is not read", str(error)[:500], hint=error.hint) from None
    with core.database.write() as connection:
        opened = open_encounter(core, connection, caller, encounter, Action.UPLOAD_RECORD)
        opened.require_open()
        row = RecordRow(
            id=identifier, encounter_id=encounter, created_at=datetime.now(UTC), created_by=caller.member_id,
            format=form, characters=characters, sealed=opened.key.seal(data, f"record/{identifier}"),
        )  # fmt: skip
        captures.add_record(connection, row)
        core.trail.append(
            opened.actor,
            Act(
                "record.stored", encounter, identifier, produced=(commitment("record", opened.key.commit(data)),),
                numbers={"characters": characters},
            ),
        )  # fmt: skip
    return RecordAnswer(id=identifier, format=form, characters=characters, notices=notices)


@router.get("/records/{record}", summary="Read a record as drafts cite it")
def read(record: Uuid, caller: Caller, core: TheCore) -> SourceAnswer:
    """The text that evidence offsets point into. Each reading is an entry in the log."""
    with core.database.read() as connection:
        opened, row = open_record(core, connection, caller, record)
    core.trail.append(opened.actor, Act("record.read", row.encounter_id, record))
    source = read_record(opened, row).source
    return SourceAnswer(id=record, kind=source.kind, text=source.text, passages=source.passages)

"""Recordings: taken only under consent, bounded, sealed as they arrive."""

import asyncio
import hashlib
import uuid
from datetime import UTC, datetime
from itertools import chain
from typing import Annotated

from fastapi import APIRouter, Header, Request
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict
from starlette.requests import ClientDisconnect

from appliance.gateway import recordings as files
from appliance.gateway.api import RecordingAnswer, Uuid
from appliance.gateway.auth.actions import Action
from appliance.gateway.capture import require_capture
from appliance.gateway.core import Core
from appliance.gateway.opening import Opened, not_found, open_encounter
from appliance.gateway.outer import too_large
from appliance.gateway.recordings import RecordingWriter
from appliance.gateway.routes.caller import Caller, TheCore
from appliance.gateway.sniff import is_audio
from appliance.gateway.store import captures
from appliance.gateway.store.captures import RecordingRow
from appliance.gateway.trail import Act, commitment
from appliance.gateway.vault import IntegrityError
from appliance.problems import ProblemError

router = APIRouter(prefix="/v1/encounters/{encounter}/recordings", tags=["recordings"])
_MEDIA_TYPES = frozenset(
    {
        "audio/wav", "audio/x-wav", "audio/wave", "audio/flac", "audio/x-flac", "audio/mpeg", "audio/mp3", "audio/ogg",
        "audio/opus", "audio/webm", "audio/mp4", "audio/m4a", "audio/x-m4a", "audio/aac", "audio/3gpp", "video/webm",
        "application/octet-stream",
    }
)  # fmt: skip
_BODY = {
    "requestBody": {
        "required": True,
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}


class RecordingList(BaseModel):
    """The recordings of an encounter, oldest first."""

    model_config = ConfigDict(frozen=True)
    recordings: tuple[RecordingAnswer, ...]


def answer(row: RecordingRow) -> RecordingAnswer:
    """Return a recording as the API shows it."""
    return RecordingAnswer(
        id=row.id, state=row.state, created_at=row.created_at, media_type=row.media_type, bytes=row.bytes
    )  # fmt: skip


def begin(core: Core, opened: Opened, media_type: str) -> tuple[RecordingRow, RecordingWriter]:
    """Store the row of a recording that arrives now, and return the writer of its file."""
    row = RecordingRow(
        id=str(uuid.uuid4()), encounter_id=opened.row.id, state="receiving", created_at=datetime.now(UTC),
        created_by=opened.principal.member_id, media_type=media_type, bytes=0,
    )  # fmt: skip
    path = files.path_of(core.settings.state_dir, opened.row.id, row.id)
    with core.database.write() as connection:
        require_capture(core, connection, opened)
        captures.add_recording(connection, row)
    try:
        return row, RecordingWriter(path, row.id, opened.key)
    except OSError:
        with core.database.write() as connection:
            captures.change_recording(connection, row.id, state="deleted")
        raise disk_full() from None


def disk_full() -> ProblemError:
    """Return the problem of a recording that finds no room."""
    return ProblemError(507, "disk-full", "The recording cannot be stored", "nothing of it was kept")


def finish(core: Core, opened: Opened, row: RecordingRow, writer: RecordingWriter, digest: bytes) -> RecordingRow:
    """Make a recording whole: end mark, entry in the log, row. Raises ProblemError if consent went meanwhile."""
    try:
        with core.database.read() as connection:
            require_capture(core, connection, opened)  # a withdrawal has removed the folder under the file
        writer.finish()
        committed = opened.key.commit(digest)
        with core.database.write() as connection:
            require_capture(core, connection, opened)
            core.trail.append(
                opened.actor,
                Act(
                    "recording.stored", opened.row.id, row.id, produced=(commitment("recording", committed),),
                    numbers={"bytes": writer.bytes},
                ),
            )  # fmt: skip
            captures.change_recording(connection, row.id, state="stored", bytes=writer.bytes, commitment=committed)
    except BaseException as error:
        drop(core, row, writer)
        raise (disk_full() if isinstance(error, OSError) else error) from None
    return RecordingRow(**{**vars(row), "state": "stored", "bytes": writer.bytes, "commitment": committed})


def drop(core: Core, row: RecordingRow, writer: RecordingWriter) -> None:
    """Remove a recording that did not become whole: its sender still has it and was told so."""
    writer.discard()
    with core.database.write() as connection:
        captures.change_recording(connection, row.id, state="deleted", bytes=0)


@router.post("", status_code=201, summary="Upload a recording", openapi_extra=_BODY)
async def upload(
    encounter: Uuid,
    request: Request,
    caller: Caller,
    core: TheCore,
    content_type: Annotated[str, Header(max_length=200)] = "application/octet-stream",
) -> RecordingAnswer:
    """The body is the file itself. Refused without consent (403), room (507), sound in it (415), or in a drain."""
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type not in _MEDIA_TYPES:
        raise ProblemError(
            415, "unsupported-media", "The recording's format is not supported", "send audio, with its media type"
        )

    def opened() -> Opened:
        with core.database.read() as connection:
            found = open_encounter(core, connection, caller, encounter, Action.UPLOAD_AUDIO)
            require_capture(core, connection, found)
        core.require_room()
        return found

    with core.drain.admitted("uploads"):
        here = await asyncio.to_thread(opened)
        return answer(await _receive(core, here, request, media_type))


async def _receive(core: Core, here: Opened, request: Request, media_type: str) -> RecordingRow:
    """Take the body to its end. Raises ProblemError; then nothing of it is kept."""
    row, writer = await asyncio.to_thread(begin, core, here, media_type)
    digest, checked, head = hashlib.sha256(), False, b""
    try:
        async for piece in request.stream():
            if not checked:
                head += piece[:64]
                checked = len(head) >= 16
                if checked and not is_audio(head):
                    raise ProblemError(
                        415, "unsupported-media", "The recording's format is not supported",
                        "the body does not begin like a recording in an accepted container",
                    )  # fmt: skip
            if writer.bytes + len(piece) > core.settings.max_recording_bytes:
                raise too_large(core.settings.max_recording_bytes)
            digest.update(piece)
            await asyncio.to_thread(writer.write, piece)
        if not checked:
            raise ProblemError(422, "no-audio", "The recording is empty", "the body holds no recording")
    except ClientDisconnect:
        await asyncio.to_thread(drop, core, row, writer)
        raise ProblemError(499, "gone", "The client went away", "the upload was not completed") from None
    except OSError:
        await asyncio.to_thread(drop, core, row, writer)
        raise disk_full() from None
    except BaseException:
        await asyncio.to_thread(drop, core, row, writer)
        raise
    return await asyncio.to_thread(finish, core, here, row, writer, digest.digest())


@router.get("", summary="List the recordings of an encounter")
def listed(encounter: Uuid, caller: Caller, core: TheCore) -> RecordingList:
    """Oldest first; deleted ones stay in the list, to say that they were."""
    with core.database.read() as connection:
        open_encounter(core, connection, caller, encounter, Action.READ_TRANSCRIPT)
        return RecordingList(
            recordings=tuple(answer(row) for row in captures.recordings(connection, encounter=encounter))
        )


@router.get("/{recording}", summary="Listen to a recording", response_class=StreamingResponse)
def listen(encounter: Uuid, recording: Uuid, caller: Caller, core: TheCore) -> StreamingResponse:
    """The file as it was uploaded. Each time is an entry in the log."""
    with core.database.write() as connection:
        opened = open_encounter(core, connection, caller, encounter, Action.LISTEN, subject=recording)
        row = captures.recording(connection, recording)
        if row is None or row.encounter_id != encounter or row.state not in ("stored", "interrupted"):
            raise not_found("recording")
        core.trail.append(opened.actor, Act("recording.listened", encounter, recording))
    path = files.path_of(core.settings.state_dir, encounter, recording)
    pieces = files.read(path, recording, opened.key, interrupted=row.state == "interrupted")
    try:
        # The first frame is opened here, so that a damaged recording is a problem document with its status.
        first = next(pieces, b"")
    except FileNotFoundError:
        raise IntegrityError(f"recording {recording} is not there", hint="compare with the audit log") from None
    return StreamingResponse(chain([first], pieces), media_type=row.media_type)

"""Transcripts: asked for, waited for, read."""

import asyncio
import uuid
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict

from appliance.clinical.transcript_answer import TranscriptAnswer
from appliance.gateway.api import TranscriptAnswerBody, TranscriptWanted, Uuid
from appliance.gateway.auth.actions import Action
from appliance.gateway.core import Core
from appliance.gateway.opening import Opened, not_found, open_encounter, open_transcript
from appliance.gateway.routes.caller import Caller, TheCore
from appliance.gateway.store import captures
from appliance.gateway.store.captures import TranscriptRow
from appliance.gateway.trail import Act
from appliance.problems import ProblemError

router = APIRouter(prefix="/v1", tags=["transcripts"])
_MAX_WAITING = 1000


class TranscriptList(BaseModel):
    """The transcripts of an encounter, oldest first, without their text."""

    model_config = ConfigDict(frozen=True)
    transcripts: tuple[TranscriptAnswerBody, ...]


def unsealed(opened: Opened, row: TranscriptRow) -> TranscriptAnswer:
    """Return a finished transcript. Raises ProblemError 409 when it is not finished, IntegrityError."""
    if row.sealed is None:
        raise ProblemError(409, "not-ready", "Not transcribed yet", f"the transcript is {row.state}")
    return TranscriptAnswer.model_validate_json(opened.key.open(row.sealed, f"transcript/{row.id}"))


def _answer(row: TranscriptRow, found: TranscriptAnswer | None) -> TranscriptAnswerBody:
    return TranscriptAnswerBody(
        id=row.id, recording=row.recording_id, state=row.state, created_at=row.created_at, finished_at=row.finished_at,
        problem=row.problem if row.state != "done" else None, transcript=found.transcript if found else None,
        text=found.transcript.source(row.id).text if found else None,
    )  # fmt: skip


@router.post("/encounters/{encounter}/transcripts", status_code=202, summary="Transcribe a recording")
async def wanted(encounter: Uuid, given: TranscriptWanted, caller: Caller, core: TheCore) -> TranscriptAnswerBody:
    """Queued at once; read it with `wait_s`. The queue survives a restart."""
    with core.drain.admitted("transcripts"):
        row = await asyncio.to_thread(_queue, core, caller, encounter, given)
    core.jobs.wake()
    return _answer(row, None)


def _queue(core: Core, caller: Caller, encounter: str, given: TranscriptWanted) -> TranscriptRow:
    with core.database.write() as connection:
        opened = open_encounter(core, connection, caller, encounter, Action.UPLOAD_AUDIO)
        opened.require_open()
        recording = captures.recording(connection, given.recording)
        if recording is None or recording.encounter_id != encounter:
            raise not_found("recording")
        if recording.state not in ("stored", "interrupted"):
            raise ProblemError(409, "recording-state", "Not a whole recording", f"the recording is {recording.state}")
        if captures.count_transcripts(connection, ("queued", "running")) >= _MAX_WAITING:
            raise ProblemError(
                503, "queue-full", "Busy", "too many recordings wait for transcription", retry_after_s=60
            )
        row = TranscriptRow(
            id=str(uuid.uuid4()), encounter_id=encounter, recording_id=recording.id, state="queued",
            created_at=datetime.now(UTC), created_by=caller.member_id,
        )  # fmt: skip
        captures.add_transcript(connection, row)
        core.trail.append(opened.actor, Act("transcript.ordered", encounter, row.id))
    return row


@router.get("/encounters/{encounter}/transcripts", summary="List the transcripts of an encounter")
def listed(encounter: Uuid, caller: Caller, core: TheCore) -> TranscriptList:
    """Oldest first."""
    with core.database.read() as connection:
        open_encounter(core, connection, caller, encounter, Action.READ_TRANSCRIPT)
        rows = captures.transcripts(connection, encounter=encounter)
    return TranscriptList(transcripts=tuple(_answer(row, None) for row in rows))


@router.get("/transcripts/{transcript}", summary="Read a transcript")
async def read(
    transcript: Uuid,
    caller: Caller,
    core: TheCore,
    wait_s: Annotated[float, Query(ge=0, le=60, description="Answer when it is finished, or after that long.")] = 0,
) -> TranscriptAnswerBody:
    """With speakers, times, and the words on which two decodings disagree. Each reading is an entry in the log."""
    deadline = asyncio.get_running_loop().time() + wait_s
    while True:
        found = await asyncio.to_thread(_read, core, caller, transcript)
        left_s = deadline - asyncio.get_running_loop().time()
        if found.state in ("done", "failed") or left_s <= 0:
            return found
        await core.jobs.wait(min(left_s, 1.0))


def _read(core: Core, caller: Caller, transcript: str) -> TranscriptAnswerBody:
    with core.database.read() as connection:
        opened, row = open_transcript(core, connection, caller, transcript)
    if row.state != "done":
        return _answer(row, None)
    core.trail.append(opened.actor, Act("transcript.read", row.encounter_id, transcript))
    return _answer(row, unsealed(opened, row))

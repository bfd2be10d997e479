"""The WebSocket of a running visit: sound in, partial transcripts out.

The client sends `{"type":"start"}` (with `language`, if it is known), then frames of PCM (16 bit, little endian, mono,
16 kHz, at most 64 KiB each), then `{"type":"end"}`. It gets `started` (the recording), `partial` (stable and tentative
words), `preview_lost` when only the preview broke, `stopped` with a reason, and at the end `final` (recording and
transcript).
"""

import asyncio
import json
import logging
import re
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter, WebSocket
from sqlalchemy.exc import DBAPIError
from starlette.websockets import WebSocketDisconnect, WebSocketState

from appliance import problems
from appliance.gateway import refused
from appliance.gateway.api import Uuid
from appliance.gateway.auth.actions import Action
from appliance.gateway.auth.principal import Principal
from appliance.gateway.auth.refusal import AccessError
from appliance.gateway.capture import require_capture
from appliance.gateway.consent.refusal import ConsentError
from appliance.gateway.core import Core
from appliance.gateway.jobs import act_of
from appliance.gateway.live import (
    BROKEN,
    MAX_FRAME_BYTES,
    Hearing,
    LiveSession,
    Take,
    final_answer,
    hearing,
    stable_words,
)
from appliance.gateway.opening import Opened, open_encounter
from appliance.gateway.practice import vocabulary_terms
from appliance.gateway.recordings import RecordingWriter
from appliance.gateway.routes.caller import core_of, principal_of
from appliance.gateway.routes.recordings import begin, finish
from appliance.gateway.sources import keep_transcript
from appliance.gateway.speech import LIVE_MEDIA_TYPE
from appliance.gateway.store import captures
from appliance.gateway.store.captures import RecordingRow, TranscriptRow
from appliance.gateway.trail import APPLIANCE, Act
from appliance.gateway.vault import IntegrityError
from appliance.problems import ProblemError

log = logging.getLogger("appliance.gateway")
router = APIRouter(prefix="/v1/encounters/{encounter}", tags=["recordings"])
_LANGUAGE = re.compile(r"^[a-z]{2,3}$")
_FLUSH_S, _CHECK_S, _IDLE_S = 5.0, 15.0, 120.0
_POLICY, _ERROR, _DONE = 1008, 1011, 1000


def _refusal(error: Exception) -> ProblemError:
    if isinstance(error, ProblemError):
        return error
    if isinstance(error, AccessError | ConsentError):
        return ProblemError(error.status, error.code, "Not allowed", error.detail, hint=error.hint)
    if isinstance(error, IntegrityError):
        return ProblemError(500, "integrity", "Stored data is not what was stored", f"{error}. {error.hint}")
    return ProblemError(503, "store-unavailable", "The store is busy or gone", "try again", retry_after_s=2)


@router.websocket("/live")
async def live(websocket: WebSocket, encounter: Uuid) -> None:
    """See the module."""
    core = core_of(websocket)
    try:
        caller = principal_of(websocket)
        with core.drain.admitted("visits"):
            await _visit(core, websocket, caller, encounter)
    except (ProblemError, AccessError) as error:
        if websocket.application_state is not WebSocketState.CONNECTING:
            raise
        await _deny(websocket, encounter, error)


async def _deny(websocket: WebSocket, encounter: str, error: Exception) -> None:
    problem = await refused.record(websocket, error) or _refusal(error)
    await websocket.send_denial_response(problems.response(problem, encounter))


async def _visit(core: Core, websocket: WebSocket, caller: Principal, encounter: str) -> None:
    try:
        opened, terms = await asyncio.to_thread(_open, core, caller, encounter)
        session = core.live.open(encounter)
    except (ProblemError, AccessError, ConsentError, IntegrityError, DBAPIError) as error:
        await _deny(websocket, encounter, error)
        return
    try:
        await websocket.accept()
        await Visit(core, websocket, caller, opened, terms, session).run()
    except WebSocketDisconnect:
        pass
    finally:
        core.live.close(session)


def _open(core: Core, caller: Principal, encounter: str) -> tuple[Opened, tuple[str, ...]]:
    with core.database.read() as connection:
        opened = open_encounter(core, connection, caller, encounter, Action.UPLOAD_AUDIO)
        require_capture(core, connection, opened)
        terms = vocabulary_terms(connection)
    core.require_room()
    return opened, terms


class Visit:
    """One connection."""

    def __init__(
        self, core: Core, websocket: WebSocket, caller: Principal, opened: Opened, terms: tuple[str, ...],
        session: LiveSession,
    ) -> None:  # fmt: skip
        self.core, self.websocket, self.caller, self.opened = core, websocket, caller, opened
        self.terms, self.session, self.take = terms, session, Take()

    async def _say(self, kind: str, **more: Any) -> None:
        if self.websocket.client_state is WebSocketState.CONNECTED:
            with suppress(RuntimeError, WebSocketDisconnect):
                await self.websocket.send_text(json.dumps({"type": kind, **more}, separators=(",", ":")))

    async def _close(self, code: int, reason: str) -> None:
        with suppress(RuntimeError, WebSocketDisconnect):
            await self.websocket.close(code, reason)

    async def _refuse(self, error: Exception) -> None:
        problem = await refused.record(self.websocket, error) or _refusal(error)
        await self._say("stopped", reason=problem.code)
        await self._close(_POLICY, problem.code)

    async def run(self) -> None:
        """Take the visit to its end, whatever that is."""
        language = await self._start()
        if language is None:
            await self._close(_POLICY, "protocol")
            return
        try:
            row, writer = await asyncio.to_thread(begin, self.core, self.opened, LIVE_MEDIA_TYPE)
            await asyncio.to_thread(
                self.core.trail.append, self.opened.actor, Act("live.begun", self.opened.row.id, row.id)
            )
        except (ProblemError, ConsentError, DBAPIError) as error:
            await self._refuse(error)
            return
        await self._say("started", recording=row.id)
        try:
            ended = await self._hear(row, writer, language)
        except Exception as error:  # whatever it is, what was said is kept
            log.error("recording %s: %s", row.id, type(error).__name__)
            ended = "internal"
        if ended == "end":
            await self._whole(row, writer)
        else:
            try:
                await asyncio.to_thread(self._cut, row, writer, ended)
            except (ProblemError, DBAPIError, OSError) as error:
                # The file is as whole as it can be; the next start closes the recording.
                log.error("recording %s could not be closed: %s", row.id, type(error).__name__)
            await self._say("stopped", reason=ended)
            await self._close(_POLICY, ended)

    async def _start(self) -> str | None:
        """Return the language, empty when it is not known; None when the client does not follow the protocol."""
        try:
            async with asyncio.timeout(10):
                message = await self.websocket.receive()
            given = json.loads((message.get("text") or "")[:1000])
            language = given.get("language") or ""
            known = given.get("type") == "start" and set(given) <= {"type", "language"}
        except (TimeoutError, ValueError, AttributeError, RecursionError):
            return None
        return language if known and isinstance(language, str) and (not language or _LANGUAGE.match(language)) else None

    async def _hear(self, row: RecordingRow, writer: RecordingWriter, language: str) -> str:
        """Return how it ended: end, gone, or why it was stopped."""
        relay: asyncio.Task[None] | None = None
        try:
            async with hearing(self.core, language or None, self.terms) as ear:
                relay = asyncio.create_task(self._relay(ear))
                ended = await self._receive(writer, ear)
                if ended == "end" and self.take.heard and ear.give(None):
                    await self._await_final(relay)
                return ended
        except BROKEN:
            self.take.heard = False
            await self._say("preview_lost")
            return await self._receive(writer, None)
        finally:
            if relay is not None:
                relay.cancel()
                with suppress(asyncio.CancelledError, *BROKEN):
                    await relay

    async def _await_final(self, relay: asyncio.Task[None]) -> None:
        """Wait for the transcript of what was heard; whoever withdraws consent meanwhile need not."""
        stopped = asyncio.create_task(self.session.stopped.wait())
        limit_s = self.core.settings.transcription_timeout_s
        await asyncio.wait([relay, stopped], timeout=limit_s, return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()

    async def _relay(self, ear: Hearing) -> None:
        async for message in ear.messages():
            if message.get("type") == "partial":
                self.take.note(self.session, stable_words(message))
                await self._say("partial", stable=message.get("stable", []), tentative=message.get("tentative", []))
            elif message.get("type") == "final":
                if self.take.heard:  # else it lacks what was said after the preview was lost
                    self.take.answer = final_answer(message)
                return

    async def _receive(self, writer: RecordingWriter, ear: Hearing | None) -> str:
        loop = asyncio.get_running_loop()
        flushed = checked = loop.time()
        stopped = asyncio.create_task(self.session.stopped.wait())
        try:
            while True:
                message = await self._next(stopped)
                if isinstance(message, str):
                    return message
                pcm = message.get("bytes")
                if pcm is None:
                    if (message.get("text") or "")[:100].replace(" ", "") == '{"type":"end"}':
                        return "end"
                    return "protocol"
                if len(pcm) > MAX_FRAME_BYTES or len(pcm) % 2:
                    return "protocol"
                self.take.digest.update(pcm)
                self.take.bytes += len(pcm)
                if self.take.bytes > self.core.settings.max_recording_bytes:
                    return "too-long"
                try:
                    await asyncio.to_thread(writer.write, pcm)
                    if loop.time() - flushed > _FLUSH_S:
                        await asyncio.to_thread(writer.flush)
                        flushed = loop.time()
                except OSError:
                    return "disk-full"
                if loop.time() - checked > _CHECK_S:
                    checked = loop.time()
                    try:
                        self.core.tokens.check(self.caller)
                    except AccessError as error:
                        return error.code
                if ear is not None and self.take.heard and not ear.give(pcm):
                    self.take.heard = False
                    await self._say("preview_lost")
        finally:
            stopped.cancel()

    async def _next(self, stopped: asyncio.Task[Any]) -> dict[str, Any] | str:
        """Return the next message, or how the visit ended."""
        receiving = asyncio.ensure_future(self.websocket.receive())
        await asyncio.wait([receiving, stopped], timeout=_IDLE_S, return_when=asyncio.FIRST_COMPLETED)
        if self.session.stopped.is_set():
            receiving.cancel()
            return self.session.reason
        if not receiving.done():
            receiving.cancel()
            return "idle"
        message = dict(receiving.result())
        return "gone" if message["type"] == "websocket.disconnect" else message

    async def _whole(self, row: RecordingRow, writer: RecordingWriter) -> None:
        try:
            if not self.take.bytes:
                raise ProblemError(422, "no-audio", "The recording is empty", "no sound arrived")
            stored = await asyncio.to_thread(
                finish, self.core, self.opened, row, writer, self.take.digest.digest()
            )  # fmt: skip
            state = await asyncio.to_thread(self._transcript, stored)
        except (ProblemError, ConsentError, DBAPIError) as error:
            if isinstance(error, ProblemError) and error.code == "no-audio":
                await asyncio.to_thread(self._cut, row, writer, "no-audio")
            await self._refuse(error)
            return
        except OSError:
            await self._say("stopped", reason="disk-full")
            await self._close(_ERROR, "disk-full")
            return
        if state == "queued":
            self.core.jobs.wake()
        await self._say("final", recording=row.id, transcript=self.take.transcript, state=state)
        await self._close(_DONE, "done")

    def _transcript(self, recording: RecordingRow) -> str:
        """Store the transcript that was heard, or queue the recording for one; return its state."""
        key, found, now = self.opened.key, self.take.answer, datetime.now(UTC)
        row = TranscriptRow(
            id=self.take.transcript, encounter_id=self.opened.row.id, recording_id=recording.id, state="queued",
            created_at=now, created_by=self.caller.member_id,
        )  # fmt: skip
        since = self.core.readings.mark()
        with self.core.database.write() as connection:
            require_capture(self.core, connection, self.opened)
            captures.add_transcript(connection, row)
            if found is None:
                self.core.trail.append(self.opened.actor, Act("transcript.ordered", row.encounter_id, row.id))
                return "queued"
            committed = recording.commitment or ""
            index = self.core.trail.append(APPLIANCE, act_of(found, key, row.encounter_id, row.id, committed))
            sealed = key.seal(found.model_dump_json().encode(), f"transcript/{row.id}")
            captures.change_transcript(
                connection, row.id, state="done", sealed=sealed, finished_at=now, audit_index=index
            )  # fmt: skip
        keep_transcript(self.core, key, row, sealed, found, since)
        return "done"

    def _cut(self, row: RecordingRow, writer: RecordingWriter, why: str) -> None:
        """Keep what arrived, unless consent went or nothing arrived: then nothing of it stays."""
        try:
            writer.leave()
        except OSError:  # a full disk: the frames before are whole
            log.error("recording %s: its last seconds could not be written", row.id)
        with self.core.database.write() as connection:
            found = captures.recording(connection, row.id)
            gone = found is None or found.state == "deleted" or not self.take.bytes
            if gone:
                writer.discard()
            reason = why if why[:1].isalpha() else "unknown"
            self.core.trail.append(
                self.opened.actor,
                Act(
                    "recording.interrupted", row.encounter_id, row.id, outcome="interrupted", reason=reason,
                    numbers={"bytes": self.take.bytes},
                ),
            )  # fmt: skip
            state = "deleted" if gone else "interrupted"
            captures.change_recording(connection, row.id, state=state, bytes=0 if gone else writer.bytes)

"""A running visit: sound is sealed as it arrives and heard as it arrives; a withdrawal stops it at once.

The recording comes first. A preview that breaks costs the preview and no sound; the transcript is then made from the
recording. A client that vanishes leaves an interrupted recording with everything that had arrived.
"""

import asyncio
import hashlib
import json
import logging
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import websockets.asyncio.client as client
from pydantic import ValidationError
from websockets.exceptions import WebSocketException

from appliance.clinical.source import Passage, Source
from appliance.clinical.transcript_answer import TranscriptAnswer
from appliance.deid.kept import Findings
from appliance.gateway import recordings
from appliance.gateway.core import Core
from appliance.gateway.deid import LIVE
from appliance.gateway.readings import Reading
from appliance.gateway.speech import LIVE_MEDIA_TYPE
from appliance.gateway.store import captures
from appliance.gateway.trail import APPLIANCE, Act
from appliance.problems import ProblemError

log = logging.getLogger("appliance.gateway")
MAX_FRAME_BYTES = 64 * 1024
MAX_MESSAGE_BYTES = 32 * 1024 * 1024
_MAX_WORDS = 200_000
# Frames that wait for the transcription service: 16 MiB at most, minutes of sound at a browser's frame size.
_MAX_WAITING = 256
_CONNECT_S = 10.0
_CLOSE_S = 2.0
BROKEN = (OSError, TimeoutError, WebSocketException, ValueError)
"""What a preview can break with."""


@dataclass
class LiveSession:
    """One running visit. `reason` is why it was stopped from outside."""

    encounter: str
    loop: asyncio.AbstractEventLoop
    stopped: asyncio.Event = field(default_factory=asyncio.Event)
    reason: str = ""
    words: list[str] = field(default_factory=list)
    findings: Findings = field(default_factory=Findings)

    def stop(self, reason: str) -> None:
        """End it; called from any thread."""

        def end() -> None:
            self.reason = self.reason or reason
            self.stopped.set()

        self.loop.call_soon_threadsafe(end)


class LiveSessions:
    """All running visits, one for an encounter at most."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._sessions: dict[str, LiveSession] = {}

    def close_cut(self) -> None:
        """Close the recordings that an earlier process did not end: what arrived is kept, as interrupted."""
        with self._core.database.write() as connection:
            for row in captures.recordings(connection, state="receiving"):
                path = recordings.path_of(self._core.settings.state_dir, row.encounter_id, row.id)
                live = row.media_type == LIVE_MEDIA_TYPE and path.exists()
                self._core.trail.append(
                    APPLIANCE,
                    Act("recording.interrupted", row.encounter_id, row.id, outcome="interrupted", reason="restart"),
                )
                if not live:  # an upload that its sender was never told of
                    path.unlink(missing_ok=True)
                size = path.stat().st_size if live else 0
                captures.change_recording(
                    connection, row.id, state="interrupted" if live else "deleted", bytes=size
                )  # fmt: skip
            known = {row.id for row in captures.recordings(connection) if row.state != "deleted"}
        if count := recordings.remove_strays(self._core.settings.state_dir, known):
            log.info("recordings: %d files of deleted recordings removed", count)

    def open(self, encounter: str) -> LiveSession:
        """Begin one. Raises ProblemError 409 when there is one, 503 when there are too many."""
        if encounter in self._sessions:
            raise ProblemError(
                409, "already-live", "The visit is being recorded already", "end the other recording first"
            )
        if len(self._sessions) >= self._core.settings.max_live_sessions:
            raise ProblemError(503, "live-full", "Busy", "too many visits are being recorded", retry_after_s=30)
        session = self._sessions[encounter] = LiveSession(encounter, asyncio.get_running_loop())
        return session

    def close(self, session: LiveSession) -> None:
        """It ended."""
        self._sessions.pop(session.encounter, None)

    def stop(self, encounter: str, reason: str) -> None:
        """Stop the visit of an encounter if one is running; from any thread."""
        session = self._sessions.get(encounter)
        if session is not None:
            session.stop(reason)

    def reading(self, encounter: str) -> Reading:
        """Return what was heard so far and will not be taken back. Raises ProblemError 409.

        What was found in it is kept with the visit: the next look finds most of it known.
        """
        session = self._sessions.get(encounter)
        text = " ".join(session.words) if session else ""
        if not text:
            raise ProblemError(409, "not-live", "Nothing was heard yet", "there is no running visit, or no stable word")
        source = Source(id=LIVE, kind="transcript", text=text, passages=(Passage(start=0, end=len(text)),))
        return Reading(source, findings=session.findings if session else None)


class Hearing:
    """The transcription service's side of a running visit.

    It slows down whom it cannot keep up with. The recording must not wait for that, nor a withdrawal: sound is handed
    over through a bounded queue of its own.
    """

    def __init__(self, connection: client.ClientConnection) -> None:
        self._connection = connection
        self._waiting: asyncio.Queue[bytes | None] = asyncio.Queue(_MAX_WAITING)
        self._feeding = asyncio.create_task(self._feed())

    def give(self, pcm: bytes | None) -> bool:
        """Give it sound, None at the end. False: it is too far behind, or broken, and this preview is lost."""
        if self._feeding.done() or self._waiting.full():
            return False
        self._waiting.put_nowait(pcm)
        return True

    async def _feed(self) -> None:
        while (pcm := await self._waiting.get()) is not None:
            await self._connection.send(pcm)
        await self._connection.send('{"type":"end"}')

    async def stop(self) -> None:
        """End the feeding."""
        self._feeding.cancel()
        with suppress(asyncio.CancelledError, *BROKEN):
            await self._feeding

    async def messages(self) -> AsyncIterator[dict[str, Any]]:
        """Yield its messages until it closes."""
        async for message in self._connection:
            if isinstance(message, str) and isinstance(found := json.loads(message), dict):
                yield found


@asynccontextmanager
async def hearing(core: Core, language: str | None, terms: tuple[str, ...]) -> AsyncIterator[Hearing]:
    """Open a stream to the transcription service. Raises OSError, TimeoutError, WebSocketException."""
    connection = await client.unix_connect(
        str(core.settings.transcription_socket), uri="ws://transcription/v1/stream", open_timeout=_CONNECT_S,
        max_size=MAX_MESSAGE_BYTES, compression=None, ping_interval=None, close_timeout=_CLOSE_S,
    )  # fmt: skip
    try:
        start: dict[str, Any] = {"sample_rate_hz": 16_000, "channels": 1}
        if language:
            start["language"] = language
        if terms:
            start["vocabulary"] = list(terms)
        await connection.send(json.dumps(start, ensure_ascii=False))
        ear = Hearing(connection)
        try:
            yield ear
        finally:
            await ear.stop()
    finally:
        # A service that does not read takes no farewell either, and whoever withdrew consent does not wait for it.
        with suppress(*BROKEN):
            async with asyncio.timeout(_CLOSE_S):
                await connection.close()
        connection.transport.abort()


def stable_words(message: dict[str, Any]) -> list[str]:
    """Return the words of a partial message that will not be taken back."""
    found = message.get("stable")
    return [one["text"] for one in found if isinstance(one, dict) and isinstance(one.get("text"), str)] if found else []


def final_answer(message: dict[str, Any]) -> TranscriptAnswer | None:
    """Return the transcript of a final message; None when it is not understood."""
    body = {name: value for name, value in message.items() if name != "type"}
    with suppress(ValidationError):
        return TranscriptAnswer.model_validate_json(json.dumps(body.get("answer", body)))
    return None


@dataclass
class Take:
    """What one running visit has come to."""

    digest: Any = field(default_factory=hashlib.sha256)
    bytes: int = 0
    answer: TranscriptAnswer | None = None
    heard: bool = True
    """Whether the preview is whole."""
    begun_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    transcript: str = field(default_factory=lambda: str(uuid.uuid4()))

    def note(self, session: LiveSession, words: list[str]) -> None:
        """Take stable words, bounded."""
        if len(session.words) + len(words) <= _MAX_WORDS:
            session.words += words

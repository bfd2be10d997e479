"""The live route: a WebSocket that takes PCM, shows previews, and ends with the transcript of everything received."""

import asyncio
import json
import logging
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from appliance import problems
from appliance.clinical.transcript import Transcript
from appliance.clinical.transcript_answer import TranscriptAnswer
from appliance.problems import ProblemError
from appliance.transcription import vocabulary
from appliance.transcription.hearing import Wish
from appliance.transcription.live import MAX_WINDOW_S, Preview
from appliance.transcription.preview import hear_window
from appliance.transcription.service import Shared
from appliance.transcription.spool import Spool
from appliance.transcription.survey import Survey
from appliance.transcription.transcripts import transcribe, wish_of
from appliance.transcription.worker import Slot, StoppedError

log = logging.getLogger("appliance.transcription")

# Two seconds of sound; a browser sends a tenth of that.
MAX_FRAME_BYTES = 64 * 1024
_MAX_START_CHARACTERS = 32 * 1024
_BURST_S = 30.0
_MIN_INTERVAL_S = 1.0
# RFC 6455, 7.4.1: message too big, policy, server trouble, try again later.
_TOO_BIG, _POLICY, _TROUBLE, _LATER = 1009, 1008, 1011, 1013


class Start(BaseModel):
    """The first message."""

    model_config = ConfigDict(extra="forbid", strict=True)

    type: Literal["start"] = "start"
    language: str = ""
    vocabulary: list[Any] | None = None
    speakers: str = ""
    sample_rate_hz: Literal[16_000] = 16_000
    channels: Literal[1] = 1


def _refused(code: str, detail: str) -> ProblemError:
    return ProblemError(400, code, "The stream's protocol was not followed", detail)


def parse_start(text: str, languages: frozenset[str]) -> Wish:
    """Return what a start message wishes for. Raises ProblemError 400, which repeats nothing."""
    if len(text) > _MAX_START_CHARACTERS:
        raise _refused("bad-start", f"the start message has at most {_MAX_START_CHARACTERS} characters")
    try:
        start = Start.model_validate(json.loads(text))
    except (ValueError, RecursionError, ValidationError):
        raise _refused(
            "bad-start",
            "the first message is JSON with `sample_rate_hz` 16000, `channels` 1 and, if wanted, `language`, "
            "`vocabulary` and `speakers`",
        ) from None
    return wish_of(start.language.lower(), vocabulary.judge(start.vocabulary), start.speakers.lower(), languages)


class Streams:
    """The route, and how many use it."""

    def __init__(self, shared: Shared) -> None:
        self.shared = shared
        self.active = 0
        self._pool = ThreadPoolExecutor(shared.settings.max_streams, thread_name_prefix="preview")

    async def endpoint(self, websocket: WebSocket) -> None:
        """Serve one stream; every way it can end is a message, a close code and a line of numbers in the log."""
        request_id, started = str(uuid.uuid4()), time.monotonic()
        facts: dict[str, Any] = {}
        code, close = "ok", 1000
        await websocket.accept()
        if self.active >= self.shared.settings.max_streams:
            full = ProblemError(503, "streams-full", "Busy", f"{self.active} streams are open; try again later")
            await self._end(websocket, full, request_id, _LATER)
            return
        self.active += 1
        try:
            await _Stream(self, websocket, facts).run()
            self.shared.worker.done += 1
        except (WebSocketDisconnect, StoppedError):
            code, close = "gone", 0
        except ProblemError as problem:
            code = problem.code
            close = _TOO_BIG if problem.status == 413 else _TROUBLE if problem.status >= 500 else _POLICY
            self.shared.worker.failed += problem.status >= 500
            await self._end(websocket, problem, request_id, close)
        except Exception as error:
            # Only the class: a message of a library may quote what it was working on.
            self.shared.worker.failed += 1
            code, close = f"internal {type(error).__module__}.{type(error).__name__}", _TROUBLE
            failed = ProblemError(500, "internal", "Internal error", "the stream failed; its id is in the log")
            await self._end(websocket, failed, request_id, close)
        finally:
            self.active -= 1
            numbers = " ".join(f"{name}={value}" for name, value in facts.items())
            elapsed_s = time.monotonic() - started
            log.info("stream %s close=%d code=%s elapsed_s=%.2f %s", request_id, close, code, elapsed_s, numbers)
        if code == "ok":
            await self._close(websocket, close)

    async def _end(self, websocket: WebSocket, problem: ProblemError, request_id: str, close: int) -> None:
        message = {"type": "error", "problem": problems.document(problem, request_id)}
        with suppress(WebSocketDisconnect, RuntimeError, TimeoutError):
            async with asyncio.timeout(self.shared.settings.stream_idle_timeout_s):
                await websocket.send_text(json.dumps(message))
        await self._close(websocket, close)

    async def _close(self, websocket: WebSocket, close: int) -> None:
        if websocket.client_state is WebSocketState.CONNECTED:
            with suppress(WebSocketDisconnect, RuntimeError, TimeoutError):
                async with asyncio.timeout(self.shared.settings.stream_idle_timeout_s):
                    await websocket.close(close)

    async def in_thread(self, work: Callable[[], Any]) -> Any:
        """Run a preview's work outside of the event loop."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, work)

    def shut(self) -> None:
        """Take no more previews."""
        self._pool.shutdown(wait=False, cancel_futures=True)


class _Stream:
    """One stream."""

    def __init__(self, streams: Streams, websocket: WebSocket, facts: dict[str, Any]) -> None:
        self._streams, self._shared, self._websocket = streams, streams.shared, websocket
        self._facts = facts
        self._fresh, self._ended = asyncio.Event(), asyncio.Event()

    async def run(self) -> None:
        wish = parse_start(await self._first(), self._shared.engine.languages)
        with Spool(self._shared.settings.max_stream_s) as spool:
            previews = asyncio.create_task(self._previews(spool, wish))
            try:
                full = await self._receive(spool, previews)
            finally:
                # A hearing that has begun reads from the spool: it is waited for before that is closed.
                self._ended.set()
                self._fresh.set()
                await asyncio.wait([previews])
            self._facts.update(received_s=round(spool.duration_s, 1))
            previews.result()
            if not spool.size_bytes:
                raise ProblemError(422, "no-audio", "The recording is empty", "the stream ended without a sample")
            if full:
                await self._send({"type": "limit", "max_stream_s": self._shared.settings.max_stream_s})
            await self._final(spool, wish)

    async def _next(self) -> dict[str, Any]:
        """Return the next message; raises WebSocketDisconnect, or ProblemError when the client is silent too long."""
        limit_s = self._shared.settings.stream_idle_timeout_s
        try:
            async with asyncio.timeout(limit_s):
                message = dict(await self._websocket.receive())
        except TimeoutError:
            raise ProblemError(408, "idle", "The stream was idle", f"nothing came for {limit_s:g} s") from None
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(message.get("code", 1006))
        return message

    async def _first(self) -> str:
        message = await self._next()
        if not isinstance(text := message.get("text"), str):
            raise _refused("no-start", "the first message must be the start message, as text")
        return text

    async def _receive(self, spool: Spool, previews: "asyncio.Task[None]") -> bool:
        """Take sound until the end; return whether the stream reached its length limit."""
        began = time.monotonic()
        rate = self._shared.settings.stream_rate
        while True:
            message = await self._next()
            if previews.done():
                previews.result()
            text, data = message.get("text"), message.get("bytes")
            if text is not None:
                if len(text) > 1000 or _type_of(text) != "end":
                    raise _refused("bad-message", 'after the start come binary frames, then {"type": "end"}')
                return False
            if data is None or len(data) % 2:
                raise _refused("bad-frame", "a frame holds whole samples of 16 bit")
            if len(data) > MAX_FRAME_BYTES:
                raise ProblemError(413, "frame-too-large", "The frame is too large", f"at most {MAX_FRAME_BYTES} bytes")
            if not spool.append(data):
                return True
            self._fresh.set()
            # Not reading is what slows a sender down: its socket fills up, our memory does not.
            ahead_s = spool.duration_s - _BURST_S - (time.monotonic() - began) * rate
            if ahead_s > 0:
                await asyncio.sleep(ahead_s / rate)

    async def _previews(self, spool: Spool, wish: Wish) -> None:
        """Hear the window again as new sound comes; the slower the engine, the longer between two hearings."""
        preview, heard_s, interval_s, language = Preview(), 0.0, _MIN_INTERVAL_S, wish.language
        while not self._ended.is_set():
            behind = spool.duration_s > preview.start_s + MAX_WINDOW_S
            if not behind and spool.duration_s - heard_s < interval_s:
                self._fresh.clear()
                await self._fresh.wait()
                continue
            start_s, end_s = preview.start_s, min(spool.duration_s, preview.start_s + MAX_WINDOW_S)
            began = time.monotonic()
            work = partial(hear_window, spool, start_s, end_s, self._shared.engine, self._shared.turnstile, language)
            words, language = await self._streams.in_thread(work)
            heard_s = end_s
            interval_s = max(_MIN_INTERVAL_S, time.monotonic() - began)
            stable, tentative = preview.take(words, end_s, behind=behind)
            if not self._ended.is_set():
                shown = {"stable": [_word(word) for word in stable], "tentative": [_word(word) for word in tentative]}
                await self._send({"type": "partial", **shown, "heard_s": end_s, "received_s": spool.duration_s})

    async def _final(self, spool: Spool, wish: Wish) -> None:
        """Transcribe everything by the path of uploads. The place in the queue is this stream's already."""
        with self._shared.worker.admit(reserved=True) as slot:
            gone = asyncio.create_task(self._watch(slot))
            try:
                transcript: Transcript = await self._shared.worker.run(
                    slot,
                    lambda: transcribe(
                        spool.pieces, Survey(spool.duration_s), wish, self._shared.engine, self._shared.turnstile,
                        slot.check, facts=self._facts,
                    ),
                    timeout_s=self._shared.settings.transcript_timeout_s,
                )  # fmt: skip
            finally:
                slot.stop()
                gone.cancel()
                with suppress(asyncio.CancelledError, WebSocketDisconnect, RuntimeError):
                    await gone
                # The work reads from the spool up to its next step.
                await self._shared.worker.left(slot)
        answer = TranscriptAnswer(transcript=transcript, engine=self._shared.engine_facts(wish.vocabulary))
        await self._send({"type": "final", "answer": answer.model_dump(mode="json")})

    async def _watch(self, slot: Slot) -> None:
        """Stop the work when the client goes away; whatever else it sends now is not read for its content."""
        while (await self._websocket.receive())["type"] != "websocket.disconnect":
            pass
        slot.stop()

    async def _send(self, message: dict[str, Any]) -> None:
        """Send within the idle limit: a client that does not read holds no stream for ever."""
        limit_s = self._shared.settings.stream_idle_timeout_s
        try:
            async with asyncio.timeout(limit_s):
                await self._websocket.send_text(json.dumps(message, ensure_ascii=False))
        except TimeoutError:
            raise WebSocketDisconnect(1006) from None
        except RuntimeError:  # it was closed while we worked
            raise WebSocketDisconnect(1006) from None


def _type_of(text: str) -> object:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found.get("type") if isinstance(found, dict) else None


def _word(word: Any) -> dict[str, Any]:
    times = {"start_s": round(word.start_s, 3), "end_s": round(word.end_s, 3)}
    return {"text": word.text, **times, "confidence": round(word.confidence, 3)}

"""The HTTP service: its routes, and one line of log per request without anything that was said."""

import asyncio
import importlib.metadata
import logging
import time
import uuid
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any, TypeVar

from starlette.applications import Starlette
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, WebSocketRoute

from appliance import problems
from appliance.clinical.transcript import Transcript as ClinicalTranscript
from appliance.clinical.transcript_answer import TranscriptAnswer
from appliance.contract.transcription_health import TranscriptionHealth
from appliance.measures import Window
from appliance.problems import ProblemError
from appliance.transcription import media, transcripts
from appliance.transcription.engine import Engine
from appliance.transcription.form import Asked, judge, read_form
from appliance.transcription.formats import render
from appliance.transcription.service import Shared
from appliance.transcription.settings import Settings
from appliance.transcription.stream import Streams
from appliance.transcription.transcript import Transcript
from appliance.transcription.worker import Slot, StoppedError, Worker
from appliance.weights import Weights, root_hash

log = logging.getLogger("appliance.transcription")
T = TypeVar("T")
_ENGINE_VERSION = importlib.metadata.version("faster-whisper")
_NO_STORE = {"cache-control": "no-store"}


class Service:
    """The routes and what they share."""

    def __init__(self, settings: Settings, weights: Weights, engine: Engine) -> None:
        self.settings, self.weights, self.engine = settings, weights, engine
        self.worker = Worker(settings.queue_limit)
        self.shared = Shared(settings, engine, self.worker, weights.name, lambda: root_hash(self.weights.directory)[0])
        self.streams = Streams(self.shared)
        self.requests = Window()

    def app(self) -> Starlette:
        """Return the ASGI application."""

        @asynccontextmanager
        async def lifespan(_: Starlette) -> Any:
            yield
            self.streams.shut()
            self.worker.close()

        return Starlette(
            routes=[
                Route("/v1/audio/transcriptions", self._reporting(self._transcriptions), methods=["POST"]),
                Route("/v1/transcripts", self._reporting(self._transcripts), methods=["POST"]),
                WebSocketRoute("/v1/stream", self.streams.endpoint),
                Route("/v1/models", self._models, methods=["GET"]),
                Route("/health", self._health, methods=["GET"]),
            ],
            exception_handlers={404: _http_problem, 405: _http_problem},
            lifespan=lifespan,
        )

    async def _health(self, request: Request) -> Response:
        # Read anew each time: it is the mounted device that counts, not what was there at start.
        found, source = root_hash(self.weights.directory)
        health = TranscriptionHealth(
            status="ok", model=self.weights.name, root_hash=found, root_hash_source=source,
            queue_length=self.worker.inside, queue_limit=self.worker.limit, requests_done=self.worker.done,
            requests_refused=self.worker.refused, requests_failed=self.worker.failed,
            engine_version=_ENGINE_VERSION, live_streams=self.streams.active, live_limit=self.settings.max_streams,
            latency=self.requests.latency(),
        )  # fmt: skip
        return Response(health.model_dump_json(), headers=_NO_STORE, media_type="application/json")

    async def _models(self, request: Request) -> Response:
        entry = {"id": self.weights.name, "object": "model", "created": 0, "owned_by": "local"}
        return JSONResponse({"object": "list", "data": [entry]}, headers=_NO_STORE)

    def _reporting(
        self, handle: Callable[[Request, dict[str, Any]], Awaitable[Response]]
    ) -> Callable[[Request], Awaitable[Response]]:
        """Turn every failure into a problem document, and log numbers only."""

        async def endpoint(request: Request) -> Response:
            request_id, started = str(uuid.uuid4()), time.monotonic()
            facts: dict[str, Any] = {}
            try:
                response = await handle(request, facts)
                self.worker.done += 1
                self.requests.ended(time.monotonic() - started)
                response.headers["x-request-id"] = request_id
                code = "ok"
            except ProblemError as problem:
                response, code = problems.response(problem, request_id), problem.code
                if problem.status >= 500 and problem.code != "queue-full":
                    self.worker.failed += 1
                    self.requests.ended(time.monotonic() - started, failed=True)
            except Exception as error:
                # Only the class: a message or a traceback of a library may quote what it was working on.
                self.worker.failed += 1
                self.requests.ended(time.monotonic() - started, failed=True)
                code = f"internal {type(error).__module__}.{type(error).__name__}"
                response = problems.response(
                    ProblemError(500, "internal", "Internal error", "the request failed; its id is in the log"),
                    request_id,
                )
            numbers = " ".join(f"{name}={value}" for name, value in facts.items())
            elapsed_s = time.monotonic() - started
            log.info(
                "request %s status=%d code=%s elapsed_s=%.2f %s",
                request_id,
                response.status_code,
                code,
                elapsed_s,
                numbers,
            )
            return response

        return endpoint

    async def _transcriptions(self, request: Request, facts: dict[str, Any]) -> Response:
        limits = self.settings
        with self.worker.admit() as slot:
            form = await read_form(request, max_upload_bytes=limits.max_upload_bytes, timeout_s=limits.upload_timeout_s)
            for _, value in form.multi_items():
                if isinstance(value, UploadFile):
                    slot.at_end(value.file.close)
            asked = judge(
                form,
                model=self.weights.name,
                languages=self.engine.languages,
                max_upload_bytes=limits.max_upload_bytes,
            )
            facts.update(upload_bytes=asked.size_bytes, format=asked.response_format)
            transcript = await self._unless_gone(
                request, slot, lambda: self._plain(slot, asked, facts), limits.request_timeout_s
            )
        body, media_type = render(transcript, asked.response_format, asked.granularities)
        return Response(body, headers=dict(_NO_STORE), media_type=media_type)

    def _plain(self, slot: Slot, asked: Asked, facts: dict[str, Any]) -> Transcript:
        recording = media.decode(asked.file, max_audio_s=self.settings.max_audio_s, stop=slot.check)
        facts.update(
            container=recording.container.split(",")[0], codec=recording.codec, audio_s=round(recording.duration_s, 1)
        )
        transcript = self.engine.transcribe(recording, asked.options, slot.check)
        facts.update(
            speech_s=round(transcript.speech_s, 1),
            segments=len(transcript.segments),
            unclear=len(transcript.unclear),
        )
        return transcript

    async def _transcripts(self, request: Request, facts: dict[str, Any]) -> Response:
        limits = self.settings
        with self.worker.admit() as slot:
            limit_bytes = limits.max_transcript_upload_bytes
            form = await read_form(request, max_upload_bytes=limit_bytes, timeout_s=limits.upload_timeout_s)
            for _, value in form.multi_items():
                if isinstance(value, UploadFile):
                    slot.at_end(value.file.close)
            asked = transcripts.judge(form, languages=self.engine.languages, max_upload_bytes=limit_bytes)
            facts.update(upload_bytes=asked.size_bytes)

            def work() -> ClinicalTranscript:
                return transcripts.transcribe_file(
                    asked.file, asked.wish, self.engine, self.shared.turnstile, slot.check,
                    max_audio_s=limits.max_transcript_audio_s, facts=facts,
                )  # fmt: skip

            transcript = await self._unless_gone(request, slot, work, limits.transcript_timeout_s)
        answer = TranscriptAnswer(transcript=transcript, engine=self.shared.engine_facts(asked.wish.vocabulary))
        return Response(answer.model_dump_json(), headers=dict(_NO_STORE), media_type="application/json")

    async def _unless_gone(self, request: Request, slot: Slot, work: Callable[[], T], timeout_s: float) -> T:
        """Do the work, and stop it when its client goes away."""

        async def gone() -> None:
            while (await request.receive())["type"] != "http.disconnect":
                pass
            slot.stop()

        watch = asyncio.create_task(gone())
        try:
            return await self.worker.run(slot, work, timeout_s=timeout_s)
        except StoppedError:
            raise ProblemError(499, "gone", "The client went away", "the work was stopped") from None
        finally:
            watch.cancel()
            with suppress(asyncio.CancelledError):
                await watch


async def _http_problem(request: Request, error: Exception) -> Response:
    status = getattr(error, "status_code", 404)
    title = "No such route" if status == 404 else "Method not allowed"
    problem = ProblemError(status, "not-found" if status == 404 else "method", title, "see /v1/models")
    return problems.response(problem, str(uuid.uuid4()))

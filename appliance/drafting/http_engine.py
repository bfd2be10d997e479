"""The client of an OpenAI-compatible engine (vLLM, llama.cpp) on a unix socket. It retries nothing by itself."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager, aclosing
from typing import Any, Self

from appliance.drafting.bounded_json import JsonRefusedError, parse
from appliance.drafting.connection import Answer, BrokenOffError, UnreachableError, post
from appliance.drafting.engine import Chunk, End, Request
from appliance.drafting.errors import (
    ContextError,
    DraftError,
    EngineFailedError,
    EngineTimeoutError,
    EngineUnavailableError,
    OutputError,
)  # fmt: skip
from appliance.drafting.settings import ModelIdentity, Settings
from appliance.drafting.sse import MAX_LINE_BYTES, data_lines

_JOURNAL = "look at the engine's own journal; the draft can be asked for again"
_START = "see whether appliance-drafting.service runs and its model is loaded"
_MAX_DEPTH = 30
# /tokenize answers with the tokens themselves: about 8 bytes for each of a block.
_MAX_TOKENIZE_BYTES = 4 * 1024 * 1024
# What a 400 says when prompt and answer exceed the context: llama.cpp by its type, vLLM by the parameter that it names.
_CONTEXT_TYPES = frozenset({"exceed_context_size_error"})
_CONTEXT_PARAMS = frozenset({"input_tokens", "input_text", "max_tokens", "max_completion_tokens"})


class HttpEngine:
    """Use as an async context manager, one for the life of the gateway: it knows how the engine counts tokens."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._counts: str | None = "unknown"

    @property
    def identity(self) -> ModelIdentity:
        """Which weights answer, as the release says."""
        return self._settings.model

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        """Nothing is kept open: each request has its own connection."""

    async def count_tokens(self, text: str) -> int | None:
        """Ask /tokenize, in vLLM's words and then in llama.cpp's; None when the engine has neither."""
        if self._counts in ("unknown", "vllm"):
            answer = await self._tokenize(
                {"model": self._settings.model.served_as, "prompt": text, "add_special_tokens": False}
            )
            number = answer.get("count")
            if isinstance(number, int) and not isinstance(number, bool) and number >= 0:
                self._counts = "vllm"
                return number
        if self._counts in ("unknown", "llama"):
            # Special tokens are not parsed: the text is data, and is sent to the engine as data.
            answer = await self._tokenize({"content": text, "add_special": False, "parse_special": False})
            tokens = answer.get("tokens")
            if isinstance(tokens, list) and (tokens or not text):
                self._counts = "llama"
                return len(tokens)
        if self._counts == "unknown":
            self._counts = None
        return None

    async def _tokenize(self, body: dict[str, Any]) -> dict[str, Any]:
        """Return the answer, {} when the engine does not know the question."""
        try:
            async with asyncio.timeout(self._settings.stall_timeout_s):
                async with self._post("/tokenize", body) as response:
                    if response.status >= 500 and response.status != 501:
                        raise _failed(response.status)
                    if response.status != 200:
                        return {}
                    answer = parse(
                        await _bounded(response, _MAX_TOKENIZE_BYTES),
                        max_bytes=_MAX_TOKENIZE_BYTES,
                        max_depth=_MAX_DEPTH,
                    )
        except TimeoutError:
            raise _late("count tokens", self._settings.stall_timeout_s) from None
        except (UnreachableError, BrokenOffError) as error:
            raise _transport(error) from None
        except JsonRefusedError:
            return {}
        return answer if isinstance(answer, dict) else {}

    async def stream(self, request: Request) -> AsyncGenerator[Chunk | End, None]:
        """See Engine. Leaving the iterator closes the connection, and with it the engine's work."""
        settings = self._settings
        deadline = asyncio.get_running_loop().time() + settings.total_timeout_s
        async with aclosing(self._events(request)) as events:
            wait_s = settings.first_token_timeout_s
            while True:
                left_s = deadline - asyncio.get_running_loop().time()
                limit_s = max(0.0, min(wait_s, left_s))
                try:
                    async with asyncio.timeout(limit_s):
                        event = await anext(events, None)
                except TimeoutError:
                    what = (
                        "end" if left_s <= wait_s else "begin" if wait_s is settings.first_token_timeout_s else "go on"
                    )
                    raise _late(what, settings.total_timeout_s if what == "end" else wait_s) from None
                except (UnreachableError, BrokenOffError) as error:
                    raise _transport(error) from None
                if event is None:
                    raise EngineFailedError(
                        "the engine's answer broke off in the middle", hint=_JOURNAL, code="engine_interrupted"
                    )
                yield event
                if isinstance(event, End):
                    return
                wait_s = settings.stall_timeout_s

    async def _events(self, request: Request) -> AsyncGenerator[Chunk | End, None]:
        async with self._post("/v1/chat/completions", self._body(request)) as response:
            if response.status != 200:
                raise await _refusal(response)
            if not response.headers.get("content-type", "").startswith("text/event-stream"):
                raise EngineFailedError("the engine's answer is no event stream", hint=_JOURNAL, code="engine_garbage")
            so_far = _SoFar()
            async with aclosing(data_lines(response.blocks(), max_bytes=self._settings.max_stream_bytes)) as found:
                async for lines in found:
                    # What arrived together goes on together: the more there is to do, the less each token costs.
                    if text := so_far.take(lines):
                        yield Chunk(text)
                    if so_far.done:
                        break
            # Without a reason the answer may lack its end, whatever the connection says.
            if so_far.reason is not None:
                yield _end(so_far.reason, so_far.usage)

    def _post(self, path: str, body: dict[str, Any]) -> AbstractAsyncContextManager[Answer]:
        data = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
        return post(self._settings.socket, path, data, connect_timeout_s=self._settings.connect_timeout_s)

    def _body(self, request: Request) -> dict[str, Any]:
        return {
            "model": self._settings.model.served_as,
            "messages": [{"role": message.role, "content": message.content} for message in request.messages],
            "stream": True,
            "stream_options": {"include_usage": True},
            "max_tokens": request.max_output_tokens,
            "temperature": request.temperature,
            "seed": request.seed,
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": "document", "strict": True, "schema": dict(request.schema)},
            },
        }


class _SoFar:
    """What an answer has said beside its text."""

    def __init__(self) -> None:
        self.reason: str | None = None
        self.usage: dict[str, Any] = {}
        self.done = False

    def take(self, lines: list[str]) -> str:
        """Return the text of some events. Raises EngineFailedError, OutputError."""
        text = ""
        for line in lines:
            if line == "[DONE]":
                self.done = True
                break
            event = _event(line)
            if isinstance(event.get("usage"), dict):
                self.usage = event["usage"]
            for choice in _choices(event):
                text += _text(choice)
                if isinstance(choice.get("finish_reason"), str):
                    self.reason = choice["finish_reason"]
        return text


async def _bounded(response: Answer, limit: int) -> bytes:
    """Read a body; what lies beyond the limit is not read, and the result then is no JSON."""
    body = b""
    async for piece in response.blocks():
        body += piece
        if len(body) > limit:
            break
    return body


def _event(line: str) -> dict[str, Any]:
    try:
        event = parse(line, max_bytes=MAX_LINE_BYTES, max_depth=_MAX_DEPTH)
    except JsonRefusedError:
        event = None
    if not isinstance(event, dict):
        raise EngineFailedError("the engine sent an event that is no JSON object", hint=_JOURNAL, code="engine_garbage")
    if "error" in event:
        raise EngineFailedError("the engine reported a failure in the middle of its answer", hint=_JOURNAL)
    return event


def _choices(event: dict[str, Any]) -> list[dict[str, Any]]:
    choices = event.get("choices", [])
    if not isinstance(choices, list) or not all(isinstance(choice, dict) for choice in choices) or len(choices) > 1:
        raise EngineFailedError("the engine sent an event of another form", hint=_JOURNAL, code="engine_garbage")
    return choices


def _text(choice: dict[str, Any]) -> str:
    delta = choice.get("delta") or {}
    if not isinstance(delta, dict):
        raise EngineFailedError("the engine sent an event of another form", hint=_JOURNAL, code="engine_garbage")
    if delta.get("tool_calls") or delta.get("function_call") or delta.get("refusal"):
        raise OutputError(
            "the engine called a tool or refused in place of an answer", hint="no tool is offered: see the sources",
            code="output_tool_call",
        )  # fmt: skip
    text = delta.get("content")
    if text is not None and not isinstance(text, str):
        raise EngineFailedError("the engine sent an event of another form", hint=_JOURNAL, code="engine_garbage")
    return text or ""


def _end(reason: str, usage: dict[str, Any]) -> End:
    def number(value: Any) -> int | None:
        return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None

    details = usage.get("prompt_tokens_details")
    cached = details.get("cached_tokens") if isinstance(details, dict) else None
    return End(reason[:40], number(usage.get("prompt_tokens")), number(cached), number(usage.get("completion_tokens")))


async def _refusal(response: Answer) -> DraftError:
    status = response.status
    if status >= 500:
        return _failed(status)
    try:
        body = parse(await _bounded(response, 64 * 1024), max_bytes=64 * 1024, max_depth=_MAX_DEPTH)
    except JsonRefusedError:
        body = {}
    error = body.get("error", body) if isinstance(body, dict) else {}
    if isinstance(error, dict) and (error.get("type") in _CONTEXT_TYPES or error.get("param") in _CONTEXT_PARAMS):
        return ContextError(
            "prompt and answer do not fit into the engine's context",
            hint="set context_tokens to what the engine serves, or ask for a shorter answer",
        )
    # Its words stay out: they may quote the prompt.
    return EngineFailedError(
        f"the engine refused the request with status {status}", hint=_JOURNAL, code="engine_refused", status=status
    )


def _failed(status: int) -> EngineFailedError:
    # 503: its queue is full or its model is still being loaded; whoever asked may ask again later.
    code = "engine_busy" if status == 503 else None
    return EngineFailedError(f"the engine answered with status {status}", hint=_START, code=code, status=status)


def _late(what: str, limit_s: float) -> EngineTimeoutError:
    return EngineTimeoutError(f"the engine did not {what} within {limit_s:g} s", hint=_JOURNAL)


def _transport(error: UnreachableError | BrokenOffError) -> DraftError:
    if isinstance(error, UnreachableError):
        return EngineUnavailableError("no engine answers on its socket", hint=_START)
    return EngineFailedError("the connection to the engine broke off", hint=_JOURNAL, code="engine_interrupted")

"""Around every request: an id, a bound on the body, and one line of log with numbers only."""

import logging
import re
import time
import uuid
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from starlette.exceptions import HTTPException

from appliance import problems
from appliance.problems import ProblemError

log = logging.getLogger("appliance.gateway")

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

# A method is a word of the client; only these are written to the log.
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
# These read their body as a stream and bound it themselves.
_STREAMED = re.compile(r"^/v1/encounters/[^/]+/(recordings|records)$")


def too_large(limit: int) -> ProblemError:
    """Return the problem of a body over its bound."""
    return ProblemError(413, "too-large", "Too large", f"at most {limit} bytes are accepted here", max_bytes=limit)


class _TooLargeError(HTTPException):
    """The body went over its bound while it was read. The framework passes on no other class from there."""

    def __init__(self, limit: int) -> None:
        super().__init__(413, f"at most {limit} bytes are accepted here")


class Outer:
    """The outermost layer. Written against ASGI itself: a wrapper per request would cost more than the request."""

    def __init__(self, app: App, max_body_bytes: int) -> None:
        self._app, self._max_body = app, max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id, started = str(uuid.uuid4()), time.monotonic()
        scope.setdefault("state", {})["request_id"] = request_id
        bounded = not _STREAMED.match(scope["path"])
        status, begun, read = 0, False, 0

        async def counted() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if bounded and read > self._max_body:
                raise _TooLargeError(self._max_body)
            return message

        async def marked(message: Message) -> None:
            nonlocal status, begun
            if message["type"] == "http.response.start":
                status, begun = message["status"], True
                mine = (
                    (b"x-request-id", request_id.encode()), (b"cache-control", b"no-store"),
                    (b"x-content-type-options", b"nosniff"),
                )  # fmt: skip
                given = {name.lower() for name, _ in message.get("headers", ())}
                message["headers"] = [*message.get("headers", ()), *(one for one in mine if one[0] not in given)]
            await send(message)

        code = ""
        try:
            try:
                declared = _content_length(scope)
                if bounded and declared is not None and declared > self._max_body:
                    raise _TooLargeError(self._max_body)
                await self._app(scope, counted, marked)
            except _TooLargeError:
                code = "too-large"
                if not begun:
                    await problems.response(too_large(self._max_body), request_id)(scope, receive, marked)
        except Exception as error:
            # Only the class: the message of a library may quote what it was working on.
            code = f"internal {type(error).__module__}.{type(error).__name__}"
            if not begun:
                problem = ProblemError(500, "internal", "Internal error", "the request failed; its id is in the log")
                await problems.response(problem, request_id)(scope, receive, marked)
        route = getattr(scope.get("route"), "path", "-")
        elapsed_ms = 1000 * (time.monotonic() - started)
        log.info(
            "request %s method=%s route=%s status=%d elapsed_ms=%.1f %s",
            request_id, scope["method"] if scope["method"] in _METHODS else "-", route, status, elapsed_ms,
            code or scope["state"].get("refused", ""),
        )  # fmt: skip


def _content_length(scope: Scope) -> int | None:
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit():
            return int(value[:18])
    return None

"""Reads one HTTP/1.1 request with a bound on each part of it, and refuses the rest before it is read."""

import asyncio
from dataclasses import dataclass

import httptools

from appliance.engine.problems import GoneError, ProblemError, invalid

ROUTES = {"/v1/chat/completions": b"POST", "/tokenize": b"POST", "/v1/models": b"GET", "/health": b"GET"}
_HEAD_BYTES = 16 * 1024
_BLOCK_BYTES = 64 * 1024


@dataclass(frozen=True)
class Request:
    """What is left of a request once it was read: the other headers have no meaning here and go nowhere."""

    path: str
    body: bytes


class _Sink:
    """What the parser calls. An exception that it raises comes out of the parser wrapped, so problems are kept."""

    def __init__(self, max_body_bytes: int) -> None:
        self.max_body_bytes = max_body_bytes
        self.url = b""
        self.blocks: list[bytes] = []
        self.body_bytes = 0
        self.headers: dict[bytes, bytes] = {}
        self.head_done = self.complete = self.expects = False
        self.problem: ProblemError | None = None

    def on_message_begin(self) -> None:
        if self.complete:
            self.problem = invalid("one request a connection is taken; nothing may follow it")

    def on_url(self, url: bytes) -> None:
        self.url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers[name.lower()] = value

    def on_headers_complete(self) -> None:
        self.head_done = True
        self.expects = self.headers.get(b"expect", b"").lower() == b"100-continue"
        length = self.headers.get(b"content-length", b"0")
        if length.isdigit() and int(length) > self.max_body_bytes:
            self._too_large()

    def on_body(self, block: bytes) -> None:
        self.body_bytes += len(block)
        if self.body_bytes > self.max_body_bytes:
            self._too_large()
        elif not self.complete:
            self.blocks.append(block)

    def on_message_complete(self) -> None:
        self.complete = True

    def _too_large(self) -> None:
        self.problem = ProblemError(
            413, "too-large", "The body is too large", f"at most {self.max_body_bytes} bytes are taken"
        )


def _judge(method: bytes, url: bytes) -> str:
    path = url.decode("latin-1")
    if path not in ROUTES:
        raise ProblemError(404, "not-found", "No such route", f"served are {', '.join(sorted(ROUTES))}")
    if method != ROUTES[path]:
        raise ProblemError(405, "method", "Method not allowed", f"{path} takes {ROUTES[path].decode()}")
    return path


async def read_request(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, max_body_bytes: int, timeout_s: float
) -> Request:
    """Return the request. Raises ProblemError for one that is refused, GoneError when its client left."""
    try:
        async with asyncio.timeout(timeout_s):
            return await _read(reader, writer, _Sink(max_body_bytes))
    except TimeoutError:
        detail = f"the request was not whole after {timeout_s:g} s"
        raise ProblemError(408, "too-slow", "Too slow", detail) from None


async def _read(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, sink: _Sink) -> Request:
    parser = httptools.HttpRequestParser(sink)
    path, head_bytes, invited = None, 0, False
    while not sink.complete:
        data = await reader.read(_BLOCK_BYTES)
        if not data:
            raise GoneError
        try:
            parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            raise invalid("this is not an HTTP/1.1 request as this service takes it") from None
        head_bytes += 0 if sink.head_done else len(data)
        if head_bytes > _HEAD_BYTES or len(sink.url) > _HEAD_BYTES:
            raise ProblemError(431, "head-too-large", "The head is too large", f"at most {_HEAD_BYTES} bytes are taken")
        if sink.problem:
            raise sink.problem
        if sink.head_done and path is None:
            path = _judge(parser.get_method(), sink.url)
        if sink.expects and not sink.complete and not invited:
            writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            invited = True
    if path is None:  # not reached: a message is complete only after its head
        raise invalid("the request has no head")
    return Request(path, b"".join(sink.blocks))

"""Speaks to the engine's own socket: short questions whole, and the answer of a chat as it comes."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httptools

from appliance.engine.problems import engine_failed
from appliance.http_answer import Heard

_BLOCK_BYTES = 64 * 1024
_HEAD_BYTES = 64 * 1024
_ENDED = "the engine ended or broke off before its answer was whole"


@dataclass(frozen=True)
class Answer:
    """A whole answer."""

    status: int
    body: bytes

    def json(self) -> Any:
        """Return the body as JSON; anything else is an engine's failure."""
        try:
            return json.loads(self.body)
        except ValueError:
            raise engine_failed("the engine did not answer with JSON") from None


class Stream(Heard):
    """An answer in the making. `head` first; then `blocks` gives its body as framed by the engine, untouched."""

    def __init__(self, reader: asyncio.StreamReader) -> None:
        super().__init__()
        self._reader = reader
        self._rest = b""

    async def _more(self) -> bytes:
        try:
            data = await self._reader.read(_BLOCK_BYTES)
            if data:
                self.feed(data)
        except (OSError, httptools.HttpParserError, httptools.HttpParserUpgrade):
            data = b""
        if not data:
            raise engine_failed(_ENDED)
        return data

    async def head(self, *, keep_body: bool = False) -> None:
        """Read status and headers. With `keep_body`, `whole` may follow. Raises ProblemError 502."""
        data = b""
        while not self.head_done:
            data += await self._more()
            if len(data) > _HEAD_BYTES and not self.head_done:
                raise engine_failed("the engine's answer has no end of its head")
        self._rest = data.partition(b"\r\n\r\n")[2]
        if self.status < 400 and not keep_body:
            self.body, self.keeps_body = [], False

    async def blocks(self) -> AsyncIterator[bytes]:
        """Give the body's bytes until it is whole. Raises ProblemError 502 when it breaks off."""
        if self._rest:
            yield self._rest
        while not self.complete:
            yield await self._more()

    async def whole(self, limit: int) -> Answer:
        """Return the answer; at most `limit` bytes of it are read."""
        while not self.complete and sum(map(len, self.body)) <= limit:
            await self._more()
        if not self.complete:
            raise engine_failed(f"the engine's answer has more than {limit} bytes")
        return Answer(self.status, b"".join(self.body))


class Backend:
    """The engine behind `socket`. One connection a request: its end is the answer's end, whatever happens."""

    def __init__(self, socket: Path) -> None:
        self._socket = str(socket)

    @asynccontextmanager
    async def stream(self, method: str, path: str, body: bytes = b"") -> AsyncIterator[Stream]:
        """Send a request. Leaving the context closes the connection, which tells the engine to stop."""
        try:
            reader, writer = await asyncio.open_unix_connection(self._socket)
        except OSError:
            raise engine_failed("the engine does not listen") from None
        try:
            lines = f"{method} {path} HTTP/1.1\r\nhost: engine\r\nconnection: close\r\n"
            lines += f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
            writer.write(lines.encode("latin-1") + body)
            yield Stream(reader)
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    async def ask(
        self, method: str, path: str, body: object = None, *, timeout_s: float, limit: int = 64 << 20
    ) -> Answer:
        """Return the whole answer. Raises ProblemError 502 when there is none in time."""
        data = b"" if body is None else json.dumps(body).encode()
        try:
            async with asyncio.timeout(timeout_s), self.stream(method, path, data) as stream:
                await stream.head(keep_body=True)
                return await stream.whole(limit)
        except TimeoutError:
            raise engine_failed(f"the engine did not answer within {timeout_s:g} s") from None

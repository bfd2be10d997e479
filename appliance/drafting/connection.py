"""One request to the engine on its unix socket, and its answer as it comes. A connection serves one request.

A general HTTP client spends more on each token than all that is done with the token here.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import httptools

from appliance.http_answer import Heard

_BLOCK_BYTES = 64 * 1024
_MAX_HEAD_BYTES = 64 * 1024


class UnreachableError(Exception):
    """Nobody listens on the socket, or nobody took the connection in time."""


class BrokenOffError(Exception):
    """The connection ended before the answer was whole, or what came is no HTTP."""


class Answer(Heard):
    """An answer in the making: status and headers, and the body while it arrives."""

    def __init__(self, reader: asyncio.StreamReader) -> None:
        super().__init__()
        self._reader = reader

    async def _more(self) -> bool:
        """Read what is there, or wait for it; False at the end of the connection."""
        try:
            data = await self._reader.read(_BLOCK_BYTES)
            if data:
                self.feed(data)
        except (OSError, httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            raise BrokenOffError(type(error).__name__) from None
        return bool(data)

    async def head(self) -> None:
        """Read status and headers. Raises BrokenOffError."""
        read = 0
        while not self.head_done:
            read += 1
            # Whoever sends a head in so many pieces, or one of that size, sends none.
            if read * _BLOCK_BYTES > 16 * _MAX_HEAD_BYTES or not await self._more():
                raise BrokenOffError("no head")

    async def blocks(self) -> AsyncIterator[bytes]:
        """Yield the body, decoded from its framing. Raises BrokenOffError when it ends before its end."""
        while True:
            taken, self.body = self.body, []
            if taken:
                yield b"".join(taken)  # one a token would cost more than what is done with it
            if self.complete:
                return
            if not await self._more():
                # Without a length, the end of the connection is the end of the body.
                if "content-length" in self.headers or "transfer-encoding" in self.headers:
                    raise BrokenOffError("the body is not whole")
                return


@asynccontextmanager
async def post(socket: str, path: str, body: bytes, *, connect_timeout_s: float) -> AsyncIterator[Answer]:
    """Send JSON and give the answer, its head read. Leaving the context closes the connection, and ends the work.

    Raises UnreachableError, BrokenOffError.
    """
    try:
        async with asyncio.timeout(connect_timeout_s):
            reader, writer = await asyncio.open_unix_connection(socket)
    except (OSError, TimeoutError) as error:
        raise UnreachableError(type(error).__name__) from None
    try:
        head = (
            f"POST {path} HTTP/1.1\r\nhost: engine\r\nconnection: close\r\ncontent-type: application/json\r\n"
            f"content-length: {len(body)}\r\n\r\n"
        )
        writer.write(head.encode("ascii") + body)
        with suppress(OSError):  # it may have answered and hung up before it read all; the answer says why
            await writer.drain()
        answer = Answer(reader)
        await answer.head()
        yield answer
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()

"""What a site can do wrong on the wire: services behind the listener that misbehave, addresses that never answer."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

from tests.sim.fleet.directory import PORT, SimSite

Answer = Callable[[asyncio.StreamWriter], Awaitable[None]]
_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"


async def _garbage(writer: asyncio.StreamWriter) -> None:
    writer.write(_HEAD + b'content-length: 21\r\n\r\n{"schema_version": 1}\n')


async def _not_json(writer: asyncio.StreamWriter) -> None:
    writer.write(_HEAD + b"content-length: 15\r\n\r\n\x00\xff<html>oops\x1b[2J")


async def _too_large(writer: asyncio.StreamWriter) -> None:
    size = 64 * 1024 * 1024
    writer.write(_HEAD + b"content-length: %d\r\n\r\n" % size)
    for _ in range(size // 65536):
        writer.write(b" " * 65536)
        await writer.drain()


async def _drip(writer: asyncio.StreamWriter) -> None:
    writer.write(_HEAD + b"content-length: 100000\r\n\r\n")
    while True:
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.2)


async def _silent(writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(3600)


async def _fails(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 500 Internal Server Error\r\ncontent-length: 0\r\n\r\n")


async def _short(writer: asyncio.StreamWriter) -> None:
    writer.write(_HEAD + b"content-length: 5000\r\n\r\n{")


ANSWERS: dict[str, Answer] = {
    "garbage": _garbage, "not-json": _not_json, "too-large": _too_large, "drip": _drip, "silent": _silent,
    "fails": _fails, "short": _short,
}  # fmt: skip


class Hostile:
    """One unix socket for each kind of misbehaviour; they run in the loop that starts them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._servers: list[asyncio.Server] = []

    def socket_of(self, kind: str) -> Path:
        """Where the service with that misbehaviour listens."""
        return self._folder / f"h-{list(ANSWERS).index(kind)}"

    async def start(self) -> None:
        """Listen."""
        for kind, answer in ANSWERS.items():
            self._servers.append(await asyncio.start_unix_server(self._serving(answer), self.socket_of(kind)))

    @staticmethod
    def _serving(answer: Answer) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
                await reader.readuntil(b"\r\n\r\n")
                await answer(writer)
                await writer.drain()
            writer.close()

        return serve

    async def stop(self) -> None:
        """End."""
        for server in self._servers:
            server.close()


class Offline:
    """Holds a site's address so that connections to it are never answered: the queue of a listener that is full.

    The kernel drops the first packet of a connection then, as a dead machine would.
    """

    def __init__(self, site: SimSite) -> None:
        self._listener = socket.socket()
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._listener.bind((site.address, PORT))
        self._listener.listen(0)
        self._fillers: list[socket.socket] = []
        for _ in range(4):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex((site.address, PORT))
            self._fillers.append(filler)

    def close(self) -> None:
        """Let the address go."""
        for one in (*self._fillers, self._listener):
            one.close()

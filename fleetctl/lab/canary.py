"""The canary: listens on the host's loopback for anything that leaves a virtual site, and remembers what it heard.

`python -m fleetctl.lab.canary --socket PATH --tcp PORT --udp PORT --dns PORT --ehr PORT --time PORT` runs until it
is told to end. A probe carries a nonce of 32 hexadecimal digits; `CanaryClient` asks which nonces arrived.
Memory is bounded, because what it hears comes from a machine that may be broken or hostile.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import signal
import socket
from collections import Counter, deque
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, cast

from fleetctl.lab.canary_dns import name_error, question_name

LOOPBACKS: tuple[tuple[int, str], ...] = ((4, "127.0.0.1"), (6, "::1"))
TCP_LISTENERS = ("tcp", "ehr")
UDP_LISTENERS = ("udp", "time")
DNS_LISTENERS = ("dns",)
LISTENERS = (*TCP_LISTENERS, *UDP_LISTENERS, *DNS_LISTENERS)

REMEMBERED_EVENTS = 4096  # a proof makes fewer than 200 attempts
_CONNECTIONS = 64
_PAYLOAD_BYTES = 4096
_CONNECTION_S = 10.0
_REQUEST_BYTES = 1024 * 1024
_NONCE = re.compile(rb"(?<![0-9a-f])[0-9a-f]{32}(?![0-9a-f])")


class Memory:
    """What was heard: the latest events, and counts of everything."""

    def __init__(self, limit: int = REMEMBERED_EVENTS) -> None:
        self.events: deque[dict[str, Any]] = deque(maxlen=limit)
        self.counts: Counter[str] = Counter()
        self.forgotten = 0

    def hear(self, listener: str, family: int, source: str, payload: bytes) -> str | None:
        """Note one connection or datagram; returns the nonce in it, if there is one."""
        match = _NONCE.search(payload)
        nonce = match.group().decode("ascii") if match else None
        self.counts[f"{listener}{family}"] += 1
        self.forgotten += len(self.events) == self.events.maxlen
        self.events.append(
            {
                "nonce": nonce,
                "listener": listener,
                "family": family,
                "source": source,
                "at": datetime.now(UTC).isoformat(),
            }
        )
        return nonce

    def heard(self, nonces: list[str]) -> list[dict[str, Any]]:
        """The remembered events with one of these nonces."""
        wanted = set(nonces)
        return [event for event in self.events if event["nonce"] in wanted]


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, memory: Memory, listener: str, family: int) -> None:
        self._memory, self._listener, self._family = memory, listener, family

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # Python 3.11's own datagram transport is no subclass of this class, though it has its methods.
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[Any, ...]) -> None:
        payload, answer = data[:_PAYLOAD_BYTES], b""
        if self._listener in DNS_LISTENERS:
            name = question_name(payload)
            payload, answer = (name.encode(), name_error(payload)) if name else (b"", b"")
        nonce = self._memory.hear(self._listener, self._family, str(addr[0]), payload)
        if nonce:
            self._transport.sendto(answer or f"heard {nonce}\n".encode(), addr)


class Canary:
    """All listeners and the socket that answers questions about them."""

    def __init__(self, memory: Memory | None = None) -> None:
        self.memory = memory or Memory()
        self._open = 0
        self._closers: list[Any] = []

    async def listen(self, ports: dict[str, int], control: str) -> None:
        """Bind everything, the control socket last: when it exists, the canary is ready. Raises OSError."""
        loop = asyncio.get_running_loop()
        for family, address in LOOPBACKS:
            if family == 6 and not _has_ipv6():
                continue
            for listener in TCP_LISTENERS:
                self._closers.append(
                    await asyncio.start_server(
                        self._tcp_handler(listener, family), address, ports[listener], limit=_PAYLOAD_BYTES
                    )
                )
            for listener in (*UDP_LISTENERS, *DNS_LISTENERS):
                transport, _ = await loop.create_datagram_endpoint(
                    partial(_Datagrams, self.memory, listener, family),
                    local_addr=(address, ports[listener]),
                )
                self._closers.append(transport)
        self._closers.append(await asyncio.start_unix_server(self._answer, control, limit=_REQUEST_BYTES))

    def close(self) -> None:
        """Stop listening."""
        for closer in self._closers:
            closer.close()

    def _tcp_handler(self, listener: str, family: int) -> Any:
        async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            source = str((writer.get_extra_info("peername") or ("unknown",))[0])
            self._open += 1
            payload = b""
            try:
                if self._open <= _CONNECTIONS:
                    payload = await _payload(reader)
                # A connection counts as heard even without a word: it got out.
                nonce = self.memory.hear(listener, family, source, payload)
                if nonce:
                    writer.write(f"heard {nonce}\n".encode())
                    with suppress(OSError, TimeoutError):
                        await asyncio.wait_for(writer.drain(), _CONNECTION_S)
            finally:
                self._open -= 1
                writer.close()

        return handle

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, ValueError):  # ValueError: a line over the limit
            while line := await reader.readline():
                writer.write(json.dumps(self.answer(line)).encode() + b"\n")
                await writer.drain()
        writer.close()

    def answer(self, line: bytes) -> dict[str, Any]:
        """One question, one answer, both JSON objects."""
        try:
            question = json.loads(line)
            if question["op"] == "heard":
                return {"heard": self.memory.heard([str(nonce) for nonce in question["nonces"]])}
            if question["op"] == "status":
                return {
                    "pid": os.getpid(),
                    "counts": dict(self.memory.counts),
                    "forgotten": self.memory.forgotten,
                    "ipv6": _has_ipv6(),
                }
        except (ValueError, KeyError, TypeError) as error:
            return {"error": f"not understood: {error!r}"}
        return {"error": "no such op; there are: heard, status"}


async def _payload(reader: asyncio.StreamReader) -> bytes:
    """Bytes up to a nonce, the end, the limit or the deadline, whichever comes first."""
    payload = b""
    with suppress(TimeoutError, OSError):
        async with asyncio.timeout(_CONNECTION_S):
            while len(payload) < _PAYLOAD_BYTES and not _NONCE.search(payload):
                more = await reader.read(_PAYLOAD_BYTES - len(payload))
                if not more:
                    break
                payload += more
    return payload


def _has_ipv6() -> bool:
    """Whether the host's loopback speaks IPv6; without it the canary says so instead of staying silent."""
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


async def _serve(ports: dict[str, int], control: str) -> None:
    canary = Canary()
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    await canary.listen(ports, control)
    await ended.wait()
    canary.close()


def main(argv: list[str] | None = None) -> None:
    """Run until SIGTERM."""
    parser = argparse.ArgumentParser(prog="python -m fleetctl.lab.canary", description=__doc__.splitlines()[0])
    parser.add_argument("--socket", type=Path, required=True, help="control socket; its directory must exist")
    for listener in LISTENERS:
        parser.add_argument(f"--{listener}", type=int, required=True, metavar="PORT")
    options = parser.parse_args(argv)
    os.chdir(options.socket.parent)  # a socket's path may have no more than 107 bytes; its name is short
    Path(options.socket.name).unlink(missing_ok=True)
    os.umask(0o077)
    asyncio.run(_serve({listener: getattr(options, listener) for listener in LISTENERS}, options.socket.name))


if __name__ == "__main__":
    main()

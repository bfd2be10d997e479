"""The load generator: a fixed number of streams over raw sockets, each the next as soon as the last has ended."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field

# The first word of the first string is whole: a blank or the string's end follows it.
_WORD = re.compile(r'\[\s*"(?:[^"\\ ]|\\.)+[ "]')


@dataclass(frozen=True)
class Road:
    """One of the two ways. `request` gives path, headers and body of the next one.

    A whole stream holds `finished` near its end.
    """

    name: str
    port: int
    request: Callable[[], tuple[str, str, bytes]]
    finished: bytes


@dataclass
class Samples:
    """Seconds from the request's first byte, one entry a stream; requests a second over all of them."""

    first_word_s: list[float] = field(default_factory=list)
    whole_s: list[float] = field(default_factory=list)
    elapsed_s: float = 0.0
    cpu_s: dict[str, float] = field(default_factory=dict)

    @property
    def rate(self) -> float:
        """Whole streams a second."""
        return len(self.whole_s) / self.elapsed_s

    def add(self, other: Samples) -> None:
        """Take another round's in."""
        self.first_word_s += other.first_word_s
        self.whole_s += other.whole_s
        self.elapsed_s += other.elapsed_s
        self.cpu_s = {name: self.cpu_s.get(name, 0.0) + used for name, used in other.cpu_s.items()}


class _FirstWord:
    """Finds the moment at which the first word can be shown, in the events of either road."""

    def __init__(self) -> None:
        self._content = ""
        self._tail = b""
        self.seen = False

    def feed(self, data: bytes) -> None:
        *events, self._tail = (self._tail + data).split(b"\n\n")
        for event in events:
            if event.startswith((b"event: text", b"event: statement")):
                self.seen = True
            elif event.startswith(b"data: {"):
                for choice in json.loads(event[6:])["choices"]:
                    self._content += choice["delta"].get("content") or ""
                self.seen = self.seen or _WORD.search(self._content) is not None


async def _stream(road: Road, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> tuple[float, float]:
    path, headers, body = road.request()
    started = time.perf_counter()
    writer.write(
        f"POST {path} HTTP/1.1\r\nhost: bench\r\naccept: text/event-stream\r\ncontent-type: application/json\r\n"
        f"{headers}content-length: {len(body)}\r\n\r\n".encode()
        + body
    )
    head = await reader.readuntil(b"\r\n\r\n")
    status = int(head.split(b" ", 2)[1])
    if status not in (200, 201) or b"chunked" not in head.lower():
        raise SystemExit(f"{road.name}: {head.decode('latin-1')}{(await reader.read(1500)).decode(errors='replace')}")
    first, word_s, last = _FirstWord(), 0.0, b""
    while size := int(await reader.readline(), 16):
        data = (await reader.readexactly(size + 2))[:-2]
        if not first.seen:
            first.feed(data)
            word_s = time.perf_counter() - started
        last = (last + data)[-65_536:]
    await reader.readline()
    whole_s = time.perf_counter() - started
    if road.finished not in last or not first.seen:
        raise SystemExit(f"{road.name}: the stream did not end as it should: …{last[-500:].decode(errors='replace')}")
    return word_s, whole_s


async def _worker(road: Road, samples: Samples, more: Callable[[], bool], delay_s: float) -> None:
    # Streams that begin together would stay in step, which no practice's do.
    await asyncio.sleep(delay_s)
    reader, writer = await asyncio.open_connection("127.0.0.1", road.port)
    try:
        while more():
            word_s, whole_s = await _stream(road, reader, writer)
            samples.first_word_s.append(word_s)
            samples.whole_s.append(whole_s)
    finally:
        writer.close()


async def drive(road: Road, streams: int, *, seconds: float = 0.0, requests: int = 0, ramp_s: float = 0.0) -> Samples:
    """Keep `streams` going for some seconds, or until so many requests were begun; those begun are waited for."""
    samples, begun = Samples(), 0
    started = time.perf_counter()

    def more() -> bool:
        nonlocal begun
        begun += 1
        return begun <= requests if requests else time.perf_counter() - started < seconds

    async with asyncio.TaskGroup() as group:
        for number in range(streams):
            group.create_task(_worker(road, samples, more, ramp_s * number / streams))
    samples.elapsed_s = time.perf_counter() - started
    return samples

"""Carries an exchange over a connection of asyncio, through a proxy's greeting where there is one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar, cast

from fleetctl.remote.poll_exchange import Exchange
from fleetctl.remote.poll_outcome import Outcome, PollError

_PROXY_LIMIT_BYTES = 8 * 1024

T = TypeVar("T")


class Wire(asyncio.Protocol):
    """One connection. `opened` is done when the site can be spoken to, `answer` when it has answered."""

    def __init__(self, loop: asyncio.AbstractEventLoop, through: bytes | None = None) -> None:
        self._loop = loop
        self.opened: asyncio.Future[None] = self._quiet(loop.create_future())
        self.answer: asyncio.Future[bytes] = self._quiet(loop.create_future())
        self._through = through
        self._greeting = b""
        self._exchange: Exchange | None = None
        self._transport: asyncio.Transport | None = None

    def begin(self, exchange: Exchange) -> None:
        """Start to speak TLS."""
        self._exchange = exchange
        self._step(exchange.start)

    @property
    def exchange(self) -> Exchange | None:
        return self._exchange

    @property
    def idle(self) -> bool:
        """Whether it answered, is open, and can be asked again."""
        return self._transport is not None and not self._transport.is_closing() and self.answer.done()

    def again(self) -> None:
        """Ask the same once more over this connection."""
        self.answer = self._quiet(self._loop.create_future())
        if self._exchange is not None:
            self._step(self._exchange.again)

    def abort(self) -> None:
        if self._transport is not None and not self._loop.is_closed():
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        if self._through is None:
            self.opened.set_result(None)
        else:
            self._transport.write(self._through)

    def data_received(self, data: bytes) -> None:
        if self._exchange is not None:
            if self.answer.done():
                self.abort()  # nobody asked: what comes now belongs to no question
                return
            exchange = self._exchange
            self._step(lambda: exchange.receive(data))
        elif self.opened.done():
            self._fail(PollError(Outcome.GARBAGE, "it speaks before it is asked: no TLS server"))
        else:
            self._greeted(data)

    def eof_received(self) -> None:
        self.connection_lost(None)

    def connection_lost(self, error: Exception | None) -> None:
        if not self.opened.done():
            self._fail(PollError(Outcome.VIA_FAILED, "the proxy closed the connection"))
        elif not self.answer.done():
            problem = self._exchange.ended() if self._exchange else None
            self._fail(problem or PollError(Outcome.CUT_OFF, "the connection was closed at once, before TLS"))

    @staticmethod
    def _quiet(future: asyncio.Future[T]) -> asyncio.Future[T]:
        """An error that nobody waits for any more is no news."""
        future.add_done_callback(lambda done: done.cancelled() or done.exception())
        return future

    def _step(self, advance: Callable[[], bytes]) -> None:
        if self.answer.done() or self._exchange is None or self._transport is None:
            return
        try:
            out = advance()
        except PollError as problem:
            self._fail(problem)
            return
        if out:
            self._transport.write(out)
        if self._exchange.body is not None:
            self.answer.set_result(self._exchange.body)

    def _greeted(self, data: bytes) -> None:
        self._greeting += data
        head, end, rest = self._greeting.partition(b"\r\n\r\n")
        if len(self._greeting) > _PROXY_LIMIT_BYTES:
            self._fail(PollError(Outcome.VIA_FAILED, "the proxy's answer has no end"))
        elif end:
            words = head.split(b"\r\n", 1)[0].split(b" ")
            if len(words) < 2 or not words[0].startswith(b"HTTP/1.") or rest:
                self._fail(PollError(Outcome.VIA_FAILED, "the proxy gives no HTTP answer"))
            elif words[1] == b"200":
                self.opened.set_result(None)
            else:
                status = words[1][:3].decode("ascii", "replace")
                # RFC 9110, 15.6: the proxy could not reach the site, which is about the site and not about the proxy.
                outcome = Outcome.OFFLINE if status in ("502", "503", "504") else Outcome.VIA_FAILED
                self._fail(PollError(outcome, f"the proxy answered {status} to CONNECT"))

    def _fail(self, problem: PollError) -> None:
        for future in (self.opened, self.answer):
            if not future.done():
                future.set_exception(problem)
        self.abort()

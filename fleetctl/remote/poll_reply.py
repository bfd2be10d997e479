"""Reads one HTTP/1.1 answer, strictly and within bounds: no redirects, no chunks, no compression, nothing after it."""

from __future__ import annotations

from fleetctl.remote.poll_outcome import Outcome, PollError

# Our nginx sends about 200 bytes of headers. RFC 9112 sets no limit; most servers take 8 KiB.
HEAD_LIMIT_BYTES = 8 * 1024
# A signed snapshot of the largest box is about 150 KiB; its model bounds every field.
BODY_LIMIT_BYTES = 512 * 1024
_OK = 200
# 400 is what nginx answers to a client certificate that it does not take; 403 to one of another unit than `operator`.
_NOT_FOR_US = frozenset({400, 401, 403})


class Reply:
    """Takes the bytes of an answer as they come; `body` is there when it is whole."""

    def __init__(self, limit_bytes: int = BODY_LIMIT_BYTES) -> None:
        self._limit = limit_bytes
        self._buffer = bytearray()
        self._length: int | None = None

    def feed(self, data: bytes) -> bytes | None:
        """The body once it is whole. Raises `PollError` for anything that is not a plain 200 of known length."""
        self._buffer += data
        if self._length is None:
            end = self._buffer.find(b"\r\n\r\n")
            if end > HEAD_LIMIT_BYTES or (end < 0 and len(self._buffer) > HEAD_LIMIT_BYTES):
                raise PollError(Outcome.TOO_LARGE, f"more than {HEAD_LIMIT_BYTES} bytes of headers")
            if end < 0:
                if not b"HTTP/1.1 ".startswith(self._buffer[:9]):
                    raise PollError(Outcome.GARBAGE, "no HTTP/1.1 answer")
                return None
            self._length = self._body_length(bytes(self._buffer[:end]))
            del self._buffer[: end + 4]
        if len(self._buffer) > self._length:
            raise PollError(Outcome.GARBAGE, f"more than the {self._length} bytes that it announced")
        return bytes(self._buffer) if len(self._buffer) == self._length else None

    def cut(self) -> PollError:
        """What it means that nothing more comes."""
        if self._length is None:
            return PollError(Outcome.CUT_OFF, "the connection was closed before an answer")
        return PollError(Outcome.CUT_OFF, f"{len(self._buffer)} of {self._length} announced bytes came")

    def _body_length(self, head: bytes) -> int:
        first, *lines = head.split(b"\r\n")
        words = first.split(b" ", 2)
        if words[0] != b"HTTP/1.1" or len(words) < 2 or len(words[1]) != 3 or not words[1].isdigit():
            raise PollError(Outcome.GARBAGE, "no HTTP/1.1 answer")
        status = int(words[1])
        if status != _OK:
            raise PollError(Outcome.NOT_AUTHORIZED if status in _NOT_FOR_US else Outcome.HTTP_ERROR, _said(status))
        headers: dict[bytes, bytes] = {}
        for line in lines:
            name, colon, value = line.partition(b":")
            name = name.lower()
            if not colon or name != name.strip() or (name == b"content-length" and name in headers):
                raise PollError(Outcome.GARBAGE, "a header that is none, or stands twice")
            headers[name] = value.strip()
        # It was not asked for either; to unpack what somebody else packed could fill the memory.
        if headers.get(b"content-encoding", b"identity") != b"identity" or b"transfer-encoding" in headers:
            raise PollError(Outcome.GARBAGE, "a compressed or chunked answer, which was not asked for")
        length = headers.get(b"content-length", b"")
        if not length.isdigit() or len(length) > 12:
            raise PollError(Outcome.GARBAGE, "no length of the answer")
        if int(length) > self._limit:
            raise PollError(Outcome.TOO_LARGE, f"{int(length)} bytes, at most {self._limit} are read")
        return int(length)


def _said(status: int) -> str:
    if 300 <= status < 400:
        return f"status {status}, a redirect, which is never followed"
    return f"status {status}"

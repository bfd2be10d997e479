"""Just enough DNS (RFC 1035) for a canary: read the name in a query, answer that it does not exist."""

from __future__ import annotations

import struct

_HEADER = struct.Struct("!6H")
_QUERY_LIMIT_BYTES = 512  # RFC 1035, 4.2.1: UDP messages
_FLAGS_NXDOMAIN = 0x8183  # response, recursion desired and available, name error


def question_name(query: bytes) -> str | None:
    """The first question's name in lower case, or None when this is no query."""
    if not _HEADER.size < len(query) <= _QUERY_LIMIT_BYTES:
        return None
    _, flags, questions, *_ = _HEADER.unpack_from(query)
    if flags & 0x8000 or questions < 1:
        return None
    labels: list[str] = []
    at = _HEADER.size
    while at < len(query):
        length = query[at]
        if length == 0:
            return ".".join(labels) if at + 5 <= len(query) else None  # type and class follow
        if length > 63 or at + 1 + length > len(query):  # a compression pointer has no place in a question
            return None
        labels.append(query[at + 1 : at + 1 + length].decode("ascii", errors="replace").lower())
        at += 1 + length
    return None


def name_error(query: bytes) -> bytes:
    """An answer to `query` (which `question_name` accepted): the same question, no such name."""
    identity, *_ = _HEADER.unpack_from(query)
    end = query.index(0, _HEADER.size) + 5
    return _HEADER.pack(identity, _FLAGS_NXDOMAIN, 1, 0, 0, 0) + query[_HEADER.size : end]

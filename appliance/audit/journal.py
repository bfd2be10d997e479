"""The journal: the entries of the bundle that is not full yet, batch by batch, each with the checkpoint it leads to.

It is made full of zeros, so that a batch changes no length of a file and costs one flush, and one journal serves one
bundle of entries: nothing old can be taken for something new.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from appliance.audit.layout import TILE_WIDTH, decode_bundle, encode_bundle

_MAGIC = b"audit-journal/1\n"
_RECORD = b"AJR1"
HEADER_BYTES = len(_MAGIC) + 8 + 32
_RECORD_HEAD = len(_RECORD) + 4 + 2
_SUM_BYTES = 32
# A bundle of entries of 1 KiB, each committed by itself, fits without growing.
INITIAL_BYTES = 384 * 1024
GROWTH_BYTES = 256 * 1024
MAX_BYTES = 16 * 2**20


class JournalError(ValueError):
    """The journal's header is not one, or the file is too large."""


@dataclass(frozen=True)
class Record:
    """One batch. `end` is the offset behind it."""

    entries: list[bytes]
    note: str
    end: int


def new_journal(bundle: int) -> bytes:
    """The content of an empty journal for the entries from 256 * `bundle` on."""
    head = _MAGIC + bundle.to_bytes(8, "big")
    return (head + hashlib.sha256(head).digest()).ljust(INITIAL_BYTES, b"\0")


def bundle_of(data: bytes) -> int:
    """Which bundle the journal belongs to. Raises JournalError."""
    head = data[: len(_MAGIC) + 8]
    if len(data) > MAX_BYTES:
        raise JournalError(f"{len(data)} bytes, at most {MAX_BYTES} are possible")
    if not head.startswith(_MAGIC) or hashlib.sha256(head).digest() != data[len(head) : HEADER_BYTES]:
        raise JournalError("its header is damaged")
    return int.from_bytes(head[len(_MAGIC) :], "big")


def encode_record(entries: list[bytes], note: str) -> bytes:
    """One batch as bytes: lengths, entries, checkpoint, and the SHA-256 of all that."""
    body, text = encode_bundle(entries), note.encode()
    head = _RECORD + len(body).to_bytes(4, "big") + len(text).to_bytes(2, "big")
    whole = head + body + text
    return whole + hashlib.sha256(whole).digest()


def decode_record(data: bytes, start: int) -> Record | None:
    """The record at `start`; None when there is no whole one."""
    head = data[start : start + _RECORD_HEAD]
    if len(head) < _RECORD_HEAD or not head.startswith(_RECORD):
        return None
    body_end = start + _RECORD_HEAD + int.from_bytes(head[4:8], "big")
    note_end = body_end + int.from_bytes(head[8:10], "big")
    end = note_end + _SUM_BYTES
    if end > len(data) or hashlib.sha256(data[start:note_end]).digest() != data[note_end:end]:
        return None
    try:
        entries = decode_bundle(data[start + _RECORD_HEAD : body_end], limit=TILE_WIDTH)
        return Record(entries, data[body_end:note_end].decode(), end) if entries else None
    except ValueError:
        return None


def records(data: bytes) -> Iterator[Record]:
    """The whole records from the beginning to the first that is not."""
    position = HEADER_BYTES
    while record := decode_record(data, position):
        yield record
        position = record.end


def first_entries(data: bytes, count: int) -> list[bytes] | None:
    """The first `count` entries; None when there are not so many whole ones."""
    found: list[bytes] = []
    for record in records(data):
        found += record.entries
        if len(found) >= count:
            return found[:count]
    return found if count == 0 else None

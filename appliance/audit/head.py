"""The log's durable head: two slots, written in turn, each with a signed checkpoint.

A crash can tear the slot that is being written and never the other one. An entry is acknowledged when the slot with its
tree head is on the disk.
"""

import hashlib
from dataclasses import dataclass

from appliance.audit.errors import LogDamagedError
from appliance.audit.note import Checkpoint, NoteError, VerifierKey, read_checkpoint

# No disk in use writes less than a sector of 512 bytes at once, most write 4096; a slot shares its block with no other.
SLOT_BYTES = 4096
FILE_BYTES = 2 * SLOT_BYTES
_FIXED = 4 + 32


@dataclass(frozen=True)
class Slots:
    """What a head file says: the newest head, the slot it stands in, and whether the other slot is torn."""

    newest: Checkpoint
    slot: int
    other_torn: bool

    @property
    def next_slot(self) -> int:
        """Where the next head belongs, so that the newest one survives the writing."""
        return 1 - self.slot


def encode_slot(note: str) -> bytes:
    """A note's length, its SHA-256 and itself, filled with zeros."""
    data = note.encode()
    filled = len(data).to_bytes(4, "big") + hashlib.sha256(data).digest() + data
    if len(filled) > SLOT_BYTES:
        raise ValueError("the checkpoint does not fit a slot")
    return filled.ljust(SLOT_BYTES, b"\0")


def _note(slot: bytes) -> str | None:
    length = int.from_bytes(slot[:4], "big")
    data = slot[_FIXED : _FIXED + length]
    if not 0 < length <= SLOT_BYTES - _FIXED or hashlib.sha256(data).digest() != slot[4:_FIXED]:
        return None
    return data.decode("utf-8", "replace") if not any(slot[_FIXED + length :]) else None


def read_slots(data: bytes, key: VerifierKey) -> Slots:
    """Raises LogDamagedError when no slot is whole, or when a whole one was not signed by `key`."""
    if len(data) != FILE_BYTES:
        raise LogDamagedError(f"head: {len(data)} bytes, not {FILE_BYTES}", hint="restore the log from its copy")
    heads: list[tuple[Checkpoint, int]] = []
    for number in range(2):
        note = _note(data[number * SLOT_BYTES : (number + 1) * SLOT_BYTES])
        if note is None:
            continue
        try:
            heads.append((read_checkpoint(note, key), number))
        except NoteError as error:
            raise LogDamagedError(
                f"head: slot {number} is whole, but {error}", hint="check that this key belongs to this log"
            ) from None
    if not heads:
        raise LogDamagedError("head: neither slot is whole", hint="restore the log from its copy")
    newest, slot = max(heads, key=lambda head: head[0].size)
    return Slots(newest, slot, other_torn=len(heads) == 1)

"""A proof of one entry in a file of its own, as C2SP tlog-proof has it, with the entry as its extra data."""

import base64
import binascii
from dataclasses import dataclass

from appliance.audit.layout import TILE_WIDTH
from appliance.audit.merkle import HASH_BYTES, ProofError, inclusion_proof, leaf_hash, verify_inclusion
from appliance.audit.note import MAX_NOTE_BYTES, Checkpoint, VerifierKey, read_checkpoint
from appliance.audit.tiles import TileStore

HEADER = "c2sp.org/tlog-proof@v1"
MAX_PROOF_BYTES = 256 * 1024


@dataclass(frozen=True)
class EntryProof:
    """Entry `index` is `entry`, in the tree that `checkpoint` (a signed note) has the root of."""

    entry: bytes
    index: int
    hashes: tuple[bytes, ...]
    checkpoint: str

    def __str__(self) -> str:
        lines = [HEADER, f"extra {_text(self.entry)}", f"index {self.index}", *map(_text, self.hashes), ""]
        return "\n".join(lines) + "\n" + self.checkpoint

    def verify(self, key: VerifierKey) -> Checkpoint:
        """The checkpoint that proves it. Raises ValueError."""
        checkpoint = read_checkpoint(self.checkpoint, key)
        verify_inclusion(self.index, checkpoint.size, leaf_hash(self.entry), self.hashes, checkpoint.root)
        return checkpoint


def make(store: TileStore, index: int, checkpoint: Checkpoint) -> EntryProof:
    """The proof of an entry under a checkpoint of the same log. Raises LogDamagedError, ProofError."""
    hashes = tuple(inclusion_proof(store.node, index, checkpoint.size))
    number, offset = divmod(index, TILE_WIDTH)
    width = min(TILE_WIDTH, checkpoint.size - number * TILE_WIDTH)
    return EntryProof(store.bundle(number, width)[offset], index, hashes, checkpoint.note)


def parse(text: str) -> EntryProof:
    """Read a proof file. Raises ValueError."""
    if len(text) > MAX_PROOF_BYTES:
        raise ProofError("the proof is too large")
    head, blank, checkpoint = text.partition("\n\n")
    lines = head.split("\n")
    if not blank or len(lines) < 3 or lines[0] != HEADER or len(checkpoint) > MAX_NOTE_BYTES:
        raise ProofError("the file is no proof")
    if not lines[1].startswith("extra ") or not lines[2].startswith("index "):
        raise ProofError("the proof carries no entry, or no index")
    number = lines[2].removeprefix("index ")
    if not number.isascii() or not number.isdigit() or len(number) > 19 or str(int(number)) != number:
        raise ProofError("the proof's index is no number")
    hashes = tuple(_bytes(line) for line in lines[3:])
    if any(len(value) != HASH_BYTES for value in hashes):
        raise ProofError("a hash of the proof is not of 32 bytes")
    return EntryProof(_bytes(lines[1].removeprefix("extra ")), int(number), hashes, checkpoint)


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _bytes(text: str) -> bytes:
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise ProofError("a line of the proof is not base64") from None
    if _text(data) != text:
        raise ProofError("a line of the proof is not base64 as it is written")
    return data

"""Signed notes and checkpoints of C2SP: signed-note, tlog-checkpoint, tlog-cosignature (Ed25519 forms)."""

import base64
import binascii
import hashlib
import unicodedata
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from appliance.audit.merkle import HASH_BYTES, MAX_SIZE

ED25519 = 0x01
COSIGNATURE_V1 = 0x04
MAX_NOTE_BYTES = 64 * 1024
# The specification asks verifiers to accept at least 16 signatures and to have a limit.
MAX_SIGNATURES = 64
MAX_NAME_BYTES = 200
_DASH = "— "


class NoteError(ValueError):
    """A text is no note, or not signed by whom it should be."""


def check_name(name: str) -> str:
    """A key name or origin that fits a signature line. Raises NoteError."""
    bad = [c for c in name if c.isspace() or c == "+" or unicodedata.category(c).startswith("C")]
    if not name or bad or len(name.encode()) > MAX_NAME_BYTES:
        raise NoteError(f"a key name is 1 to {MAX_NAME_BYTES} bytes without blanks, + and control characters")
    return name


def _base64(text: str) -> bytes:
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise NoteError("a part is not base64") from None
    # Two texts for the same bytes would let a note be changed without anybody noticing.
    if base64.b64encode(data).decode() != text:
        raise NoteError("a part is not base64 as it is written")
    return data


@dataclass(frozen=True)
class VerifierKey:
    """A public key with its name. `algorithm`: ED25519 of a log, COSIGNATURE_V1 of a witness."""

    name: str
    algorithm: int
    public: bytes

    @property
    def key_id(self) -> bytes:
        """Four bytes that name the key in a signature line; no proof of anything."""
        return hashlib.sha256(self.name.encode() + b"\n" + bytes([self.algorithm]) + self.public).digest()[:4]

    def __str__(self) -> str:
        material = base64.b64encode(bytes([self.algorithm]) + self.public).decode()
        return f"{self.name}+{self.key_id.hex()}+{material}"

    @classmethod
    def parse(cls, text: str) -> "VerifierKey":
        """Of the form name+id+base64. Raises NoteError."""
        parts = text.strip().split("+", 2)
        if len(parts) != 3 or len(text) > 1000:
            raise NoteError("a verifier key has the form name+id+base64")
        material = _base64(parts[2])
        if len(material) != 1 + 32 or material[0] not in (ED25519, COSIGNATURE_V1):
            raise NoteError("the verifier key is of no type that is known here (Ed25519, Ed25519 cosignature)")
        key = cls(check_name(parts[0]), material[0], material[1:])
        if key.key_id.hex() != parts[1]:
            raise NoteError("the verifier key's identifier does not fit its name and material: it was mistyped")
        return key

    def verify(self, body: str, signature: bytes) -> None:
        """Raises NoteError when `signature` is not this key's over `body`."""
        message = body.encode()
        if self.algorithm == COSIGNATURE_V1:
            stamp, signature = signature[:8], signature[8:]
            message = b"cosignature/v1\ntime %d\n" % int.from_bytes(stamp, "big") + message
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, message)
        except InvalidSignature:
            raise NoteError(f"the signature of {self.name} does not fit the text") from None


@dataclass(frozen=True)
class Checkpoint:
    """A tree head: `size` entries under `root`. `note` is the signed text it was read from."""

    origin: str
    size: int
    root: bytes
    note: str


def split_note(note: str) -> tuple[str, list[tuple[str, bytes, bytes]]]:
    """A note's text and its signature lines as (name, key id, signature). Raises NoteError."""
    if len(note.encode("utf-8", "replace")) > MAX_NOTE_BYTES:
        raise NoteError("the note is too large")
    if any(c < " " and c != "\n" for c in note):
        raise NoteError("the note has control characters")
    text, blank, rest = note.rpartition("\n\n")
    if not blank or not rest.endswith("\n"):
        raise NoteError("the text is no signed note")
    lines = rest[:-1].split("\n")
    if len(lines) > MAX_SIGNATURES:
        raise NoteError("the note has too many signatures")
    signatures = []
    for line in lines:
        name, space, value = line.removeprefix(_DASH).partition(" ")
        data = _base64(value) if space and line.startswith(_DASH) else b""
        if len(data) < 5:
            raise NoteError("a signature line is malformed")
        signatures.append((check_name(name), data[:4], data[4:]))
    return text + "\n", signatures


def read_checkpoint(note: str, key: VerifierKey) -> Checkpoint:
    """The checkpoint that `key` signed. Raises NoteError when it did not, or when the text is no checkpoint."""
    body, signatures = split_note(note)
    ours = [signature for name, key_id, signature in signatures if (name, key_id) == (key.name, key.key_id)]
    if not ours:
        raise NoteError(f"not signed by {key.name} with this key")
    for signature in ours:
        key.verify(body, signature)
    lines = body.split("\n")
    # Extension lines are nobody's to audit: this log writes none, so one is a sign of another program.
    if len(lines) != 4:
        raise NoteError("a checkpoint has three lines")
    origin, size, root = lines[0], lines[1], _base64(lines[2])
    if origin != key.name:
        raise NoteError("the checkpoint is of another log")
    if not size.isascii() or not size.isdigit() or (size[0] == "0" and size != "0") or len(size) > 19:
        raise NoteError("the checkpoint's size is no number")
    if int(size) > MAX_SIZE or len(root) != HASH_BYTES:
        raise NoteError("the checkpoint's size or root is out of bounds")
    return Checkpoint(origin, int(size), root, note)


def sign_checkpoint(private: Ed25519PrivateKey, key: VerifierKey, size: int, root: bytes) -> Checkpoint:
    """A checkpoint of `key`'s log, signed."""
    body = f"{key.name}\n{size}\n{base64.b64encode(root).decode()}\n"
    line = base64.b64encode(key.key_id + private.sign(body.encode())).decode()
    return Checkpoint(key.name, size, root, f"{body}\n{_DASH}{key.name} {line}\n")

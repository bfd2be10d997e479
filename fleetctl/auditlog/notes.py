"""Signed notes, checkpoints and cosignatures of C2SP, read strictly."""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from dataclasses import dataclass
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from fleetctl.auditlog.tree import HASH_SIZE, LARGEST, wrong
from fleetctl.errors import UsageError

LOG, WITNESS = 1, 4
LARGEST_NOTE = 64 * 1024
MOST_SIGNATURES = 64
NAME = r"[^\s+\x00-\x1f\x7f]{1,200}"
_LINE = re.compile(rf"— ({NAME}) ([A-Za-z0-9+/]+={{0,2}})")
_KEY = re.compile(rf"({NAME})\+([0-9a-f]{{8}})\+([A-Za-z0-9+/]+={{0,2}})")
_BODY = re.compile(r"([^\n]+)\n(0|[1-9][0-9]{0,18})\n([A-Za-z0-9+/]{43}=)\n")
_HINT = "give the whole line NAME+ID+BASE64, as `appliancectl audit key` prints it"


def unbase64(text: str) -> bytes:
    """Standard base64 in its one spelling. Raises VerificationError."""
    try:
        data = b64decode(text, validate=True)
    except ValueError:
        data = b""
    if b64encode(data).decode() != text:
        raise wrong("something is not base64, or not in its one spelling")
    return data


@dataclass(frozen=True)
class PublicKey:
    """Somebody's name and Ed25519 key; `kind` says whether it signs a log (LOG) or cosigns (WITNESS)."""

    name: str
    kind: int
    raw: bytes

    @property
    def tag(self) -> bytes:
        """The four bytes before each of its signatures."""
        return sha256(self.name.encode() + b"\n" + bytes([self.kind]) + self.raw).digest()[:4]

    @property
    def text(self) -> str:
        """C2SP's verifier key."""
        return f"{self.name}+{self.tag.hex()}+{b64encode(bytes([self.kind]) + self.raw).decode()}"

    @classmethod
    def of(cls, text: str, kind: int) -> PublicKey:
        """Raises UsageError for what is no key of this kind."""
        match = _KEY.fullmatch(text.strip())
        if not match:
            raise UsageError("this is no verifier key", hint=_HINT)
        try:
            material = b64decode(match[3], validate=True)
        except ValueError:
            raise UsageError("the verifier key is not base64", hint=_HINT) from None
        key = cls(match[1], kind, material[1:])
        if len(material) != 33 or material[0] != kind:
            raise UsageError(f"the verifier key is not of a {'log' if kind == LOG else 'witness'}", hint=_HINT)
        if key.text != text.strip():
            raise UsageError("the verifier key does not fit its own identifier", hint=_HINT)
        return key

    def signed(self, body: str, signature: bytes) -> bool:
        """Whether this key made the signature (without its tag) over the note's text."""
        message = body.encode()
        if self.kind == WITNESS:
            message, signature = cosigned(body, int.from_bytes(signature[:8], "big")), signature[8:]
        try:
            Ed25519PublicKey.from_public_bytes(self.raw).verify(signature, message)
        except InvalidSignature:
            return False
        return True


def cosigned(body: str, time_s: int) -> bytes:
    """What a witness signs: that at `time_s` (seconds since 1970) this was the largest tree it had seen."""
    return f"cosignature/v1\ntime {time_s}\n{body}".encode()


@dataclass(frozen=True)
class TreeHead:
    """A checkpoint whose log signature was checked. `witnesses`: those of the asked keys that cosigned it."""

    origin: str
    size: int
    root: bytes
    body: str
    note: str
    witnesses: tuple[str, ...] = ()


def read_head(note: str, log: PublicKey, witnesses: tuple[PublicKey, ...] = ()) -> TreeHead:
    """A checkpoint signed by the log and by every one of `witnesses`. Raises VerificationError."""
    if len(note) > LARGEST_NOTE or not note.endswith("\n"):
        raise wrong("the checkpoint is no signed note")
    text, blank, signatures = note[:-1].rpartition("\n\n")
    lines = signatures.split("\n")
    if not blank or len(lines) > MOST_SIGNATURES:
        raise wrong("the checkpoint is no signed note")
    body = text + "\n"
    found: dict[tuple[str, bytes], list[bytes]] = {}
    for line in lines:
        match = _LINE.fullmatch(line)
        data = unbase64(match[2]) if match else b""
        if not match or len(data) < 5:
            raise wrong("the checkpoint has a malformed signature line")
        found.setdefault((match[1], data[:4]), []).append(data[4:])
    for key in (log, *witnesses):
        made = found.get((key.name, key.tag))
        who = "the log" if key.kind == LOG else "the witness"
        if not made:
            raise wrong(f"the checkpoint is not signed by {who} {key.name} with the key that was given")
        if not all(key.signed(body, signature) for signature in made):
            raise wrong(f"the signature of {who} {key.name} does not fit the checkpoint: one of the two was changed")
    parts = _BODY.fullmatch(body)
    if not parts or int(parts[2]) > LARGEST:
        raise wrong("the signed text is no checkpoint")
    if parts[1] != log.name:
        raise wrong("the checkpoint is of another log")
    root = unbase64(parts[3])
    if len(root) != HASH_SIZE:
        raise wrong("the checkpoint's root has not 32 bytes")
    return TreeHead(parts[1], int(parts[2]), root, body, note, tuple(key.name for key in witnesses))


def cosign(head: TreeHead, private: Ed25519PrivateKey, key: PublicKey, time_s: int) -> str:
    """The note with one more line: `key`'s cosignature at `time_s`."""
    signature = key.tag + time_s.to_bytes(8, "big") + private.sign(cosigned(head.body, time_s))
    return f"{head.note}— {key.name} {b64encode(signature).decode()}\n"

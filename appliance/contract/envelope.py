"""DSSE envelopes with one Ed25519 signature: what the box and the operator sign for each other.

DSSE: github.com/secure-systems-lab/dsse, envelope.md and protocol.md (v1.0.2). What is signed is the PAE of payload
type and payload, so that the bytes are checked before anything in them is parsed, and a signature under one type is
none under another. Nothing here says how old a payload is: the reader compares what stands in it.
"""

import base64
import binascii
import re
from hashlib import sha256
from typing import Annotated

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from pydantic import Field, ValidationError

from appliance.contract.health_reading import MAX_BYTES, check_bounds
from appliance.contract.model import ContractModel

MAX_ENVELOPE_BYTES = MAX_BYTES * 4 // 3 + 1024
_KEY = re.compile(r"^ed25519:([A-Za-z0-9+/]{43}=)$")
_BASE64 = r"^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$"


class SignatureError(ValueError):
    """The envelope does not prove that its payload is the signer's."""


class WrongKeyError(SignatureError):
    """It is signed, or says so, by another key than the pinned one."""


class BadSignatureError(SignatureError):
    """It names the right key, and the signature is not of these bytes."""


class NotUnderstoodError(SignatureError):
    """It is no envelope of this payload type."""


class Signature(ContractModel):
    """One signature; `keyid` is a hint, never trusted."""

    keyid: Annotated[str, Field(pattern=r"^[0-9a-f]{16}$", description="Of the SHA-256 of the raw public key.")]
    sig: Annotated[str, Field(min_length=88, max_length=88, pattern=_BASE64)]


class Envelope(ContractModel):
    """A DSSE envelope with exactly one signature."""

    payloadType: Annotated[str, Field(pattern=r"^application/vnd\.fleetctl\.[a-z-]{1,40}\+json$")]  # DSSE's spelling
    payload: Annotated[str, Field(max_length=MAX_ENVELOPE_BYTES, pattern=_BASE64)]
    signatures: Annotated[tuple[Signature, ...], Field(min_length=1, max_length=1)]


def public_key_text(key: Ed25519PublicKey) -> str:
    """Return the key as it is shown and pinned: `ed25519:` and the 32 raw bytes in base64."""
    return f"ed25519:{base64.b64encode(key.public_bytes_raw()).decode()}"


def public_key_of(text: str) -> Ed25519PublicKey:
    """Parse a key as `public_key_text` writes it. Raises ValueError."""
    match = _KEY.match(text.strip())
    if match is None:
        raise ValueError("not a public key: wanted ed25519: and 44 characters of base64")
    raw = _decoded(match[1])
    if len(raw) != 32:
        raise ValueError(f"not a public key: {len(raw)} bytes, wanted 32")
    return Ed25519PublicKey.from_public_bytes(raw)


def key_id(key: Ed25519PublicKey) -> str:
    """Return the short name of a key."""
    return sha256(key.public_bytes_raw()).hexdigest()[:16]


def seal(payload: bytes, key: Ed25519PrivateKey, payload_type: str) -> bytes:
    """Sign bytes as a payload of this type, and return the envelope's bytes."""
    sig = base64.b64encode(key.sign(_pae(payload, payload_type))).decode()
    envelope = Envelope(
        payloadType=payload_type,
        payload=base64.b64encode(payload).decode(),
        signatures=(Signature(keyid=key_id(key.public_key()), sig=sig),),
    )
    return envelope.model_dump_json().encode()


def open_envelope(envelope: bytes, public_key: Ed25519PublicKey, payload_type: str) -> bytes:
    """Return the payload that the holder of `public_key` signed. Raises SignatureError; nothing in it is parsed yet."""
    try:
        check_bounds(envelope, MAX_ENVELOPE_BYTES)
        found = Envelope.model_validate_json(envelope)
        payload, signature = _decoded(found.payload), _decoded(found.signatures[0].sig)
    except ValidationError as problem:
        first = problem.errors(include_url=False, include_context=False, include_input=False)[0]
        where = ".".join(str(each) for each in first["loc"])
        said = f"{where}: {first['msg']}" if where else first["msg"]
        raise NotUnderstoodError(f"no signed document: {said}"[:300]) from None
    except ValueError as problem:
        raise NotUnderstoodError(f"no signed document: {problem}"[:300]) from None
    if found.payloadType != payload_type:
        raise NotUnderstoodError(f"signed as {found.payloadType}, wanted {payload_type}")
    wanted = key_id(public_key)
    if found.signatures[0].keyid != wanted:
        raise WrongKeyError(f"signed by key {found.signatures[0].keyid}, pinned is {wanted}")
    try:
        public_key.verify(signature, _pae(payload, payload_type))
    except InvalidSignature:
        raise BadSignatureError(f"the signature by key {wanted} is not of this document") from None
    return payload


def _pae(payload: bytes, payload_type: str) -> bytes:
    kind = payload_type.encode()
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)


def _decoded(text: str) -> bytes:
    """Decode base64 of which there is one spelling only, so that no other text stands for the same bytes."""
    try:
        raw = base64.b64decode(text, validate=True)
    except binascii.Error as problem:
        raise ValueError(f"base64: {problem}") from None
    if base64.b64encode(raw).decode() != text:
        raise ValueError("base64: unused bits are set")
    return raw

"""The box's signature on a health snapshot: an envelope whose payload is the snapshot.

The boot id, sequence and time inside show a replayed or stale one; the reader has to compare them with what it saw
last.
"""

from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from appliance.contract import envelope as dsse
from appliance.contract.health import HealthSnapshot
from appliance.contract.health_reading import SnapshotError, read_snapshot

PAYLOAD_TYPE: Final = "application/vnd.fleetctl.health+json"
PUBLIC_KEY_PATH = "/var/lib/appliance/health/health.pub"


class SnapshotNotUnderstoodError(dsse.NotUnderstoodError):
    """It is signed, and what is signed is no snapshot that we understand."""


def seal(payload: bytes, key: Ed25519PrivateKey) -> bytes:
    """Sign the bytes of a snapshot and return the envelope's."""
    return dsse.seal(payload, key, PAYLOAD_TYPE)


def open_envelope(envelope: bytes, public_key: Ed25519PublicKey) -> bytes:
    """Return the snapshot's bytes that the holder of `public_key` signed. Raises SignatureError; nothing is parsed."""
    return dsse.open_envelope(envelope, public_key, PAYLOAD_TYPE)


def open_snapshot(envelope: bytes, public_key: Ed25519PublicKey) -> HealthSnapshot:
    """Return the snapshot in an envelope that `public_key` signed. Raises SignatureError."""
    try:
        return read_snapshot(open_envelope(envelope, public_key))
    except SnapshotError as problem:
        raise SnapshotNotUnderstoodError(f"signed, and not understood: {problem}") from None

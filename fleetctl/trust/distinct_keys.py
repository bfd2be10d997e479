"""One person is one key: refuses metadata in which a public key stands under several ids.

python-tuf counts key ids towards a threshold. A key that is listed twice under two ids counts twice, and a threshold
of two is met by one person.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from securesystemslib.signer import Key, SSlibKey

from fleetctl.errors import VerificationError


def fingerprint(key: Key) -> bytes:
    """The public key itself, in its one DER spelling. Raises `VerificationError` for what is none."""
    try:
        return cast(SSlibKey, key)._crypto_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    except Exception:  # what the library's parsers raise
        raise VerificationError(
            f"metadata names a key {key.keyid[:16]} that is no public key", hint="get the repository from git again"
        ) from None


def check_distinct(keys: Iterable[Key], where: str) -> None:
    """Raise `VerificationError` when two of `keys`, which have different ids, are the same key."""
    seen: dict[bytes, str] = {}
    for key in keys:
        other = seen.setdefault(fingerprint(key), key.keyid)
        if other != key.keyid:
            raise VerificationError(
                f"{where} lists one public key under two ids ({other[:16]}, {key.keyid[:16]}): it would count twice",
                hint="do not use this metadata; the holders of the root's keys have to replace it",
            )

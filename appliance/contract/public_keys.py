"""One person is one key: whether two keys of release metadata are the same, however they are spelled.

python-tuf counts key ids towards a threshold. A key that stands under two ids, or is written in two ways (hexadecimal
in capitals), would count twice, and one person would meet a threshold of two.
"""

from collections.abc import Iterable
from typing import cast

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from securesystemslib.signer import Key, SSlibKey


def der(key: Key) -> bytes:
    """Return the public key itself, in its one DER spelling (SubjectPublicKeyInfo). Raises ValueError for none."""
    try:
        return cast(SSlibKey, key)._crypto_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    except Exception:  # what the library's parsers raise
        raise ValueError(f"key {key.keyid[:16]} is no public key") from None


def twins(keys: Iterable[Key]) -> tuple[str, str] | None:
    """Return the ids of two of `keys` that are one key; None when each is its own. Raises ValueError."""
    seen: dict[bytes, str] = {}
    for key in keys:
        other = seen.setdefault(der(key), key.keyid)
        if other != key.keyid:
            return other, key.keyid
    return None

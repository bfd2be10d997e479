"""An issuer's public keys: which of them may verify what."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt import PyJWK
from jwt.exceptions import PyJWTError

from appliance.gateway.auth.refusal import AccessError
from appliance.gateway.auth.settings import IssuerSettings
from appliance.gateway.auth.watched_file import WatchedFile

MAX_JWKS_BYTES = 64 * 1024
MAX_KEYS = 32
_MIN_RSA_BITS = 2048  # RFC 7518, sections 3.3 and 3.5
_MAX_RSA_BITS = 8192  # a larger one only costs time for each request

PublicKey = RSAPublicKey | EllipticCurvePublicKey | Ed25519PublicKey


@dataclass(frozen=True)
class Key:
    """A public key with the algorithms that it may be used with: its own word (`alg`), else all that fit its type."""

    key_id: str | None
    public: PublicKey
    algorithms: frozenset[str]


def _algorithms(jwk: Mapping[str, Any]) -> frozenset[str]:
    """Return the algorithms that fit the key's type and its own `alg`; none: a key that we have no use for."""
    match jwk.get("kty"), jwk.get("crv"):
        case "RSA", _:
            fit = {"RS256", "PS256"}
        case "EC", "P-256":
            fit = {"ES256"}
        case "OKP", "Ed25519":
            fit = {"EdDSA"}
        case _:
            return frozenset()
    stated = jwk.get("alg")
    return frozenset(fit if stated is None else fit & {stated})


def _key(jwk: Mapping[str, Any]) -> Key | None:
    if "d" in jwk or jwk.get("kty") == "oct":
        raise ValueError("the key set holds a secret key; only public keys belong here")
    key_id = jwk.get("kid")
    if key_id is not None and not (isinstance(key_id, str) and 0 < len(key_id) <= 200):
        raise ValueError("a key's kid must be a text of 1 to 200 characters")
    operations = jwk.get("key_ops")
    if jwk.get("use", "sig") != "sig" or (operations is not None and "verify" not in operations):
        return None
    algorithms = _algorithms(jwk)
    if not algorithms:
        return None
    try:
        public = PyJWK(dict(jwk), algorithm=min(algorithms)).key
    except (PyJWTError, ValueError, TypeError, KeyError):
        raise ValueError("a key of the set cannot be decoded") from None
    if not isinstance(public, RSAPublicKey | EllipticCurvePublicKey | Ed25519PublicKey):
        raise ValueError("a key of the set is no public key")
    if isinstance(public, RSAPublicKey) and not _MIN_RSA_BITS <= public.key_size <= _MAX_RSA_BITS:
        raise ValueError(f"an RSA key has {public.key_size} bits; wanted {_MIN_RSA_BITS} to {_MAX_RSA_BITS}")
    return Key(key_id, public, algorithms)


def parse_jwks(given: object) -> tuple[Key, ...]:
    """Return the usable keys of a JSON Web Key Set (RFC 7517).

    Keys for encryption and of unknown types are passed over, as RFC 7517 section 5 asks. Raises ValueError, which never
    holds key material, when the set is malformed, holds a secret, names a key twice or has no usable key.
    """
    entries = given.get("keys") if isinstance(given, dict) else None
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise ValueError('a key set is an object with a list of objects in "keys"')
    if len(entries) > MAX_KEYS:
        raise ValueError(f"the key set holds {len(entries)} keys; at most {MAX_KEYS} are read")
    keys = tuple(key for entry in entries if (key := _key(entry)) is not None)
    if not keys:
        raise ValueError("the key set holds no key that can verify a token")
    names = [key.key_id for key in keys]
    if len(keys) > 1 and (None in names or len(set(names)) != len(names)):
        raise ValueError("each of several keys needs its own kid")
    return keys


def _parse_file(data: bytes) -> tuple[Key, ...]:
    return parse_jwks(json.loads(data))


class IssuerKeys:
    """The keys of one issuer. Inline keys are parsed at the start (ValueError), a file whenever it has changed."""

    def __init__(self, settings: IssuerSettings) -> None:
        self._file = WatchedFile(settings.jwks_file, _parse_file, MAX_JWKS_BYTES) if settings.jwks_file else None
        self._inline = () if settings.jwks_file else parse_jwks(settings.jwks)

    def find(self, key_id: str | None) -> Key:
        """Return the key that a token names; without a name only an only key will do.

        Raises AccessError: token-key-unknown, or keys-unavailable when the file cannot be read or parsed now.
        """
        try:
            keys = self._file.get() if self._file else self._inline
        except (OSError, ValueError, RecursionError):
            raise AccessError("keys-unavailable") from None
        if key_id is None and len(keys) == 1:
            return keys[0]
        for key in keys:
            if key_id is not None and key.key_id == key_id:
                return key
        raise AccessError("token-key-unknown")

"""The box's own issuer of tokens: for root's console, the lab and tests. It counts only where it is configured."""

import hashlib
import json
import os
import stat
import time
import uuid
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from jwt.algorithms import OKPAlgorithm

from appliance.errors import RefusedError, UnknownStateError, UsageError
from appliance.gateway.auth.principal import PRACTICE_ROLES, Role
from appliance.gateway.auth.settings import IssuerSettings

ISSUER = "urn:appliance:local"
AUDIENCE = "appliance-gateway"
CONSOLE_LIFETIME_S = 300
_MAX_KEY_BYTES = 4096


def issuer_settings(jwks_file: Path, *, lab: bool) -> IssuerSettings:
    """Return what makes the box's own issuer count, with its public key set in a file."""
    return IssuerSettings(
        issuer=ISSUER,
        audience=AUDIENCE,
        jwks_file=jwks_file,
        algorithms=frozenset({"EdDSA"}),
        roles={role.value: role for role in (*PRACTICE_ROLES, Role.CONSOLE)},
        local=True,
        lab=lab,
    )


class LocalIssuer:
    """Signs tokens with an Ed25519 key.

    Only the minting side (root's console) reads the key; the gateway gets the public half, by `jwks()` or `export()`.
    """

    def __init__(self, key: Ed25519PrivateKey, *, clock: Callable[[], float] = time.time) -> None:
        self._key = key
        self._clock = clock
        public: dict[str, Any] = OKPAlgorithm.to_jwk(key.public_key(), as_dict=True)
        self._key_id = hashlib.sha256(json.dumps(public, sort_keys=True).encode()).hexdigest()[:16]
        self._public = {**public, "kid": self._key_id, "alg": "EdDSA", "use": "sig"}

    @classmethod
    def open(cls, path: Path, *, clock: Callable[[], float] = time.time) -> "LocalIssuer":
        """Return the issuer of the key file, which is made (mode 0600) when it is absent.

        Raises RefusedError when others may read the file or it is not ours, UnknownStateError when it holds no key.
        """
        try:
            _make(path)
        except FileExistsError:
            pass
        except OSError as error:
            raise UnknownStateError(
                f"{path} cannot be made: {error.strerror}", hint="make its folder, and run this as root"
            ) from None
        return cls(_load(path), clock=clock)

    def jwks(self) -> dict[str, Any]:
        """Return the public key set."""
        return {"keys": [dict(self._public)]}

    def export(self, path: Path) -> None:
        """Write the public key set, replacing the file in one step."""
        fresh = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
        with os.fdopen(descriptor, "w") as file:
            json.dump(self.jwks(), file)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)

    def mint(
        self,
        subject: str,
        roles: Iterable[Role],
        lifetime_s: float = CONSOLE_LIFETIME_S,
        *,
        session: str | None = None,
        mfa: bool = False,
        name: str | None = None,
        npi: str | None = None,
        licence_states: Iterable[str] = (),
    ) -> str:
        """Return a signed token, valid from now. Raises UsageError for roles that a token cannot give."""
        given = sorted(role.value for role in roles)
        if not given or Role.EHR.value in given:
            raise UsageError("a token needs a role, and ehr is none of a token", hint="choose a person's role")
        now = self._clock()
        claims: dict[str, Any] = {
            "iss": ISSUER, "aud": AUDIENCE, "sub": subject, "roles": given, "jti": uuid.uuid4().hex,
            "iat": int(now), "nbf": int(now), "exp": int(now + lifetime_s), "auth_time": int(now),
            "sid": session or uuid.uuid4().hex, "name": name, "npi": npi, "amr": ["mfa"] if mfa else None,
            "licence_states": sorted(licence_states) or None,
        }  # fmt: skip
        return jwt.encode(
            {key: value for key, value in claims.items() if value is not None},
            self._key,
            algorithm="EdDSA",
            headers={"kid": self._key_id},
        )

    def mint_console(self, subject: str, role: Role | None, lifetime_s: float = CONSOLE_LIFETIME_S) -> str:
        """Return a token for root on the box, with another role beside console if one is asked for.

        Raises UsageError when it would live longer than five minutes.
        """
        if not 0 < lifetime_s <= CONSOLE_LIFETIME_S:
            raise UsageError(
                f"a console token of {lifetime_s:g} s was asked for", hint=f"ask for at most {CONSOLE_LIFETIME_S} s"
            )
        return self.mint(subject, {Role.CONSOLE} | ({role} if role else set()), lifetime_s, name="console")


def _make(path: Path) -> None:
    """Make a key file under a name of its own and link it, so that nobody ever reads half a key."""
    if path.exists():
        raise FileExistsError(path)
    data = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    fresh = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.link(fresh, path)
    finally:
        fresh.unlink()


def _load(path: Path) -> Ed25519PrivateKey:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        raise UnknownStateError(f"{path} cannot be read: {error.strerror}", hint="run this as root") from None
    with os.fdopen(descriptor, "rb") as file:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode) or found.st_mode & 0o077 or found.st_uid != os.geteuid():
            raise RefusedError(
                f"{path} may be read by others or is not ours (mode {stat.S_IMODE(found.st_mode):o})",
                hint="remove it; a new key is made, and tokens of the old one stop to count",
            )
        data = file.read(_MAX_KEY_BYTES)
    try:
        key = load_pem_private_key(data, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        raise UnknownStateError(f"{path} holds no Ed25519 key", hint="remove it; a new key is made")
    return key

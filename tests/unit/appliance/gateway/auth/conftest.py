"""An identity provider with real keys, and a box that knows it."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from appliance.gateway.auth.settings import AccessSettings, IssuerSettings
from appliance.gateway.auth.verifier import TokenVerifier

NOW = 1_772_647_200.0  # 2026-03-04 18:00 UTC
ISSUER = "https://idp.example/realms/practice"
AUDIENCE = "appliance"


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


@dataclass
class IdentityProvider:
    """Signs what it is told to, with keys of each allowed kind."""

    keys: dict[str, Any]
    clock: Clock
    number: int = field(default=0)

    def jwk(self, name: str, **changed: Any) -> dict[str, Any]:
        """Return the public half of a key as a JWK."""
        public = self.keys[name].public_key()
        algorithm = {"rsa": RSAAlgorithm, "ec": ECAlgorithm, "ed": OKPAlgorithm}[name.rstrip("0123456789")]
        found: dict[str, Any] = algorithm.to_jwk(public, as_dict=True)
        return {
            key: value for key, value in (found | {"kid": name, "use": "sig"} | changed).items() if value is not None
        }

    def jwks(self, *names: str) -> dict[str, Any]:
        return {"keys": [self.jwk(name) for name in names or self.keys]}

    def claims(self, **changed: Any) -> dict[str, Any]:
        """Return the claims of a clinician's token of now; a change to None leaves one out."""
        self.number += 1
        now = int(self.clock.now)
        claims = {
            "iss": ISSUER, "aud": AUDIENCE, "sub": "clinician-1", "iat": now, "nbf": now, "exp": now + 600,
            "auth_time": now, "sid": "s1", "jti": f"t{self.number}", "groups": ["doctors", "staff"],
            "amr": ["pwd", "mfa"],
        }  # fmt: skip
        return {key: value for key, value in (claims | changed).items() if value is not None}

    def token(self, key: str = "rsa", algorithm: str | None = None, header: Any = None, **changed: Any) -> str:
        wanted = algorithm or {"rsa": "RS256", "ec": "ES256", "ed": "EdDSA"}[key.rstrip("0123456789")]
        headers = {"kid": key} | (header or {})
        return self.sign(self.claims(**changed), key, wanted, {k: v for k, v in headers.items() if v is not None})

    def sign(self, claims: dict[str, Any], key: str, algorithm: str, headers: dict[str, Any]) -> str:
        payload = json.dumps(claims).encode()
        return jwt.PyJWS().encode(payload, self.keys[key], algorithm=algorithm, headers=headers)


@pytest.fixture(scope="session")
def keys() -> dict[str, Any]:
    return {
        "rsa": rsa.generate_private_key(public_exponent=65537, key_size=2048),
        "ec": ec.generate_private_key(ec.SECP256R1()),
        "ed": ed25519.Ed25519PrivateKey.generate(),
        "ed2": ed25519.Ed25519PrivateKey.generate(),
    }


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def provider(keys: dict[str, Any], clock: Clock) -> IdentityProvider:
    return IdentityProvider(keys, clock)


@pytest.fixture
def issuer(provider: IdentityProvider) -> Callable[..., IssuerSettings]:
    """issuer(require_nbf=False): the provider's settings, with changes."""

    def make(**changed: Any) -> IssuerSettings:
        given = {
            "issuer": ISSUER, "audience": AUDIENCE, "roles_claim": "groups",
            "roles": {"doctors": "clinician", "billing": "coder", "desk": "front_desk"},
        }  # fmt: skip
        keys = {} if "jwks_file" in changed else {"jwks": provider.jwks("rsa", "ec", "ed")}
        return IssuerSettings.model_validate(given | keys | changed)

    return make


@pytest.fixture
def box(issuer: Callable[..., IssuerSettings], clock: Clock) -> Callable[..., TokenVerifier]:
    """box(max_token_lifetime_s=60): a verifier that knows the provider; `issuer_changes` changes what it knows."""

    def make(issuer_changes: dict[str, Any] | None = None, **changed: Any) -> TokenVerifier:
        settings = AccessSettings.model_validate({"issuers": [issuer(**(issuer_changes or {}))]} | changed)
        return TokenVerifier(settings, clock=clock)

    return make

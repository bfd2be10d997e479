"""What a site file points to: key sets of identity providers (public keys only), counsel's overrides, policies."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from appliance.contract.deid_policy import PolicyError, parse
from fleetctl.errors import ConfigError

# As the gateway reads them; see appliance/gateway/auth.
MAX_BYTES = 256 * 1024
MAX_KEYS = 50
# RFC 7518, sections 6.2.2, 6.3.2 and 6.4.1: the members that only a private or symmetric key has.
_PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
_PUBLIC_KINDS = ("RSA", "EC", "OKP")


def read_key_set(fleet: Path, relative: str) -> dict[str, Any]:
    """The key set in a file below `fleet`. Raises `ConfigError` with what is wrong, and never with key material."""
    hint = "take the public key set that the identity provider publishes (its jwks_uri), and save it there"
    path, document = _read_json(fleet, relative, hint)
    keys = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(keys, list) or not 0 < len(keys) <= MAX_KEYS:
        raise ConfigError(f"{path}: wanted is an object with 1 to {MAX_KEYS} keys in the list keys", hint=hint)
    for number, key in enumerate(keys):
        _require_public(path, number, key)
    return {"keys": keys}


def read_consent_overrides(fleet: Path, relative: str) -> dict[str, Any]:
    """Counsel's decisions on recording law, from a file below `fleet`; the box judges them and refuses unsound ones.

    Raises `ConfigError` for a file that is no such document.
    """
    hint = "see docs/design/consent.md for what counsel writes"
    path, document = _read_json(fleet, relative, hint)
    if not isinstance(document, dict) or document.get("schema_version") != "consent-overrides/v1":
        raise ConfigError(f"{path}: wanted is schema_version consent-overrides/v1", hint=hint)
    return document


def read_deid_policy(fleet: Path, relative: str) -> dict[str, Any]:
    """Which text a model reads how, from a file below `fleet`. Raises `ConfigError` with line and column, or key."""
    hint = "see docs/design/deid-surrogates.md; `appliancectl deid-policy FILE` shows what a file decides"
    path, data = _read(fleet, relative, hint)
    try:
        return parse(data).model_dump(mode="json")
    except PolicyError as error:
        raise ConfigError(f"{path}: {error}", hint=hint) from None


def _read_json(fleet: Path, relative: str, hint: str) -> tuple[Path, Any]:
    path, data = _read(fleet, relative, hint)
    try:
        return path, json.loads(data)
    except (ValueError, RecursionError):
        raise ConfigError(f"{path}: is not JSON", hint=hint) from None


def _read(fleet: Path, relative: str, hint: str) -> tuple[Path, bytes]:
    path = (fleet / relative).resolve()
    if not path.is_relative_to(fleet.resolve()):
        raise ConfigError(f"{relative}: leads out of the fleet directory", hint="keep the file inside of it")
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}", hint=hint) from error
    if len(data) > MAX_BYTES:
        raise ConfigError(f"{path}: larger than {MAX_BYTES} bytes", hint=hint)
    return path, data


def _require_public(path: Path, number: int, key: object) -> None:
    if not isinstance(key, dict):
        raise ConfigError(f"{path}: keys[{number}] is not an object", hint="see RFC 7517")
    if private := sorted(_PRIVATE & key.keys()):
        raise ConfigError(
            f"{path}: keys[{number}] holds private key material ({', '.join(private)})",
            hint="remove the file, have the identity provider change that key, and save only its public key set",
        )
    if key.get("kty") not in _PUBLIC_KINDS:
        raise ConfigError(
            f"{path}: keys[{number}] is of no public kind", hint=f"wanted is kty {', '.join(_PUBLIC_KINDS)}"
        )

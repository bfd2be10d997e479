"""Tokens for root's console, by the box's own issuer. Its key is root's alone; the gateway gets the public half."""

from pathlib import Path

from appliance.errors import RefusedError, UsageError
from appliance.gateway.auth.local_issuer import LocalIssuer
from appliance.gateway.auth.principal import PRACTICE_ROLES, Role
from appliance.gateway.settings import Settings

KEY_PATH = Path("/var/lib/fleetctl/local-issuer.key")


def mint(settings: Settings, role: str, subject: str, lifetime_s: float, *, key_path: Path = KEY_PATH) -> str:
    """Return a token. Raises RefusedError where this site takes no such tokens, UsageError for another role."""
    if settings.local_issuer is None:
        raise RefusedError(
            "this site takes no tokens of its own issuer",
            hint="sign in with the practice's identity provider, or allow the local issuer in the site file",
        )
    names = sorted(one.value for one in PRACTICE_ROLES)
    if role not in names:
        raise UsageError(f"{role} is no role of a person", hint=f"one of: {', '.join(names)}")
    issuer = LocalIssuer.open(key_path)
    if not settings.local_issuer.exists():
        issuer.export(settings.local_issuer)
    if settings.lab:
        return issuer.mint(subject, {Role(role)}, lifetime_s, mfa=True, name=f"lab {role}")
    return issuer.mint_console(subject, Role(role), lifetime_s)

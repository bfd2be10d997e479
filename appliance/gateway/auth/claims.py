"""What a verified token says, read strictly: each claim has a form and a bound, and nothing is guessed."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from appliance.gateway.auth.principal import Role
from appliance.gateway.auth.refusal import AccessError
from appliance.gateway.auth.settings import IssuerSettings

MAX_LIST = 300  # a person of a large directory is in some hundred groups
_MAX_DATE = 253_402_300_799  # 9999-12-31, the last that datetime can hold
# No control characters, nothing that turns or hides text on a screen, no half of a surrogate pair.
_PRINTABLE = re.compile(r"[^\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]*")
_STATE = re.compile(r"[A-Z]{2}")


def text(claims: Mapping[str, Any], name: str, *, max_chars: int = 255) -> str | None:
    """Return a claim that is a text of 1 to `max_chars` printable characters; None when absent.

    255 is OpenID Connect's bound of a subject (Core 1.0, section 2). Raises AccessError token-claim.
    """
    value = claims.get(name)
    if value is None:
        return None
    if not isinstance(value, str) or not 0 < len(value) <= max_chars or not _PRINTABLE.fullmatch(value):
        raise AccessError("token-claim")
    return value


def date(claims: Mapping[str, Any], name: str) -> float | None:
    """Return a NumericDate (seconds since 1970, RFC 7519 section 2), None when absent. Raises AccessError."""
    value = claims.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise AccessError("token-claim")
    if not 0 <= value <= _MAX_DATE:  # NaN is not either
        raise AccessError("token-claim")
    return float(value)


def texts(value: object) -> tuple[str, ...]:
    """Return a list of texts; a single text is a list of one, nothing an empty one. Raises AccessError token-claim."""
    if value is None:
        return ()
    found = (value,) if isinstance(value, str) else value
    if not isinstance(found, list | tuple) or len(found) > MAX_LIST:
        raise AccessError("token-claim")
    if not all(isinstance(item, str) and len(item) <= 255 for item in found):
        raise AccessError("token-claim")
    return tuple(found)


def roles(claims: Mapping[str, Any], settings: IssuerSettings) -> frozenset[Role]:
    """Return the roles that the issuer's mapping gives. Raises AccessError: no-role, or token-claim."""
    at: Any = claims
    for step in settings.roles_claim:
        at = at.get(step) if isinstance(at, Mapping) else None
    found = frozenset(settings.roles[value] for value in texts(at) if value in settings.roles)
    if not found:
        raise AccessError("no-role")
    return found | {Role.CONSOLE} if settings.local and not settings.lab else found


def multiple_factors(claims: Mapping[str, Any], settings: IssuerSettings) -> bool:
    """Whether the issuer says that the sign-in took more than one factor (acr, or amr as of RFC 8176)."""
    acr = text(claims, "acr")
    return acr in settings.mfa_acr or not settings.mfa_amr.isdisjoint(texts(claims.get("amr")))


def npi(claims: Mapping[str, Any]) -> str | None:
    """Return the National Provider Identifier, checked by its check digit (45 CFR 162.406). Raises AccessError."""
    value = text(claims, "npi", max_chars=10)
    if value is not None and not valid_npi(value):
        raise AccessError("token-claim")
    return value


def valid_npi(value: str) -> bool:
    """Whether it is ten digits whose last is the Luhn digit of the number behind the prefix 80840 (CMS's rule)."""
    if not re.fullmatch(r"[0-9]{10}", value):
        return False
    total = 0
    for place, digit in enumerate(int(digit) for digit in reversed("80840" + value)):
        doubled = digit * 2 if place % 2 else digit
        total += doubled - 9 if doubled > 9 else doubled
    return total % 10 == 0


def licence_states(claims: Mapping[str, Any]) -> frozenset[str]:
    """Return the states of the claim `licence_states`: two capital letters each. Raises AccessError token-claim."""
    found = frozenset(texts(claims.get("licence_states")))
    if not all(_STATE.fullmatch(state) for state in found):
        raise AccessError("token-claim")
    return found


def moment(seconds: float) -> datetime:
    """Return the time as an aware datetime."""
    return datetime.fromtimestamp(seconds, UTC)

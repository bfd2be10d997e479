"""Bearer tokens: from the bytes of a header to a principal, or a refusal. Nothing is fetched, nothing is guessed."""

import binascii
import json
import re
import time
from base64 import urlsafe_b64decode
from collections.abc import Callable, Mapping
from typing import Any

from jwt import PyJWS
from jwt.exceptions import PyJWTError

from appliance.gateway.auth import claims as read
from appliance.gateway.auth.keys import IssuerKeys, Key
from appliance.gateway.auth.principal import Principal
from appliance.gateway.auth.refusal import AccessError
from appliance.gateway.auth.revocation import Revocations
from appliance.gateway.auth.sessions import MemorySessions, SessionStore, Sighting
from appliance.gateway.auth.settings import MAX_TOKEN_BYTES, AccessSettings, IssuerSettings
from appliance.gateway.auth.signatures import Signatures, Signed, times_of

_TOKEN = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*")
_TYPES = {"jwt", "at+jwt", "application/at+jwt"}  # RFC 9068 section 4; a logout token (logout+jwt) is no access token


def bearer_token(authorization: str | None) -> str:
    """Return the token of an Authorization header (RFC 6750, section 2.1). Raises AccessError."""
    scheme, _, token = (authorization or "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise AccessError("token-missing")
    return token.strip()


class TokenVerifier:
    """Verifies tokens of the configured issuers. Safe to use from several threads.

    Raises ValueError at the start for unusable inline keys. `clock` gives seconds since 1970.
    """

    def __init__(
        self,
        settings: AccessSettings,
        *,
        sessions: SessionStore | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._settings = settings
        self._issuers = {issuer.issuer: (issuer, IssuerKeys(issuer)) for issuer in settings.issuers}
        self._sessions = sessions if sessions is not None else MemorySessions(settings.sessions)
        self._signatures = Signatures()
        self._revocations = Revocations(settings.revocations_file)
        self._clock = clock

    def verify(self, token: str) -> Principal:
        """Return who sent the token, and take note of their activity. Raises AccessError."""
        digest = Signatures.digest(token)
        signed = self._known(digest)
        if signed is None:
            signed = self._signed(token)
            self._signatures.remember(digest, signed)
        try:
            self._check_times_and_audience(signed.times, self._issuers[signed.issuer][0])
            self.check(signed.principal)
        except AccessError:
            self._signatures.forget(digest)
            raise
        return signed.principal

    def _known(self, digest: bytes) -> Signed | None:
        """Return what is known of a token, if its key is the issuer's now, read anew. Raises AccessError."""
        signed = self._signatures.find(digest)
        if signed is None or self._issuers[signed.issuer][1].find(signed.key_id) is signed.key:
            return signed
        return None

    def _signed(self, token: str) -> Signed:
        """Return what a token says after its signature was found right. Raises AccessError."""
        header, unverified = _split(token)
        issuer = unverified.get("iss")
        if not isinstance(issuer, str) or issuer not in self._issuers:
            raise AccessError("token-issuer")
        settings, keys = self._issuers[issuer]
        key, claims = _verified(token, header, settings, keys)
        self._check_times_and_audience(claims, settings)
        return Signed(issuer, header.get("kid"), key, times_of(claims), _principal(claims, settings))

    def check(self, principal: Principal, *, active: bool = True) -> None:
        """Ask again whether a principal still counts, for a connection that lasts. Raises AccessError.

        `active`: its user did something just now, which keeps the session from idling out.
        """
        if not principal.session_id:
            return
        now = self._clock()
        assert principal.issued_at is not None  # noqa: S101 - with a session it came from a token
        assert principal.expires_at is not None  # noqa: S101
        until = principal.expires_at.timestamp() + self._settings.clock_skew_s
        if now >= until:
            raise AccessError("token-expired")
        self._revocations.check(principal)
        signed_in = principal.authenticated_at
        self._sessions.see(
            Sighting(
                principal.issuer,
                principal.subject,
                principal.session_id,
                at=now,
                issued_at=principal.issued_at.timestamp(),
                authenticated_at=None if signed_in is None else signed_in.timestamp(),
                token_until=until,
            ),
            active=active,
        )

    def log_off(self, principal: Principal) -> None:
        """End the principal's session."""
        self._sessions.end(principal.issuer, principal.subject, principal.session_id, at=self._clock())

    def _check_times_and_audience(self, claims: Mapping[str, Any], settings: IssuerSettings) -> None:
        now = self._clock()
        skew = self._settings.clock_skew_s
        expires, issued = read.date(claims, "exp"), read.date(claims, "iat")
        not_before, signed_in = read.date(claims, "nbf"), read.date(claims, "auth_time")
        if expires is None or issued is None or (not_before is None and settings.require_nbf):
            raise AccessError("token-incomplete")
        if settings.audience not in read.texts(claims.get("aud")):
            raise AccessError("token-audience" if claims.get("aud") else "token-incomplete")
        if now >= expires + skew:
            raise AccessError("token-expired")
        if max(issued, not_before or 0.0, signed_in or 0.0) > now + skew:
            raise AccessError("token-not-yet-valid")
        if not 0 < expires - issued <= self._settings.max_token_lifetime_s:
            raise AccessError("token-lifetime")


def _split(token: str) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Return header and claims of a token, both unverified."""
    if len(token) > MAX_TOKEN_BYTES:
        raise AccessError("token-too-large")
    if not _TOKEN.fullmatch(token):
        raise AccessError("token-malformed")
    header, claims, _ = token.split(".")
    return _object(header), _object(claims)


def _object(part: str) -> Mapping[str, Any]:
    try:
        found = json.loads(urlsafe_b64decode(part + "=" * (-len(part) % 4)), object_pairs_hook=_no_name_twice)
    except (binascii.Error, ValueError, RecursionError):
        raise AccessError("token-malformed") from None
    if not isinstance(found, dict):
        raise AccessError("token-malformed")
    return found


def _no_name_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    # Two readers may take different ones of two claims of one name (RFC 7519, section 4), so neither is taken.
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name is given twice")
    return found


def _verified(
    token: str, header: Mapping[str, Any], settings: IssuerSettings, keys: IssuerKeys
) -> tuple[Key, Mapping[str, Any]]:
    """Return key and claims after the signature was found right, under an algorithm that key and issuer allow."""
    algorithm, key_id, kind = header.get("alg"), header.get("kid"), header.get("typ", "JWT")
    if not isinstance(algorithm, str) or algorithm not in settings.algorithms:
        raise AccessError("token-algorithm")
    # `crit` asks for an extension to be understood (RFC 7515, section 4.1.11), and we understand none.
    if "crit" in header or not isinstance(kind, str) or kind.lower() not in _TYPES:
        raise AccessError("token-malformed")
    if key_id is not None and not isinstance(key_id, str):
        raise AccessError("token-malformed")
    key = keys.find(key_id)
    if algorithm not in key.algorithms:
        raise AccessError("token-algorithm")
    allowed = sorted(key.algorithms & settings.algorithms)
    try:
        payload = PyJWS(algorithms=allowed).decode(token, key.public, algorithms=allowed)
    except (PyJWTError, ValueError, TypeError):
        raise AccessError("token-signature") from None
    return key, _object_of(payload)


def _object_of(payload: bytes) -> Mapping[str, Any]:
    # The same bytes as before the signature was checked, read again so that only verified ones are used from here on.
    found = json.loads(payload, object_pairs_hook=_no_name_twice)
    if not isinstance(found, dict):
        raise AccessError("token-malformed")
    return found


def _principal(claims: Mapping[str, Any], settings: IssuerSettings) -> Principal:
    subject = read.text(claims, "sub")
    session, token_id = read.text(claims, "sid"), read.text(claims, "jti")
    expires, issued = read.date(claims, "exp"), read.date(claims, "iat")
    signed_in = read.date(claims, "auth_time")
    if subject is None or expires is None or issued is None or (session is None and token_id is None):
        raise AccessError("token-incomplete")
    return Principal(
        subject=subject,
        roles=read.roles(claims, settings),
        issuer=settings.issuer,
        name=read.text(claims, "name") or "",
        npi=read.npi(claims),
        licence_states=read.licence_states(claims),
        session_id=f"sid:{session}" if session is not None else f"jti:{token_id}",
        token_id=token_id,
        issued_at=read.moment(issued),
        expires_at=read.moment(expires),
        authenticated_at=None if signed_in is None else read.moment(signed_in),
        mfa=read.multiple_factors(claims, settings),
    )

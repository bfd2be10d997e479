"""Sessions and automatic logoff: who was last seen when, bounded, in memory."""

import threading
from dataclasses import dataclass, replace
from typing import Protocol

from appliance.gateway.auth.refusal import AccessError
from appliance.gateway.auth.settings import SessionSettings

_PRUNE_EVERY = 1024


@dataclass(frozen=True)
class Sighting:
    """A valid token was shown. Times are seconds since 1970; `token_until` is when it stops to be valid."""

    issuer: str
    subject: str
    session_id: str
    at: float
    issued_at: float
    authenticated_at: float | None
    token_until: float

    @property
    def key(self) -> tuple[str, str, str]:
        """What the session is known by."""
        return (self.issuer, self.subject, self.session_id)


class SessionStore(Protocol):
    """Where sessions are kept."""

    def see(self, sighting: Sighting, *, active: bool = True) -> None:
        """Take note of it, or raise AccessError session-expired (or sessions-full)."""

    def end(self, issuer: str, subject: str, session_id: str, *, at: float) -> None:
        """Log off: the session is over until its user signs in again."""


@dataclass(frozen=True)
class _Session:
    begun: float
    last_seen: float
    keep_until: float
    ended: bool = False


class MemorySessions:
    """Sessions of one process.

    A session ends when it was idle too long or began too long ago, and stays ended whatever fresh token the client
    gets for it, until the issuer says (auth_time) that the user signed in after it was last seen. An unknown session,
    for instance after a restart, counts from its token's issue: activity before that cannot be proven. When the store
    is full, new sessions are refused; none is dropped, because a dropped one would come back as a new one.
    """

    def __init__(self, settings: SessionSettings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._sessions: dict[tuple[str, str, str], _Session] = {}
        self._sights = 0

    def __len__(self) -> int:
        return len(self._sessions)

    def see(self, sighting: Sighting, *, active: bool = True) -> None:
        """Take note of a valid token. `active`: the user did something, else only asks whether the session still is.

        Raises AccessError: session-expired, or sessions-full.
        """
        with self._lock:
            self._prune(sighting.at)
            known = self._sessions.get(sighting.key)
            signed_in = sighting.authenticated_at
            if known is None or (signed_in is not None and signed_in > known.last_seen):
                begun = sighting.issued_at if signed_in is None else signed_in
                session = _Session(begun, max(begun, sighting.issued_at), 0.0)
            else:
                session = replace(known, begun=max(known.begun, signed_in or 0.0))
            idle = sighting.at - session.last_seen > self._settings.idle_timeout_s
            if session.ended or idle or sighting.at - session.begun > self._settings.max_session_s:
                if known is not None:
                    self._sessions[sighting.key] = replace(known, ended=True)
                raise AccessError("session-expired")
            if known is None:
                self._make_room(sighting.at)
            last_seen = max(session.last_seen, sighting.at) if active else session.last_seen
            keep_until = max(session.keep_until, self._keep_until(sighting))
            self._sessions[sighting.key] = replace(session, last_seen=last_seen, keep_until=keep_until)

    def end(self, issuer: str, subject: str, session_id: str, *, at: float) -> None:
        """Log off. An unknown session is noted too, so that its tokens stop to count."""
        with self._lock:
            self._prune(at)
            keep_until = at + self._settings.max_session_s
            self._sessions[(issuer, subject, session_id)] = _Session(at, at, keep_until, ended=True)

    def _keep_until(self, sighting: Sighting) -> float:
        # A session that only one token names is over with the token; one with a name of its own may get fresh tokens.
        if sighting.session_id.startswith("sid:"):
            return max(sighting.token_until, sighting.at + self._settings.max_session_s)
        return sighting.token_until

    def _prune(self, now: float) -> None:
        self._sights += 1
        if self._sights % _PRUNE_EVERY == 0:
            self._forget(now)

    def _make_room(self, now: float) -> None:
        if len(self._sessions) >= self._settings.max_open:
            self._forget(now)
        if len(self._sessions) >= self._settings.max_open:
            raise AccessError("sessions-full")

    def _forget(self, now: float) -> None:
        self._sessions = {key: value for key, value in self._sessions.items() if value.keep_until >= now}

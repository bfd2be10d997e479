"""Tokens whose signature was found right: one that comes again is not computed again.

Whether a signature fits is a function of the token and the key, and only that is remembered, with what the claims say.
Everything that can change (the issuer's keys, the time, revocation, the session) is asked for each request.
"""

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from appliance.gateway.auth.keys import Key
from appliance.gateway.auth.principal import Principal

# A day of 300 providers has some hundreds of tokens that count at once.
MAX_TOKENS = 2048
_KEPT_CLAIMS = ("aud", "auth_time", "exp", "iat", "nbf")


@dataclass(frozen=True)
class Signed:
    """What a token says, and the key that it was found signed with. `times`: the claims that are checked each time."""

    issuer: str
    key_id: str | None
    key: Key
    times: Mapping[str, Any]
    principal: Principal


def times_of(claims: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the claims that count anew for each request; the others became the principal."""
    return {name: claims[name] for name in _KEPT_CLAIMS if name in claims}


class Signatures:
    """The newest MAX_TOKENS, found by the SHA-256 of the token: the tokens themselves are not kept."""

    def __init__(self) -> None:
        self._one = threading.Lock()
        self._known: OrderedDict[bytes, Signed] = OrderedDict()

    def __len__(self) -> int:
        return len(self._known)

    @staticmethod
    def digest(token: str) -> bytes:
        """Return what a token is known by."""
        return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()

    def find(self, digest: bytes) -> Signed | None:
        """Return what is known of a token. The caller looks whether its key still is the issuer's."""
        with self._one:
            found = self._known.get(digest)
            if found is not None:
                self._known.move_to_end(digest)
            return found

    def remember(self, digest: bytes, signed: Signed) -> None:
        """Remember one; the longest unused leaves."""
        with self._one:
            self._known[digest] = signed
            self._known.move_to_end(digest)
            while len(self._known) > MAX_TOKENS:
                self._known.popitem(last=False)

    def forget(self, digest: bytes) -> None:
        """Forget one that does not count any more."""
        with self._one:
            self._known.pop(digest, None)

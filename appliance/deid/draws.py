"""Draws that repeat: whoever has the key gets the same surrogate for the same thing, and nobody else can tell which."""

from __future__ import annotations

import hmac

from appliance.errors import UsageError

MIN_KEY_BYTES = 16
# Weeks, so that days of the week stay right ("Monday, March 3"; "next Friday"). Five at least, so that a month without
# a day moves, too; 52 at most; always back, so that nothing that has happened lies ahead.
_MIN_WEEKS, _MAX_WEEKS = 5, 52


class Draws:
    """HMAC-SHA-256 under the key of an encounter or a patient. `repr` shows nothing.

    Args:
        key: What stand-ins are drawn with.
        dates_key: What says by how much dates move; None: `key`. A patient's own keeps intervals over encounters.

    Raises UsageError when a key is shorter than 16 bytes.
    """

    def __init__(self, key: bytes, dates_key: bytes | None = None) -> None:
        for one in (key, key if dates_key is None else dates_key):
            if len(one) < MIN_KEY_BYTES:
                raise UsageError(
                    f"the key has {len(one)} bytes", hint=f"give at least {MIN_KEY_BYTES} random bytes of your own"
                )
        self._key = key
        self._dates = self if dates_key is None else Draws(dates_key)

    def __repr__(self) -> str:
        return "Draws()"

    def stream(self, purpose: str, value: str, attempt: int = 0, length: int = 32) -> bytes:
        """Return `length` bytes for a value; `attempt` tells apart what is drawn again."""
        found = b""
        block = 0
        while len(found) < length:
            # Lengths go first, so that no two triples are written the same.
            said = f"{len(purpose)}:{len(value)}:{attempt}:{block}:{purpose}{value}".encode("utf-8", "surrogatepass")
            found += hmac.digest(self._key, said, "sha256")
            block += 1
        return found[:length]

    def number(self, purpose: str, value: str, below: int, attempt: int = 0) -> int:
        """Return a number from 0 to `below` - 1."""
        return int.from_bytes(self.stream(purpose, value, attempt, 16), "big") % below

    def digits(self, purpose: str, value: str, count: int, attempt: int = 0) -> tuple[int, ...]:
        """Return so many numbers from 0 to 2^32 - 1; what is made of each is the caller's."""
        drawn = self.stream(purpose, value, attempt, 4 * count)
        return tuple(int.from_bytes(drawn[at : at + 4], "big") for at in range(0, 4 * count, 4))

    @property
    def shift_days(self) -> int:
        """By how many days dates move: the same for every date under their key, 35 to 364 back, in whole weeks."""
        return -7 * (_MIN_WEEKS + self._dates.number("dates", "shift", _MAX_WEEKS - _MIN_WEEKS + 1))

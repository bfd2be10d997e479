"""What the agent answers with: one snapshot for all who ask within two seconds, in three forms."""

import threading
import time
from collections.abc import Callable

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from appliance.contract.health import HealthSnapshot
from appliance.contract.signed import seal
from appliance.health.metrics.exposition import render

# Several watchers that ask at once get one snapshot: each costs a request to the services behind.
FRESH_S = 2.0
# Every source has a deadline below this. A snapshot that takes longer hangs, and so does the agent.
STUCK_S = 60.0


class Answers:
    """Makes a snapshot when the last one is too old, in the thread that asks first; the others wait for it."""

    def __init__(
        self,
        take: Callable[[], HealthSnapshot],
        key: Callable[[], Ed25519PrivateKey],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._take, self._load_key, self._clock = take, key, clock
        self._key: Ed25519PrivateKey | None = None
        self._lock = threading.Lock()
        self._taken = float("-inf")
        self._begun: float | None = None
        self._snapshot: HealthSnapshot | None = None
        self._body = self._envelope = self._text = b""

    def plain(self) -> bytes:
        """Return the snapshot as JSON."""
        with self._lock:
            self._refresh()
            return self._body

    def signed(self) -> bytes:
        """Return the snapshot in a signed envelope. Raises UnknownStateError while there is no key."""
        with self._lock:
            self._refresh()
            if not self._envelope:
                self._envelope = seal(self._body, self._signing_key())
            return self._envelope

    def metrics(self) -> bytes:
        """Return the snapshot as Prometheus metrics."""
        with self._lock:
            snapshot = self._refresh()
            if not self._text:
                self._text = render(snapshot)
            return self._text

    def stuck(self) -> bool:
        """Whether a snapshot is in the making for longer than any may take."""
        begun = self._begun
        return begun is not None and self._clock() - begun > STUCK_S

    def _refresh(self) -> HealthSnapshot:
        if self._snapshot is None or self._clock() - self._taken > FRESH_S:
            self._begun = self._clock()
            try:
                self._snapshot = self._take()
            finally:
                self._begun = None
            self._body = self._snapshot.model_dump_json().encode()
            self._envelope = self._text = b""
            self._taken = self._clock()
        return self._snapshot

    def _signing_key(self) -> Ed25519PrivateKey:
        """Looked for until it is there: the state volume may be opened after the agent has started."""
        if self._key is None:
            self._key = self._load_key()
        return self._key

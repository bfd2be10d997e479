"""How long the requests of the last minutes took: a few numbers for a service's own account of itself."""

import math
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from appliance.contract.health_engines import Latency

WINDOW_S = 600.0
# An engine serves far fewer in ten minutes. More than these, and the window is the newest of them.
MOST = 4096


@dataclass(frozen=True)
class _Request:
    ended_s: float
    seconds: float
    failed: bool
    made_s: float
    tokens: int


class Window:
    """The requests that ended in the last `WINDOW_S`. Adding one costs a place in a list; the numbers, a sort."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._requests: deque[_Request] = deque(maxlen=MOST)
        # A transcription may end in another thread than the one that asks.
        self._lock = threading.Lock()

    def ended(self, seconds: float, *, failed: bool = False, made_s: float = 0.0, tokens: int = 0) -> None:
        """Count one. A client that went away or was refused is none: it says nothing about the engine."""
        with self._lock:
            self._requests.append(_Request(self._clock(), seconds, failed, made_s, tokens))

    def latency(self) -> Latency:
        """Return count, failures, and the time of those that were answered."""
        recent = self._recent()
        answered = sorted(each.seconds for each in recent if not each.failed)
        p50, p95, p99 = (_percentile(answered, share) for share in (0.50, 0.95, 0.99))
        failed = len(recent) - len(answered)
        return Latency(window_s=WINDOW_S, count=len(recent), failed=failed, p50_ms=p50, p95_ms=p95, p99_ms=p99)

    def tokens_per_s(self) -> float | None:
        """Return the tokens of all answers over the time in which they were made; None without any."""
        counted = [each for each in self._recent() if each.tokens and each.made_s > 0]
        made_s = sum(each.made_s for each in counted)
        return round(sum(each.tokens for each in counted) / made_s, 2) if counted else None

    def _recent(self) -> list[_Request]:
        since = self._clock() - WINDOW_S
        with self._lock:
            while self._requests and self._requests[0].ended_s < since:
                self._requests.popleft()
            return list(self._requests)


def _percentile(ordered: list[float], share: float) -> float | None:
    """The nearest-rank percentile, in milliseconds: always a time that some request took."""
    return round(ordered[math.ceil(share * len(ordered)) - 1] * 1000, 1) if ordered else None

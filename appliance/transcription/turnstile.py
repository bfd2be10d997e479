"""Who may use the model next: live streams go before batches, because somebody is looking at them."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Turnstile:
    """Lets one in at a time. A batch waits while a live stream waits; a live stream waits for one batch at most."""

    def __init__(self) -> None:
        self._free = threading.Condition()
        self._busy = False
        self.live_waiting = 0

    @contextmanager
    def live(self) -> Iterator[None]:
        """Hold the model for one preview."""
        with self._free:
            self.live_waiting += 1
            try:
                self._free.wait_for(lambda: not self._busy)
            finally:
                self.live_waiting -= 1
            self._busy = True
        try:
            yield
        finally:
            self._leave()

    @contextmanager
    def batch(self) -> Iterator[None]:
        """Hold the model for one batch of a recording."""
        with self._free:
            self._free.wait_for(lambda: not self._busy and not self.live_waiting)
            self._busy = True
        try:
            yield
        finally:
            self._leave()

    def _leave(self) -> None:
        with self._free:
            self._busy = False
            self._free.notify_all()

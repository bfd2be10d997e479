"""What is in work, and whether anything may begin: a drain is ordered by root through a file.

Who begins is counted first and looks at the file second; who asks for the counts looks at the file first. So an answer
that says draining and zero is true of everything that was ever let in.
"""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from appliance.contract.drain import MAX_DRAIN_BYTES, DrainOrder, InFlight
from appliance.gateway.auth.watched_file import WatchedFile
from appliance.problems import ProblemError

log = logging.getLogger("appliance.gateway")
Work = Literal["visits", "uploads", "transcripts", "drafts"]
# A switch takes minutes; a client that asks again this often costs nothing.
_LONGEST_RETRY_S = 60


class Drain:
    """The one place where work begins."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = WatchedFile(path, DrainOrder.model_validate_json, MAX_DRAIN_BYTES)
        self._lock = threading.Lock()
        self._counts: dict[Work, int] = {"visits": 0, "uploads": 0, "transcripts": 0, "drafts": 0}
        self._told = ""

    @contextmanager
    def admitted(self, work: Work) -> Iterator[None]:
        """Count as in work for the length of the block. Raises ProblemError 503 while a drain is in force."""
        self.require_none()  # uncounted: who asks again and again must not keep the count from zero
        self._count(work, 1)
        try:
            self.require_none()
            yield
        finally:
            self._count(work, -1)

    def require_none(self) -> None:
        """Raise ProblemError 503 while a drain is in force."""
        left_s = self._left_s()
        if left_s is not None:
            raise ProblemError(
                503, "draining", "Nothing new begins for a moment",
                "the box is about to be updated; what is in work goes on, and what is stored can be read and signed",
                retry_after_s=min(_LONGEST_RETRY_S, max(1, int(left_s) + 1)),
            )  # fmt: skip

    def state(self) -> tuple[bool, InFlight]:
        """Return whether a drain is in force, and what is in work; looked at in this order."""
        draining = self._left_s() is not None
        with self._lock:
            return draining, InFlight(**self._counts)

    def _count(self, work: Work, by: int) -> None:
        with self._lock:
            self._counts[work] += by

    def _left_s(self) -> float | None:
        """Return how long the drain goes on; None: there is none. One that cannot be understood is in force."""
        try:
            order = self._file.get()
        except FileNotFoundError:
            self._tell("")
            return None
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            self._tell(f"is no order: {'.'.join(map(str, first['loc'])) or 'the document'}: {first['type']}")
            return _LONGEST_RETRY_S
        except (OSError, ValueError) as error:
            self._tell(f"cannot be read: {getattr(error, 'strerror', None) or error}")
            return _LONGEST_RETRY_S
        now = datetime.now(UTC)
        self._tell(f"operation {order.operation}, until {order.until.isoformat()}" if order.counts(now) else "")
        return (order.until - now).total_seconds() if order.counts(now) else None

    def _tell(self, what: str) -> None:
        """Write a line when it changes, not with each request."""
        with self._lock:
            told, self._told = self._told, what
        if what == told:
            return
        if not what:
            log.info("drain: ended")
        elif what.startswith("operation"):
            log.info("drain: %s", what)
        else:
            log.error("drain: %s %s; nothing begins until it is removed", self._path, what)

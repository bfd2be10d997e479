"""A simulated wall clock for the programs of a simulated site: Python imports this first, by the site's PYTHONPATH.

The offset is `clock_s` of the site's faults. Only `datetime.now`, `datetime.utcnow` and `time.time` are moved: the
kernel's own clock, which stamps files, is that of the machine that all sites share.
"""

import datetime
import json
import os
import time
from pathlib import Path


def _offset_s() -> float:
    try:
        return float(json.loads(Path(os.environ["SIMULATED_SITE"], "sim/faults.json").read_bytes())["clock_s"])
    except (OSError, KeyError, ValueError):
        return 0.0


def _move(offset_s: float) -> None:
    real, real_time = datetime.datetime, time.time
    by = datetime.timedelta(seconds=offset_s)

    class Kind(type):
        def __instancecheck__(cls, each: object) -> bool:
            return isinstance(each, real)

    class SimulatedClock(real, metaclass=Kind):  # type: ignore[misc, valid-type]
        """`datetime` with a wrong clock. What it answers is the plain class again, so that everybody takes it."""

        @classmethod
        def now(cls, tz: datetime.tzinfo | None = None) -> datetime.datetime:
            return real.now(tz) + by

        @classmethod
        def utcnow(cls) -> datetime.datetime:
            return real.now(datetime.UTC).replace(tzinfo=None) + by

    datetime.datetime = SimulatedClock  # type: ignore[misc]
    time.time = lambda: real_time() + offset_s


if _offset := _offset_s():
    _move(_offset)

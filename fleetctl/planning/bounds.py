"""What each figure of a plan can be at all: below or above it is a slip of the pen, and arithmetic with it is nonsense.

The ends are ours and wide: a site outside of one is no site. Command line, measurements and scenarios share them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from annotated_types import Interval
    from pydantic import AfterValidator

    from fleetctl.planning.figures import Figure


@dataclass(frozen=True)
class Bound:
    """Both ends belong to what is allowed."""

    least: float
    most: float

    @property
    def interval(self) -> Interval:
        """For a plain number's annotation: neither infinity nor NaN lies inside."""
        from annotated_types import Interval  # not where only the command line's help is shown

        return Interval(ge=self.least, le=self.most)

    @property
    def figure(self) -> AfterValidator:
        """For the annotation of a `Figure`: its value, low and high lie inside."""
        from pydantic import AfterValidator

        return AfterValidator(self._holds)

    def _holds(self, figure: Figure) -> Figure:
        for name, value in (("value", figure.value), ("low", figure.low), ("high", figure.high)):
            if value is not None and not self.least <= value <= self.most:
                raise ValueError(f"{name} must be between {self.least:,.10g} and {self.most:,.10g}; is {value:g}")
        return figure


# A day. The largest employer of clinicians in the world has fewer than 1,000,000 who see patients.
PROVIDERS = Bound(1, 1_000_000)
ENCOUNTERS_PER_PROVIDER = Bound(0.01, 1_000)
CODING_RECORDS_PER_PROVIDER = Bound(0, 10_000)
JOBS_PER_DAY = Bound(0, 1_000_000_000)  # of the whole site, with growth
VISIT_MINUTES = Bound(0.1, 1_440)
VISIT_VARIATION = Bound(0, 3)
TOKENS = Bound(1, 10_000_000)
OPENING_HOUR = Bound(0, 23)
CLOSING_HOUR = Bound(1, 24)
PEAK_FACTOR = Bound(1, 24)  # all visits in one hour of a day of 24
GROWTH_PERCENT = Bound(-50, 200)
GROWTH_YEARS = Bound(0, 20)

# Targets
BUSIEST_HOUR_LOAD = Bound(0.05, 0.99)  # at 1 a queue grows without end
WAIT_S = Bound(0.1, 86_400)
FIRST_TOKEN_MS = Bound(0.1, 600_000)
CODING_RECORD_S = Bound(0.01, 86_400)

# Machines
SHARE = Bound(0.01, 1)
MEMORY_GB = Bound(0, 10_000)
TRANSCRIPTION_SPEED = Bound(0.1, 100_000)
TOKENS_PER_S = Bound(0.1, 100_000_000)
TOKEN_INTERVAL_MS = Bound(0.01, 60_000)
WEIGHTS_GB = Bound(0.01, 100_000)
KV_KIB_PER_TOKEN = Bound(0.01, 1_000_000)

# Money in US dollars
HORIZON_YEARS = Bound(0.1, 50)
DISCOUNT_PERCENT = Bound(-50, 100)  # at -100 later money is worth nothing
HOSTS = Bound(0, 100_000)
DAYS_PER_MONTH = Bound(0, 31)
ENCOUNTERS_PER_MONTH = Bound(0, 31 * JOBS_PER_DAY.most)
USD_PER_ENCOUNTER = Bound(0, 100_000)
USD = Bound(0, 1e12)
USD_PER_HOST = Bound(0, 100_000_000)
KW_PER_HOST = Bound(0, 1_000)
USD_PER_KWH = Bound(0, 1_000)
SUPPORT_PERCENT = Bound(0, 100)
HOURS_PER_MONTH = Bound(0, 1_000_000)  # of several people
USD_PER_HOUR = Bound(0, 100_000)
CLAIM = Bound(-1e15, 1e15)

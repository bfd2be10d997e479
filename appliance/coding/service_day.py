"""Which days can be dates of service: one rule for the gateway, the commands and coded records.

A look-up in a table takes any day: a practice reads next year's codes before they hold.
"""

from __future__ import annotations

import datetime

FIRST = datetime.date(1900, 1, 1)
_AHEAD = datetime.timedelta(days=1)
"""The box counts in UTC, and a practice's day may have begun before it there."""
WANTED = f"a day from {FIRST} to at most one day after today by the box's clock"


def can_be_served(day: datetime.date) -> bool:
    """Whether something can have been done for a patient on that day, by the box's clock."""
    return FIRST <= day <= datetime.datetime.now(datetime.UTC).date() + _AHEAD

"""Whether a table can be trusted on a date of service: codes change by publication, and a box may lack the newest."""

from __future__ import annotations

import datetime

from appliance.coding.suggestion import CodeSystem
from appliance.coding.tables.codes import PackedTable

_OLD = datetime.timedelta(days=366)
"""CPT changes each year, HCPCS Level II each quarter; a table without dates of its codes cannot tell which."""


def outdated(table: PackedTable, on: datetime.date) -> str | None:
    """Why what the table says of a day may be wrong, as one sentence with the next action; None: nothing tells so.

    ICD-10-CM's yearly version begins on 1 October.
    """
    begun, until = table.head.effective_from, table.head.effective_to
    if until is not None and on > until:
        return f"The newest table holds until {until}; {on} is behind it: import the current one."
    if table.system is CodeSystem.ICD_10_CM:
        october = datetime.date(begun.year + (begun >= datetime.date(begun.year, 10, 1)), 10, 1)
        if on >= october:
            return f"The newest table is of {begun}; codes changed on {october}: import the current one."
    elif not table.dated and not begun <= on <= begun + _OLD:
        return (
            f"The table of {table.system.value} is of {begun}: what it says of {on} may be wrong; "
            "import the current one."
        )
    return None

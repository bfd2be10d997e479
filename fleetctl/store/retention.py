"""Sums up what is old: single observations to hours, hours to days. Bounded, and never half done."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, delete, select
from sqlalchemy.dialects import postgresql, sqlite

from appliance.contract.health import Verdict
from fleetctl.store.records import Retention, milliseconds
from fleetctl.store.tables import observation, summary

# One batch holds the writers' lock for some tens of milliseconds. A round over 1,000 sites adds 1,000 rows.
BATCH_ROWS = 4000
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS


def thin_out(connection: Connection, policy: Retention, now: datetime, is_sqlite: bool) -> int:
    """One batch of the oldest that is due, within the caller's transaction; how many rows went."""

    def before(days: int) -> int:
        return milliseconds(now - timedelta(days=days))

    # A span is summed up once all of it is old enough, so that the two forms never lie side by side for one hour.
    old = before(policy.raw_days) // HOUR_MS * HOUR_MS
    columns = observation.c
    rows = connection.execute(
        select(columns.id, columns.site, columns.at, columns.verdict)
        .where(columns.at < old).order_by(columns.at).limit(BATCH_ROWS)
    ).all()  # fmt: skip
    if rows:
        counted: dict[tuple[str, int], Counter[str]] = {}
        for row in rows:
            counted.setdefault((row.site, row.at // HOUR_MS * HOUR_MS), Counter())[row.verdict] += 1
        _add(connection, "hour", counted, is_sqlite)
        _delete(connection, [row.id for row in rows])
        return len(rows)
    hours = connection.execute(
        select(summary).where(summary.c.span == "hour", summary.c.start < before(policy.hourly_days) // DAY_MS * DAY_MS)
        .order_by(summary.c.start).limit(BATCH_ROWS)
    ).all()  # fmt: skip
    if hours:
        days: dict[tuple[str, int], Counter[str]] = {}
        for row in hours:
            day = days.setdefault((row.site, row.start // DAY_MS * DAY_MS), Counter())
            day.update({verdict.value: getattr(row, verdict.value) for verdict in Verdict})
        _add(connection, "day", days, is_sqlite)
        for row in hours:
            key = (summary.c.site == row.site, summary.c.span == "hour", summary.c.start == row.start)
            connection.execute(delete(summary).where(*key))
        return len(hours)
    ended = delete(summary).where(summary.c.span == "day", summary.c.start < before(policy.daily_days))
    return connection.execute(ended).rowcount


def _add(connection: Connection, span: str, counted: dict[tuple[str, int], Counter[str]], is_sqlite: bool) -> None:
    insert: Any = (sqlite if is_sqlite else postgresql).insert(summary)
    rows = [
        {"site": site, "span": span, "start": start, **{verdict.value: counts[verdict.value] for verdict in Verdict}}
        for (site, start), counts in counted.items()
    ]
    # Part of a span may have been summed up by an earlier batch.
    more = {verdict.value: summary.c[verdict.value] + insert.excluded[verdict.value] for verdict in Verdict}
    connection.execute(insert.on_conflict_do_update(index_elements=["site", "span", "start"], set_=more), rows)


def _delete(connection: Connection, ids: Sequence[int]) -> None:
    # SQLite takes 32,766 parameters in one statement.
    connection.execute(delete(observation).where(observation.c.id.in_(ids)))

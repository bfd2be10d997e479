"""The tables of alerts: what fires, what has yet to be told, and who watches. Times as in `tables.py`."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Integer, String, Table, Text

from fleetctl.store.tables import metadata, row_id

alert = Table(
    "alert",
    metadata,
    Column("rule", String(63), primary_key=True),
    Column("site", String(63), primary_key=True),
    Column("check_id", String(64), primary_key=True),
    Column("severity", String(10), nullable=False),
    Column("phase", String(10), nullable=False),
    Column("verdict", String(10), nullable=False),
    Column("reason", Text, nullable=False),
    Column("next_action", Text, nullable=False),
    Column("labels", Text, nullable=False),  # JSON
    Column("since", BigInteger, nullable=False),
    Column("fired_at", BigInteger),
    Column("good_since", BigInteger),
    Column("ended_at", BigInteger),
    Column("told_at", BigInteger),
    Column("told_phase", String(10)),
    Column("end_reason", Text, nullable=False),
)

# Messages that a receiver has not taken yet; what was taken is removed.
alert_outbox = Table(
    "alert_outbox",
    metadata,
    Column("id", row_id, primary_key=True, autoincrement=True),
    Column("receiver", String(64), nullable=False),
    Column("message", Text, nullable=False),  # JSON
    Column("attempts", Integer, nullable=False),
    Column("next_at", BigInteger, nullable=False, index=True),
    Column("problem", Text, nullable=False),
)

# One row: who watches the fleet, and when they last finished a round.
watch = Table(
    "watch",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("host", String(255), nullable=False),
    Column("leads_until", BigInteger, nullable=False),
    Column("round_at", BigInteger),
    Column("sites", Integer, nullable=False),
    Column("undelivered", Integer, nullable=False),
)

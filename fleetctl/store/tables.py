"""The store's tables. Times are whole milliseconds since 1970 in UTC, the same in SQLite and PostgreSQL."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Float, Index, Integer, LargeBinary, MetaData, String, Table, Text

metadata = MetaData()
# SQLite counts rows up by itself only in a column of its own integer type.
_RowId = BigInteger().with_variant(Integer, "sqlite")

meta = Table("meta", metadata, Column("name", String(40), primary_key=True), Column("value", Text, nullable=False))

observation = Table(
    "observation",
    metadata,
    Column("id", _RowId, primary_key=True, autoincrement=True),
    Column("site", String(63), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("outcome", String(20), nullable=False),
    Column("verdict", String(10), nullable=False),
    Column("reason", Text, nullable=False),
    Column("took_ms", Float, nullable=False),
    Column("boot_id", String(40)),
    Column("sequence", BigInteger),
    Column("image_version", String(100)),
    Column("image_hash", String(64)),
    Column("models", Text),  # JSON: task → [name, root hash]
    Column("digest", String(64)),  # SHA-256 of the snapshot as the box made it
    Column("snapshot", LargeBinary),  # zlib of the same; absent where one like it was kept shortly before
    Index("observation_site_at", "site", "at"),
    Index("observation_at", "at"),
)

# What became of old observations: how many of each verdict an hour or a day had. The worst one is never averaged away.
summary = Table(
    "summary",
    metadata,
    Column("site", String(63), primary_key=True),
    Column("span", String(4), primary_key=True),  # hour or day
    Column("start", BigInteger, primary_key=True),
    Column("ok", Integer, nullable=False),
    Column("degraded", Integer, nullable=False),
    Column("critical", Integer, nullable=False),
    Column("unknown", Integer, nullable=False),
    Index("summary_span_start", "span", "start"),
)

site_state = Table(
    "site_state",
    metadata,
    Column("site", String(63), primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("outcome", String(20), nullable=False),
    Column("verdict", String(10), nullable=False),
    Column("reason", Text, nullable=False),
    Column("since", BigInteger, nullable=False),  # of the verdict
    Column("snapshot_at", BigInteger),  # when a whole snapshot was kept last
    Column("boot_id", String(40)),
    Column("sequence", BigInteger),
    Column("taken_at", BigInteger),
    Column("earlier_boots", Text),  # JSON, oldest first
)

fault = Table(
    "fault",
    metadata,
    Column("site", String(63), primary_key=True),
    Column("fault", String(48), primary_key=True),
    Column("first_seen", BigInteger, primary_key=True),
    Column("last_seen", BigInteger, nullable=False),
    Column("state", String(12), nullable=False),
    Column("verdict", String(10), nullable=False),
    Column("document", Text, nullable=False),  # the Fault of the contract, JSON
    Index("fault_site_last", "site", "last_seen"),
)

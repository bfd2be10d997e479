"""The tables of rollouts: what was ordered, how it ended, and what each site runs since. Times as in `tables.py`.

`rollout_step` and `rollout_event` only grow: a row is never changed, so that what was decided stays readable.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, String, Table, Text

from fleetctl.store.tables import metadata, row_id

rollout = Table(
    "rollout",
    metadata,
    Column("id", String(32), primary_key=True),  # the plan's
    Column("plan", Text, nullable=False),  # the bytes that were signed
    Column("release", String(63), nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("channel", String(31), nullable=False),
    Column("state", String(12), nullable=False),  # the engine's
    Column("wanted", String(12), nullable=False),  # the operators'
    Column("wave", Integer, nullable=False),  # index of the wave that goes on
    Column("reason", Text, nullable=False),
    Column("started_at", BigInteger, nullable=False),
    Column("started_by", String(200), nullable=False),
    Column("changed_at", BigInteger, nullable=False),
)

rollout_site = Table(
    "rollout_site",
    metadata,
    Column("rollout", String(32), primary_key=True),
    Column("site", String(63), primary_key=True),
    Column("position", Integer, nullable=False),  # in the plan
    Column("state", String(12), nullable=False),
    Column("document", Text, nullable=False),  # JSON: SiteRecord
    Index("rollout_site_site", "site"),
)

rollout_step = Table(
    "rollout_step",
    metadata,
    Column("id", row_id, primary_key=True, autoincrement=True),
    Column("rollout", String(32), nullable=False),
    Column("site", String(63), nullable=False),
    Column("step", BigInteger, nullable=False),  # id of the intent; of an intent its own, or 0 where it is that row
    Column("kind", String(12), nullable=False),
    Column("operation", String(32), nullable=False),
    Column("phase", String(8), nullable=False),  # intent or outcome
    Column("outcome", String(12), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
    Column("facts", Text, nullable=False),  # JSON
    Index("rollout_step_site", "rollout", "site", "id"),
)

rollout_event = Table(
    "rollout_event",
    metadata,
    Column("id", row_id, primary_key=True, autoincrement=True),
    Column("rollout", String(32), nullable=False),
    Column("site", String(63), nullable=False),  # empty: of the whole rollout
    Column("at", BigInteger, nullable=False),
    Column("kind", String(20), nullable=False),
    Column("actor", String(200), nullable=False),
    Column("text", Text, nullable=False),
    Column("facts", Text, nullable=False),  # JSON: what the decision used
    Index("rollout_event_rollout", "rollout", "id"),
)

# Who controls a rollout: words for the one who finds it locked. The lock itself is the database's or the file system's.
rollout_holder = Table(
    "rollout_holder",
    metadata,
    Column("rollout", String(32), primary_key=True),
    Column("host", String(255), nullable=False),
    Column("pid", Integer, nullable=False),
    Column("actor", String(200), nullable=False),
    Column("since", BigInteger, nullable=False),
)

# The release that a rollout committed at a site: what is to run there from then on, instead of what was provisioned.
site_release = Table(
    "site_release",
    metadata,
    Column("site", String(63), primary_key=True),
    Column("release", String(63), nullable=False),
    Column("digest", String(64), nullable=False),  # of the manifest
    Column("sequence", BigInteger, nullable=False),
    Column("rollout", String(32), nullable=False),
    Column("at", BigInteger, nullable=False),
)

TABLES = (rollout, rollout_site, rollout_step, rollout_event, rollout_holder, site_release)

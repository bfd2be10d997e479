"""The store: keeps observations, and answers what was seen last, over time, and which faults there were."""

from __future__ import annotations

import json
import zlib
from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any

from sqlalchemy import Connection, Table, or_, select

from appliance.contract.faults import Fault
from appliance.contract.health import Verdict
from fleetctl.checks.site_health import same_words
from fleetctl.remote.poll_answer import SeenBefore
from fleetctl.remote.poll_outcome import Outcome
from fleetctl.store.database import Database, upserting
from fleetctl.store.records import Kept, LastState, Point, Retention, SeenFault, milliseconds, moment
from fleetctl.store.retention import thin_out
from fleetctl.store.tables import fault, observation, site_state, summary

# A point of a history is some 200 bytes; a month of one site, asked each minute, is 43,000.
_MOST_POINTS = 100_000


class Store:
    """One fleet's store. Every method is one transaction, and raises `StoreError` when that cannot be."""

    def __init__(self, url: str, retention: Retention | None = None) -> None:
        self._database = Database(url)
        self.retention = retention or Retention()

    @property
    def place(self) -> str:
        """The URL, without a secret."""
        return self._database.url.render_as_string(hide_password=True)

    def close(self) -> None:
        self._database.close()

    def keep(self, kept: Sequence[Kept]) -> None:
        """Keep these observations, all or none; they survive whatever happens afterwards.

        What was not asked was not observed, and is left out.
        """
        asked = [one for one in kept if one.observation.asked and one.observation.outcome is not Outcome.NOT_ASKED]
        if not asked:
            return
        with self._database.transaction(writes=True) as connection:
            states = {row.site: row for row in connection.execute(select(site_state))}
            rows, changed, faults = [], [], []
            for one in asked:
                before = states.get(one.observation.site)
                row, state = self._rows(one, before)
                rows.append(row)
                if before is None or state["at"] >= before.at:
                    changed.append(state)
                faults += _fault_rows(one)
            connection.execute(observation.insert(), rows)
            self._upsert(connection, site_state, changed)
            self._upsert(connection, fault, [*faults, *_cleared(connection, asked)])

    def thin_out(self, now: datetime) -> int:
        """Sum up what is older than the policy says, one bounded batch; how many rows went. 0: nothing is due."""
        with self._database.transaction(writes=True) as connection:
            return thin_out(connection, self.retention, now, self._database.is_sqlite)

    def seen(self) -> dict[str, SeenBefore]:
        """What a poller needs to notice a replayed snapshot."""
        with self._database.transaction(writes=False) as connection:
            rows = connection.execute(select(site_state).where(site_state.c.boot_id.is_not(None))).all()
        return {
            row.site: SeenBefore(row.boot_id, row.sequence, moment(row.taken_at), tuple(json.loads(row.earlier_boots)))
            for row in rows
        }

    def last(self) -> dict[str, LastState]:
        """What was seen last of every site that was ever asked."""
        with self._database.transaction(writes=False) as connection:
            rows = connection.execute(select(site_state)).all()
        return {
            row.site: LastState(
                row.site, moment(row.at), Outcome(row.outcome), Verdict(row.verdict), row.reason, moment(row.since)
            )
            for row in rows
        }

    def history(self, site: str, since: datetime) -> list[Point]:
        """What was observed since then, oldest first; older times as the hours and days that they became."""
        start = milliseconds(since)
        with self._database.transaction(writes=False) as connection:
            sums = connection.execute(
                select(summary).where(summary.c.site == site, summary.c.start >= start).order_by(summary.c.start)
            ).all()
            columns = observation.c
            single = connection.execute(
                select(columns.at, columns.outcome, columns.verdict, columns.reason)
                .where(columns.site == site, columns.at >= start)
                .order_by(columns.at.desc(), columns.id.desc())
                .limit(_MOST_POINTS)
            ).all()
        points = [Point(moment(row.start), row.span, {each: getattr(row, each.value) for each in Verdict})
                  for row in sums]  # fmt: skip
        points += [
            Point(moment(row.at), "once", {Verdict(row.verdict): 1}, Outcome(row.outcome), row.reason)
            for row in reversed(single)
        ]
        return sorted(points, key=lambda point: point.start)

    def faults(self, site: str | None = None, since: datetime | None = None) -> list[SeenFault]:
        """Faults that were seen, newest first. `since` leaves out what was over before."""
        wanted = select(fault.c.site, fault.c.document).order_by(fault.c.last_seen.desc())
        if site is not None:
            wanted = wanted.where(fault.c.site == site)
        if since is not None:
            wanted = wanted.where(or_(fault.c.last_seen >= milliseconds(since), fault.c.state != "cleared"))
        with self._database.transaction(writes=False) as connection:
            rows = connection.execute(wanted).all()
        return [SeenFault(row.site, Fault.model_validate_json(row.document)) for row in rows]

    def snapshot(self, site: str) -> tuple[datetime, bytes] | None:
        """The newest whole snapshot that was kept, as the box made it."""
        with self._database.transaction(writes=False) as connection:
            row = connection.execute(
                select(observation.c.at, observation.c.snapshot)
                .where(observation.c.site == site, observation.c.snapshot.is_not(None))
                .order_by(observation.c.at.desc())
                .limit(1)
            ).first()
        return None if row is None else (moment(row.at), zlib.decompress(row.snapshot))

    def _rows(self, one: Kept, before: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """The rows of an observation and of the state after it. `before` is the state's row before it."""
        seen, at = one.observation, milliseconds(one.observation.at)
        snapshot = seen.snapshot if seen.answered else None
        same = before is not None and (before.verdict, same_words(before.reason)) == (
            one.verdict.value,
            same_words(one.reason),
        )
        lately = before is not None and before.snapshot_at is not None and (
            at - before.snapshot_at < self.retention.snapshot_minutes * 60_000)  # fmt: skip
        whole = bool(seen.body) and not (same and lately)
        row = {
            "site": seen.site, "at": at, "outcome": seen.outcome.value, "verdict": one.verdict.value,
            "reason": one.reason, "took_ms": round(seen.took_ms, 1),
            "boot_id": snapshot.boot_id if snapshot else None,
            "sequence": snapshot.sequence if snapshot else None,
            "image_version": snapshot.image.version if snapshot else None,
            "image_hash": snapshot.image.usr_root_hash if snapshot else None,
            "models": _models(snapshot) if snapshot else None,
            "digest": sha256(seen.body).hexdigest() if seen.body else None,
            "snapshot": zlib.compress(seen.body, 1) if whole else None,
        }  # fmt: skip
        known = SeenBefore(before.boot_id, before.sequence, moment(before.taken_at), tuple(
            json.loads(before.earlier_boots))) if before is not None and before.boot_id else None  # fmt: skip
        if snapshot is not None:
            known = SeenBefore.after(known, snapshot)
        state = {
            "site": seen.site, "at": at, "outcome": seen.outcome.value, "verdict": one.verdict.value,
            "reason": one.reason,
            "since": before.since if before is not None and before.verdict == one.verdict.value else at,
            "snapshot_at": at if whole else before.snapshot_at if before is not None else None,
            "boot_id": known.boot_id if known else None,
            "sequence": known.sequence if known else None,
            "taken_at": milliseconds(known.taken_at) if known else None,
            "earlier_boots": json.dumps(known.earlier_boots) if known else None,
        }  # fmt: skip
        return row, state

    def _upsert(self, connection: Connection, table: Table, rows: Sequence[dict[str, Any]]) -> None:
        if not rows:
            return
        insert = upserting(table, self._database.is_sqlite)
        keys = [column.name for column in table.primary_key]
        values = {name: insert.excluded[name] for name in rows[0] if name not in keys}
        connection.execute(insert.on_conflict_do_update(index_elements=keys, set_=values), list(rows))


def _cleared(connection: Connection, asked: Sequence[Kept]) -> list[dict[str, Any]]:
    """Faults that stood open and that a whole snapshot does not hold any more: the box leaves out what is cleared."""
    whole = {
        one.observation.site: (one.observation.at, {each.id for each in one.observation.snapshot.faults})
        for one in asked
        if one.observation.answered and one.observation.snapshot and not one.observation.snapshot.faults_left_out
    }
    rows = connection.execute(select(fault).where(fault.c.state != "cleared")).all()
    gone = []
    for row in rows:
        at, still = whole.get(row.site, (None, frozenset[str]()))
        if at is None or row.fault in still:
            continue
        because = {"state": "cleared", "cleared_at": at, "cleared_because": "the box's snapshot holds it no more"}
        document = Fault.model_validate_json(row.document).model_copy(update=because)
        gone.append({**row._asdict(), "state": "cleared", "document": document.model_dump_json()})
    return gone


def _models(snapshot: Any) -> str:
    return json.dumps({model.task: [model.name, model.root_hash] for model in snapshot.models.loaded}, sort_keys=True)


def _fault_rows(one: Kept) -> list[dict[str, Any]]:
    snapshot = one.observation.snapshot
    if snapshot is None or not one.observation.answered:
        return []
    return [
        {
            "site": one.observation.site, "fault": each.id, "first_seen": milliseconds(each.first_seen),
            "last_seen": milliseconds(each.last_seen), "state": each.state, "verdict": each.verdict.value,
            "document": each.model_dump_json(),
        }
        for each in snapshot.faults
    ]  # fmt: skip

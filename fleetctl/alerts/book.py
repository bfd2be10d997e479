"""Keeps alerts and what has yet to be told, over restarts of the watcher.

A round writes its alerts and the messages that follow from them in one transaction: a watcher that is killed has either
told nobody and not moved, or has written down whom to tell. A message is sent at least once; its `identity` lets a
receiver see that it was sent before.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, func, insert, select, update

from appliance.contract.health import Verdict
from fleetctl.alerts.message import Message
from fleetctl.alerts.state import Alert, AlertFinding, AlertKey, Phase
from fleetctl.store.alert_tables import alert as alerts_table
from fleetctl.store.alert_tables import alert_outbox as outbox_table
from fleetctl.store.alert_tables import watch as watch_table
from fleetctl.store.database import Database
from fleetctl.store.records import milliseconds, moment

# A receiver that is away is asked again after 5 s, then ever later, at most each 10 minutes, for a week.
_FIRST_RETRY_S = 5
_LAST_RETRY_S = 600
KEPT = timedelta(days=7)


@dataclass(frozen=True)
class Waiting:
    """One message that a receiver has yet to take."""

    id: int
    receiver: str
    message: Message
    attempts: int


@dataclass(frozen=True)
class Round:
    """The last round that a watcher finished; `at` None: it has finished none yet."""

    at: datetime | None
    host: str
    sites: int
    undelivered: int


class AlertBook:
    """Alerts, outbox and the watcher's sign of life in the fleet's store. Raises `StoreError` when that is away."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def alerts(self) -> dict[AlertKey, Alert]:
        """All alerts that are known."""
        with self._database.transaction(writes=False) as connection:
            rows = connection.execute(select(alerts_table)).mappings().all()
        return {found.key: found for found in (_alert(dict(row)) for row in rows)}

    def commit(self, alerts: Mapping[AlertKey, Alert], messages: Iterable[tuple[str, Message]], now: datetime) -> None:
        """Replace the alerts and add (receiver, message) pairs, in one transaction."""
        rows = [_row(alert) for alert in alerts.values()]
        new = [
            {
                "receiver": receiver, "message": message.model_dump_json(), "attempts": 0,
                "next_at": milliseconds(now), "problem": "",
            }
            for receiver, message in messages
        ]  # fmt: skip
        with self._database.transaction(writes=True) as connection:
            connection.execute(delete(alerts_table))
            if rows:
                connection.execute(insert(alerts_table), rows)
            if new:
                connection.execute(insert(outbox_table), new)

    def waiting(self, now: datetime, limit: int = 200) -> list[Waiting]:
        """Messages whose time has come, the oldest first. Behind one that is to be tried later, those for the same
        receiver wait as well: an end must not overtake its beginning."""
        found: list[Waiting] = []
        held: set[str] = set()
        with self._database.transaction(writes=False) as connection:
            for row in connection.execute(select(outbox_table).order_by(outbox_table.c.id)).mappings():
                if row["next_at"] > milliseconds(now):
                    held.add(row["receiver"])
                elif row["receiver"] not in held and len(found) < limit:
                    message = Message.model_validate_json(row["message"])
                    found.append(Waiting(row["id"], row["receiver"], message, row["attempts"]))
        return found

    def undelivered(self) -> int:
        """How many messages no receiver has taken yet."""
        with self._database.transaction(writes=False) as connection:
            return connection.execute(select(func.count()).select_from(outbox_table)).scalar_one()

    def delivered(self, waiting: Waiting) -> None:
        """A receiver took it."""
        with self._database.transaction(writes=True) as connection:
            connection.execute(delete(outbox_table).where(outbox_table.c.id == waiting.id))

    def failed(self, waiting: Waiting, problem: str, now: datetime) -> None:
        """A receiver did not take it: it is tried again, later each time."""
        wait_s = min(_FIRST_RETRY_S * 2**waiting.attempts, _LAST_RETRY_S)
        with self._database.transaction(writes=True) as connection:
            connection.execute(
                update(outbox_table)
                .where(outbox_table.c.id == waiting.id)
                .values(
                    attempts=waiting.attempts + 1,
                    next_at=milliseconds(now + timedelta(seconds=wait_s)),
                    problem=problem[:300],
                )
            )

    def give_up(self, receivers: Sequence[str], now: datetime) -> list[str]:
        """Drop what is older than a week or for a receiver that the policy does not name any more; say what."""
        dropped, ids = [], []
        with self._database.transaction(writes=True) as connection:
            for row in connection.execute(select(outbox_table)).mappings():
                message = Message.model_validate_json(row["message"])
                known = row["receiver"] in receivers
                if known and now - (message.ended_at or message.fired_at) < KEPT:
                    continue
                why = f"not taken in {KEPT.days} days" if known else "its receiver is not in the policy any more"
                dropped.append(f"{message.title()}: {why} ({row['problem'] or 'never tried'})")
                ids.append(row["id"])
            if ids:
                connection.execute(delete(outbox_table).where(outbox_table.c.id.in_(ids)))
        return dropped

    def lead(self, host: str, now: datetime, lease: timedelta) -> str:
        """Take or keep the lead for `lease`; whose it is. Another watcher's is taken only when it has run out."""
        with self._database.transaction(writes=True) as connection:
            row = connection.execute(select(watch_table).with_for_update()).mappings().first()
            until = milliseconds(now + lease)
            if row is None:
                first = {"id": 1, "host": host, "leads_until": until, "sites": 0, "undelivered": 0}
                connection.execute(insert(watch_table), first)
                return host
            if row["host"] != host and milliseconds(now) < row["leads_until"]:
                return str(row["host"])
            connection.execute(update(watch_table).values(host=host, leads_until=until))
        return host

    def finished(self, now: datetime, sites: int, undelivered: int) -> None:
        """Write down that a round was finished by who leads."""
        values = {"round_at": milliseconds(now), "sites": sites, "undelivered": undelivered}
        with self._database.transaction(writes=True) as connection:
            connection.execute(update(watch_table).values(**values))

    def last_round(self) -> Round | None:
        """The last finished round; None: nobody ever watched."""
        with self._database.transaction(writes=False) as connection:
            row = connection.execute(select(watch_table)).mappings().first()
        if row is None:
            return None
        at = None if row["round_at"] is None else moment(row["round_at"])
        return Round(at, row["host"], row["sites"], row["undelivered"])


def _row(alert: Alert) -> dict[str, Any]:
    def maybe(at: datetime | None) -> int | None:
        return None if at is None else milliseconds(at)

    return {
        "rule": alert.key.rule, "site": alert.key.site, "check_id": alert.key.check, "severity": alert.severity,
        "phase": alert.phase.value, "verdict": alert.finding.verdict.value, "reason": alert.finding.reason,
        "next_action": alert.finding.next_action, "labels": json.dumps(dict(alert.labels), sort_keys=True),
        "since": milliseconds(alert.since), "fired_at": maybe(alert.fired_at), "good_since": maybe(alert.good_since),
        "ended_at": maybe(alert.ended_at), "told_at": maybe(alert.told_at),
        "told_phase": alert.told_phase.value if alert.told_phase else None, "end_reason": alert.end_reason,
    }  # fmt: skip


def _alert(row: Mapping[str, Any]) -> Alert:
    def maybe(ms: int | None) -> datetime | None:
        return None if ms is None else moment(ms)

    return Alert(
        AlertKey(row["rule"], row["site"], row["check_id"]), row["severity"], Phase(row["phase"]),
        AlertFinding(row["check_id"], Verdict(row["verdict"]), row["reason"], row["next_action"]),
        since=moment(row["since"]), fired_at=maybe(row["fired_at"]), good_since=maybe(row["good_since"]),
        ended_at=maybe(row["ended_at"]), told_at=maybe(row["told_at"]),
        told_phase=Phase(row["told_phase"]) if row["told_phase"] else None, end_reason=row["end_reason"],
        labels=json.loads(row["labels"]),
    )  # fmt: skip

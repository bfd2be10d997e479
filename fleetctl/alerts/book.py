"""Keeps alerts and what has yet to be told, over restarts of the watcher.

A round writes its alerts and the messages that follow from them in one transaction: a watcher that is killed has either
told nobody and not moved, or has written down whom to tell. A message is sent at least once; its `identity` lets a
receiver see that it was sent before.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Column, Engine, Integer, MetaData, String, Table, Text, delete, insert, select, update
from sqlalchemy.engine import Connection

from appliance.contract.health import Verdict
from fleetctl.alerts.message import Message
from fleetctl.alerts.state import Alert, AlertFinding, AlertKey, Phase

METADATA = MetaData()

# Times are text in UTC, ISO 8601 with microseconds: they sort, and both databases keep them alike.
alerts_table = Table(
    "alerts",
    METADATA,
    Column("rule", String(63), primary_key=True),
    Column("site", String(63), primary_key=True),
    Column("check_id", String(64), primary_key=True),
    Column("severity", String(10), nullable=False),
    Column("phase", String(10), nullable=False),
    Column("verdict", String(10), nullable=False),
    Column("reason", Text, nullable=False),
    Column("next_action", Text, nullable=False),
    Column("labels", Text, nullable=False),
    Column("since", String(32), nullable=False),
    Column("fired_at", String(32)),
    Column("good_since", String(32)),
    Column("ended_at", String(32)),
    Column("told_at", String(32)),
    Column("told_phase", String(10)),
    Column("end_reason", Text, nullable=False),
)

outbox_table = Table(
    "alert_outbox",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("receiver", String(64), nullable=False, index=True),
    Column("identity", String(64), nullable=False),
    Column("message", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_at", String(32), nullable=False),
    Column("problem", Text, nullable=False),
)

rounds_table = Table(
    "watch_rounds",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("at", String(32), nullable=False),
    Column("host", String(255), nullable=False),
    Column("sites", Integer, nullable=False),
    Column("undelivered", Integer, nullable=False),
)

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
    """The last round that a watcher finished."""

    at: datetime
    host: str
    sites: int
    undelivered: int


class AlertBook:
    """Alerts, outbox and heartbeat in the fleet's store."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        METADATA.create_all(engine)

    def alerts(self) -> dict[AlertKey, Alert]:
        """All alerts that are known."""
        with self._engine.connect() as connection:
            return {
                alert.key: alert
                for alert in (_alert(dict(row)) for row in connection.execute(select(alerts_table)).mappings())
            }

    def commit(self, alerts: Mapping[AlertKey, Alert], messages: Iterable[tuple[str, Message]], now: datetime) -> None:
        """Replace the alerts and add (receiver, message) pairs, in one transaction."""
        rows = [_row(alert) for alert in alerts.values()]
        new = [
            {
                "receiver": receiver, "identity": _digest(message.identity), "message": message.model_dump_json(),
                "attempts": 0, "next_at": _text(now), "problem": "",
            }
            for receiver, message in messages
        ]  # fmt: skip
        with self._engine.begin() as connection:
            connection.execute(delete(alerts_table))
            if rows:
                connection.execute(insert(alerts_table), rows)
            if new:
                connection.execute(insert(outbox_table), new)

    def waiting(self, now: datetime, limit: int = 200) -> list[Waiting]:
        """Messages whose time has come, the oldest first."""
        wanted = (
            select(outbox_table).where(outbox_table.c.next_at <= _text(now)).order_by(outbox_table.c.id).limit(limit)
        )
        with self._engine.connect() as connection:
            return [
                Waiting(row["id"], row["receiver"], Message.model_validate_json(row["message"]), row["attempts"])
                for row in connection.execute(wanted).mappings()
            ]

    def undelivered(self) -> int:
        """How many messages no receiver has taken yet."""
        with self._engine.connect() as connection:
            return len(connection.execute(select(outbox_table.c.id)).all())

    def delivered(self, waiting: Waiting) -> None:
        """A receiver took it."""
        with self._engine.begin() as connection:
            connection.execute(delete(outbox_table).where(outbox_table.c.id == waiting.id))

    def failed(self, waiting: Waiting, problem: str, now: datetime) -> None:
        """A receiver did not take it: it is tried again, later each time."""
        wait_s = min(_FIRST_RETRY_S * 2**waiting.attempts, _LAST_RETRY_S)
        with self._engine.begin() as connection:
            connection.execute(
                update(outbox_table)
                .where(outbox_table.c.id == waiting.id)
                .values(
                    attempts=waiting.attempts + 1, next_at=_text(now + timedelta(seconds=wait_s)), problem=problem[:300]
                )
            )

    def give_up(self, receivers: Sequence[str], now: datetime) -> list[str]:
        """Drop what is older than a week or for a receiver that the policy does not name any more; say what."""
        dropped = []
        with self._engine.begin() as connection:
            for row in connection.execute(select(outbox_table)).mappings():
                message = Message.model_validate_json(row["message"])
                known = row["receiver"] in receivers
                moment = message.ended_at or message.fired_at
                if known and now - moment < KEPT:
                    continue
                why = f"not taken in {KEPT.days} days" if known else "its receiver is not in the policy any more"
                dropped.append(f"{message.title()}: {why} ({row['problem'] or 'never tried'})")
                connection.execute(delete(outbox_table).where(outbox_table.c.id == row["id"]))
        return dropped

    def beat(self, round_: Round) -> None:
        """Write down that a round was finished."""
        with self._engine.begin() as connection:
            _beat(connection, round_)

    def last_round(self) -> Round | None:
        """The last finished round; None: nobody ever watched."""
        with self._engine.connect() as connection:
            row = connection.execute(select(rounds_table)).mappings().first()
        return None if row is None else Round(_time(row["at"]), row["host"], row["sites"], row["undelivered"])


def _beat(connection: Connection, found: Round) -> None:
    connection.execute(delete(rounds_table))
    connection.execute(
        insert(rounds_table),
        {"id": 1, "at": _text(found.at), "host": found.host, "sites": found.sites, "undelivered": found.undelivered},
    )


def _row(alert: Alert) -> dict[str, Any]:
    def maybe(moment: datetime | None) -> str | None:
        return None if moment is None else _text(moment)

    return {
        "rule": alert.key.rule, "site": alert.key.site, "check_id": alert.key.check, "severity": alert.severity,
        "phase": alert.phase.value, "verdict": alert.finding.verdict.value, "reason": alert.finding.reason,
        "next_action": alert.finding.next_action, "labels": json.dumps(dict(alert.labels), sort_keys=True),
        "since": _text(alert.since), "fired_at": maybe(alert.fired_at), "good_since": maybe(alert.good_since),
        "ended_at": maybe(alert.ended_at), "told_at": maybe(alert.told_at),
        "told_phase": alert.told_phase.value if alert.told_phase else None, "end_reason": alert.end_reason,
    }  # fmt: skip


def _alert(row: Mapping[str, Any]) -> Alert:
    def maybe(text: str | None) -> datetime | None:
        return None if text is None else _time(text)

    return Alert(
        AlertKey(row["rule"], row["site"], row["check_id"]), row["severity"], Phase(row["phase"]),
        AlertFinding(row["check_id"], Verdict(row["verdict"]), row["reason"], row["next_action"]),
        since=_time(row["since"]), fired_at=maybe(row["fired_at"]), good_since=maybe(row["good_since"]),
        ended_at=maybe(row["ended_at"]), told_at=maybe(row["told_at"]),
        told_phase=Phase(row["told_phase"]) if row["told_phase"] else None, end_reason=row["end_reason"],
        labels=json.loads(row["labels"]),
    )  # fmt: skip


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _digest(identity: str) -> str:
    return hashlib.sha256(identity.encode()).hexdigest()

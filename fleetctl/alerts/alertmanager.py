"""Keeps an Alertmanager told of every alert that fires now, and that we are alive.

An Alertmanager takes an alert as over when it was not told again before `endsAt`. So each round sends all, and one
alert that always fires, `FleetctlWatchdog`: when we die it ends, which a receiver for its end notices (dead man's
switch). Deduplication and repetition are Alertmanager's own.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from fleetctl.alerts.message import bounded
from fleetctl.alerts.post import post
from fleetctl.alerts.secrets import read_secret
from fleetctl.alerts.state import Alert, Phase
from fleetctl.models.alerts import Alertmanager

WATCHDOG = "FleetctlWatchdog"
# Rounds that may fail before an alert is taken as over, or we as dead.
_MISSED_ROUNDS = 4
_LEAST = timedelta(minutes=2)
# A fleet that burns everywhere: each request stays below the size that Alertmanager and its proxies take.
_BATCH = 500


def expiry(now: datetime, interval_s: float) -> datetime:
    """Until when an Alertmanager believes us without hearing from us again."""
    return now + max(_LEAST, timedelta(seconds=_MISSED_ROUNDS * interval_s))


def document(fleet: str, alerts: Sequence[Alert], now: datetime, until: datetime) -> list[dict[str, Any]]:
    """What Alertmanager's API v2 takes: active alerts until they would expire, ended ones with their end.

    The verdict and the words are annotations: as labels, a change of them would make another alert.
    """
    watchdog = {
        "labels": {"alertname": WATCHDOG, "fleet": fleet, "severity": "none"},
        "annotations": {"summary": "fleetctl watch is alive; tell somebody when this ends"},
        "startsAt": _time(now),
        "endsAt": _time(until),
    }
    return [watchdog, *(_alert(fleet, alert, until) for alert in alerts)]


def deliver(receiver: Alertmanager, fleet: str, alerts: Sequence[Alert], now: datetime, until: datetime) -> None:
    """Send them; `until` is `expiry`'s. Raises `DeliveryError`, or `ConfigError` for a token that cannot be read."""
    headers = {}
    if receiver.bearer_file is not None:
        headers["Authorization"] = f"Bearer {read_secret(receiver.bearer_file)}"
    url = f"{receiver.url.rstrip('/')}/api/v2/alerts"
    whole = document(fleet, alerts, now, until)
    for start in range(0, len(whole), _BATCH):
        post(url, json.dumps(whole[start : start + _BATCH]).encode(), headers, ca_file=receiver.ca_file)


def _alert(fleet: str, alert: Alert, until: datetime) -> dict[str, Any]:
    # A site's own labels come first, so that none of them can stand in for ours.
    site_labels = {f"site_{key.translate(_LABEL)}": value for key, value in alert.labels.items()}
    return {
        "labels": {
            **site_labels,
            "alertname": alert.key.rule,
            "fleet": fleet,
            "site": alert.key.site,
            "check": alert.key.check,
            "severity": alert.severity,
        },
        "annotations": {
            "verdict": alert.finding.verdict.value,
            "summary": f"{alert.key.site}: {alert.key.check} is {alert.finding.verdict.value}",
            "description": bounded(alert.finding.reason),
            "next_action": bounded(alert.finding.next_action),
        },
        "startsAt": _time(alert.fired_at or alert.since),
        "endsAt": _time(alert.ended_at if alert.phase is Phase.RESOLVED and alert.ended_at else until),
    }


# Label names of Prometheus: letters, digits and underscores.
_LABEL = str.maketrans({"-": "_", ".": "_", "/": "_"})


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")

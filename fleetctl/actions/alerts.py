"""`alerts`: what fires, who is not told of it and why, and silences."""

from __future__ import annotations

import getpass
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Literal

from pydantic import BaseModel, ConfigDict

from appliance.contract.health import Verdict
from fleetctl.alerts import alertmanager
from fleetctl.alerts.book import AlertBook
from fleetctl.alerts.message import bounded, message_of
from fleetctl.alerts.post import DeliveryError
from fleetctl.alerts.state import Alert, AlertFinding, AlertKey, Phase
from fleetctl.alerts.telling import Notice, Policy, quiet_because
from fleetctl.alerts.watcher import deliver, receiver_id
from fleetctl.errors import FleetctlError, UsageError
from fleetctl.models.alertfiles import read_policy, read_silences
from fleetctl.models.alerts import Silence, seconds
from fleetctl.models.fleetdir import FleetDir
from fleetctl.store.database import Database
from fleetctl.store.open import store_url

_ORDER = {Phase.FIRING: 0, Phase.CLEARING: 1, Phase.PENDING: 2, Phase.RESOLVED: 3}


class AlertRow(BaseModel):
    """One alert as it is kept. `quiet`: why nobody is told of it now."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    site: str
    check: str
    rule: str
    severity: str
    phase: Phase
    verdict: Verdict
    reason: str
    next_action: str
    since: datetime
    fired_at: datetime | None
    quiet: str


class WatchRow(BaseModel):
    """Whether somebody watches. `alive` False: no alert can come."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    alive: bool
    words: str
    host: str = ""
    last_round_at: datetime | None = None
    sites: int = 0
    undelivered: int = 0


class Overview(BaseModel):
    """Alerts, silences that hold, and the watcher."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    watch: WatchRow
    alerts: tuple[AlertRow, ...]
    silences: tuple[str, ...]


def overview(fleetdir: FleetDir, now: datetime | None = None) -> Overview:
    """What the watcher knows, as the policy's files are now."""
    at = now or datetime.now(UTC)
    policy = Policy(read_policy(fleetdir.path).spec, tuple(read_silences(fleetdir.path)))
    book = AlertBook(Database(store_url(fleetdir)))
    ordered = sorted(book.alerts().values(), key=lambda alert: (_ORDER[alert.phase], alert.since, alert.key))
    return Overview(
        watch=watch_state(book, policy, at),
        alerts=tuple(_row(alert, quiet_because(policy, alert, at)) for alert in ordered),
        silences=tuple(_words(silence) for silence in policy.silences if silence.spec.is_active(at)),
    )


def watch_state(book: AlertBook, policy: Policy, now: datetime) -> WatchRow:
    """Judge the watcher by its last finished round."""
    last = book.last_round()
    if last is None or last.at is None:
        return WatchRow(alive=False, words="nobody has ever watched this fleet: fleetctl watch")
    late = now - last.at > alertmanager.expiry(last.at, seconds(policy.spec.interval)) - last.at
    ago = f"{(now - last.at).total_seconds():.0f} s ago on {last.host}"
    words = f"the last round ended {ago}" + ("; nobody is told of anything now" if late else "")
    return WatchRow(
        alive=not late, words=words, host=last.host, last_round_at=last.at, sites=last.sites,
        undelivered=last.undelivered,
    )  # fmt: skip


def new_silence(
    name: str, *, lasts: str, reason: str, sites: Sequence[str], checks: Sequence[str], labels: dict[str, str]
) -> Silence:
    """A silence from now on. Raises `UsageError` for one that would silence everything by omission."""
    from fleetctl.models.load import validate

    if not (sites or checks or labels):
        raise UsageError("a silence of everything", hint="name sites, --check or -l; '--check *' means every check")
    until = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=_seconds(lasts))
    document = {
        "apiVersion": "fleetctl/v1",
        "kind": "Silence",
        "metadata": {"name": name},
        "spec": {
            "until": until.isoformat(), "by": getpass.getuser(), "reason": reason, "sites": list(sites),
            "checks": list(checks), "selectors": labels,
        },
    }  # fmt: skip
    return validate(document, Silence, lambda path: "silence", "these options")


def _seconds(text: str) -> int:
    from fleetctl.models.alerts import checked_duration

    try:
        return seconds(checked_duration(text))
    except ValueError as problem:
        raise UsageError(f"--for: {problem}", hint="for example --for 4h") from None


class Tried(BaseModel):
    """What came of a test message to one receiver."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    receiver: str
    kind: Literal["alertmanager", "webhook", "email"]
    problem: str = ""


def try_receivers(fleetdir: FleetDir) -> list[Tried]:
    """Send every receiver a message that says that it is a test; an Alertmanager gets an alert that ends by itself."""
    spec, now = read_policy(fleetdir.path).spec, datetime.now(UTC)
    alert = Alert(
        AlertKey("test", "no-site", "test"), "ticket", Phase.FIRING,
        AlertFinding("test", Verdict.DEGRADED, "this is a test of the alerts; nothing is wrong", "nothing"),
        since=now, fired_at=now,
    )  # fmt: skip
    message = message_of(fleetdir.fleet.name, Notice(alert))
    found = []
    for manager in spec.receivers.alertmanager:
        try:
            alertmanager.deliver(manager, fleetdir.fleet.name, [alert], now, now + timedelta(minutes=2))
            found.append(Tried(receiver=manager.url, kind="alertmanager"))
        except (DeliveryError, FleetctlError) as problem:
            found.append(Tried(receiver=manager.url, kind="alertmanager", problem=str(problem)))
    for receiver in spec.receivers.direct():
        kind: Literal["webhook", "email"] = "webhook" if receiver_id(receiver).startswith("webhook") else "email"
        try:
            deliver(receiver, message)
            found.append(Tried(receiver=receiver_id(receiver), kind=kind))
        except (DeliveryError, FleetctlError) as problem:
            found.append(Tried(receiver=receiver_id(receiver), kind=kind, problem=str(problem)))
    return found


def _row(alert: Alert, quiet: str) -> AlertRow:
    return AlertRow(
        site=alert.key.site, check=alert.key.check, rule=alert.key.rule, severity=alert.severity, phase=alert.phase,
        verdict=alert.finding.verdict, reason=bounded(alert.finding.reason),
        next_action=bounded(alert.finding.next_action), since=alert.since, fired_at=alert.fired_at, quiet=quiet,
    )  # fmt: skip


def _words(silence: Silence) -> str:
    spec = silence.spec
    about = ", ".join([*spec.sites, *(f"{key}={value}" for key, value in spec.selectors.items()), *spec.checks])
    return f"{silence.name}: {about} until {spec.until}, by {spec.by}: {spec.reason}"

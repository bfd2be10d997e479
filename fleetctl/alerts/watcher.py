"""One round of the watcher: look, judge, write down, tell. A failure of one part does not stop the others for good."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from fleetctl.alerts import alertmanager, mail, webhook
from fleetctl.alerts.book import AlertBook
from fleetctl.alerts.message import Message, message_of
from fleetctl.alerts.post import DeliveryError
from fleetctl.alerts.rules import end_orphans, judge
from fleetctl.alerts.state import OPERATOR, Alert, Phase, Sighting
from fleetctl.alerts.telling import Policy, due, quiet_because, told
from fleetctl.errors import FleetctlError
from fleetctl.models.alerts import AlertSpec, Email, Webhook, seconds

Say = Callable[[str], None]


def receiver_id(receiver: Webhook | Email) -> str:
    """A name for a receiver that stays while its address does, and shows nothing of it."""
    if isinstance(receiver, Webhook):
        return f"webhook-{_short(receiver.url)}"
    return f"email-{_short(f'{receiver.host}:{receiver.port} {receiver.sender} {sorted(receiver.to)}')}"


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Summary:
    """What a round came to."""

    at: datetime
    sites: int
    firing: int
    quiet: int
    told: int
    undelivered: int
    problems: tuple[str, ...] = ()


@dataclass
class Watcher:
    """Alerts of one fleet."""

    book: AlertBook
    fleet: str
    say: Say = lambda words: None
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    _problems: list[str] = field(default_factory=list)

    def round(self, policy: Policy, sites: Sequence[str], sightings: Sequence[Sighting]) -> Summary:
        """Judge these sightings of `sites`, and tell whoever has to know."""
        now, self._problems, spec = self.now(), [], policy.spec
        alerts = end_orphans(self.book.alerts(), [rule.name for rule in spec.rules], [*sites, OPERATOR], now)
        alerts = judge(spec.rules, alerts, sightings)
        active = [alert for alert in alerts.values() if alert.is_active or alert.phase is Phase.RESOLVED]
        loud = [alert for alert in active if not quiet_because(policy, alert, now)]
        notices = due(policy, alerts.values(), now)
        messages = [message_of(self.fleet, notice) for notice in notices]
        self.book.commit(told(alerts, notices, now), list(self._addressed(spec, messages)), now)
        for message in messages:
            self.say(message.title())
        self._tell_alertmanagers(spec, loud, now)
        self._empty_outbox(spec, now)
        undelivered = self.book.undelivered()
        self.book.finished(self.now(), len(sites), undelivered)
        firing = sum(alert.is_active for alert in active)
        return Summary(
            now, len(sites), firing, sum(alert.is_active for alert in active if alert not in loud), len(messages),
            undelivered, tuple(self._problems),
        )  # fmt: skip

    def _addressed(self, spec: AlertSpec, messages: Sequence[Message]) -> Iterator[tuple[str, Message]]:
        for receiver in spec.receivers.direct():
            for message in messages:
                if message.severity in receiver.severities:
                    yield receiver_id(receiver), message

    def _tell_alertmanagers(self, spec: AlertSpec, alerts: Sequence[Alert], now: datetime) -> None:
        until = alertmanager.expiry(now, seconds(spec.interval))
        for receiver in spec.receivers.alertmanager:
            try:
                alertmanager.deliver(receiver, self.fleet, alerts, now, until)
            except (DeliveryError, FleetctlError) as problem:
                self._problems.append(f"alertmanager: {problem}")

    def _empty_outbox(self, spec: AlertSpec, now: datetime) -> None:
        receivers = {receiver_id(one): one for one in spec.receivers.direct()}
        for words in self.book.give_up(list(receivers), now):
            self._problems.append(f"given up: {words}")
        silent: set[str] = set()
        for waiting in self.book.waiting(now):
            # A receiver that did not answer once is left alone for the rest of the round: others wait behind it.
            if waiting.receiver in silent:
                continue
            try:
                deliver(receivers[waiting.receiver], waiting.message)
            except (DeliveryError, FleetctlError) as problem:
                silent.add(waiting.receiver)
                self.book.failed(waiting, str(problem), now)
                self._problems.append(f"{waiting.receiver.partition('-')[0]}: {problem}")
            else:
                self.book.delivered(waiting)


def deliver(receiver: Webhook | Email, message: Message) -> None:
    """Send one message. Raises `DeliveryError` or `ConfigError`."""
    if isinstance(receiver, Webhook):
        webhook.deliver(receiver, message)
    else:
        mail.deliver(receiver, message)

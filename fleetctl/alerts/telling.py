"""Who has to be told of which alert now: deduplicated, quiet under silences and in maintenance windows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from fleetctl.alerts.state import Alert, AlertKey, Phase
from fleetctl.models.alerts import AlertSpec, Silence, seconds


@dataclass(frozen=True)
class Notice:
    """One thing to tell: that an alert fires (again), or that it is over. `identity` is the same for each attempt."""

    alert: Alert
    again: bool = False

    @property
    def identity(self) -> str:
        """Names this change of this alert, so that a receiver can tell a repetition of one from another."""
        moment = self.alert.ended_at if self.alert.phase is Phase.RESOLVED else self.alert.fired_at
        assert moment is not None  # noqa: S101 (a pending alert is never told)
        key, told_at = self.alert.key, self.alert.told_at
        repeated = f"/{told_at.timestamp():.0f}" if self.again and told_at else ""
        phase = Phase.RESOLVED if self.alert.phase is Phase.RESOLVED else Phase.FIRING
        return f"{key.rule}/{key.site}/{key.check}/{phase.value}/{moment.timestamp():.0f}{repeated}"


@dataclass(frozen=True)
class Policy:
    """What holds now: the policy's rules, receivers and windows, and the silences beside it."""

    spec: AlertSpec
    silences: tuple[Silence, ...] = ()


def quiet_because(policy: Policy, alert: Alert, now: datetime) -> str:
    """Why nobody is to be told of this alert now; empty when somebody is."""
    key, labels = alert.key, dict(alert.labels)
    for silence in policy.silences:
        spec = silence.spec
        if spec.is_active(now) and spec.fits(key.site, labels, key.check):
            return f"silence {silence.name} until {spec.until}, by {spec.by}: {spec.reason}"
    for window in policy.spec.maintenance:
        if window.fits(key.site, labels, key.check) and window.is_open(now):
            return f"maintenance window {window.name}"
    return ""


def due(policy: Policy, alerts: Iterable[Alert], now: datetime) -> list[Notice]:
    """What has to be told now. What a silence holds back is told when the silence ends, if it is still true then."""
    notices = []
    repeats = {rule.name: timedelta(seconds=seconds(rule.repeat)) for rule in policy.spec.rules}
    for alert in alerts:
        if alert.phase is Phase.RESOLVED:
            # Who was never told of the beginning need not hear of the end; who was, must, in a window too.
            if alert.told_phase is Phase.FIRING:
                notices.append(Notice(alert))
            continue
        if not alert.is_active or quiet_because(policy, alert, now):
            continue
        if alert.told_phase is None:
            notices.append(Notice(alert))
            continue
        repeat = repeats.get(alert.key.rule, timedelta(0))
        if repeat and alert.told_at is not None and now - alert.told_at >= repeat:
            notices.append(Notice(alert, again=True))
    return notices


def told(alerts: Mapping[AlertKey, Alert], notices: Iterable[Notice], now: datetime) -> dict[AlertKey, Alert]:
    """The alerts after these notices were written down for delivery. What is over and told is forgotten."""
    after = dict(alerts)
    for notice in notices:
        key = notice.alert.key
        if notice.alert.phase is Phase.RESOLVED:
            after.pop(key, None)
        elif key in after:
            after[key] = replace(after[key], told_at=now, told_phase=Phase.FIRING)
    return {key: alert for key, alert in after.items() if alert.phase is not Phase.RESOLVED or alert.told_phase}

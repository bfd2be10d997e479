"""How findings become alerts: pure, one round at a time. Silences change who is told, never what is.

    no alert ──bad──► pending ──bad for `for`──► firing ──good──► clearing ──good for `clear_after`──► resolved
                         └────good────► nothing     ▲──────bad──────┘

A site that was not looked at changes nothing: neither does an alert fire for it nor does one end.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from appliance.contract.health import Verdict
from fleetctl.alerts.state import Alert, AlertFinding, AlertKey, Phase, Sighting
from fleetctl.models.alerts import AlertRule, seconds

# Worst first: of several findings of one check the worst speaks.
_RANK = {Verdict.CRITICAL: 0, Verdict.UNKNOWN: 1, Verdict.DEGRADED: 2, Verdict.OK: 3}


def judge(
    rules: Sequence[AlertRule], alerts: Mapping[AlertKey, Alert], sightings: Iterable[Sighting]
) -> dict[AlertKey, Alert]:
    """The alerts after these sightings. Those that ended are `resolved`, so that they can be told of once."""
    after = dict(alerts)
    for sighting in sightings:
        seen: set[AlertKey] = set()
        for key, rule, finding in _matches(rules, sighting):
            seen.add(key)
            known = after.get(key)
            after[key] = _bad(rule, key, finding, sighting, None if known is None or _is_over(known) else known)
        for key, alert in alerts.items():
            if key.site != sighting.site or key in seen or _is_over(alert):
                continue
            if (kept := _good(_rule_of(rules, key), alert, sighting.at)) is None:
                del after[key]
            else:
                after[key] = kept
    return after


def end_orphans(
    alerts: Mapping[AlertKey, Alert], rules: Iterable[str], sites: Iterable[str], now: datetime
) -> dict[AlertKey, Alert]:
    """End what nothing can end any more: its site left the fleet, or its rule the policy."""
    known_rules, known_sites = set(rules), set(sites)
    after = dict(alerts)
    for key, alert in alerts.items():
        gone = "" if key.site in known_sites else "the site is not in the fleet any more"
        gone = gone or ("" if key.rule in known_rules else "the rule is not in the policy any more")
        if not gone or _is_over(alert):
            continue
        if alert.phase is Phase.PENDING:
            del after[key]
        else:
            after[key] = replace(alert, phase=Phase.RESOLVED, ended_at=now, end_reason=gone)
    return after


def _matches(rules: Sequence[AlertRule], sighting: Sighting) -> Iterable[tuple[AlertKey, AlertRule, AlertFinding]]:
    labels = dict(sighting.labels)
    for rule in rules:
        of_check: dict[str, AlertFinding] = {}
        for finding in sighting.findings:
            if finding.verdict not in rule.verdicts or not rule.fits(sighting.site, labels, finding.check):
                continue
            known = of_check.get(finding.check)
            if known is None or _RANK[finding.verdict] < _RANK[known.verdict]:
                of_check[finding.check] = finding
        for check, finding in of_check.items():
            yield AlertKey(rule.name, sighting.site, check), rule, finding


def _bad(rule: AlertRule, key: AlertKey, finding: AlertFinding, sighting: Sighting, known: Alert | None) -> Alert:
    at = sighting.at
    if known is None:
        alert = Alert(key, rule.severity, Phase.PENDING, finding, since=at, labels=dict(sighting.labels))
    else:
        # A clock that was set back must not make a fault younger than no time at all.
        alert = replace(
            known, finding=finding, severity=rule.severity, since=min(known.since, at), good_since=None,
            labels=dict(sighting.labels),
        )  # fmt: skip
    if alert.phase is Phase.CLEARING:
        return replace(alert, phase=Phase.FIRING)
    if alert.phase is Phase.PENDING and at - alert.since >= timedelta(seconds=seconds(rule.for_)):
        return replace(alert, phase=Phase.FIRING, fired_at=at)
    return alert


def _good(rule: AlertRule | None, alert: Alert, at: datetime) -> Alert | None:
    if alert.phase is Phase.PENDING:
        return None
    good_since = at if alert.good_since is None else min(alert.good_since, at)
    wait = timedelta(seconds=seconds(rule.clear_after)) if rule else timedelta(0)
    if at - good_since >= wait:
        return replace(alert, phase=Phase.RESOLVED, good_since=good_since, ended_at=at, end_reason="the fault is gone")
    return replace(alert, phase=Phase.CLEARING, good_since=good_since)


def _is_over(alert: Alert) -> bool:
    return alert.phase is Phase.RESOLVED


def _rule_of(rules: Sequence[AlertRule], key: AlertKey) -> AlertRule | None:
    return next((rule for rule in rules if rule.name == key.rule), None)

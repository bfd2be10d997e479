"""Recording and alerting rules for Prometheus. Unknown is never healthy: what is absent alerts as well."""

from __future__ import annotations

from typing import Any

from fleetctl.monitoring.metrics import (
    CERTIFICATE_EXPIRY,
    CHECKPOINT_AGE,
    FAULTS,
    FREE_BYTES,
    JOB,
    SIZE_BYTES,
    SNAPSHOT_TIME,
    UNREADABLE,
    VERDICT,
    WATCH_ROUND,
)

_UP = f'up{{job="{JOB}"}}'
# The agent's snapshot is seconds old; five minutes are a clock or an agent that is wrong (as fleetctl's poller has it).
_STALE_S = 300
_CERTIFICATE_DAYS = 21
_CHECKPOINT_S = 3600
_FREE = 0.05


def recording() -> dict[str, Any]:
    """The worst verdict of each site as one series, and how many sites have which."""
    worst = f'max by (fleet, site, verdict) ({VERDICT}{{verdict="%s"}}) == 1'
    critical, unknown, degraded = (worst % verdict for verdict in ("critical", "unknown", "degraded"))
    return {
        "name": "fleetctl-recording",
        "rules": [
            _record("site:fleetctl_critical:bool", f"clamp_max(count by (fleet, site) ({critical}), 1)"),
            _record("site:fleetctl_unknown:bool", f"clamp_max(count by (fleet, site) ({unknown}), 1)"),
            _record("site:fleetctl_degraded:bool", f"clamp_max(count by (fleet, site) ({degraded}), 1)"),
            _record("fleet:fleetctl_sites:count", f"count by (fleet) ({_UP})"),
            # A site that gives no metrics is unknown, whatever its last ones said.
            _record(
                "fleet:fleetctl_sites_silent:count", f"count by (fleet) ({_UP} == 0) or (0 * count by (fleet) ({_UP}))"
            ),
        ],
    }


def alerting() -> dict[str, Any]:
    """What wakes somebody, and what waits for the morning."""
    return {
        "name": "fleetctl-alerts",
        "rules": [
            _alert(
                "FleetctlSiteSilent", f"{_UP} == 0", "5m", "page",
                "{{ $labels.site }} gives no metrics", "Its state is unknown.",
                "fleetctl health check {{ $labels.site }}",
            ),
            _alert(
                "FleetctlNoSites", f"absent({_UP})", "5m", "page",
                "Prometheus knows no site of the fleet", "No target of the job exists, so nothing is watched.",
                "look at the file_sd files: fleetctl monitoring export",
            ),
            _alert(
                "FleetctlPartCritical", f'{VERDICT}{{verdict="critical"}} == 1', "2m", "page",
                "{{ $labels.site }}: {{ $labels.part }} is critical", "The box judges itself so.",
                "fleetctl health check {{ $labels.site }}",
            ),
            _alert(
                "FleetctlPartUnknown", f'{VERDICT}{{verdict="unknown"}} == 1', "10m", "page",
                "{{ $labels.site }}: {{ $labels.part }} is unknown", "The box cannot tell; unknown is never healthy.",
                "fleetctl health check {{ $labels.site }}",
            ),
            _alert(
                "FleetctlPartDegraded", f'{VERDICT}{{verdict="degraded"}} == 1', "30m", "ticket",
                "{{ $labels.site }}: {{ $labels.part }} is degraded", "It works, with a fault.",
                "fleetctl health check {{ $labels.site }}",
            ),
            _alert(
                "FleetctlFaultOpen", f'sum by (fleet, site, check) ({FAULTS}{{state="open"}}) > 0', "1m", "ticket",
                "{{ $labels.site }}: a fault of {{ $labels.check }} is open",
                "Faults stay open until they are repaired or acknowledged.", "fleetctl health gpu {{ $labels.site }}",
            ),
            _alert(
                "FleetctlSnapshotStale", f"time() - {SNAPSHOT_TIME} > {_STALE_S}", "5m", "page",
                "{{ $labels.site }} serves an old snapshot", f"It is older than {_STALE_S} s, or a clock is wrong.",
                "compare both clocks; then restart appliance-health.service",
            ),
            _alert(
                "FleetctlCertificateEnds", f"{CERTIFICATE_EXPIRY} - time() < {_CERTIFICATE_DAYS} * 86400", "1h",
                "ticket", "{{ $labels.site }}: a certificate ends soon",
                f"Fewer than {_CERTIFICATE_DAYS} days are left.",
                "fleetctl site provision {{ $labels.site }} renews it",
            ),
            _alert(
                "FleetctlCheckpointOld", f"{CHECKPOINT_AGE} > {_CHECKPOINT_S}", "15m", "ticket",
                "{{ $labels.site }}: the audit log has no fresh checkpoint",
                f"The last is older than {_CHECKPOINT_S} s.", "fleetctl health check {{ $labels.site }}",
            ),
            _alert(
                "FleetctlDiskFull", f"{FREE_BYTES} / {SIZE_BYTES} < {_FREE:g}", "10m", "ticket",
                "{{ $labels.site }}: {{ $labels.mount }} is nearly full", f"Less than {100 * _FREE:g} % is free.",
                "look at retention and at failed transcripts",
            ),
            _alert(
                "FleetctlValuesUnreadable", f"{UNREADABLE} > 0", "30m", "ticket",
                "{{ $labels.site }}: values cannot be read",
                "Metrics of them are missing, so nothing else alerts on them.",
                "fleetctl health check {{ $labels.site }}",
            ),
            _alert(
                "FleetctlWatcherDead",
                f"time() - {WATCH_ROUND} > 600 or absent({WATCH_ROUND})", "5m", "page",
                "fleetctl watch does not finish its rounds", "Its alerts do not come any more.",
                "systemctl status fleetctl-watch.service on the machine that watches",
            ),
        ],
    }  # fmt: skip


def rules() -> dict[str, Any]:
    """The rule file."""
    return {"groups": [recording(), alerting()]}


def _record(name: str, expression: str) -> dict[str, str]:
    return {"record": name, "expr": expression}


def _alert(
    name: str, expression: str, lasts: str, severity: str, summary: str, description: str, next_action: str
) -> dict[str, Any]:
    return {
        "alert": name,
        "expr": expression,
        "for": lasts,
        "labels": {"severity": severity},
        "annotations": {"summary": summary, "description": description, "next_action": next_action},
    }

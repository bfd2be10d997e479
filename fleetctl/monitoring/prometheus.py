"""Configurations of Prometheus: one server for a fleet, or an agent for each region that writes to a central store."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fleetctl.models.site import Site
from fleetctl.monitoring.discovery import label_name
from fleetctl.monitoring.metrics import JOB

TARGETS = "targets/fleetctl.json"
RULES = "rules/fleetctl.yml"
# In the folder that the configuration is in. The key is made where Prometheus runs and never leaves that machine.
TLS = {
    "ca_file": "tls/ca.crt",
    "cert_file": "tls/monitoring.crt",
    "key_file": "tls/monitoring.key",
    "min_version": "TLS13",
}
# A snapshot is at most 2 s old; a minute is what federation of thousands of sites can carry.
_INTERVAL = "30s"
_TIMEOUT = "20s"


def scrape(targets: str = TARGETS) -> dict[str, Any]:
    """How sites are scraped: TLS 1.3, our certificate; theirs is checked for the fleet's authority and the address."""
    return {
        "job_name": JOB,
        "scheme": "https",
        "metrics_path": "/metrics",
        "scrape_interval": _INTERVAL,
        "scrape_timeout": _TIMEOUT,
        "follow_redirects": False,
        "tls_config": dict(TLS),
        "file_sd_configs": [{"files": [targets]}],
        # What a box says about itself must not be able to pose as another site, or as the health of Prometheus.
        "honor_labels": False,
        "label_limit": 64,
        "sample_limit": 20_000,
        "body_size_limit": "16MB",
    }


def server(fleet: str, alertmanagers: Sequence[str]) -> dict[str, Any]:
    """One Prometheus that scrapes everything, evaluates the rules and tells Alertmanager."""
    document: dict[str, Any] = {
        "global": {"scrape_interval": _INTERVAL, "evaluation_interval": _INTERVAL, "external_labels": {"fleet": fleet}},
        "rule_files": [RULES],
        "scrape_configs": [scrape()],
    }
    if alertmanagers:
        document["alerting"] = {"alertmanagers": [{"static_configs": [{"targets": list(alertmanagers)}]}]}
    return document


def agents(fleet: str, sites: Sequence[Site], label: str, remote_write: str) -> dict[str, dict[str, Any]]:
    """Region → configuration of its agent: it scrapes the region's sites and forwards everything, keeping nothing.

    Sites without the label are in the region `none`: none is left out.
    """
    return {
        region: {
            "global": {
                "scrape_interval": _INTERVAL,
                "external_labels": {"fleet": fleet, label_name(label): region},
            },
            "scrape_configs": [scrape(f"targets/{region}.json")],
            "remote_write": [
                {
                    "url": remote_write,
                    "tls_config": {"min_version": "TLS12"},
                    # An hour of a lost link for a region of some hundred sites.
                    "queue_config": {"max_shards": 16, "capacity": 20_000, "max_samples_per_send": 2_000},
                    "metadata_config": {"send": True},
                }
            ],
        }
        for region in by_region(sites, label)
    }


def by_region(sites: Sequence[Site], label: str) -> dict[str, list[Site]]:
    """The sites of each region, by a label of theirs."""
    found: dict[str, list[Site]] = {}
    for site in sites:
        found.setdefault(site.metadata.labels.get(label, "none"), []).append(site)
    return dict(sorted(found.items()))

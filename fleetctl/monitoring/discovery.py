"""Targets of Prometheus' file-based service discovery, one for each site."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from typing import Any

from fleetctl.models.site import Site


def targets(fleet: str, sites: Sequence[Site]) -> list[dict[str, Any]]:
    """The document of a file_sd file. A site's own labels stand as `site_…`, so that none can pose as ours."""
    return [
        {
            "targets": [_address(site)],
            "labels": {
                **{f"site_{label_name(key)}": value for key, value in sorted(site.metadata.labels.items())},
                "fleet": fleet,
                "site": site.name,
                "profile": site.spec.profile,
            },
        }
        for site in sites
    ]


def label_name(key: str) -> str:
    """A key of ours as a label name of Prometheus: letters, digits and underscores."""
    return re.sub(r"[^a-zA-Z0-9_]", "_", key)


def _address(site: Site) -> str:
    address, port = site.spec.management.address, site.spec.management.health_port
    return f"[{address}]:{port}" if ipaddress.ip_address(address).version == 6 else f"{address}:{port}"

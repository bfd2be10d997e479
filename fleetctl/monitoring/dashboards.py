"""Dashboards for Grafana: the fleet, one site, and GPUs by dcgm-exporter's names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from fleetctl.monitoring.metrics import (
    CERTIFICATE_EXPIRY,
    CHECKPOINT_AGE,
    DENIED,
    FAULTS,
    FREE_BYTES,
    INFO,
    JOB,
    LATENCY,
    QUEUE,
    RUNNING,
    SIZE_BYTES,
    TOKENS,
    VERDICT,
)

_DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
# Grafana's grid is 24 wide.
_WIDTH = 24
# Colours that people with the common colour blindnesses tell apart (Okabe and Ito); the words stand beside them.
_GREEN, _ORANGE, _RED, _GREY = "#009E73", "#E69F00", "#D55E00", "#999999"


@dataclass(frozen=True)
class Panel:
    """One panel: queries with their legends; `steps` colour values from each threshold on."""

    title: str
    kind: str
    queries: Sequence[tuple[str, str]]
    unit: str = "short"
    width: int = 12
    height: int = 8
    steps: Sequence[tuple[float | None, str]] = ((None, _GREEN),)
    help: str = ""

    def model(self, number: int, x: int, y: int) -> dict[str, Any]:
        """The panel in Grafana's form."""
        is_table = self.kind == "table"
        return {
            "id": number,
            "title": self.title,
            "description": self.help,
            "type": self.kind,
            "datasource": _DATASOURCE,
            "gridPos": {"x": x, "y": y, "w": self.width, "h": self.height},
            "fieldConfig": {
                "defaults": {
                    "unit": self.unit,
                    "noValue": "no data: unknown",
                    "thresholds": {
                        "mode": "absolute",
                        "steps": [{"value": value, "color": color} for value, color in self.steps],
                    },
                },
                "overrides": [],
            },
            "targets": [
                {
                    "refId": chr(ord("A") + index),
                    "datasource": _DATASOURCE,
                    "expr": expression,
                    "legendFormat": legend,
                    "instant": is_table or self.kind == "stat",
                    "format": "table" if is_table else "time_series",
                }
                for index, (expression, legend) in enumerate(self.queries)
            ],
        }


_BAD = ((None, _GREEN), (1, _RED))
_ODD = ((None, _GREEN), (1, _ORANGE))


def _worst(verdict: str, where: str = "") -> str:
    return f'{VERDICT}{{verdict="{verdict}"{where}}} == 1'


FLEET: Sequence[Panel] = (
    Panel("Sites", "stat", [(f'count(up{{job="{JOB}"}})', "sites")], width=4, height=4, steps=((None, _GREY),)),
    Panel(
        "Silent (unknown)", "stat", [(f'count(up{{job="{JOB}"}} == 0) or vector(0)', "silent")], width=5, height=4,
        steps=_BAD, help="Sites that give no metrics. Their state is unknown.",
    ),
    Panel("Critical", "stat", [(f'count(count by (site) ({_worst("critical")})) or vector(0)', "critical")],
          width=5, height=4, steps=_BAD),
    Panel("Unknown", "stat", [(f'count(count by (site) ({_worst("unknown")})) or vector(0)', "unknown")],
          width=5, height=4, steps=_BAD),
    Panel("Degraded", "stat", [(f'count(count by (site) ({_worst("degraded")})) or vector(0)', "degraded")],
          width=5, height=4, steps=_ODD),
    Panel(
        "Parts that are not ok", "table", [(f'{VERDICT}{{verdict!="ok"}} == 1', "")], width=24, height=10,
        help="One line for each part that a box judges critical, unknown or degraded.",
    ),
    Panel("Open faults", "table", [(f'sum by (site, check) ({FAULTS}{{state="open"}}) > 0', "")]),
    Panel("Versions", "table", [(f"count by (site, appliance_version, image_version) ({INFO})", "")]),
    Panel("Requests that wait", "timeseries", [(f"topk(10, sum by (site) ({QUEUE}))", "{{site}}")]),
    Panel("Tokens a second", "timeseries", [(f"sum by (task) ({TOKENS})", "{{task}}")]),
)  # fmt: skip

SITE: Sequence[Panel] = (
    Panel("Parts", "table", [(f'{VERDICT}{{site="$site"}} == 1', "")], width=12, height=10),
    Panel("Open faults", "table", [(f'{FAULTS}{{site="$site",state!="cleared"}} > 0', "")], width=12, height=10),
    Panel("Latency, p95", "timeseries", [(f'{LATENCY}{{site="$site",percentile="95"}}', "{{task}}")], unit="s"),
    Panel("Requests", "timeseries", [(f'{RUNNING}{{site="$site"}}', "{{task}} running"),
                                     (f'{QUEUE}{{site="$site"}}', "{{task}} waiting")]),
    Panel("Free space", "timeseries", [(f'{FREE_BYTES}{{site="$site"}} / {SIZE_BYTES}{{site="$site"}}', "{{mount}}")],
          unit="percentunit"),
    Panel("Audit checkpoint age", "timeseries", [(f'{CHECKPOINT_AGE}{{site="$site"}}', "age")], unit="s"),
    Panel("Packets refused on the way out", "timeseries",
          [(f'rate({DENIED}{{site="$site",direction="egress"}}[5m])', "refused")], unit="pps"),
    Panel("Certificates end in", "stat", [(f'{CERTIFICATE_EXPIRY}{{site="$site"}} - time()', "{{file}}")], unit="s",
          steps=((None, _RED), (7 * 86400, _ORANGE), (30 * 86400, _GREEN))),
)  # fmt: skip

_GPU = 'site=~"$site"'
GPUS: Sequence[Panel] = (
    Panel("Utilisation", "timeseries", [(f"DCGM_FI_DEV_GPU_UTIL{{{_GPU}}}", "{{site}} {{gpu}}")], unit="percent"),
    Panel("Memory used", "timeseries", [(f"DCGM_FI_DEV_FB_USED{{{_GPU}}}", "{{site}} {{gpu}}")], unit="mbytes"),
    Panel("Temperature", "timeseries", [(f"DCGM_FI_DEV_GPU_TEMP{{{_GPU}}}", "{{site}} {{gpu}}")], unit="celsius"),
    Panel("Power", "timeseries", [(f"DCGM_FI_DEV_POWER_USAGE{{{_GPU}}}", "{{site}} {{gpu}}")], unit="watt"),
    Panel("SM clock", "timeseries", [(f"DCGM_FI_DEV_SM_CLOCK{{{_GPU}}}", "{{site}} {{gpu}}")], unit="rotmhz"),
    Panel("PCIe replays a minute", "timeseries",
          [(f"60 * rate(DCGM_FI_DEV_PCIE_REPLAY_COUNTER{{{_GPU}}}[10m])", "{{site}} {{gpu}}")]),
    Panel("Last Xid", "table", [(f"DCGM_FI_DEV_XID_ERRORS{{{_GPU}}} > 0", "")]),
    Panel("Remapped rows", "table", [(f"DCGM_FI_DEV_UNCORRECTABLE_REMAPPED_ROWS{{{_GPU}}} > 0", "")]),
)  # fmt: skip


def dashboards() -> dict[str, dict[str, Any]]:
    """File name → dashboard."""
    return {
        "fleet.json": _dashboard("fleetctl-fleet", "Fleet", FLEET, site=False),
        "site.json": _dashboard("fleetctl-site", "Site", SITE, site=True),
        "gpus.json": _dashboard("fleetctl-gpus", "GPUs", GPUS, site=True, several=True),
    }


def _dashboard(uid: str, title: str, panels: Sequence[Panel], *, site: bool, several: bool = False) -> dict[str, Any]:
    variables: list[dict[str, Any]] = [
        {"name": "datasource", "label": "Prometheus", "type": "datasource", "query": "prometheus"}
    ]
    if site:
        variables.append(
            {
                "name": "site",
                "label": "Site",
                "type": "query",
                "datasource": _DATASOURCE,
                "query": f'label_values(up{{job="{JOB}"}}, site)',
                "refresh": 2,
                "sort": 1,
                "multi": several,
                "includeAll": several,
            }
        )
    return {
        "uid": uid,
        "title": f"fleetctl: {title}",
        "tags": ["fleetctl"],
        "schemaVersion": 39,
        "version": 1,
        "editable": True,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "templating": {"list": variables},
        "panels": list(_placed(panels)),
    }


def _placed(panels: Sequence[Panel]) -> Iterator[dict[str, Any]]:
    """From left to right, a new row where one does not fit any more."""
    x = y = height = 0
    for number, panel in enumerate(panels, 1):
        if x + panel.width > _WIDTH:
            x, y, height = 0, y + height, 0
        yield panel.model(number, x, y)
        x, height = x + panel.width, max(height, panel.height)

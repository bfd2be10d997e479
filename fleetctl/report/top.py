"""`fleetctl top`: what every site does now, a line a site."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

from pydantic import BaseModel, ConfigDict

from appliance.contract.gpu import Value
from appliance.contract.health import Verdict
from fleetctl.checks.site_health import RANK, SiteHealth
from fleetctl.errors import printable
from fleetctl.report.lines import Line
from fleetctl.report.verdicts import STYLES, shown, sign

SortKey = Literal["verdict", "site", "gpu", "memory", "power", "temperature", "queue", "tokens", "latency"]


class TopRow(BaseModel):
    """One site. A figure that nobody measured is absent, never zero.

    Over several GPUs: utilisation is the highest, memory and power the sum, temperature the hottest. Over several
    engines: queue and tokens are the sum, latency (95th percentile of the window) the longest.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    site: str
    verdict: Verdict
    gpus: int | None = None
    gpu_util_percent: float | None = None
    memory_used_mib: float | None = None
    memory_total_mib: float | None = None
    power_w: float | None = None
    temperature_c: float | None = None
    queue: int | None = None
    tokens_per_s: float | None = None
    latency_p95_ms: float | None = None


def top_row(health: SiteHealth) -> TopRow:
    """What the snapshot of a site says that it does."""
    snapshot = health.snapshot
    if snapshot is None:
        return TopRow(site=health.site.name, verdict=health.verdict)
    gpus = snapshot.gpus.report.gpus if snapshot.gpus and snapshot.gpus.report else ()
    activity = snapshot.gpus.activity if snapshot.gpus else ()
    engines = snapshot.engines.engines if snapshot.engines else ()
    return TopRow(
        site=health.site.name,
        verdict=health.verdict,
        gpus=len(gpus) if snapshot.gpus and snapshot.gpus.report else None,
        gpu_util_percent=max(_values(each.gpu_util_percent for each in activity), default=None),
        memory_used_mib=_sum(_values(each.memory_used_mib for each in activity)),
        memory_total_mib=_sum(_values(each.memory_mib for each in gpus)),
        power_w=_sum(_values(each.power_w for each in activity)),
        temperature_c=max(_values(each.temperature_c for each in gpus), default=None),
        queue=_whole(_sum([each.queue_length for each in engines if each.queue_length is not None])),
        tokens_per_s=_sum([each.tokens_per_s for each in engines if each.tokens_per_s is not None]),
        latency_p95_ms=max(
            (each.latency.p95_ms for each in engines if each.latency and each.latency.p95_ms is not None), default=None
        ),
    )


def _values(readings: Iterable[object]) -> list[float]:
    return [float(each.value) for each in readings if isinstance(each, Value)]


def _sum(values: Sequence[float]) -> float | None:
    return sum(values) if values else None


def _whole(value: float | None) -> int | None:
    return None if value is None else int(value)


def sorted_rows(rows: Sequence[TopRow], key: SortKey) -> list[TopRow]:
    """The most first, what is not known last; by verdict the worst first."""
    if key == "site":
        return sorted(rows, key=lambda row: row.site)
    if key == "verdict":
        return sorted(rows, key=lambda row: (RANK[row.verdict], row.site))
    field = {
        "gpu": "gpu_util_percent", "memory": "memory_used_mib", "power": "power_w", "temperature": "temperature_c",
        "queue": "queue", "tokens": "tokens_per_s", "latency": "latency_p95_ms",
    }[key]  # fmt: skip
    return sorted(rows, key=lambda row: (-(getattr(row, field) if getattr(row, field) is not None else -1), row.site))


_COLUMNS = (("GPU %", 5), ("memory GiB", 11), ("W", 5), ("°C", 3), ("queue", 5), ("tok/s", 6), ("p95 ms", 7))


def top_lines(rows: Sequence[TopRow], width: int | None) -> list[Line]:
    """A heading and a line a site, within 80 columns however long the names are."""
    needed = sum(size + 1 for _, size in _COLUMNS) + 11
    room = max(12, min(max((len(row.site) for row in rows), default=12), (width or 120) - needed))
    heads = " ".join(f"{shown(name):>{size}}" for name, size in _COLUMNS)
    lines = [Line(f"{'site':<{room}} {'verdict':<10}{heads}", "bold")]
    for row in rows:
        name = printable(row.site)
        name = name if len(name) <= room else f"{name[: room - 1]}{shown('…')}"
        cells = (
            _cell(row.gpu_util_percent, 0), _memory(row), _cell(row.power_w, 0), _cell(row.temperature_c, 0),
            _cell(row.queue, 0), _cell(row.tokens_per_s, 1), _cell(row.latency_p95_ms, 0),
        )  # fmt: skip
        figures = " ".join(f"{cell:>{size}}" for cell, (_, size) in zip(cells, _COLUMNS, strict=True))
        head = f"{name:<{room}} {sign(row.verdict)} {row.verdict.value:<8}"
        lines.append(Line(head + figures, STYLES[row.verdict], len(head)))
    return lines


def _cell(value: float | None, places: int) -> str:
    return "-" if value is None else f"{value:.{places}f}"


def _memory(row: TopRow) -> str:
    if row.memory_used_mib is None:
        return "-"
    used = f"{row.memory_used_mib / 1024:.1f}"
    return used if row.memory_total_mib is None else f"{used}/{row.memory_total_mib / 1024:.0f}"

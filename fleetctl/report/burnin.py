"""Burn-ins for a person: the checks, and beside them what each GPU and disk did."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from rich.console import Group, RenderableType
from rich.table import Table

from appliance.contract.burnin import BurnInReport, DriveBurnIn, GpuBurnIn
from appliance.contract.gpu import NotSupported, Unread, Value
from fleetctl.actions.burnin import BurnInJudgement
from fleetctl.checks.burnin_spread import MEASURES, slower_percent
from fleetctl.errors import printable
from fleetctl.report.checks import judgements_table


class Figures(NamedTuple):
    """A small table of texts: the same on a terminal and on a page."""

    columns: tuple[str, ...]
    rows: list[tuple[str, ...]]


def gpu_figures(report: BurnInReport) -> Figures:
    """One row a GPU. In brackets: by how many percent it differs from the median of its equals; – is not measured."""
    measured = tuple(f"{measure.title} {measure.unit}" for measure in MEASURES)
    columns = ("GPU", "name", *measured, "max °C", "least margin °C", "max W", "wrong words", "wrong results")
    return Figures(columns, [_gpu_row(gpu, report.gpus) for gpu in report.gpus])


def _gpu_row(gpu: GpuBurnIn, gpus: Sequence[GpuBurnIn]) -> tuple[str, ...]:
    measured = []
    for measure in MEASURES:
        slower = slower_percent(measure, gpu, gpus)
        # The sign as people say it: slower is minus. Adding 0 makes a rounded -0 a 0.
        spread = "" if slower is None else f" ({round(-slower, 1) + 0.0:+.1f} %)"
        measured.append(_shown(measure.read(gpu), "{:.4g}") + spread)
    return (
        str(gpu.index),
        _shown(gpu.name, "{}"),
        *measured,
        _shown(gpu.temperature_c, "{.max:.0f}"),
        _shown(gpu.margin_c, "{.min:.0f}"),
        _shown(gpu.power_w, "{.max:.0f}"),
        _shown(gpu.memory_errors, "{}"),
        _shown(gpu.tensor_errors, "{}"),
    )


def drive_figures(report: BurnInReport) -> Figures:
    """One row a disk."""
    columns = ("disk", "model", "serial", "sequential MB/s", "random MB/s", "random p99 ms", "read MiB", "errors")
    drives = report.drives.value if isinstance(report.drives, Value) else ()
    return Figures(columns, [_drive_row(drive) for drive in drives])


def _drive_row(drive: DriveBurnIn) -> tuple[str, ...]:
    return (
        drive.device,
        _shown(drive.model, "{}"),
        _shown(drive.serial, "{}"),
        _shown(drive.sequential_mb_per_s, "{:.4g}"),
        _shown(drive.random_mb_per_s, "{:.4g}"),
        _shown(drive.random_p99_ms, "{:.3g}"),
        _shown(drive.read_mib, "{}"),
        _shown(drive.errors, "{}"),
    )


def _shown(reading: Value[Any] | NotSupported | Unread, form: str) -> str:
    return printable(form.format(reading.value)) if isinstance(reading, Value) else "–"


def burnins_table(judgements: Sequence[BurnInJudgement]) -> RenderableType:
    """All checks of all sites, then for each site its GPUs and its disks."""
    shown: list[RenderableType] = [judgements_table(judgements)]
    for judgement in judgements:
        if judgement.report is not None:
            for figures in (gpu_figures(judgement.report), drive_figures(judgement.report)):
                if figures.rows:
                    shown.append(_table(judgement.site, figures))
    return Group(*shown)


def _table(site: str, figures: Figures) -> Table:
    table = Table(*figures.columns, title=f"{site}: under load", title_justify="left")
    for row in figures.rows:
        table.add_row(*row)
    return table

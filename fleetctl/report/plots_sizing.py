"""The picture of `fleetctl profile size --plot`."""

from __future__ import annotations

import textwrap

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator, StrMethodFormatter

from fleetctl.planning.costcurve import cloud_price, cost_curves
from fleetctl.planning.scenario import load_scenario
from fleetctl.planning.simulation import STAGES, HourWaits
from fleetctl.planning.sizing import ProfileSizing, Sizing
from fleetctl.report.planning import verdict_line
from fleetctl.report.plots import (
    BLUE,
    DARK_ORANGE,
    GREEN,
    INK,
    MUTED,
    ORANGE,
    RED,
    WHITE,
    label_right,
    plain_grid,
    titled,
)

STAGE_COLOURS = {"transcription": BLUE, "drafting": ORANGE, "coding": GREEN}
LABEL_COLOURS = STAGE_COLOURS | {"drafting": DARK_ORANGE}


def draw_sizing(sizing: Sizing) -> Figure:
    """Load against capacity, waiting times, cost against cloud."""
    waits = sizing.best.plan is not None and sizing.best.plan.day is not None and bool(sizing.best.plan.day.worst_hour)
    figure = Figure(figsize=(10, 13.4 if waits else 9.2))
    panels = figure.subplots(3 if waits else 2, 1)
    _load(panels[0], sizing)
    if waits:
        _waits(panels[1], sizing)
    _cost(panels[-1], sizing)
    words = verdict_line(sizing)
    folded = textwrap.fill(f"{words[0].upper()}{words[1:]}.", 100)
    figure.suptitle(folded, x=0.125, y=0.985, ha="left", va="top", fontsize=11)
    figure.subplots_adjust(left=0.125, right=0.785, top=0.9 if waits else 0.86, bottom=0.055, hspace=0.48)
    return figure


def _hours(sizing: Sizing) -> list[int]:
    """From the first hour with work to the last."""
    busy = [hour for hour, share in enumerate(sizing.hourly_share) if share > 0]
    return list(range(min(busy), max(busy) + 1))


def _clock(axes: Axes, hours: list[int]) -> None:
    axes.set_xlim(hours[0] - 0.1, hours[-1] + 1.1)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=13))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda hour, _: f"{hour:02.0f}:00"))
    axes.set_xlabel("hour of the day")


def _load(axes: Axes, sizing: Sizing) -> None:
    best, hours = sizing.best, _hours(sizing)
    bottom = [0.0] * len(hours)
    labels = []
    for row in best.stages:
        heights = [row.gpu_hours_per_day * sizing.hourly_share[hour] for hour in hours]
        axes.bar(
            [hour + 0.5 for hour in hours], heights, width=0.94, bottom=bottom, color=STAGE_COLOURS[row.stage], zorder=2
        )
        middle = bottom[-1] + heights[-1] / 2
        labels.append((middle, f"{row.stage}\n{row.gpu_hours_busiest_hour:,.2f} at the peak", LABEL_COLOURS[row.stage]))
        bottom = [below + height for below, height in zip(bottom, heights, strict=True)]
    levels = _capacities(sizing, best)
    top = max([*bottom, *(level for level, _, _ in levels)]) * 1.12
    for level, _, colour in levels:
        axes.axhline(level, color=colour, linewidth=1.4, linestyle="--", zorder=3)
    axes.set_ylim(0, top)
    _clock(axes, hours)
    label_right(axes, hours[-1] + 1.1, labels + levels, gap=top * 0.115)
    axes.set_ylabel("GPUs busy")
    axes.yaxis.set_major_locator(MaxNLocator(nbins=6, steps=[1, 2, 5, 10]))
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:,.10g}"))
    plain_grid(axes)
    titled(
        axes,
        "Load over the day against capacity",
        f"{sizing.encounters_per_day:,.0f} encounters and {sizing.coding_records_per_day:,.0f} coded records a day,"
        f" on {best.gpu} ({sizing.model})",
    )


def _capacities(sizing: Sizing, best: ProfileSizing) -> list[tuple[float, str, str]]:
    """(GPUs, what they are, colour): what the site may have, what it needs, and that with a fault."""
    allowed = sizing.hosts_allowed * best.gpus
    levels = [(float(allowed), f"{_count(sizing.hosts_allowed, 'host')}\n{_count(allowed, 'GPU')}", INK)]
    if best.fault is not None and best.hosts_n_plus_1 is not None:
        needed, left = best.hosts_n_plus_1 * best.gpus, best.fault.hosts * best.fault.gpus
        if needed != allowed:
            levels.append((float(needed), f"{_count(best.hosts_n_plus_1, 'host')}\n{needed:,} GPUs, N+1", INK))
        levels.append((float(left), f"with a fault\n{_count(left, 'GPU')}", RED))
    return levels


def _waits(axes: Axes, sizing: Sizing) -> None:
    best, hours = sizing.best, _hours(sizing)
    day = best.plan.day if best.plan else None
    if day is None:
        return
    stage = max(
        (stage for stage in STAGES if stage in day.worst_hour),
        key=lambda stage: day.worst_hour[stage].waits.p95_s / getattr(sizing.targets, f"{stage}_wait_s").value,
    )
    target_s = getattr(sizing.targets, f"{stage}_wait_s").value
    rows = [row for row in day.by_hour if row.stage == stage]
    shade = LABEL_COLOURS[stage]
    lines = [("99 of 100", rows, "p99_s", shade, 1.4, ":"), ("95 of 100", rows, "p95_s", shade, 2.4, "-")]
    fault = best.fault.day if best.fault else None
    if fault is not None:
        broken = [row for row in fault.by_hour if row.stage == stage]
        lines.insert(0, ("95 of 100, with a fault", broken, "p95_s", RED, 1.8, "--"))
    lines.append(("half of them", rows, "p50_s", shade, 1.2, "-"))
    drawn = [(_line(axes, *line[1:]), line) for line in lines]
    top = max(axes.get_ylim()[1], target_s * 1.15)
    axes.set_ylim(0, top)
    _clock(axes, hours)
    axes.axhline(target_s, color=INK, linewidth=1.2, linestyle="--")
    label_right(axes, hours[-1] + 1.1, [(target_s, f"wanted (95 of 100): {target_s:,.0f} s", INK)], gap=0)
    for place, (most, (name, _, _, colour, width, dashes)) in enumerate(sorted(drawn, key=lambda each: -each[0])):
        y = 0.62 - 0.15 * place
        axes.plot(
            [1.02, 1.07],
            [y, y],
            transform=axes.transAxes,
            color=colour,
            linewidth=width,
            linestyle=dashes,
            clip_on=False,
        )
        axes.text(
            1.08, y, f"{name}\nat most {most:,.0f} s", transform=axes.transAxes, color=colour, fontsize=9.5, va="center"
        )
    axes.set_ylabel("seconds")
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:,.10g}"))
    plain_grid(axes)
    titled(
        axes,
        f"Waiting until {stage} starts",
        f"simulated: {_count(best.hosts_n_plus_1 or 1, 'host')} of {best.profile}; the stage nearest to its target",
    )


def _line(axes: Axes, rows: list[HourWaits], field: str, colour: str, width: float, dashes: str) -> float:
    """One percentile over the hours; gives its largest value."""
    ordered = sorted(rows, key=lambda row: row.hour)
    values = [getattr(row.waits, field) for row in ordered]
    axes.plot([row.hour + 0.5 for row in ordered], values, color=colour, linewidth=width, linestyle=dashes)
    return float(max(values, default=0.0))


def _cost(axes: Axes, sizing: Sizing) -> None:
    scenario = load_scenario()
    cloud, *own = cost_curves(sizing, scenario)
    largest = cloud.encounters_per_day[-1]
    axes.plot(cloud.encounters_per_day, cloud.low_usd_year, color=ORANGE, linewidth=2.4)
    labels = [(cloud.low_usd_year[-1], f"cloud, ${cloud_price(scenario):g}\nan encounter", DARK_ORANGE)]
    for curve in own:
        axes.fill_between(
            curve.encounters_per_day,
            curve.low_usd_year,
            curve.high_usd_year,
            color=BLUE,
            alpha=0.25,
            linewidth=0,
            step="post",
        )
        axes.plot(curve.encounters_per_day, curve.low_usd_year, color=BLUE, linewidth=1.2, drawstyle="steps-post")
        axes.plot(curve.encounters_per_day, curve.high_usd_year, color=BLUE, linewidth=1.2, drawstyle="steps-post")
        middle = (curve.low_usd_year[-1] + curve.high_usd_year[-1]) / 2
        labels.append((middle, f"{curve.name}\nlowest and highest\nprice named", BLUE))
    top = max([*cloud.low_usd_year, *(value for curve in own for value in curve.high_usd_year)]) * 1.08
    axes.set_xlim(0, largest)
    axes.set_ylim(0, top)
    axes.axvline(sizing.encounters_per_day, color=MUTED, linewidth=1, linestyle=":")
    axes.text(sizing.encounters_per_day, top, " this site", color=MUTED, fontsize=9.5, va="top")
    label_right(axes, largest, labels, gap=top * 0.16)
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    axes.yaxis.set_major_formatter(StrMethodFormatter("${x:,.0f}"))
    axes.set_xlabel("encounters a day")
    axes.set_ylabel("US dollars a year")
    plain_grid(axes)
    unpriced = sorted(row.profile for row in sizing.profiles if row.stages and row.price is None)
    if unpriced:
        words = f"no price is named for {', '.join(unpriced)}"
        axes.text(0.99, 0.04, words, transform=axes.transAxes, ha="right", color=MUTED, fontsize=9.5, bbox=WHITE)
    fill = sizing.targets.busiest_hour_load.value
    years = scenario.spec.horizon_years.value
    below = f"own hosts: price over {years:g} years, support, power, people; filled to {fill:.0%} at the peak, N+1"
    if not own:
        below = "own hosts cannot be drawn: no profile that was sized names a price"
    titled(
        axes,
        "Cost a year against the cloud",
        below,
    )


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"

"""The picture of `fleetctl profile roi --plot`."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator, StrMethodFormatter

from fleetctl.planning.answer import Roi
from fleetctl.report.plots import BLUE, DARK_ORANGE, INK, MUTED, ORANGE, RED, WHITE, label_right, plain_grid, titled
from fleetctl.report.roi import SHOWN_SWINGS, dollars, swing_names


def draw_roi(roi: Roi) -> Figure:
    """Money spent over the years, and the tornado."""
    figure = Figure(figsize=(10, 9.4))
    spent, swings = figure.subplots(2, 1)
    _spent(spent, roi)
    _tornado(swings, roi)
    figure.subplots_adjust(left=0.23, right=0.83, top=0.91, bottom=0.075, hspace=0.5)
    return figure


def _spent(axes: Axes, roi: Roi) -> None:
    """Money spent since the start, year by year, with and without hosts of one's own; not discounted."""
    case, years = roi.chosen, roi.horizon_years
    ends = [0.0, years]
    start = case.investment_usd or 0.0
    before = [0.0, case.cost_before_usd_year * years]
    after = [start, start + case.running_usd_year * years]
    axes.plot(ends, before, color=ORANGE, linewidth=2.4)
    axes.plot(ends, after, color=BLUE, linewidth=2.4)
    top = max(*before, *after) * 1.12 or 1.0  # a scale needs some length
    axes.set_xlim(0, years)
    axes.set_ylim(0, top)
    if case.payback_months is not None and case.payback_months / 12 <= years:
        at = case.payback_months / 12
        axes.plot([at], [case.cost_before_usd_year * at], "o", color=INK, zorder=4)
        axes.annotate(
            f"pays back after {case.payback_months:,.1f} months",
            (at, case.cost_before_usd_year * at),
            textcoords="offset points",
            xytext=(10, -14),
        )
    own = "own hosts" if case.investment_usd is not None else "own hosts,\nrunning only"
    if case.without_support:
        own += ",\nwithout support"
    label_right(
        axes,
        years,
        [
            (before[1], f"as today\n{dollars(before[1])}", DARK_ORANGE),
            (after[1], f"{own}\n{dollars(after[1])}", BLUE),
        ],
        gap=top * 0.16,
    )
    axes.yaxis.set_major_formatter(StrMethodFormatter("${x:,.0f}"))
    axes.set_xlabel("years")
    axes.set_ylabel("US dollars spent")
    plain_grid(axes)
    named = "no investment is named" if case.investment_usd is None else f"investment {dollars(case.investment_usd)}"
    titled(axes, f"Money spent: {case.name}", f"{case.description}; {named}; not discounted")


def _tornado(axes: Axes, roi: Roi) -> None:
    tornado = roi.sensitivity
    names = swing_names(tornado)
    swings = list(reversed(tornado.swings[:SHOWN_SWINGS]))
    for row, swing in enumerate(swings):
        for value, answer in ((swing.low, swing.answer_low_usd), (swing.high, swing.answer_high_usd)):
            better = answer >= tornado.answer_usd
            axes.barh(
                row, answer - tornado.answer_usd, left=tornado.answer_usd, height=0.62, color=BLUE if better else RED
            )
            if answer != tornado.answer_usd:
                axes.annotate(
                    f"at {value:,.10g}: {dollars(answer)}",
                    (answer, row),
                    textcoords="offset points",
                    xytext=(5 if better else -5, 0),
                    ha="left" if better else "right",
                    va="center",
                    fontsize=9,
                    bbox=WHITE,
                )
    axes.set_yticks(
        range(len(swings)),
        [names[swing.input].replace(".", ": ").replace("usd", "US$").replace("_", " ") for swing in swings],
    )
    axes.axvline(tornado.answer_usd, color=INK, linewidth=1.2)
    axes.set_ylim(-1, max(len(swings) - 0.5, 3.5))  # two bars alone would fill the panel
    low, high = axes.get_xlim()
    room = 0.55 * (high - low)
    axes.set_xlim(low - room, high + room)
    if low - room < 0 < high + room:
        axes.axvline(0, color=MUTED, linewidth=1, linestyle=":")
        axes.text(0, -0.95, " pays back from here", fontsize=9, color=MUTED, va="bottom", bbox=WHITE)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=6))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: dollars(value)))
    axes.set_xlabel("US dollars")
    plain_grid(axes, "x")
    axes.spines["left"].set_visible(False)
    moved = "Net value" if tornado.answer == "net_usd" else "Yearly saving"
    without = ", without support" if tornado.answer != "net_usd" and roi.chosen.without_support else ""
    titled(
        axes,
        f"What moves the {moved.lower()} most",
        f"{moved} now {dollars(tornado.answer_usd)}{without}; blue is better, red is worse",
    )

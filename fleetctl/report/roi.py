"""Shows costs and payback to people: every case, what does not add up, and what moves the answer most."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from fleetctl.planning.answer import Roi
from fleetctl.planning.roi import CENT, NEEDS_SUPPORT, CaseResult
from fleetctl.planning.sensitivity import Tornado
from fleetctl.report.planning import WIDTH, heading, inputs_table, wrapped

# A tornado of more bars hides the three that matter.
SHOWN_SWINGS = 6
_BAR = 10


def roi_view(roi: Roi) -> RenderableType:
    """The whole answer."""
    shared = f"over {roi.horizon_years:g} years at {roi.discount_percent:g} % a year; US dollars"
    return Group(
        wrapped(Text(f"Scenario {roi.scenario}, {shared}", style="bold")),
        _cases(roi),
        *(wrapped(f"* {case.name}: {_label(case)}") for case in roi.cases if case.without_support),
        heading("Held against the documents"),
        *(wrapped(f"- {case.name}: {finding}") for case in roi.cases for finding in case.findings),
        heading(f"What moves {_answer_name(roi)} of {roi.sensitivity.case} most"),
        *_tornado(roi.sensitivity),
        heading(f"Figures of {roi.sensitivity.case} (edit them: --print-scenario, --scenario FILE)"),
        inputs_table(roi.inputs),
    )


def _cases(roi: Roi) -> Table:
    table = Table(box=None, pad_edge=False, width=WIDTH)
    table.add_column("", no_wrap=True)
    for case in roi.cases:
        table.add_column(case.name, justify="right")
    for title, field in (
        ("encounters a month", "encounters_per_month"),
        ("cost before, month", "cost_before_usd_month"),
        ("cost before, year", "cost_before_usd_year"),
        ("running, year", "running_usd_year"),
        ("saving, year", "saving_usd_year"),
        ("investment", "investment_usd"),
        ("payback, months", "payback_months"),
        ("net value", "net_usd"),
        ("most it may cost", "investment_limit_usd"),
    ):
        table.add_row(title, *(_cell(case, field) for case in roi.cases))
    return table


def _cell(case: CaseResult, field: str) -> str:
    value: float | None = getattr(case, field)
    if field == "payback_months" and case.saving_usd_year < CENT:
        return "never"
    if value is None:
        return "not named" if field == "investment_usd" else "-"
    if field == "payback_months":
        return f"{value:,.1f}"
    mark = "*" if case.without_support and field in NEEDS_SUPPORT else ""
    return f"{value:,.0f}" if field == "encounters_per_month" else dollars(value) + mark


def _label(case: CaseResult) -> str:
    """What the mark means, in the table's words."""
    words = case.without_support or ""
    return words.replace("running_usd_year", "running").replace("saving_usd_year", "saving")


def dollars(value: float) -> str:
    """`-$1,234`."""
    return f"{'-' if round(value) < 0 else ''}${abs(value):,.0f}"


def _answer_name(roi: Roi) -> str:
    if roi.sensitivity.answer == "net_usd":
        return "the net value"
    return "the yearly saving (without support)" if roi.chosen.without_support else "the yearly saving"


def _tornado(tornado: Tornado) -> list[RenderableType]:
    table = Table(box=None, pad_edge=False, width=WIDTH)
    table.add_column("INPUT", no_wrap=True)
    table.add_column("TRIED", justify="right", no_wrap=True)
    table.add_column("ANSWER", justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    names = swing_names(tornado)
    widest = max((swing.width_usd for swing in tornado.swings), default=1.0)
    for swing in tornado.swings[:SHOWN_SWINGS]:
        table.add_row(
            names[swing.input],
            f"{swing.low:,.10g} to {swing.high:,.10g}",
            f"{dollars(swing.answer_low_usd)} to {dollars(swing.answer_high_usd)}",
            "█" * max(1, round(_BAR * swing.width_usd / widest)),
        )
    named = ", ".join(names[swing.input] for swing in tornado.swings[:3])
    spread = "" if all(swing.stated for swing in tornado.swings) else " Inputs without low and high: 20 % either way."
    return [table, wrapped(f"Now {dollars(tornado.answer_usd)}. The three that matter: {named}.{spread}")]


def swing_names(tornado: Tornado) -> dict[str, str]:
    """Each input's path → its last part, or the whole path where two end alike."""
    last = [swing.input.rpartition(".")[2] for swing in tornado.swings]
    return {
        swing.input: name if last.count(name) == 1 else swing.input
        for swing, name in zip(tornado.swings, last, strict=True)
    }

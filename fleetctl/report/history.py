"""A site's history: a line of signs over time, what changed when, and which faults there were."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from pydantic import BaseModel, ConfigDict

from appliance.contract.faults import Fault
from appliance.contract.health import Verdict, worst
from fleetctl.checks.site_health import same_words
from fleetctl.report.lines import Line, wrapped
from fleetctl.report.verdicts import STYLES, shown, sign, speaks_unicode
from fleetctl.store.records import Point

# Higher is worse: what stands out is what matters. No bar at all means that nobody asked.
_BARS = {Verdict.OK: "▁", Verdict.DEGRADED: "▃", Verdict.UNKNOWN: "▅", Verdict.CRITICAL: "█"}
_PLAIN_BARS = {Verdict.OK: "_", Verdict.DEGRADED: "-", Verdict.UNKNOWN: "?", Verdict.CRITICAL: "#"}
_SPANS = {"once": timedelta(0), "hour": timedelta(hours=1), "day": timedelta(days=1)}
_WIDEST = 96


class Change(BaseModel):
    """When the verdict or the reason became another."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    at: datetime
    verdict: Verdict
    why: str
    summed_up: bool = False


class History(BaseModel):
    """What the store has of one site."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    site: str
    since: datetime
    until: datetime
    observations: dict[str, int]
    changes: tuple[Change, ...]
    faults: tuple[Fault, ...]


def history_of(
    site: str, since: datetime, until: datetime, points: Sequence[Point], faults: Sequence[Fault]
) -> History:
    """The same for programs."""
    count = {verdict.value: sum(point.count.get(verdict, 0) for point in points) for verdict in Verdict}
    return History(
        site=site, since=since, until=until, observations=count, changes=tuple(_changes(points)), faults=tuple(faults)
    )


def _changes(points: Sequence[Point]) -> list[Change]:
    changes: list[Change] = []
    for point in points:
        last = changes[-1] if changes else None
        if last is None or (last.verdict, same_words(last.why)) != (point.verdict, same_words(point.reason)):
            changes.append(
                Change(at=point.start, verdict=point.verdict, why=point.reason, summed_up=point.span != "once")
            )
    return changes


def sparkline(points: Sequence[Point], since: datetime, until: datetime, columns: int) -> str:
    """The worst verdict in each of `columns` equal pieces of the time; a space where nobody asked."""
    bars = _BARS if speaks_unicode() else _PLAIN_BARS
    piece = (until - since) / columns
    cells: list[list[Verdict]] = [[] for _ in range(columns)]
    for point in points:
        first = int((point.start - since) / piece)
        last = int((min(point.start + _SPANS[point.span], until) - since) / piece)
        for cell in range(max(0, first), min(columns - 1, last) + 1):
            cells[cell].append(point.verdict)
    return "".join(bars[worst(cell)] if cell else " " for cell in cells)


def history_lines(history: History, points: Sequence[Point], width: int | None) -> list[Line]:
    columns = min(_WIDEST, (width or 80) - 2)
    total = sum(history.observations.values())
    counts = ", ".join(f"{count} {name}" for name, count in history.observations.items() if count)
    lines = wrapped("", f"{history.site}: {total} observations ({counts or 'none'})", width)
    lines.append(Line(f"|{sparkline(points, history.since, history.until, columns)}|"))
    left, right = f"{history.since:%Y-%m-%d %H:%M}Z", f"{history.until:%H:%M}Z"
    lines.append(Line(f" {left}{right:>{columns - len(left)}}"))
    bars = _BARS if speaks_unicode() else _PLAIN_BARS
    lines.append(Line(" " + "  ".join(f"{bars[each]} {each.value}" for each in bars) + "  (blank: not asked)"))
    for change in history.changes:
        head = f"{change.at:%m-%d %H:%M:%S}Z {sign(change.verdict)} {change.verdict.value:<8}  "
        why = change.why or ("summed up" if change.summed_up else "every part ok")
        lines += wrapped(head, why, width, STYLES[change.verdict], 27)
    for fault in history.faults:
        said = f"{shown('·')} fault {fault.id} ({fault.subject}): {fault.state}, {fault.count} times, "
        said += f"{fault.first_seen:%m-%d %H:%M} to {fault.last_seen:%m-%d %H:%M}Z: {fault.reason}"
        lines += wrapped("", said, width, "", 2)
    return lines

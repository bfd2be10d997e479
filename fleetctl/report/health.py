"""Lines of `fleetctl health`: checks, GPUs, explanations, drift, a history, and a monitoring plugin's answer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from appliance.contract.health import Verdict
from fleetctl.actions.health import CheckRow, DriftRow, GpuAnswer
from fleetctl.checks.explained import Explanation
from fleetctl.checks.site_health import RANK, SiteHealth
from fleetctl.errors import printable
from fleetctl.report.lines import Line, counted, wrapped
from fleetctl.report.verdicts import STYLES, shown, sign

_HANG = 12


def check_lines(rows: Sequence[CheckRow | DriftRow], width: int | None) -> list[Line]:
    """A line or two each; several sites each under their name."""
    lines, site = [], None
    many = len({row.site for row in rows}) > 1
    for row in rows:
        if many and row.site != site:
            lines.append(Line(row.site, "bold"))
        site = row.site
        head = f"{sign(row.verdict)} {row.verdict.value:<8}  "
        name = "" if row.said.startswith(row.check) else f"{row.check}: "
        lines += wrapped(head, f"{name}{row.said}", width, STYLES[row.verdict], _HANG)
        if row.next_action and row.verdict is not Verdict.OK:
            lines += wrapped(f"{' ' * _HANG}{shown('→')} ", row.next_action, width, "", _HANG + 2)
    return lines


def gpu_lines(answer: GpuAnswer, width: int | None) -> list[Line]:
    head = f"{sign(answer.verdict)} {answer.verdict.value:<8}  "
    lines = wrapped(head, f"{answer.site}  {answer.reason}", width, STYLES[answer.verdict], _HANG)
    lines += check_lines(answer.checks, width)
    for fault in answer.faults:
        said = f"fault {fault.id}  {fault.state}, {fault.count} times, last {fault.last_seen:%Y-%m-%d %H:%M}Z: "
        lines += wrapped(f"{sign(fault.verdict)} ", said + fault.reason, width, STYLES[fault.verdict], _HANG)
        if fault.state == "acknowledged":
            said = f"acknowledged by {fault.acknowledged_by}: {fault.acknowledged_note}"
            lines += wrapped(" " * _HANG, said, width, "", _HANG)
    gpu = None
    for row in answer.values:
        if row.gpu != gpu:
            lines.append(Line(row.gpu, "bold"))
            gpu = row.gpu
        lines += wrapped(f"  {row.name:<28} ", row.value, width, "", 31)
    return lines


def explanation_lines(found: Explanation, width: int | None) -> list[Line]:
    lines = [Line(found.name, "bold")]
    told = (
        ("means", found.meaning),
        ("verdict", found.verdict),
        ("NVIDIA", found.nvidia_action),
        ("do", found.next_action),
        ("source", found.source),
    )
    for name, text in told:
        if text:
            lines += wrapped(f"  {name:<8} ", text, width, "", 11)
    return lines


def nagios(healths: Sequence[SiteHealth], problem: str = "") -> tuple[str, int]:
    """One line of a monitoring plugin with its performance data, and the plugin's exit code.

    Monitoring Plugins Development Guidelines: 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN; the text ends before a bar.
    """
    counts = Counter(health.verdict for health in healths)
    verdict = min(counts, key=RANK.__getitem__, default=Verdict.UNKNOWN)
    word, code = _PLUGIN[verdict]
    bad = sorted((each for each in healths if each.verdict is not Verdict.OK), key=lambda each: RANK[each.verdict])
    said = f"{counted(len(healths))}: {', '.join(f'{counts[each]} {each.value}' for each in RANK if counts[each])}"
    if len(healths) == 1 and not bad:
        said = f"{healths[0].site.name}: every part is ok"
    if bad:
        said += f"; {bad[0].site.name}: {bad[0].why}"
    if problem:
        said += f"; not kept: {problem}"
    text = " ".join(printable(said).replace("|", "/").split())[:400]
    figures = " ".join(f"{each.value}={counts[each]}" for each in Verdict)
    slowest_ms = max((each.observation.took_ms for each in healths if each.observation.answered), default=0.0)
    return f"FLEET {word} - {text} | {figures} slowest={slowest_ms / 1000:.3f}s", code


_PLUGIN = {
    Verdict.OK: ("OK", 0),
    Verdict.DEGRADED: ("WARNING", 1),
    Verdict.CRITICAL: ("CRITICAL", 2),
    Verdict.UNKNOWN: ("UNKNOWN", 3),
}


def age(now: datetime, then: datetime) -> str:
    """A length of time in its largest unit."""
    seconds = max(0, int((now - then).total_seconds()))
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{seconds // length} {unit}"
    return f"{seconds} s"

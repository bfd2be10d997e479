"""The isolation proof as a table: a line for each place that was tried from, and what it tried."""

from __future__ import annotations

from collections import defaultdict

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from fleetctl.egress.proof import EgressProof, Row, RowVerdict, Verdict
from fleetctl.errors import printable
from fleetctl.models.site import Site

_MARK = {
    RowVerdict.BLOCKED: ("blocked", "green"),
    RowVerdict.ALLOWED: ("allowed", "green"),
    RowVerdict.LEAKED: ("LEAKED", "bold red"),
    RowVerdict.UNKNOWN: ("UNKNOWN", "yellow"),
}
_VERDICT = {
    Verdict.PROVEN: ("PROVEN: nothing leaves", "bold green"),
    Verdict.LEAKING: ("LEAKING", "bold red"),
    Verdict.UNPROVEN: ("NOT PROVEN", "bold yellow"),
}


def proof_table(proof: EgressProof) -> RenderableType:
    """Rows that agree are one line; the JSON record has each attempt, with addresses and times."""
    grouped: dict[tuple[str, str, RowVerdict, str, str], list[Row]] = defaultdict(list)
    for row in proof.rows:
        grouped[(row.origin, row.variant, row.verdict, row.reason, row.control)].append(row)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("from", "tried", "result", "control"):
        table.add_column(title, overflow="fold")
    for (origin, variant, verdict, reason, control), rows in grouped.items():
        word, style = _MARK[verdict]
        place = origin.removesuffix(".service").removeprefix("appliance-") + (
            "" if variant in ("host", "service") else f" ({variant})"
        )
        result = Text.assemble((word, style), f" ({printable(reason)})" if reason else "")
        table.add_row(
            printable(place), printable(" ".join(row.target_id for row in rows)), result, control.split(",")[0]
        )
    word, style = _VERDICT[proof.verdict]
    lines: list[RenderableType] = [table, Text("")]
    lines.append(Text.assemble((word, style), f"  {proof.site}, {proof.finished_at:%Y-%m-%d %H:%M:%SZ}"))
    lines += [Text(f"  {printable(reason)}") for reason in proof.reasons]
    live, sealed = (proof.ruleset_digest or "unreadable")[:16], (proof.sealed_ruleset_digest or "no")[:16]
    recorded = (proof.recorded_ruleset_digest or "no")[:16]
    denied = _count(proof.egress_denied_packets)
    lines.append(Text(f"  ruleset {live}, sealed {sealed}, recorded {recorded}; packets refused meanwhile: {denied}"))
    return Group(*lines)


def allowed_table(site: Site, latest: EgressProof | None) -> RenderableType:
    """What the site file lets out, and the last proof that nothing else gets out."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("name", "protocol", "to"):
        table.add_column(title)
    for rule in site.spec.egress.allow:
        table.add_row(rule.name, rule.protocol, f"{rule.address}:{rule.port}")
    said = (
        f"last proof: {latest.verdict}, {latest.finished_at:%Y-%m-%d %H:%M:%SZ}"
        if latest
        else f"last proof: none; fleetctl egress prove {site.name}"
    )
    head = Text("may leave:" if site.spec.egress.allow else "nothing may leave")
    return Group(head, table, Text(said)) if site.spec.egress.allow else Group(head, Text(said))


def _count(packets: int | None) -> str:
    return "unknown" if packets is None else str(packets)

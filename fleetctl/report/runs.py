"""Table of a run over sites: phases, seconds, changes."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict
from rich.table import Table

from fleetctl.errors import printable
from fleetctl.phases.runner import HostReport


class PhaseRow(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    phase: str
    status: str
    seconds: float
    changed: int
    detail: str


class RunRow(BaseModel):
    """One site's run. In a dry run `changed` counts what would change."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    site: str
    result: str
    dry_run: bool
    changed: int
    seconds: float
    phases: tuple[PhaseRow, ...]
    error: str = ""


def run_rows(reports: Sequence[HostReport], *, dry_run: bool) -> list[RunRow]:
    return [
        RunRow(
            site=report.host,
            result="failed" if report.error else "interrupted" if report.interrupted else "ok",
            dry_run=dry_run,
            changed=report.changed,
            seconds=round(report.seconds, 1),
            phases=tuple(
                PhaseRow(
                    phase=phase.title,
                    status=phase.status,
                    seconds=round(phase.seconds, 1),
                    changed=phase.changed,
                    detail=phase.detail,
                )
                for phase in report.phases
            ),
            error=report.error.message if report.error else "",
        )
        for report in reports
    ]


def runs_table(rows: Sequence[RunRow]) -> Table:
    table = Table("site", "phase", "result", "changed", "seconds", "detail")
    for row in rows:
        for phase in row.phases:
            table.add_row(
                row.site, phase.phase, phase.status, str(phase.changed), f"{phase.seconds:.1f}", printable(phase.detail)
            )
        word = "would change" if row.dry_run else "changed"
        table.add_row(row.site, "all", row.result, f"{word} {row.changed}", f"{row.seconds:.1f}", printable(row.error))
    return table

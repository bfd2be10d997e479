"""`fleetctl doctor`: what this machine lacks, for which work, and how to get it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from fleetctl.cli.options import OutputFormat, OutputOption

if TYPE_CHECKING:
    from rich.table import Table

    from fleetctl.doctor.judge import Finding


def doctor(output: OutputOption = OutputFormat.table) -> None:
    """Say what this machine lacks, and how to get it.

    Exit 0 all there, 3 some work is not possible here (lab, image), 4 sites cannot be operated from here.
    """
    from fleetctl.doctor.judge import PROGRAMS, Level, judge, worst
    from fleetctl.doctor.machine import gather
    from fleetctl.report.emit import emit

    findings = judge(gather(PROGRAMS))
    emit(findings, output, _table)
    code = {Level.ok: 0, Level.degraded: 3, Level.critical: 4}[worst(findings)]
    if code:
        raise typer.Exit(code)


def _table(findings: list[Finding]) -> Table:
    from rich.table import Table

    table = Table("WORK", "WHAT", "VERDICT", "SEEN", "NEXT ACTION", box=None)
    for finding in findings:
        table.add_row(finding.work, finding.what, finding.verdict.value, finding.seen, finding.next_action)
    return table

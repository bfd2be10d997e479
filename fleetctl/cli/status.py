"""`fleetctl status`: the whole fleet on one screen."""

from __future__ import annotations

import typer

from fleetctl.cli.groups import Access, grouped
from fleetctl.cli.options import (
    OutputFormat,
    OutputOption,
    SelectorOption,
)


@grouped
def status(
    access: Access,
    selector: SelectorOption = None,
    output: OutputOption = OutputFormat.table,
) -> None:
    """Show every site: verdict, why, next action. A site without an answer is unknown (exit code 5)."""
    from fleetctl.actions.status import exit_code, fleet_status
    from fleetctl.errors import UsageError
    from fleetctl.remote.poll import HealthClient
    from fleetctl.report.emit import emit
    from fleetctl.report.sites import status_table

    fleetdir = access.fleet
    sites = fleetdir.sites(selector)
    if not sites:
        raise UsageError("no site to show", hint="fleetctl site add NAME, or other labels")
    client = HealthClient.of(fleetdir, access.passphrase())
    statuses = fleet_status(sites, client.read)
    emit(statuses, output, status_table)
    raise typer.Exit(exit_code(statuses))

"""`fleetctl lock`: who is changing a site."""

from __future__ import annotations

from typing import Annotated

import typer

from fleetctl.cli.groups import Access, grouped
from fleetctl.cli.options import (
    OutputFormat,
    OutputOption,
    SiteArgument,
)
from fleetctl.cli.shown import shown_events

app = typer.Typer()


@app.command()
@grouped
def status(
    site: SiteArgument,
    access: Access,
    output: OutputOption = OutputFormat.table,
) -> None:
    """Show who holds the site's lock, since when, why, and until when."""
    from fleetctl.actions.lock import lock_status
    from fleetctl.report.emit import emit
    from fleetctl.report.sites import lock_table

    fleetdir = access.fleet
    answer = lock_status(fleetdir, fleetdir.site(site), access.passphrase())
    emit(answer, output, lock_table)


@app.command()
@grouped
def release(
    site: SiteArgument,
    access: Access,
    force: Annotated[
        bool, typer.Option("--force", help="Also a lock of somebody else. Be sure that they are gone.")
    ] = False,
    output: OutputOption = OutputFormat.table,
) -> None:
    """Release the lock that a killed run of ours left, or with --force somebody else's."""
    from fleetctl.actions.lock import release_lock
    from fleetctl.phases.runner import raise_for

    fleetdir = access.fleet
    passphrase = access.passphrase()
    with shown_events(output, 1) as events:
        reports = release_lock(fleetdir, fleetdir.site(site), passphrase, events, force=force)
    raise_for(reports)

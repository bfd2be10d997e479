"""`fleetctl lock`: who is changing a site."""

from __future__ import annotations

from typing import Annotated

import typer

from fleetctl.cli.access import fleet_at, shown_events
from fleetctl.cli.options import (
    FleetOption,
    OutputFormat,
    OutputOption,
    PassphraseFdOption,
    PassphraseFileOption,
)

app = typer.Typer()

SiteArgument = Annotated[str, typer.Argument(metavar="SITE", help="Name of the site.")]


@app.command()
def status(
    site: SiteArgument,
    fleet: FleetOption = None,
    passphrase_fd: PassphraseFdOption = None,
    passphrase_file: PassphraseFileOption = None,
    output: OutputOption = OutputFormat.table,
) -> None:
    """Show who holds the site's lock, since when, why, and until when."""
    from fleetctl.actions.lock import lock_status
    from fleetctl.report.emit import emit
    from fleetctl.report.sites import lock_table
    from fleetctl.trust.passphrase import Passphrase

    fleetdir = fleet_at(fleet)
    answer = lock_status(fleetdir, fleetdir.site(site), Passphrase.from_options(passphrase_fd, passphrase_file))
    emit(answer, output, lock_table)


@app.command()
def release(
    site: SiteArgument,
    force: Annotated[
        bool, typer.Option("--force", help="Also a lock of somebody else. Be sure that they are gone.")
    ] = False,
    fleet: FleetOption = None,
    passphrase_fd: PassphraseFdOption = None,
    passphrase_file: PassphraseFileOption = None,
    output: OutputOption = OutputFormat.table,
) -> None:
    """Release the lock that a killed run of ours left, or with --force somebody else's."""
    from fleetctl.actions.lock import release_lock
    from fleetctl.phases.runner import raise_for
    from fleetctl.trust.passphrase import Passphrase

    fleetdir = fleet_at(fleet)
    passphrase = Passphrase.from_options(passphrase_fd, passphrase_file)
    with shown_events(output, 1) as events:
        reports = release_lock(fleetdir, fleetdir.site(site), passphrase, events, force=force)
    raise_for(reports)

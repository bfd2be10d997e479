"""`fleetctl disk`: encryption of a site's disks, and its recovery keys."""

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
escrow = typer.Typer(help="Escrowed recovery keys.", no_args_is_help=True)
app.add_typer(escrow, name="escrow")

SiteArgument = Annotated[str, typer.Argument(metavar="SITE", help="Name of the site.")]


@app.command()
def status(
    site: SiteArgument,
    fleet: FleetOption = None,
    passphrase_fd: PassphraseFdOption = None,
    passphrase_file: PassphraseFileOption = None,
    output: OutputOption = OutputFormat.table,
) -> None:
    """Show key slots, PCRs, ciphers and the last recovery test of every encrypted volume, and the arrays."""
    from fleetctl.actions.disk import disk_status
    from fleetctl.report.disks import disk_table
    from fleetctl.report.emit import emit
    from fleetctl.trust.passphrase import Passphrase

    fleetdir = fleet_at(fleet)
    answer = disk_status(fleetdir, fleetdir.site(site), Passphrase.from_options(passphrase_fd, passphrase_file))
    emit(answer, output, disk_table)


@escrow.command("test")
def escrow_test(
    site: SiteArgument,
    fleet: FleetOption = None,
    passphrase_fd: PassphraseFdOption = None,
    passphrase_file: PassphraseFileOption = None,
    output: OutputOption = OutputFormat.table,
) -> None:
    """Open every volume for a test with its escrowed recovery key, and note the date on the box."""
    from fleetctl.actions.disk import try_escrow
    from fleetctl.phases.runner import raise_for
    from fleetctl.trust.passphrase import Passphrase

    fleetdir = fleet_at(fleet)
    passphrase = Passphrase.from_options(passphrase_fd, passphrase_file)
    with shown_events(output, 1) as events:
        reports = try_escrow(fleetdir, fleetdir.site(site), passphrase, events)
    raise_for(reports)

"""`fleetctl disk`: encryption of a site's disks, and its recovery keys."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from fleetctl.cli.groups import Access, grouped
from fleetctl.cli.options import (
    OutputFormat,
    OutputOption,
    SiteArgument,
)
from fleetctl.cli.shown import shown_events
from fleetctl.errors import UsageError
from fleetctl.trust.escrow_index import VolumeName

app = typer.Typer()
escrow = typer.Typer(help="Escrowed recovery keys.", no_args_is_help=True)
app.add_typer(escrow, name="escrow")


@app.command()
@grouped
def status(
    site: SiteArgument,
    access: Access,
    output: OutputOption = OutputFormat.table,
) -> None:
    """Show key slots, PCRs, ciphers and the last recovery test of every encrypted volume, and the arrays."""
    from fleetctl.actions.disk import disk_status
    from fleetctl.report.disks import disk_table
    from fleetctl.report.emit import emit

    fleetdir = access.fleet
    answer = disk_status(fleetdir, fleetdir.site(site), access.passphrase())
    emit(answer, output, disk_table)


@escrow.command("test")
@grouped
def escrow_test(
    site: SiteArgument,
    access: Access,
    output: OutputOption = OutputFormat.table,
) -> None:
    """Open every volume for a test with its escrowed recovery key, and note the date on the box."""
    from fleetctl.actions.disk import try_escrow
    from fleetctl.phases.runner import raise_for

    fleetdir = access.fleet
    passphrase = access.passphrase()
    with shown_events(output, 1) as events:
        reports = try_escrow(fleetdir, fleetdir.site(site), passphrase, events)
    raise_for(reports)


@escrow.command("show")
@grouped
def escrow_show(
    site: SiteArgument,
    access: Access,
    volume: Annotated[
        VolumeName | None, typer.Option(help="Which volume; the newest one of this name in escrow.")
    ] = None,
    uuid: Annotated[
        str | None, typer.Option(metavar="UUID", help="Which volume, by its LUKS UUID: the name of its escrow file.")
    ] = None,
) -> None:
    """Print a recovery key, to be typed at the machine's console. To a terminal only, never to a file or a pipe."""
    from fleetctl.actions.disk import recovery_key
    from fleetctl.report.console import err

    wanted = volume or uuid
    if wanted is None or (volume and uuid):
        raise UsageError("which volume?", hint="give either --volume root, --volume state or --uuid UUID")
    if not sys.stdout.isatty():
        raise UsageError("stdout is no terminal", hint="a recovery key must not end up in a file or a log")
    fleetdir = access.fleet
    luks_uuid, key = recovery_key(fleetdir, fleetdir.site(site), wanted, access.passphrase)
    err.print(
        f"Whoever reads this opens volume {luks_uuid} of {site} anywhere, without its TPM. Clear the screen afterwards."
    )
    typer.echo(key)

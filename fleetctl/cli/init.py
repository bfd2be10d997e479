"""`fleetctl init`: makes a fleet directory and its keys."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fleetctl.cli.groups import PassphraseSource, grouped
from fleetctl.cli.options import OutputFormat, OutputOption


@grouped
def init(
    source: PassphraseSource,
    directory: Annotated[Path, typer.Argument(help="Where to make it.", show_default="this directory")] = Path(),
    name: Annotated[str | None, typer.Option(help="Name of the fleet.", show_default="the directory's name")] = None,
    keys_directory: Annotated[
        Path | None,
        typer.Option(help="Where the keys go; outside git.", show_default="~/.local/share/fleetctl/NAME/keys"),
    ] = None,
    escrow_recipient: Annotated[
        list[str] | None,
        typer.Option(
            metavar="age1…",
            help="Who else can open escrowed recovery keys, beside the fleet's own escrow identity; repeat for more.",
        ),
    ] = None,
    output: OutputOption = OutputFormat.table,
) -> None:
    """Make a fleet directory: fleet.yaml, sites/ and the fleet's keys.

    Overwrites nothing. A run that was interrupted is finished by the next one.
    """
    from fleetctl.actions.init import initialize, plan_fleet
    from fleetctl.report.emit import emit
    from fleetctl.report.progress import Progress

    plan = plan_fleet(directory, name, keys_directory, escrow_recipient or [])
    passphrase = source.passphrase(new=not plan.keys_directory.exists())
    made = initialize(plan, passphrase, Progress())
    emit(made, output, lambda result: result.text())

"""`fleetctl status`: the whole fleet on one screen."""

from __future__ import annotations

from typing import Annotated

import typer

from fleetctl.cli.groups import Access, grouped
from fleetctl.cli.options import OutputFormat, OutputOption, SelectorOption
from fleetctl.cli.polling import AllOption, Patience, WatchOption


@grouped
def status(
    access: Access,
    patience: Patience,
    names: Annotated[list[str] | None, typer.Argument(metavar="SITE…", help="Only these sites.")] = None,
    selector: SelectorOption = None,
    everything: AllOption = False,
    watch: WatchOption = None,
    output: OutputOption = OutputFormat.table,
) -> None:
    """Show the fleet, worst first: verdict, why, next action. Alike is shown together, what is ok as a number.

    A site without an answer is unknown (exit code 5), never ok. --watch asks again until Ctrl-C; in a pipe, or with -o
    json, it prints a line for each change. The exit code is that of the worst site; 1 if all is well and could not be
    kept in the store.
    """
    from fleetctl.cli.polling import chosen, once, repeated
    from fleetctl.report.screens import StatusScreen

    fleetdir = access.fleet
    sites = chosen(fleetdir, names, selector)
    screen = StatusScreen(output, everything=everything)
    if watch is None:
        raise typer.Exit(once(fleetdir, sites, access.passphrase(), patience.limits, screen))
    repeated(fleetdir, sites, access.passphrase(), patience.limits, screen, watch)

"""`fleetctl top`: what every site does, live."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from fleetctl.cli.groups import Access, grouped
from fleetctl.cli.options import OutputFormat, OutputOption, SelectorOption
from fleetctl.cli.polling import Patience, WatchOption
from fleetctl.report.top import SortKey

# The box reads its GPUs every half minute; its engines answer each time.
_EVERY_S = 5.0


@grouped
def top(
    access: Access,
    patience: Patience,
    names: Annotated[list[str] | None, typer.Argument(metavar="SITE…", help="Only these sites.")] = None,
    selector: SelectorOption = None,
    sort: Annotated[SortKey, typer.Option("--sort", "-s", help="By what; the most first.")] = "verdict",
    watch: WatchOption = None,
    output: OutputOption = OutputFormat.table,
) -> None:
    """Show GPUs, memory, power, temperature, queues, tokens and latencies of sites. A figure nobody measured is "-".

    On a terminal it asks again every 5 s until Ctrl-C; in a pipe, or with -o json, it asks once.
    """
    from fleetctl.cli.polling import chosen, once, repeated
    from fleetctl.report.screens import TopScreen

    fleetdir = access.fleet
    sites = chosen(fleetdir, names, selector)
    screen = TopScreen(output, sort)
    if watch is None and not (screen.live and sys.stdout.isatty()):
        raise typer.Exit(once(fleetdir, sites, access.passphrase(), patience.limits, screen))
    repeated(fleetdir, sites, access.passphrase(), patience.limits, screen, watch or _EVERY_S)

"""`fleetctl watch`: the daemon that tells people of what lasts."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fleetctl.cli.groups import Access, grouped
from fleetctl.cli.polling import Patience


@grouped
def watch(
    access: Access,
    patience: Patience,
    once: Annotated[bool, typer.Option("--once", help="One round, then end.")] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Watch nothing: say whether somebody does (exit code 5 if not).")
    ] = False,
    print_unit: Annotated[
        bool, typer.Option("--print-unit", help="Watch nothing: print a systemd unit for this fleet.")
    ] = False,
    metrics_file: Annotated[
        Path | None,
        typer.Option("--metrics-file", help="Write signs of life for the node exporter's textfile collector (*.prom)."),
    ] = None,
) -> None:
    """Ask every site round after round, keep what was seen, and tell the receivers of policies/alerts.yaml.

    One process a fleet watches; one on another machine with the same store stands by. The files of the fleet are read
    anew each round. Problems go to stderr.
    """
    import asyncio

    from fleetctl.actions.watch import Watch
    from fleetctl.errors import UnreachableError, printable
    from fleetctl.report.console import err

    if sum((once, check, print_unit)) > 1:
        raise typer.BadParameter("--once, --check and --print-unit exclude each other")
    fleetdir = access.fleet
    if print_unit:
        from fleetctl.alerts.unit import unit_text

        typer.echo(unit_text(fleetdir, metrics_file), nl=False)
        return
    if check:
        from fleetctl.actions.alerts import overview

        state = overview(fleetdir).watch
        if not state.alive:
            raise UnreachableError(state.words, hint="systemctl status fleetctl-watch.service, or: fleetctl watch")
        typer.echo(state.words)
        return
    daemon = Watch(
        fleetdir, access.passphrase(), patience.limits, lambda words: err.print(printable(words), soft_wrap=True),
        metrics_file.absolute() if metrics_file else None,
    )  # fmt: skip
    summary = asyncio.run(daemon.run(once=once))
    if once and summary is None:
        raise UnreachableError("the round did not take place", hint="see the lines above")

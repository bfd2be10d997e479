"""`fleetctl site burnin`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fleetctl.cli.groups import Access, SiteChoice, grouped
from fleetctl.cli.options import OutputFormat, OutputOption
from fleetctl.cli.shown import shown_events

# Cards reach their final temperature in about a quarter of an hour; faults of heat show after it.
DEFAULT_MINUTES = 30


@grouped
def burnin(
    choice: SiteChoice,
    access: Access,
    minutes: Annotated[int, typer.Option(min=1, max=1440, help="How long the load lasts, on each machine.")] = (
        DEFAULT_MINUTES
    ),
    record: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", file_okay=False, help="Write a burn-in record of each machine there, JSON and HTML."
        ),
    ] = None,
    parallel: Annotated[int, typer.Option(min=1, max=64, help="How many sites at a time.")] = 4,
    output: OutputOption = OutputFormat.table,
) -> None:
    """Load GPUs, memory and disks of idle machines, and judge what that did to them. Disks are read, never written.

    With -o json every event is a line on stdout while it happens, and then each site's judgement is one.
    """
    from fleetctl.actions.burnin import burn_in
    from fleetctl.actions.judge import exit_code
    from fleetctl.report.acceptance import burnin_record, write_record
    from fleetctl.report.burnin import burnins_table
    from fleetctl.report.console import err
    from fleetctl.report.emit import emit, emit_lines

    fleetdir = access.fleet
    sites = choice.of(fleetdir)
    passphrase = access.passphrase()
    with shown_events(output, len(sites)) as events:
        done = burn_in(fleetdir, sites, passphrase, events, minutes, parallel=parallel)
    if record is not None:  # first: what took an hour is kept, whether or not somebody still reads
        for site, judgement in zip(sites, done.judgements, strict=True):
            _, page = write_record(burnin_record(judgement, fleetdir.profile(site.spec.profile)), record)
            err.print(f"burn-in record: {page}")
    if output is OutputFormat.json:
        emit_lines(done.judgements)
    else:
        emit(done.judgements, output, burnins_table)
    if done.stop is not None:
        raise done.stop
    raise typer.Exit(exit_code(done.judgements))

"""`fleetctl site reseal`: around a change of firmware or of Secure Boot's lists."""

from __future__ import annotations

from typing import Annotated

import typer

from fleetctl.cli.groups import Access, grouped
from fleetctl.cli.options import OutputFormat, OutputOption, SiteArgument
from fleetctl.cli.shown import shown_events
from fleetctl.errors import UsageError


@grouped
def reseal(
    site: SiteArgument,
    access: Access,
    before: Annotated[
        bool, typer.Option("--before-change", help="Take the binding to PCR 7 off, so that the next start opens them.")
    ] = False,
    after: Annotated[
        bool, typer.Option("--after-change", help="Bind to PCR 7 as it is now, when Secure Boot is on.")
    ] = False,
    output: OutputOption = OutputFormat.table,
) -> None:
    """Keep the encrypted volumes opening over an update of the firmware or of Secure Boot's lists (dbx).

    The escrowed recovery keys are tried first; without ones that open the volumes it is refused (exit code 6). Until
    --after-change a start with Secure Boot off is not told from one with it on: keep that time short, and somebody
    with the machine. An update of the operating system by a release needs none of this.
    """
    from fleetctl.actions.reseal import reseal as bind_anew
    from fleetctl.phases.runner import raise_for

    if before == after:
        raise UsageError("which side of the change?", hint="give either --before-change or --after-change")
    fleetdir = access.fleet
    passphrase = access.passphrase()
    with shown_events(output, 1) as events:
        reports = bind_anew(fleetdir, fleetdir.site(site), passphrase, "before" if before else "after", events)
    raise_for(reports)

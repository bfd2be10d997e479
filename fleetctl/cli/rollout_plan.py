"""`fleetctl rollout plan`: make a signed plan of a rollout, or show one. Changes no site."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fleetctl.cli.groups import Access, grouped
from fleetctl.cli.options import OutputFormat, OutputOption, SelectorOption
from fleetctl.cli.site_hold import ByOption


@grouped
def plan(
    access: Access,
    release: Annotated[
        str | None, typer.Option("--release", "-r", metavar="RELEASE", help="An approved release of the channel.")
    ] = None,
    policy: Annotated[
        str | None, typer.Option("--policy", "-p", metavar="NAME", help="policies/rollouts/NAME.yaml.")
    ] = None,
    file: Annotated[
        Path | None,
        typer.Option("--file", "-O", metavar="FILE", help="Write the signed plan here; without it nothing is kept."),
    ] = None,
    show: Annotated[
        Path | None, typer.Option("--show", metavar="FILE", help="Verify and show the plan in this file; asks no site.")
    ] = None,
    selector: SelectorOption = None,
    expires: Annotated[
        str, typer.Option("--expires", metavar="DURATION", help="How long it may be started; at most 90d.")
    ] = "7d",
    by: ByOption = None,
    parallel: Annotated[int, typer.Option(min=1, max=200, help="Sites that are asked at once.")] = 16,
    deadline: Annotated[
        float, typer.Option(min=1, max=3600, metavar="SECONDS", help="Who has not answered by then is out of reach.")
    ] = 120.0,
    output: OutputOption = OutputFormat.table,
) -> None:
    """Ask every site what it runs, and plan who gets a release, when, in which order. `rollout start` takes the file."""
    from datetime import UTC, datetime

    from fleetctl.errors import UsageError
    from fleetctl.report.lines import write_lines
    from fleetctl.report.rollout_plan import plan_lines, shown_plan

    now = datetime.now(UTC).replace(microsecond=0)
    if show is not None:
        if release or policy or file or selector:
            raise UsageError("--show stands alone", hint="fleetctl rollout plan --show FILE")
        found = _read(access, show)
    elif release is None or policy is None:
        raise UsageError(
            "name a release and a policy", hint="fleetctl rollout plan --release R --policy P -O FILE, or --show FILE"
        )
    else:
        found = _made(access, release, policy, selector or [], file, expires, by, parallel, deadline, now)
    write_lines(
        shown_plan(found.plan, found if found.key else None),
        output,
        lambda data, width: plan_lines(data, now, width),
    )

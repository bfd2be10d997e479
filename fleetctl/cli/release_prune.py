"""`fleetctl release prune`: remove images of releases that nothing needs any more from this machine."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fleetctl.cli.options import FleetOption, OutputFormat, OutputOption

if TYPE_CHECKING:
    from rich.table import Table

    from fleetctl.release.prune import Pruned


def prune(
    keep: Annotated[
        int, typer.Option(min=1, max=1000, metavar="N", help="Newest releases of each channel that stay.")
    ] = 2,
    plan: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", dir_okay=False, help="A plan that is not started yet: its release stays; repeat."),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Remove them. Without it nothing is changed.")] = False,
    fleet: FleetOption = None,
    output: OutputOption = OutputFormat.table,
) -> None:
    """Show which images of old releases nothing needs; with --yes, remove them from this machine.

    What stays: drafts, the newest of each channel, what a rollout that is not over may bring, and what each site runs
    and ran before. The signed repository is not touched: an image comes back with release import or release build.
    """
    from fleetctl.models.fleetdir import FleetDir
    from fleetctl.release.prune import prune as prune_images
    from fleetctl.release.store import ReleaseStore
    from fleetctl.report.console import err
    from fleetctl.report.emit import emit
    from fleetctl.rollout.engine_run import now, opened_journal
    from fleetctl.rollout.planfile import read_plan
    from fleetctl.trust.plan_key import read_plan_keys

    found = FleetDir.find(fleet)
    plans = [read_plan(path, read_plan_keys(found)).plan for path in plan or ()]
    with opened_journal(found) as journal:
        pruned = prune_images(ReleaseStore(found), journal, plans, now(), keep=keep, remove=yes)
    emit(pruned, output, _table)
    mib = pruned.freed_bytes / 2**20
    if not pruned.superfluous:
        err.print("nothing is superfluous")
    elif pruned.removed:
        err.print(f"{len(pruned.superfluous)} images removed, {mib:,.0f} MiB")
    else:
        err.print(f"{len(pruned.superfluous)} images are superfluous, {mib:,.0f} MiB; --yes removes them")


def _table(pruned: Pruned) -> Table:
    from rich.table import Table
    from rich.text import Text

    table = Table("IMAGE", "MIB", "STATE", "WHY", box=None)
    for each in pruned.kept:
        rest = f" and {len(each.because) - 2} more" if len(each.because) > 2 else ""
        why = "; ".join(each.because[:2]) + rest
        table.add_row(each.root_hash[:16], f"{each.size_bytes / 2**20:,.0f}", "stays", Text(why))
    state = "removed" if pruned.removed else "superfluous"
    for gone in pruned.superfluous:
        of = f"of {', '.join(gone.of)}" if gone.of else "of no release that is known here"
        table.add_row(gone.root_hash[:16], f"{gone.size_bytes / 2**20:,.0f}", state, Text(of))
    return table

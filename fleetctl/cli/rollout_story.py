"""`fleetctl rollout history` and `explain`: what a rollout did, and why. They ask no site."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from fleetctl.cli.options import FleetOption, OutputFormat, OutputOption

if TYPE_CHECKING:
    from fleetctl.errors import UsageError
    from fleetctl.models.fleetdir import FleetDir
    from fleetctl.rollout.journal_records import RolloutRecord
    from fleetctl.rollout.story import Explanation

IdOption = Annotated[
    str, typer.Option("--id", metavar="ID", help="Begin of the rollout's id. Default: the newest.", show_default=False)
]


def show_history(
    identity: IdOption = "",
    site: Annotated[str, typer.Option("--site", help="Only this site.")] = "",
    fleet: FleetOption = None,
    output: OutputOption = OutputFormat.table,
) -> None:
    """Show every decision and step with its time, its actor and, as JSON or YAML, the facts that it used."""
    from fleetctl.models.fleetdir import FleetDir
    from fleetctl.report.lines import write_lines
    from fleetctl.report.rollout import history_lines
    from fleetctl.rollout.engine_run import opened_journal
    from fleetctl.rollout.story import history

    with opened_journal(FleetDir.find(fleet)) as journal:
        found = journal.find(identity)
        told = history(journal, found.plan.id, site)
        if site and site not in _names(found):
            raise _not_in(found, site)
        write_lines(told, output, history_lines)


def explain(
    site: Annotated[str, typer.Argument(metavar="SITE", help="Name of the site.")],
    identity: IdOption = "",
    fleet: FleetOption = None,
    output: OutputOption = OutputFormat.table,
) -> None:
    """Say in one paragraph why a site is where it is, what it waits for, and what is next. Asks no site.

    Holds and revocations are read anew: they may be newer than what the controller has seen."""
    from fleetctl.models.fleetdir import FleetDir
    from fleetctl.report.lines import write_lines
    from fleetctl.report.rollout import explained_lines

    write_lines([_explained(FleetDir.find(fleet), site, identity)], output, explained_lines)


def _names(found: RolloutRecord) -> list[str]:
    return [each.site for each in found.plan.sites] + [each.site for each in found.plan.left_out]


def _not_in(found: RolloutRecord, site: str) -> UsageError:
    from fleetctl.errors import UsageError
    from fleetctl.nearest import nearest

    return UsageError(
        f"{site} is not in rollout {found.plan.id[:12]}",
        hint=nearest(site, _names(found), "fleetctl rollout status; --id names another rollout"),
    )


def _explained(fleet: FleetDir, site: str, identity: str) -> Explanation:
    from fleetctl.errors import UsageError
    from fleetctl.rollout.engine_run import now, opened_journal
    from fleetctl.rollout.engine_sources import known_now
    from fleetctl.rollout.story import explain, left_out

    with opened_journal(fleet) as journal:
        found = journal.find(identity)
        at = now()
        try:
            return explain(journal, found, site, at, known_now(fleet, found.plan, at))
        except KeyError:
            why = left_out(found.plan, site)
            if why:
                raise UsageError(
                    f"the plan left {site} out: {why}", hint="fleetctl rollout status; --id names another rollout"
                ) from None
            raise _not_in(found, site) from None

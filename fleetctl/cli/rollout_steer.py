"""`fleetctl rollout pause|abort|promote|retry`: what an operator wants of a rollout, whoever controls it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from pydantic import BaseModel

from fleetctl.cli.options import FleetOption, OutputFormat, OutputOption
from fleetctl.cli.rollout_story import IdOption
from fleetctl.cli.site_hold import ByOption

if TYPE_CHECKING:
    from fleetctl.rollout.journal import Journal
    from fleetctl.rollout.journal_records import RolloutRecord, RolloutState

SitesArgument = Annotated[list[str] | None, typer.Argument(metavar="[SITE…]", help="Names of sites.")]


class Ordered(BaseModel):
    """What was ordered. `controlled_by`: who carries it out; empty: nobody controls the rollout now."""

    rollout: str
    ordered: str
    sites: list[str] = []
    controlled_by: str
    says: str


def pause(
    identity: IdOption = "",
    by: ByOption = None,
    fleet: FleetOption = None,
    output: OutputOption = OutputFormat.table,
) -> None:
    """Begin nothing new. What a box has begun goes on to its end there. `rollout resume` goes on."""
    from fleetctl.rollout.journal_records import RolloutState

    _wanted(identity, by, fleet, RolloutState.PAUSED, output)


def abort(
    identity: IdOption = "",
    reason: Annotated[str, typer.Option("--reason", help="Why; it stands in the history.")] = "",
    by: ByOption = None,
    fleet: FleetOption = None,
    output: OutputOption = OutputFormat.table,
) -> None:
    """End a rollout for good. Sites stay as they are; `rollout rollback` brings them back."""
    from fleetctl.rollout.journal_records import RolloutState

    _wanted(identity, by, fleet, RolloutState.ABORTED, output, reason)


def _wanted(
    identity: str, by: str | None, fleet: Path | None, wanted: RolloutState, output: OutputFormat, reason: str = ""
) -> None:
    from fleetctl.actions.hold import operator
    from fleetctl.models.fleetdir import FleetDir
    from fleetctl.rollout.engine_run import end_unheld, opened_journal, want
    from fleetctl.rollout.journal_records import RolloutState

    with opened_journal(FleetDir.find(fleet)) as journal:
        found = journal.find(identity)
        begins = found.plan.id[:12]
        want(journal, found, wanted, operator(by), reason)
        how: str = "held" if _controller(journal, found) else "unheld"
        if wanted is RolloutState.ABORTED:
            how = end_unheld(journal, found, operator(by))
        told = {
            "ended": f"rollout {begins} is aborted",
            "held": f"rollout {begins} is to be {wanted.value}; who controls it sees that within seconds",
            "open": f"rollout {begins} is to be aborted; nobody controls it, and a site may still be at work: "
            f"fleetctl rollout resume --id {begins} asks and ends it",
            "unheld": f"rollout {begins} is to be paused; nobody controls it, so nothing begins in any case, until "
            f"fleetctl rollout resume --id {begins}",
        }
        _tell(journal, found, wanted.value, told[how], output)


def promote(
    wave: Annotated[str, typer.Argument(metavar="WAVE", help="The wave that has passed.")],
    by: Annotated[str, typer.Option("--by", help="Name of the person who lets the next wave begin.")],
    identity: IdOption = "",
    fleet: FleetOption = None,
    output: OutputOption = OutputFormat.table,
) -> None:
    """Let the wave behind this one begin, in your name. Only waves that have passed and ask for a person."""
    from fleetctl.actions.hold import operator
    from fleetctl.models.fleetdir import FleetDir
    from fleetctl.rollout.engine_orders import order_promotion
    from fleetctl.rollout.engine_run import now, opened_journal

    with opened_journal(FleetDir.find(fleet)) as journal:
        found = journal.find(identity)
        before = order_promotion(journal, found, wave, operator(by), now())
        said = f"was promoted before, by {before}" if before else f"is promoted by {by}"
        _tell(
            journal, found, "promote", f"wave {wave} of rollout {found.plan.id[:12]} {said}{_then(journal, found)}",
            output,
        )  # fmt: skip


def retry(
    sites: SitesArgument = None,
    identity: IdOption = "",
    clear: Annotated[
        bool, typer.Option("--clear", help="Take the release off the deny-list of sites that rolled back from it.")
    ] = False,
    by: ByOption = None,
    fleet: FleetOption = None,
    output: OutputOption = OutputFormat.table,
) -> None:
    """Try failed, timed out, refused and skipped sites again; without names, all of them. Then: rollout resume."""
    from fleetctl.actions.hold import operator
    from fleetctl.models.fleetdir import FleetDir
    from fleetctl.rollout.engine_orders import order_retry
    from fleetctl.rollout.engine_run import now, opened_journal

    with opened_journal(FleetDir.find(fleet)) as journal:
        found = journal.find(identity)
        chosen = order_retry(journal, found, sites or [], operator(by), now(), clear=clear)
        told = f"to be tried again: {', '.join(chosen)}{_then(journal, found)}"
        if not chosen:
            states = "failed, timed out, was refused or skipped" + ("" if not clear else ", or was rolled back")
            told = f"nothing to try again: no site of rollout {found.plan.id[:12]} {states}"
        _tell(journal, found, "retry", told, output, chosen)


def _controller(journal: Journal, found: RolloutRecord) -> str:
    from fleetctl.rollout.journal_lock import holder

    held = holder(journal.database, found.plan.id)
    return held.words if held is not None else ""


def _then(journal: Journal, found: RolloutRecord) -> str:
    if who := _controller(journal, found):
        return f"; {who} sees that within seconds"
    return f"; nobody controls the rollout now: fleetctl rollout resume --id {found.plan.id[:12]}"


def _tell(
    journal: Journal,
    found: RolloutRecord,
    ordered: str,
    says: str,
    output: OutputFormat,
    sites: list[str] | None = None,
) -> None:
    from rich.text import Text

    from fleetctl.report.emit import emit

    done = Ordered(
        rollout=found.plan.id, ordered=ordered, sites=sites or [], controlled_by=_controller(journal, found), says=says
    )
    emit(done, output, lambda told: Text(told.says))

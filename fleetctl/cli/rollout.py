"""`fleetctl rollout`: plan, start and steer rollouts, and ask what they do and why.

Exit codes of `start`, `resume` and `status`: 0 done (or going on), 3 it waits for a person, 6 a rule or an operator has
stopped it, 7 some sites are not done, 8 another process controls it, 130 it was told to end.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fleetctl.cli.groups import Access, OptionGroup, grouped
from fleetctl.cli.options import FleetOption, OutputFormat, OutputOption
from fleetctl.cli.rollout_countersign import countersign
from fleetctl.cli.rollout_plan import plan
from fleetctl.cli.rollout_steer import SitesArgument, abort, pause, promote, retry
from fleetctl.cli.rollout_story import IdOption, explain, show_history
from fleetctl.cli.site_hold import ByOption

if TYPE_CHECKING:
    from fleetctl.rollout.engine import Ending
    from fleetctl.rollout.journal import Journal
    from fleetctl.rollout.journal_records import RolloutRecord

app = typer.Typer(no_args_is_help=True, help="Plan, start and steer rollouts; ask what they do and why.")
app.command("plan")(plan)
app.command("countersign")(countersign)


class Pacing(OptionGroup):
    """How often a controller looks, and when it ends."""

    def __init__(
        self,
        every: Annotated[
            float, typer.Option("--every", min=0.2, max=3600, metavar="SECONDS", help="A site that bakes is looked at.")
        ] = 60.0,
        ask_again: Annotated[
            float, typer.Option(min=0.2, max=3600, metavar="SECONDS", help="A site without an answer is asked again.")
        ] = 30.0,
        try_again: Annotated[
            float,
            typer.Option(min=0.2, max=86_400, metavar="SECONDS", help="A switch that a visit prevented."),
        ] = 300.0,
        offline_after: Annotated[
            float, typer.Option(min=0, max=604_800, metavar="SECONDS", help="When a silent site counts as offline.")
        ] = 600.0,
        stay: Annotated[
            bool, typer.Option("--stay", help="Go on while it waits for a person or for an absent site.")
        ] = False,
    ) -> None:
        self.every, self.ask_again, self.try_again = every, ask_again, try_again
        self.offline_after, self.stay = offline_after, stay


@app.command()
@grouped
def start(
    file: Annotated[Path, typer.Argument(metavar="PLANFILE", help="A signed plan: fleetctl rollout plan … -O FILE.")],
    access: Access,
    pacing: Pacing,
    by: ByOption = None,
    output: OutputOption = OutputFormat.table,
) -> None:
    """Start a reviewed plan, and control the rollout until it is done or waits for somebody.

    A plan that no longer fits the fleet is refused with the differences. To end it for now: Ctrl-C, then resume here
    or on another machine.
    """
    from fleetctl.actions.hold import operator
    from fleetctl.actions.rollout_plan import Asking, differences
    from fleetctl.actions.rollout_sites import ssh_boxes
    from fleetctl.report.progress import Progress
    from fleetctl.rollout.engine_run import now, opened_journal
    from fleetctl.rollout.plan_fit import require_fit
    from fleetctl.rollout.planfile import read_plan
    from fleetctl.trust.plan_key import read_plan_keys

    actor, fleet, progress = operator(by), access.fleet, Progress()
    signed = read_plan(file, read_plan_keys(fleet))
    with opened_journal(fleet) as journal:
        # Before the fleet is compared: a plan that has run differs from what it has changed.
        journal.demand_new(signed.plan)
    passphrase = access.passphrase()
    with progress.step("Compare the plan with the fleet"), ssh_boxes(fleet, passphrase) as boxes:
        require_fit(differences(fleet, signed.plan, Asking(boxes), now()))
    with opened_journal(fleet) as journal:
        for site in journal.begin(signed.plan, actor, now()):
            progress.line(f"{site}: an older rollout waited for it; this one brings it to {signed.plan.release.name}")
        progress.line(f"rollout {signed.plan.id[:12]}: {signed.plan.release.name}, planned by {signed.signer}")
        _control(journal, signed.plan.id, access, pacing, actor, output)


@app.command()
@grouped
def resume(
    access: Access,
    pacing: Pacing,
    identity: IdOption = "",
    by: ByOption = None,
    output: OutputOption = OutputFormat.table,
) -> None:
    """Go on with a rollout that was paused, interrupted or killed, on this machine or another.

    What was ordered without an answer is asked about at the boxes before anything else.
    """
    from fleetctl.actions.hold import operator
    from fleetctl.rollout.engine_run import opened_journal

    with opened_journal(access.fleet) as journal:
        _control(journal, journal.find(identity).plan.id, access, pacing, operator(by), output)


def _control(
    journal: Journal, identity: str, access: Access, pacing: Pacing, actor: str, output: OutputFormat, *,
    resume: bool = True,
) -> None:  # fmt: skip
    from fleetctl.report.progress import Progress
    from fleetctl.rollout import engine_sources
    from fleetctl.rollout.engine_run import Control, carry_on, exit_code
    from fleetctl.rollout.steps_outcome import Pace

    fleet, passphrase = access.fleet, access.passphrase()
    pace = Pace(pacing.every, pacing.ask_again, pacing.try_again, pacing.offline_after)
    control = Control(
        actor, Progress().line, lambda: engine_sources.reaching(fleet, passphrase), pace, stay=pacing.stay
    )
    ending = carry_on(journal, journal.find(identity).plan, control, resume=resume)
    found = journal.find(identity)
    _show(journal, found, output)
    _advise(ending, found)
    if code := exit_code(ending, journal.sites(identity)):
        raise typer.Exit(code)


def _advise(ending: Ending, found: RolloutRecord) -> None:
    """What to do next, on stderr."""
    from fleetctl.report.console import err

    begins = found.plan.id[:12]
    again = f"fleetctl rollout resume --id {begins}"
    if ending.interrupted:
        err.print(f"interrupted; nothing is lost: {again}")
    elif ending.waits_for == "offline":
        err.print(f"only absent sites are waited for; when they are back, or with --stay: {again}")
    elif found.state.value == "running" and ending.waits_for == "person":
        err.print(f"{found.reason or 'it waits for a person'}; then: {again}", soft_wrap=True)


def _show(journal: Journal, found: RolloutRecord, output: OutputFormat) -> None:
    from fleetctl.report.lines import write_lines
    from fleetctl.report.rollout import status_lines
    from fleetctl.rollout.story import status_of

    write_lines(status_of(journal, found), output, status_lines)


@app.command()
def status(
    identity: IdOption = "",
    every_one: Annotated[bool, typer.Option("--all", "-a", help="List every rollout in a line.")] = False,
    fleet: FleetOption = None,
    output: OutputOption = OutputFormat.table,
) -> None:
    """Show a rollout: state, waves, sites. Asks no site."""
    from fleetctl.models.fleetdir import FleetDir
    from fleetctl.report.lines import write_lines
    from fleetctl.report.rollout import list_lines
    from fleetctl.rollout.engine_run import opened_journal, status_code
    from fleetctl.rollout.story import status_of

    with opened_journal(FleetDir.find(fleet)) as journal:
        if every_one:
            rows = [status_of(journal, each) for each in journal.all()]
            write_lines(rows, output, list_lines, nothing="no rollout yet")
            return
        found = journal.find(identity)
        _show(journal, found, output)
        if code := status_code(journal, found):
            raise typer.Exit(code)


@app.command()
def watch(
    identity: IdOption = "",
    interval: Annotated[float, typer.Option(min=0.2, max=3600, metavar="SECONDS", help="Between two looks.")] = 2.0,
    fleet: FleetOption = None,
    output: OutputOption = OutputFormat.table,
) -> None:
    """Follow a rollout that another process controls, a line for each thing that happens. Asks no site.

    It ends when the rollout does, or when nobody controls it.
    """
    import time

    from fleetctl.models.fleetdir import FleetDir
    from fleetctl.report.emit import emit_lines
    from fleetctl.report.lines import coloured, painted, width_of_screen
    from fleetctl.report.rollout import history_lines
    from fleetctl.rollout.engine_run import opened_journal, over, status_code
    from fleetctl.rollout.story import history

    with opened_journal(FleetDir.find(fleet)) as journal:
        found, told = journal.find(identity), 0
        while True:
            ended = over(journal, journal.find(found.plan.id))
            entries = history(journal, found.plan.id)
            if output is OutputFormat.table:
                text = painted(history_lines(entries[told:], width_of_screen()), colour=coloured())
                typer.echo(text, nl=False)
            else:
                emit_lines(entries[told:])
            told = len(entries)
            if ended:
                break
            time.sleep(interval)
        if code := status_code(journal, journal.find(found.plan.id)):
            raise typer.Exit(code)


app.command()(pause)
app.command()(abort)
app.command()(promote)
app.command()(retry)


@app.command()
@grouped
def rollback(
    access: Access,
    pacing: Pacing,
    reason: Annotated[str, typer.Option("--reason", help="Why; the boxes keep it with their deny-list.")],
    sites: SitesArgument = None,
    every_one: Annotated[bool, typer.Option("--all", help="Every site that this rollout has switched.")] = False,
    identity: IdOption = "",
    by: ByOption = None,
    output: OutputOption = OutputFormat.table,
) -> None:
    """Bring sites back to their last good set. They refuse the release from then on, until it is cleared there."""
    from fleetctl.actions.hold import operator
    from fleetctl.errors import LockHeldError, UsageError
    from fleetctl.report.console import err
    from fleetctl.rollout.engine_run import opened_journal, order_back

    if bool(sites) == every_one:
        raise UsageError("name sites, or give --all", hint="fleetctl rollout rollback SITE… --reason WHY")
    with opened_journal(access.fleet) as journal:
        found = journal.find(identity)
        actor = operator(by)
        chosen = order_back(journal, found, sites or [], actor, reason)
        err.print(f"to be brought back: {', '.join(chosen) or 'no site'}")
        try:
            _control(journal, found.plan.id, access, pacing, actor, output, resume=False)
        except LockHeldError as held:
            err.print(f"{held.message}: it brings them back", soft_wrap=True)


app.command("history")(show_history)
app.command()(explain)

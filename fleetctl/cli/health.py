"""`fleetctl health`: the checks of sites, their GPUs, what names mean, faults, history and drift."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated

import typer

from fleetctl.cli.groups import Access, grouped
from fleetctl.cli.options import FleetOption, OutputFormat, OutputOption, SelectorOption, SiteArgument
from fleetctl.cli.polling import Patience
from fleetctl.errors import UsageError

app = typer.Typer()

NamesArgument = Annotated[list[str] | None, typer.Argument(metavar="SITE…", help="Names of sites, or --all, or -l.")]
EveryOption = Annotated[bool, typer.Option("--all", "-a", help="All sites of the fleet.")]


@app.command()
@grouped
def check(
    access: Access,
    patience: Patience,
    names: NamesArgument = None,
    selector: SelectorOption = None,
    every: EveryOption = False,
    nagios: Annotated[
        bool, typer.Option("--nagios", help="One line for a monitoring system, with exit codes 0 to 3 of its own.")
    ] = False,
    output: OutputOption = OutputFormat.table,
) -> None:
    """Show everything that was compared at sites, worst first: verdict, reason, next action.

    With --nagios the exit codes are those of monitoring plugins, and only here: 0 ok, 1 degraded, 2 critical, 3
    unknown.
    """
    from fleetctl.actions.health import check_rows
    from fleetctl.actions.status import exit_code
    from fleetctl.checks.site_health import ranked
    from fleetctl.cli.polling import asked, chosen, not_kept
    from fleetctl.report import health as report
    from fleetctl.report.lines import write_lines

    if not (names or selector or every):
        raise UsageError("no site was named", hint="give site names, -l key=value or --all")
    if nagios and output is not OutputFormat.table:
        raise UsageError("--nagios has a form of its own", hint="leave -o out")
    fleetdir = access.fleet
    sites = chosen(fleetdir, names, selector)
    healths, _, problem = asked(fleetdir, sites, access.passphrase(), patience.limits)
    if nagios:
        line, code = report.nagios(healths, problem.message if problem else "")
        typer.echo(line)
        raise typer.Exit(code)
    rows = check_rows(ranked(healths))
    write_lines(rows, output, report.check_lines)
    not_kept(problem)
    raise typer.Exit(exit_code([health.verdict for health in healths], problem))


@app.command()
@grouped
def gpu(site: SiteArgument, access: Access, patience: Patience, output: OutputOption = OutputFormat.table) -> None:
    """Show the GPUs of a site: every check, every value that was read, and the faults."""
    from fleetctl.actions.health import gpu_answer
    from fleetctl.actions.status import exit_code
    from fleetctl.cli.polling import asked, not_kept
    from fleetctl.report.health import gpu_lines
    from fleetctl.report.lines import write_lines

    fleetdir = access.fleet
    healths, _, problem = asked(fleetdir, [fleetdir.site(site)], access.passphrase(), patience.limits)
    answer = gpu_answer(healths[0])
    write_lines(answer, output, gpu_lines)
    not_kept(problem)
    raise typer.Exit(exit_code([answer.verdict], problem))


@app.command()
def explain(
    name: Annotated[str, typer.Argument(metavar="XID|CHECK", help="An Xid like 79, or the name of a check.")],
    output: OutputOption = OutputFormat.table,
) -> None:
    """Say what an Xid, a check or the outcome of a question means, and what to do. Works without a fleet."""
    from fleetctl.checks.explained import explain as explained
    from fleetctl.report.health import explanation_lines
    from fleetctl.report.lines import write_lines

    write_lines(explained(name), output, explanation_lines)


@app.command()
@grouped
def ack(
    site: SiteArgument,
    fault: Annotated[str, typer.Argument(metavar="FAULT", help="The fault's id, as `health gpu` shows it.")],
    note: Annotated[str, typer.Option("--note", help="What is done about it; kept on the box with your name.")],
    access: Access,
) -> None:
    """Acknowledge a fault on the box, over SSH: somebody deals with it. It opens again when it comes again."""
    from fleetctl.actions.health import acknowledge
    from fleetctl.errors import printable
    from fleetctl.remote.connection import Connection
    from fleetctl.trust.ssh_agent import ssh_agent

    fleetdir = access.fleet
    wanted = fleetdir.site(site)
    with ssh_agent(fleetdir.keys, access.passphrase()) as agent, Connection(wanted, fleetdir, agent) as connection:
        typer.echo(printable(acknowledge(connection, site, fault, note)))


@app.command()
def history(
    site: SiteArgument,
    since: Annotated[str, typer.Option(metavar="24h", help="How far back: 30m, 24h, 7d, 8w.")] = "24h",
    fleet: FleetOption = None,
    output: OutputOption = OutputFormat.table,
) -> None:
    """Show what the store has of a site: verdicts over time, what changed when, and the faults. Asks nobody."""
    from datetime import UTC, datetime

    from fleetctl.models.fleetdir import FleetDir
    from fleetctl.report.history import history_lines, history_of
    from fleetctl.report.lines import write_lines
    from fleetctl.store.open import open_store

    fleetdir = FleetDir.find(fleet)
    fleetdir.site_path(site)
    until = datetime.now(UTC)
    start = until - _length(since)
    store = open_store(fleetdir)
    try:
        points = store.history(site, start)
        faults = [each.fault for each in store.faults(site, start)]
    finally:
        store.close()
    if not points and site not in fleetdir.site_names():
        fleetdir.site(site)  # says that there is none, and the nearest name
    write_lines(
        history_of(site, start, until, points, faults), output, lambda data, width: history_lines(data, points, width)
    )


@app.command()
@grouped
def drift(
    access: Access,
    patience: Patience,
    names: NamesArgument = None,
    selector: SelectorOption = None,
    release: Annotated[
        str | None,
        typer.Option(metavar="X", help="Who runs X: an image version, a model's name, or the start of a root hash."),
    ] = None,
    output: OutputOption = OutputFormat.table,
) -> None:
    """Show which sites differ from what they are to run; with --release, who runs it.

    A site that does not answer is unknown: nobody knows what it runs.
    """
    from appliance.contract.health import Verdict
    from fleetctl.actions.health import drift_rows, running
    from fleetctl.actions.status import exit_code
    from fleetctl.checks.site_health import ranked
    from fleetctl.cli.polling import asked, chosen, not_kept
    from fleetctl.report.health import check_lines
    from fleetctl.report.lines import write_lines

    fleetdir = access.fleet
    sites = chosen(fleetdir, names, selector)
    healths, _, problem = asked(fleetdir, sites, access.passphrase(), patience.limits)
    if release is not None:
        rows = running(ranked(healths), release)
        silent = any(health.snapshot is None for health in healths)
        verdicts = [Verdict.UNKNOWN if silent else Verdict.OK]
    else:
        every = drift_rows(ranked(healths))
        rows = [row for row in every if row.verdict is not Verdict.OK] if output is OutputFormat.table else every
        verdicts = [row.verdict for row in every]
    write_lines(rows, output, check_lines, nothing="no site runs it" if release else "no site differs")
    not_kept(problem)
    raise typer.Exit(exit_code(verdicts, problem))


def _length(text: str) -> timedelta:
    match = re.fullmatch(r"([1-9][0-9]{0,5})([mhdw])", text.strip())
    if match is None:
        raise UsageError(f"--since {text[:20]!r} is no length of time", hint="for example 30m, 24h, 7d or 8w")
    units = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}
    length = int(match[1]) * units[match[2]]
    if length > timedelta(days=3660):
        raise UsageError("--since goes back more than ten years", hint="for example 30m, 24h, 7d or 8w")
    return length

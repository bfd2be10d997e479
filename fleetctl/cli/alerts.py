"""`fleetctl alerts`: what fires, what is silenced, and whether the receivers can be reached."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from fleetctl.cli.options import FleetOption, OutputFormat, OutputOption, SelectorOption

if TYPE_CHECKING:
    from rich.console import RenderableType

    from fleetctl.actions.alerts import Overview, Tried

app = typer.Typer(no_args_is_help=True, help="Show alerts, silence them for a while, and test their receivers.")


@app.command("list")
def list_alerts(fleet: FleetOption = None, output: OutputOption = OutputFormat.table) -> None:
    """Show what fires or is about to, who is not told and why, and whether anybody watches."""
    from fleetctl.actions.alerts import overview
    from fleetctl.models.fleetdir import FleetDir
    from fleetctl.report.emit import emit

    found = overview(FleetDir.find(fleet))
    emit(found, output, _shown)
    if not found.watch.alive:
        raise typer.Exit(5)


@app.command()
def silence(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="What the silence is called: policies/silences/NAME.yaml.")
    ],
    reason: Annotated[str, typer.Option("--reason", help="Why; people who look at the alerts read it.")],
    lasts: Annotated[str, typer.Option("--for", metavar="DURATION", help="90s, 5m, 12h or 7d; it always ends.")],
    site: Annotated[list[str] | None, typer.Option("--site", help="Only this site; repeat.")] = None,
    check: Annotated[
        list[str] | None, typer.Option("--check", help="Only this check, * stands for any text; repeat.")
    ] = None,
    selector: SelectorOption = None,
    fleet: FleetOption = None,
) -> None:
    """Tell nobody of these alerts until then. What still fires at its end is told then."""
    from fleetctl.actions.alerts import new_silence
    from fleetctl.models.alertfiles import write_silence
    from fleetctl.models.fleetdir import FleetDir, labels_of

    fleetdir = FleetDir.find(fleet)
    for known in site or ():
        fleetdir.site(known)
    made = new_silence(
        name, lasts=lasts, reason=reason, sites=site or (), checks=check or (), labels=labels_of(selector or [])
    )
    typer.echo(f"{write_silence(fleetdir.path, made)}: until {made.spec.until}")


@app.command()
def unsilence(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the silence.")], fleet: FleetOption = None
) -> None:
    """Remove a silence. What fires is told with the next round."""
    from fleetctl.models.alertfiles import remove_silence
    from fleetctl.models.fleetdir import FleetDir

    typer.echo(f"removed {remove_silence(FleetDir.find(fleet).path, name)}")


@app.command("test")
def try_them(fleet: FleetOption = None, output: OutputOption = OutputFormat.table) -> None:
    """Send each receiver a message that says that it is a test. Exit code 1 if one did not take it."""
    from fleetctl.actions.alerts import try_receivers
    from fleetctl.errors import UsageError
    from fleetctl.models.fleetdir import FleetDir
    from fleetctl.report.emit import emit

    tried = try_receivers(FleetDir.find(fleet))
    if not tried:
        raise UsageError("no receiver is named", hint="spec.receivers of policies/alerts.yaml; docs/operate/alerts.md")
    emit(tried, output, _tried)
    if any(one.problem for one in tried):
        raise typer.Exit(1)


def _shown(found: Overview) -> RenderableType:
    from rich.console import Group
    from rich.table import Table

    from fleetctl.errors import printable
    from fleetctl.report.checks import STYLES

    table = Table("site", "check", "phase", "verdict", "since", "why, and next")
    for row in found.alerts:
        words = row.reason + (f"\n→ {row.next_action}" if row.next_action else "")
        words += f"\nquiet: {row.quiet}" if row.quiet else ""
        table.add_row(
            row.site, row.check, f"{row.phase.value} ({row.severity})", row.verdict.value, f"{row.since:%m-%d %H:%MZ}",
            printable(words), style=STYLES[row.verdict],
        )  # fmt: skip
    lines = [found.watch.words, *(f"silence {words}" for words in found.silences)]
    if found.watch.undelivered:
        lines.append(f"{found.watch.undelivered} messages wait for a receiver")
    body: list[RenderableType] = [table] if found.alerts else ["no alert"]
    return Group(*body, *(printable(line) for line in lines))


def _tried(tried: list[Tried]) -> str:
    return "\n".join(f"{one.kind} {one.receiver}: {one.problem or 'taken'}" for one in tried)

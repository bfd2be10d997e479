"""`fleetctl release`: made, signed into channels, approved, taken back and carried.

A draft becomes a release by `sign`, with the key of a channel (usually of test sites); `approve` puts the same bytes
into another channel, with that one's keys. Where several people have to sign, each repeats the command with his key.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fleetctl.cli.groups import grouped
from fleetctl.cli.options import DryRunOption, FleetOption, OutputFormat, OutputOption
from fleetctl.cli.release_access import ChannelOption, ReasonOption, ReleaseAccess, ReleaseArgument, tell
from fleetctl.cli.release_adapter import import_adapter
from fleetctl.cli.release_build import build, export, import_, import_model
from fleetctl.cli.release_keys import app as keys
from fleetctl.cli.release_prune import prune

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

    from fleetctl.release.repository_report import Checked, Listing

app = typer.Typer(no_args_is_help=True, help="Build, sign, approve, revoke and carry releases; see what a channel has.")
app.add_typer(keys, name="keys")
app.command()(build)
app.command("import-model")(import_model)
app.command("import-adapter")(import_adapter)
app.command()(export)
app.command("import")(import_)
app.command()(prune)


@app.command("list")
def list_(fleet: FleetOption = None, output: OutputOption = OutputFormat.table) -> None:
    """List drafts, the releases of each channel, and changes that wait for signatures."""
    from fleetctl.models.fleetdir import FleetDir
    from fleetctl.release.repository_report import listing
    from fleetctl.release.store import ReleaseStore
    from fleetctl.report.emit import emit

    emit(listing(ReleaseStore(FleetDir.find(fleet))), output, _list_table)


@app.command()
def show(name: ReleaseArgument, fleet: FleetOption = None, output: OutputOption = OutputFormat.table) -> None:
    """Show one release: its channels, who approved it, and its whole manifest."""
    from fleetctl.models.fleetdir import FleetDir
    from fleetctl.release.repository_report import shown
    from fleetctl.release.store import ReleaseStore
    from fleetctl.report.emit import emit

    emit(shown(ReleaseStore(FleetDir.find(fleet)), name), output)


@app.command()
@grouped
def sign(
    name: ReleaseArgument,
    access: ReleaseAccess,
    channel: ChannelOption = "candidate",
    dry_run: DryRunOption = False,
    output: OutputOption = OutputFormat.table,
) -> None:
    """Put a draft into a channel, signed with the channel's keys. Every image is read and compared first.

    Wants the channel more than one signature, the next person repeats this with his key.
    """
    from fleetctl.release import repository

    tell(repository.sign(access.store, access.hand(dry_run), name, channel, _now()), output)


@app.command()
@grouped
def approve(
    name: ReleaseArgument,
    access: ReleaseAccess,
    channel: ChannelOption = "stable",
    source: Annotated[str, typer.Option("--from", help="Channel that it is published in.")] = "candidate",
    dry_run: DryRunOption = False,
    output: OutputOption = OutputFormat.table,
) -> None:
    """Put a release that is published in one channel into another: the same bytes, signed with that one's keys."""
    from fleetctl.release import repository

    tell(repository.approve(access.store, access.hand(dry_run), name, source, channel, _now()), output)


@app.command()
@grouped
def revoke(
    name: ReleaseArgument,
    access: ReleaseAccess,
    channel: ChannelOption,
    reason: ReasonOption,
    dry_run: DryRunOption = False,
    output: OutputOption = OutputFormat.table,
) -> None:
    """Take a release back from a channel. No site gets it any more; the name is used up."""
    from fleetctl.release import repository

    tell(repository.revoke(access.store, access.hand(dry_run), name, channel, reason, _now()), output)


@app.command()
@grouped
def refresh(
    access: ReleaseAccess,
    role: Annotated[
        list[str] | None,
        typer.Option("--role", help="Renew this one too: root, targets or a channel; repeat for more."),
    ] = None,
    dry_run: DryRunOption = False,
    output: OutputOption = OutputFormat.table,
) -> None:
    """Renew snapshot and timestamp; publish changes whose signatures are complete. Exit code 3: another ends soon."""
    from fleetctl.release import repository
    from fleetctl.release.repository_client import trusted
    from fleetctl.release.repository_report import roles, tell_ends

    tell(repository.refresh(access.store, access.hand(dry_run), role or [], _now()), output)
    tell_ends(roles(trusted(access.store), set(), _now()))


@app.command()
def verify(
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="Only this release.")] = None,
    fleet: FleetOption = None,
    output: OutputOption = OutputFormat.table,
) -> None:
    """Verify metadata, manifests, bills of materials and images from the pinned root. Exit code 9: one differs."""
    from fleetctl.errors import VerificationError
    from fleetctl.models.fleetdir import FleetDir
    from fleetctl.release.repository_report import verified
    from fleetctl.release.store import ReleaseStore
    from fleetctl.report.emit import emit

    found = verified(ReleaseStore(FleetDir.find(fleet)), _now(), name)
    emit(found, output, _verify_table)
    wrong = list(dict.fromkeys(problem for each in found if each.result == "wrong" for problem in each.problems))
    if wrong:
        raise VerificationError(
            f"{len(wrong)} of the images are missing or not what was signed: {wrong[0]}",
            hint="fleetctl release import brings images from a medium; fleetctl release build makes them again",
        )


def _now() -> datetime:
    return datetime.now(UTC)


def _list_table(found: Listing) -> RenderableType:
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    table = Table("CHANNEL", "NAME", "SEQUENCE", "STATE", "DIGEST", "SIGNED BY", "REASON", box=None)
    for each in found.releases:
        signed_by = ", ".join(each.approved_by)
        cells: list[Any] = [each.channel or "-", each.name, str(each.sequence), each.state, each.digest[:16], signed_by]
        table.add_row(*(Text(cell) for cell in (*cells, each.reason)))
    lines = [f"waits: {each.text()}" for each in found.waiting]
    lines += [f"draft {name} is not sound: {problem}" for name, problem in found.drafts_not_sound.items()]
    return Group(table, Text("\n".join([f"root SHA-256 {found.root_sha256}", *lines])))


def _verify_table(found: list[Checked]) -> Table:
    from rich.table import Table
    from rich.text import Text

    table = Table("CHANNEL", "NAME", "RESULT", "WHY", box=None)
    for each in found:
        table.add_row(each.channel, each.name, each.result, Text("\n".join(each.problems)))
    return table

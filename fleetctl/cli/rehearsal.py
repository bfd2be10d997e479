"""`fleetctl lab demo|visit|newer-model`: the whole way once, one recorded visit through it, something to update to."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fleetctl.cli.groups import Access, grouped
from fleetctl.cli.options import OutputFormat, OutputOption

SAMPLE = Path("tests/data/audio/jfk.flac")


def demo(
    recording: Annotated[
        Path, typer.Option(help="Recording of the visit at the end.", show_default="the sample of this checkout")
    ] = SAMPLE,
) -> None:
    """Take one virtual server from bare disks to a proven, working appliance, command by command."""
    from fleetctl.lab.demo import run, summary
    from fleetctl.report.console import err

    err.print(summary(run(recording.absolute(), err.print)))


def newer_model(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Empty, or not there yet.")],
) -> None:
    """Write a "newer" drafting model to rehearse an update with: the lab's own weights under another name."""
    from fleetctl.image.cache import ImageCache
    from fleetctl.lab.demo import MODELS
    from fleetctl.lab.newer_model import make

    typer.echo(make(MODELS["drafting"], folder, ImageCache.default()))


@grouped
def visit(
    name: Annotated[str, typer.Argument(metavar="SITE", help="Name of the site.")],
    recording: Annotated[Path, typer.Argument(help="Audio file of the visit.")],
    access: Access,
    state: Annotated[str, typer.Option(help="US state of patient and clinician (postal code).")] = "CA",
    output: OutputOption = OutputFormat.table,
) -> None:
    """Take a recorded visit through the site's clinical port: consent, transcript, sourced draft, signature, proof.

    The box's console issues the token, which only a site of the lab allows.
    """
    from fleetctl.actions.visit import visit_site
    from fleetctl.lab.visit import shown
    from fleetctl.report.emit import emit
    from fleetctl.report.progress import Progress
    from fleetctl.report.visit import visit_table

    fleetdir = access.fleet
    found = visit_site(fleetdir, fleetdir.site(name), access.passphrase(), recording, state, Progress().line)
    emit(shown(found), output, visit_table)

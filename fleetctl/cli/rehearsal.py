"""`fleetctl lab demo` and `fleetctl lab transcribe`: the whole way once, and one recording through it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from fleetctl.cli.groups import Access, grouped
from fleetctl.cli.options import OutputFormat, OutputOption

SAMPLE = Path("tests/data/audio/jfk.flac")


def demo(
    recording: Annotated[
        Path, typer.Option(help="Audio file to transcribe at the end.", show_default="the sample of this checkout")
    ] = SAMPLE,
) -> None:
    """Take one virtual server from bare disks to a proven, working appliance, command by command."""
    from fleetctl.lab.demo import run, summary
    from fleetctl.report.console import err

    err.print(summary(run(recording.absolute(), err.print)))


@grouped
def transcribe(
    name: Annotated[str, typer.Argument(metavar="SITE", help="Name of the site.")],
    recording: Annotated[Path, typer.Argument(help="Audio file to send.")],
    access: Access,
    output: OutputOption = OutputFormat.table,
) -> None:
    """Send a recording to the site's clinical port, as the practice's software would, and print the transcript."""
    from fleetctl.remote.clinical import ClinicalEndpoint
    from fleetctl.remote.clinical import transcribe as send
    from fleetctl.report.emit import emit
    from fleetctl.report.progress import Progress

    fleetdir = access.fleet
    site = fleetdir.site(name)
    passphrase = access.passphrase()
    endpoint = ClinicalEndpoint(
        address=str(site.spec.clinical.address),
        port=site.spec.clinical.port,
        site=site.name,
        ca_cert=fleetdir.keys.path("ca.crt"),
        client_cert=fleetdir.keys.path("clinical.crt"),
        client_key=fleetdir.keys.path("clinical.key"),
        client_key_password=passphrase.reveal,
    )
    with Progress().step(f"{site.name}: transcribing {recording.name}") as step:
        answer = send(endpoint, site.spec.release.transcription, recording)
        step.result(f"{answer.get('duration', 0):.1f} s of audio")
    emit(answer, output, _transcript)


def _transcript(answer: dict[str, Any]) -> str:
    text = str(answer["text"]).strip()
    return text or "(nothing was said)"

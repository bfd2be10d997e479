"""`fleetctl image`: the signed OS image, engine image and model images of a fleet."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fleetctl.cli.groups import Access, grouped
from fleetctl.cli.options import FleetOption, OutputFormat, OutputOption

if TYPE_CHECKING:
    from rich.table import Table

    from fleetctl.image.manifest import EngineManifest, ImageManifest, ModelManifest
    from fleetctl.image.overview import ImageState

app = typer.Typer(no_args_is_help=True, help="Build the signed images: OS, engine, models. See what is built.")


class ProfileChoice(StrEnum):
    """For which machines: virtual ones, or servers with an NVIDIA GPU."""

    lab = "lab"
    gpu = "gpu"


OutputDirOption = Annotated[
    Path | None,
    typer.Option("--output-dir", help="Where finished images go.", show_default="the cache", file_okay=False),
]


@app.command()
@grouped
def build(
    access: Access,
    profile: Annotated[ProfileChoice, typer.Option(help="Which machines it is for.")] = ProfileChoice.lab,
    output_dir: OutputDirOption = None,
    refresh: Annotated[bool, typer.Option("--refresh", help="Build anew with the newest Debian packages.")] = False,
    edition: Annotated[
        str,
        typer.Option(metavar="TEXT", help="Behind the version (0.1.0+TEXT): tells images of one version apart."),
    ] = "",
    output: OutputOption = OutputFormat.table,
) -> None:
    """Build the OS image and sign it with the fleet's keys. Does nothing when it is up to date."""
    from fleetctl.image.cache import ImageCache
    from fleetctl.image.jobs import image_job, run_image
    from fleetctl.report.emit import emit
    from fleetctl.report.progress import Progress

    cache = ImageCache.default()
    job = image_job(
        access.fleet,
        profile.value,
        output_dir.resolve() if output_dir else None,
        cache,
        access.passphrase,
        edition,
    )
    manifest = run_image(job, cache, Progress(), refresh=refresh)
    emit(manifest, output, lambda built: _image_table(built, job.output_dir))


@app.command()
@grouped
def model(
    name: Annotated[str, typer.Argument(metavar="MODEL", help="Name in the catalogue (fleetctl image status).")],
    access: Access,
    output_dir: OutputDirOption = None,
    output: OutputOption = OutputFormat.table,
) -> None:
    """Fetch a model's weights, check them, and pack them as a signed read-only image."""
    from fleetctl.image.cache import ImageCache
    from fleetctl.image.jobs import model_job, run_model
    from fleetctl.report.emit import emit
    from fleetctl.report.progress import Progress

    cache = ImageCache.default()
    job = model_job(
        access.fleet,
        name,
        output_dir.resolve() if output_dir else None,
        cache,
        access.passphrase,
    )
    manifest = run_model(job, cache, Progress())
    emit(manifest, output, lambda built: _model_table(built, job.image))


@app.command()
@grouped
def engine(
    access: Access,
    output_dir: OutputDirOption = None,
    output: OutputOption = OutputFormat.table,
) -> None:
    """Fetch vLLM with CUDA's libraries, try it, and pack it as a signed read-only image for GPU sites. Takes 32 GiB."""
    from fleetctl.image.cache import ImageCache
    from fleetctl.image.jobs import engine_job, run_engine
    from fleetctl.report.emit import emit
    from fleetctl.report.progress import Progress

    cache = ImageCache.default()
    job = engine_job(access.fleet, output_dir.resolve() if output_dir else None, cache, access.passphrase)
    manifest = run_engine(job, cache, Progress())
    emit(manifest, output, lambda built: _engine_table(built, job.image))


@app.command()
def status(fleet: FleetOption = None, output: OutputOption = OutputFormat.table) -> None:
    """Show which images are built and whether they are up to date."""
    from fleetctl.image.cache import ImageCache
    from fleetctl.image.overview import overview
    from fleetctl.models.fleetdir import FleetDir
    from fleetctl.report.emit import emit

    emit(overview(FleetDir.find(fleet), ImageCache.default()), output, _status_table)


def _rows(pairs: list[tuple[str, str]]) -> Table:
    from rich.table import Table

    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for pair in pairs:
        table.add_row(*pair)
    return table


def _image_table(manifest: ImageManifest, folder: Path) -> Table:
    name = f"edge-{manifest.profile}"
    return _rows(
        [
            ("image", str(folder / f"{name}.raw")),
            ("version", manifest.version),
            ("usr root hash", manifest.usr_root_hash),
            ("packages", str(folder / manifest.packages)),
        ]
    )


def _model_table(manifest: ModelManifest, path: Path) -> Table:
    return _rows(
        [
            ("image", str(path)),
            ("root hash", manifest.root_hash),
            ("licence", manifest.licence),
            ("origin", manifest.origin),
        ]
    )


def _engine_table(manifest: EngineManifest, path: Path) -> Table:
    return _rows(
        [
            ("image", str(path)),
            ("engine", manifest.name),
            ("root hash", manifest.root_hash),
            ("CUDA", f"{manifest.cuda}, driver {manifest.min_driver} or newer"),
        ]
    )


def _status_table(states: list[ImageState]) -> Table:
    from rich.table import Table

    table = Table("KIND", "NAME", "STATE", "VERSION", "SIZE MIB", "ROOT HASH", box=None)
    for state in states:
        size = f"{state.size_bytes / 2**20:.0f}" if state.size_bytes is not None else ""
        table.add_row(state.kind, state.name, state.state, state.version or "", size, (state.root_hash or "")[:16])
    return table

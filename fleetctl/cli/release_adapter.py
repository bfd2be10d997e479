"""`fleetctl release import-adapter`: make a signed image of a LoRA adapter for a model of the fleet."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fleetctl.cli.groups import Access, grouped
from fleetctl.cli.options import DryRunOption, OutputFormat, OutputOption

if TYPE_CHECKING:
    from rich.table import Table

    from fleetctl.image.manifest import AdapterManifest
    from fleetctl.release.adapters import LookedAdapter


@grouped
def import_adapter(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="With the adapter's files and nothing else.")],
    access: Access,
    name: Annotated[str, typer.Option(metavar="NAME", help="For release build: a-z, 0-9, . _ -.")],
    base: Annotated[str, typer.Option(metavar="MODEL", help="Drafting model that it was trained on, as it was built.")],
    kind: Annotated[list[str], typer.Option(metavar="KIND", help="Document that it drafts: visit_note; repeat.")],
    licence: Annotated[str, typer.Option(metavar="TEXT", help="SPDX identifier or name of the licence.")],
    origin: Annotated[str, typer.Option(metavar="TEXT", help="Where the adapter comes from, in one line.")],
    base_weights: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            file_okay=False,
            help="The base's weight files, compared with its image by SHA-256. A model of the catalogue needs none.",
        ),
    ] = None,
    dry_run: DryRunOption = False,
    output: OutputOption = OutputFormat.table,
) -> None:
    """Make a signed image out of a LoRA adapter: adapter_config.json with safetensors, or GGUF for llama.cpp.

    Every matrix that it changes is compared with the base's own weights. `release build --adapter NAME` takes it.
    """
    from fleetctl.image.cache import ImageCache
    from fleetctl.image.jobs import packing
    from fleetctl.release.adapter_base import base_of
    from fleetctl.release.adapters import OwnAdapter, look_adapter
    from fleetctl.release.adapters import import_adapter as import_one
    from fleetctl.release.weights import OwnBuild
    from fleetctl.report.emit import emit
    from fleetctl.report.progress import Progress

    own = OwnAdapter(name=name, kinds=tuple(kind), licence=licence, origin=origin)
    fleet, cache, progress = access.fleet, ImageCache.default(), Progress()
    model = base_of(fleet, cache, base, base_weights)
    if dry_run:
        emit(look_adapter(own, folder, model)[0], output, _looked_table)
        return
    adapters = cache.adapters(fleet.fleet.name)
    job = OwnBuild(
        output_dir=adapters,
        build=cache.build,
        certificate=fleet.keys.path("secureboot.crt"),
        packer=lambda: packing(fleet, name, cache, access.passphrase, progress),
    )
    manifest = import_one(own, folder, model, job, progress)
    emit(manifest, output, lambda built: _table(built, adapters / f"{name}.raw"))


def _looked_table(found: LookedAdapter) -> Table:
    from fleetctl.report.rows import rows

    return rows(
        [
            ("adapter", f"{found.name} for {', '.join(found.kinds)} (dry run)"),
            ("base", f"{found.base}, root hash {found.base_root_hash}"),
            ("form", f"{found.form}, rank {found.rank}, {found.matrices} matrices"),
            ("size", f"{found.size_bytes:,} bytes"),
        ]
    )


def _table(manifest: AdapterManifest, path: Path) -> Table:
    from fleetctl.report.rows import rows

    return rows(
        [
            ("image", path),
            ("digest", manifest.digest),
            ("root hash", manifest.root_hash),
            ("base", f"{manifest.base}, root hash {manifest.base_root_hash}"),
            ("drafts", ", ".join(manifest.kinds)),
            ("licence", manifest.licence),
            ("origin", manifest.origin),
        ]
    )

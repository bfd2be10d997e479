"""`fleetctl release build|import-model|export|import`: make releases, and carry them where no network goes."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fleetctl.cli.groups import Access, grouped
from fleetctl.cli.options import DryRunOption, FleetOption, OutputFormat, OutputOption

if TYPE_CHECKING:
    from rich.table import Table

    from fleetctl.image.manifest import ModelManifest
    from fleetctl.release.build import Built
    from fleetctl.release.carry import Carried
    from fleetctl.release.weights import Looked


class OsChoice(StrEnum):
    """The OS images: of virtual machines, or of servers with an NVIDIA GPU."""

    lab = "lab"
    gpu = "gpu"


class TaskChoice(StrEnum):
    """What a model is for."""

    transcription = "transcription"
    drafting = "drafting"


@grouped
def build(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Of the release: a-z, 0-9, . and -, like 2026.11-1.")],
    access: Access,
    base: Annotated[
        str | None, typer.Option("--from", metavar="RELEASE", help="Take over what is not named here from this one.")
    ] = None,
    transcription: Annotated[
        str | None, typer.Option(metavar="MODEL", help="Speech model. Default: as the sites name it.")
    ] = None,
    drafting: Annotated[
        str | None, typer.Option(metavar="MODEL", help="Language model. Default: as the sites name it.")
    ] = None,
    no_drafting: Annotated[bool, typer.Option("--no-drafting", help="Without a language model.")] = False,
    os_images: Annotated[
        list[OsChoice] | None,
        typer.Option("--os", help="OS image that it is for; repeat. Default: as the drafting model needs it."),
    ] = None,
    adapter: Annotated[
        list[str] | None,
        typer.Option(metavar="ADAPTER", help="LoRA adapter of the drafting model (release import-adapter); repeat."),
    ] = None,
    with_os: Annotated[
        bool,
        typer.Option(
            "--with-os", help="It brings the OS image: sites that run another one start anew with it in their window."
        ),
    ] = False,
    without_adapters: Annotated[
        bool, typer.Option("--without-adapters", help="Leave out the adapters of --from.")
    ] = False,
    code_pack: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="Code table: a pack of appliancectl codes import; repeat.", dir_okay=False),
    ] = None,
    without_code_packs: Annotated[
        bool, typer.Option("--without-code-packs", help="Leave out the code tables of --from.")
    ] = False,
    minimum_sequence: Annotated[
        int | None,
        typer.Option(min=0, metavar="N", help="Boxes that run it accept nothing older than this sequence any more."),
    ] = None,
    evaluation: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="Result of an evaluation set (JSON); repeat.", dir_okay=False),
    ] = None,
    notes: Annotated[str, typer.Option(metavar="TEXT", help="For who reads the manifest.")] = "",
    build_missing: Annotated[
        bool, typer.Option("--build-missing", help="Build catalogue models that are missing; asks the passphrase.")
    ] = False,
    dry_run: DryRunOption = False,
    output: OutputOption = OutputFormat.table,
) -> None:
    """Make a draft of a release out of built and signed images. `release sign` puts it into a channel."""
    from fleetctl.image.cache import ImageCache
    from fleetctl.image.jobs import appliance_package, model_job, run_model
    from fleetctl.release.build import Request
    from fleetctl.release.build import build as build_release
    from fleetctl.release.build_parts import Cached
    from fleetctl.release.store import ReleaseStore
    from fleetctl.report.emit import emit
    from fleetctl.report.progress import Progress

    cache, progress = ImageCache.default(), Progress()

    def make(model: str) -> ModelManifest:
        return run_model(model_job(access.fleet, model, None, cache, access.passphrase), cache, progress)

    request = Request(
        name=name,
        base=base,
        transcription=transcription,
        drafting=drafting,
        no_drafting=no_drafting,
        os_profiles=tuple(each.value for each in os_images or ()),
        with_os=with_os,
        without_adapters=without_adapters,
        adapters=tuple(adapter or ()),
        code_packs=tuple(code_pack or ()),
        without_code_packs=without_code_packs,
        minimum_sequence=minimum_sequence,
        evaluations=tuple(evaluation or ()),
        notes=notes,
    )
    # A dry run builds nothing either: it says what is missing.
    cached = Cached(access.fleet, cache, appliance_package(), make if build_missing and not dry_run else None)
    built = build_release(request, cached, ReleaseStore(access.fleet), _now, progress, dry_run=dry_run)
    emit(built, output, _built_table)


@grouped
def import_model(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="With the model's files and nothing else.")],
    access: Access,
    task: Annotated[TaskChoice, typer.Option(help="What it is for.")],
    name: Annotated[str, typer.Option(metavar="NAME", help="For release build and site files: a-z, 0-9, . _ -.")],
    licence: Annotated[str, typer.Option(metavar="TEXT", help="SPDX identifier or name of the licence.")],
    origin: Annotated[str, typer.Option(metavar="TEXT", help="Where the weights come from, in one line.")],
    dry_run: DryRunOption = False,
    output: OutputOption = OutputFormat.table,
) -> None:
    """Make a signed model image out of own weights: safetensors, GGUF or CTranslate2, with their tokenizer.

    Every file is checked against its form first. Pickles are refused, whatever they are called: they are programs.
    """
    from fleetctl.image.cache import ImageCache
    from fleetctl.image.jobs import packing
    from fleetctl.release.weights import OwnBuild, OwnModel, look
    from fleetctl.release.weights import import_model as import_weights
    from fleetctl.report.emit import emit
    from fleetctl.report.progress import Progress

    own = OwnModel(task=task.value, name=name, licence=licence, origin=origin)
    fleet = access.fleet
    if dry_run:
        emit(look(own, folder)[0], output, _looked_table)
        return
    cache, progress = ImageCache.default(), Progress()
    models = cache.models(fleet.fleet.name)
    job = OwnBuild(
        output_dir=models,
        build=cache.build,
        certificate=fleet.keys.path("secureboot.crt"),
        packer=lambda: packing(fleet, name, cache, access.passphrase, progress),
    )
    manifest = import_weights(own, folder, job, progress)
    emit(manifest, output, lambda built: _model_table(built, models / f"{name}.raw"))


def export(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Of the release.")],
    channel: Annotated[str, typer.Option("--channel", metavar="CHANNEL", help="In which it is published.")],
    to: Annotated[Path, typer.Option("--to", metavar="DIR", help="Folder of the mounted medium.", file_okay=False)],
    fleet: FleetOption = None,
    dry_run: DryRunOption = False,
    output: OutputOption = OutputFormat.table,
) -> None:
    """Copy a release with its signed metadata and images to a removable medium, as DIR/NAME."""
    from fleetctl.models.fleetdir import FleetDir
    from fleetctl.release.carry_export import export as export_release
    from fleetctl.release.store import ReleaseStore
    from fleetctl.report.emit import emit
    from fleetctl.report.progress import Progress

    store = ReleaseStore(FleetDir.find(fleet))
    emit(export_release(store, name, channel, to, _now, Progress(), dry_run=dry_run), output, _carried_table)


def import_(
    path: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of the release on the medium: …/NAME.")],
    root_sha256: Annotated[
        str | None,
        typer.Option(
            "--root-sha256",
            metavar="HEX",
            help="SHA-256 of the repository's first root, for a fleet that has no repository yet.",
        ),
    ] = None,
    fleet: FleetOption = None,
    dry_run: DryRunOption = False,
    output: OutputOption = OutputFormat.table,
) -> None:
    """Take a release from a removable medium into the fleet. Everything is verified before anything is in the fleet.

    A run that was cut off goes on where it was.
    """
    from fleetctl.models.fleetdir import FleetDir
    from fleetctl.release.carry_import import import_release
    from fleetctl.release.store import ReleaseStore
    from fleetctl.report.emit import emit
    from fleetctl.report.progress import Progress

    store = ReleaseStore(FleetDir.find(fleet))
    carried = import_release(store, path, _now, Progress(), root_sha256=root_sha256, dry_run=dry_run)
    emit(carried, output, _carried_table)


def _now() -> datetime:
    return datetime.now(UTC)


def _built_table(built: Built) -> Table:
    from fleetctl.report.rows import rows

    found = built.manifest
    lines: list[tuple[str, Any]] = [
        ("release", f"{built.name}, sequence {built.sequence}" + (" (dry run)" if built.dry_run else "")),
        ("digest", built.digest),
        ("draft", built.path),
        (
            "for",
            f"appliance {found.appliance_version}, {found.engine}, " + ", ".join(h[:16] for h in found.usr_root_hashes),
        ),
    ]
    for model in found.models:
        how = built.images.get(model.root_hash)
        image = f" ({how})" if how else ""
        lines.append((model.task, f"{model.name}, {model.form}, {model.size_bytes / 2**20:.0f} MiB, {model.licence}"))
        lines.append(("", f"root hash {model.root_hash}{image}"))
    for adapter in found.adapters:
        lines.append(
            ("adapter", f"{adapter.name}, {adapter.form}, rank {adapter.rank}, for {', '.join(adapter.kinds)}")
        )
        lines.append(("", f"digest {adapter.digest}"))
    for pack in found.code_packs:
        lines.append(("code table", f"{pack.name} {pack.version}, from {pack.effective_from}, {pack.sha256[:16]}"))
    lines.append(("prompts", f"{len(found.prompts)} pinned"))
    if found.evaluations:
        lines.append(("evaluations", ", ".join(each.evaluation_set for each in found.evaluations)))
    return rows(lines)


def _looked_table(found: Looked) -> Table:
    from fleetctl.report.rows import rows

    return rows(
        [
            ("model", f"{found.name} for {found.task} (dry run)"),
            ("form", found.form),
            ("files", ", ".join(found.files)),
            ("size", f"{found.size_bytes:,} bytes"),
        ]
    )


def _model_table(manifest: ModelManifest, path: Path) -> Table:
    from fleetctl.report.rows import rows

    return rows(
        [
            ("image", path),
            ("root hash", manifest.root_hash),
            ("licence", manifest.licence),
            ("origin", manifest.origin),
        ]
    )


def _carried_table(carried: Carried) -> Table:
    from fleetctl.report.rows import rows

    images = ", ".join(f"{root_hash[:16]} {how}" for root_hash, how in carried.images.items())
    return rows(
        [
            ("release", f"{carried.release}, sequence {carried.sequence}" + (" (dry run)" if carried.dry_run else "")),
            ("channel", carried.channel),
            ("digest", carried.digest),
            ("folder", carried.path),
            ("size", f"{carried.size_bytes:,} bytes"),
            ("images", images or "verified, none copied"),
        ]
    )

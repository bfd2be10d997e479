"""Builds a release: chooses the parts, puts their images into the store, and writes a draft that can be signed.

Order: choose and check everything → give out the sequence → images → the draft, which appears whole. A run that was
cut off leaves images and a number that is not used again; the next run does the rest.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path

from pydantic import BaseModel, TypeAdapter, ValidationError

from appliance.contract.release import (
    AdapterComponent,
    CodePackComponent,
    ImageComponent,
    ModelComponent,
    ReleaseManifest,
    ReleaseName,
    SystemComponent,
)
from appliance.contract.seal import ModelTask
from fleetctl import atomic
from fleetctl.errors import RefusedError, UsageError, VerificationError
from fleetctl.image.manifest import ModelFile
from fleetctl.image.mkosi import ImageProfile
from fleetctl.models.fleetdir import FleetDir
from fleetctl.release.bom import bill_of_materials, files_of
from fleetctl.release.build_images import check_component, check_image, place
from fleetctl.release.build_known import (
    BOM,
    RELEASE,
    base_of,
    check_free,
    give_out,
    known_releases,
    next_sequence,
    one_build,
)
from fleetctl.release.build_parts import OS_OF, Cached, Engine, OsPart, PackedAdapter, PackedModel, evaluations
from fleetctl.release.build_system import place_system
from fleetctl.release.build_there import lies_there
from fleetctl.release.code_packs import code_pack
from fleetctl.release.store import ReleaseStore
from fleetctl.report.progress import Progress

_NOT_YET = "0" * 64


@dataclass(frozen=True)
class Request:
    """What is to be in it. What is left out comes from `base`, else from what the fleet's sites name.

    `with_os`: it brings its OS image, and boxes that run another one start anew with it.
    """

    name: str
    base: str | None = None
    transcription: str | None = None
    drafting: str | None = None
    no_drafting: bool = False
    os_profiles: tuple[ImageProfile, ...] = ()
    with_os: bool = False
    without_adapters: bool = False
    adapters: tuple[str, ...] = ()
    code_packs: tuple[Path, ...] = ()
    without_code_packs: bool = False
    minimum_sequence: int | None = None
    evaluations: tuple[Path, ...] = ()
    notes: str = ""


class Built(BaseModel):
    """A draft. `images`: root hash → there, shared, linked or copied; empty in a dry run, which writes nothing."""

    name: str
    sequence: int
    digest: str
    path: Path
    dry_run: bool
    manifest: ReleaseManifest
    images: dict[str, str]


@dataclass
class _Parts:
    models: dict[ModelTask, ModelComponent]
    paths: dict[str, Path] = field(default_factory=dict)
    files: dict[str, list[ModelFile]] = field(default_factory=dict)
    adapters: dict[str, AdapterComponent] = field(default_factory=dict)
    code_packs: dict[tuple[str, date], CodePackComponent] = field(default_factory=dict)

    def take_code_pack(self, component: CodePackComponent, path: Path) -> None:
        self.code_packs[(component.name, component.effective_from)] = component
        self.paths[component.root_hash] = path

    def take_adapter(self, packed: PackedAdapter) -> None:
        self.adapters[packed.component.name] = packed.component
        self.paths[packed.component.root_hash] = packed.path
        self.files[packed.component.root_hash] = list(packed.files)

    def take(self, packed: PackedModel) -> None:
        self.models[packed.component.task] = packed.component
        self.paths[packed.component.root_hash] = packed.path
        self.files[packed.component.root_hash] = list(packed.files)


def build(
    request: Request,
    cached: Cached,
    store: ReleaseStore,
    clock: Callable[[], datetime],
    progress: Progress,
    *,
    dry_run: bool = False,
) -> Built:
    """Make the draft. `clock` tells the time with its zone, and is read once."""
    _check_request(request)
    with one_build(store):
        known = known_releases(store)
        check_free(known, request.name)
        base, bom = base_of(known, request.base) if request.base else (None, b"")
        parts = _chosen(request, base, cached)
        if base is not None:
            parts.files |= {key: value for key, value in files_of(bom).items() if key not in parts.files}
        sequence = next_sequence(store, known)
        manifest, system = _manifest(request, base, parts, cached, sequence, clock().replace(microsecond=0))
        content = bill_of_materials(manifest, parts.files)
        manifest = manifest.model_copy(update={"bom_sha256": hashlib.sha256(content).hexdigest()})
        folder = store.drafts / request.name
        images: dict[str, str] = {}
        if not dry_run:
            give_out(store, sequence)
            images = {image.root_hash: _placed(image, parts, store, progress) for image in manifest.images}
            if manifest.system is not None:
                images[manifest.system.root_hash] = _placed_system(manifest.system, system, store, progress)
            _write(folder, manifest, content)
        return Built(
            name=manifest.name,
            sequence=sequence,
            digest=manifest.digest,
            path=folder,
            dry_run=dry_run,
            manifest=manifest,
            images=images,
        )


def _check_request(request: Request) -> None:
    try:
        TypeAdapter(ReleaseName).validate_python(request.name)
    except ValidationError:
        raise UsageError(
            f"{request.name[:80]!r} is no name of a release", hint="a-z, 0-9, . and -, at most 63: 2026.11-1"
        ) from None
    if request.adapters and request.no_drafting:
        raise UsageError("--adapter and --no-drafting were both given", hint="choose one")
    if request.drafting and request.no_drafting:
        raise UsageError("--drafting and --no-drafting were both given", hint="choose one")


def _chosen(request: Request, base: ReleaseManifest | None, cached: Cached) -> _Parts:
    """The models: named ones out of the cache, the rest out of the base or as the sites name them."""
    parts = _Parts({model.task: model for model in base.models} if base is not None else {})
    names: dict[ModelTask, str | None]
    names = {"transcription": request.transcription, "drafting": request.drafting}
    if base is None:
        for task, name in names.items():
            if name is None and not (task == "drafting" and request.no_drafting):
                names[task] = _named_by_sites(cached.fleet, task)
    for task, name in names.items():
        if name is not None:
            parts.take(cached.model(task, name))
    if request.no_drafting:
        parts.models.pop("drafting", None)
    if base is not None and not request.without_adapters:
        parts.adapters |= {each.name: each for each in base.adapters}
    for adapter in request.adapters:
        parts.take_adapter(cached.adapter(adapter))
    if base is not None and not request.without_code_packs:
        parts.code_packs |= {(each.name, each.effective_from): each for each in base.code_packs}
    for path in request.code_packs:
        parts.take_code_pack(code_pack(path), path)
    return parts


def _named_by_sites(fleet: FleetDir, task: ModelTask) -> str | None:
    """The model that the fleet's sites name. Sites without one for a task do not count."""
    named = sorted({name for site in fleet.sites() if (name := site.spec.release.models().get(task))})
    if len(named) > 1:
        raise UsageError(
            f"the sites name {len(named)} models for {task}: {', '.join(named)}", hint=f"choose one with --{task}"
        )
    if not named and task == "transcription":
        raise UsageError("no site names a model for transcription", hint="--transcription NAME")
    return named[0] if named else None


def _manifest(
    request: Request, base: ReleaseManifest | None, parts: _Parts, cached: Cached, sequence: int, now: datetime
) -> tuple[ReleaseManifest, OsPart]:  # fmt: skip
    engine, system, engine_root_hash = _engine_and_system(request, base, parts, cached)
    adapters = tuple(parts.adapters[name] for name in sorted(parts.adapters))
    drafting = parts.models.get("drafting")
    if lost := [each.name for each in adapters if drafting is None or each.base_root_hash != drafting.root_hash]:
        raise RefusedError(
            f"trained on another drafting model: {', '.join(lost)[:200]}",
            hint="--without-adapters leaves out those of --from; release import-adapter makes one for this model",
        )
    minimum = request.minimum_sequence
    if minimum is None:
        minimum = base.minimum_sequence if base is not None else 0
    results = tuple(each for path in request.evaluations for each in evaluations(path))
    try:
        manifest = ReleaseManifest(
            name=request.name,
            sequence=sequence,
            created_at=now,
            usr_root_hashes=system.usr_root_hashes,
            appliance_version=system.version,
            system=system.carried,
            models=tuple(parts.models[task] for task in sorted(parts.models, reverse=True)),
            adapters=adapters,
            prompts=system.prompts,
            code_tables=system.code_tables,
            code_packs=tuple(parts.code_packs[key] for key in sorted(parts.code_packs)),
            engine=engine,
            engine_root_hash=engine_root_hash,
            # Results belong to the bytes that were measured: those of the base are not taken over.
            evaluations=results,
            bom_sha256=_NOT_YET,
            minimum_sequence=minimum,
            notes=request.notes,
        )
        return manifest, system
    except ValidationError as problem:
        first = problem.errors(include_url=False, include_context=False, include_input=False)[0]
        place = ".".join(str(each) for each in first["loc"])
        raise UsageError(f"this is no release: {place}: {first['msg']}"[:400], hint="correct that option") from None


def _engine_and_system(
    request: Request, base: ReleaseManifest | None, parts: _Parts, cached: Cached
) -> tuple[Engine, OsPart, str | None]:  # fmt: skip
    """The engine follows from the form of the drafting weights, the OS image from the engine."""
    profiles = tuple(dict.fromkeys(request.os_profiles))
    drafting = parts.models.get("drafting")
    if drafting is not None:
        engine: Engine = "llama.cpp" if drafting.form == "gguf" else "vllm"
        if wrong := [each for each in profiles if each != OS_OF[engine]]:
            raise UsageError(
                f"{drafting.name} ({drafting.form}) runs with {engine}, which the OS image {wrong[0]} does not have",
                hint=f"--os {OS_OF[engine]}",
            )
    elif base is not None and not profiles:
        engine = base.engine
    else:
        profiles = profiles or tuple(cached.built_systems())
        if not profiles:
            raise RefusedError("no OS image was built", hint="fleetctl image build")
        engine = "vllm" if set(profiles) == {"gpu"} else "llama.cpp"
    if base is not None and not profiles and not request.with_os:
        if base.engine != engine:
            raise UsageError(
                f"{request.base} is for {base.engine}, the new drafting model for {engine}",
                hint=f"--os {OS_OF[engine]}",
            )
        kept = OsPart(
            base.usr_root_hashes, base.appliance_version, base.prompts, base.code_tables, carried=base.system
        )  # fmt: skip
        return engine, kept, base.engine_root_hash
    system = cached.system(profiles or (OS_OF[engine],), carried=request.with_os)
    needs_engine = engine == "vllm" and drafting is not None
    return engine, system, cached.engine_root_hash() if needs_engine else None


def _placed(model: ImageComponent, parts: _Parts, store: ReleaseStore, progress: Progress) -> str:
    """The image in the store, verified there."""
    with progress.step(f"image of {model.name}") as step:
        count = step.counter(model.size_bytes, "verified")
        if model.root_hash in parts.paths:
            there = lies_there(model, store, count)
            how = "there" if there else place(parts.paths[model.root_hash], model, store, count)
        else:
            how = "there"
            try:
                check_image(store.image(model.root_hash), model, count)
            except VerificationError as error:
                option = f"--{model.task}" if isinstance(model, ModelComponent) else "--adapter"
                again = f"{option} {model.name}" if not isinstance(model, CodePackComponent) else "--code-pack FILE"
                raise RefusedError(
                    error.message, hint=f"fleetctl release import PATH, or {again} to take it anew"
                ) from None
        step.result(how)
    return how


def _placed_system(
    system: SystemComponent, chosen: OsPart, store: ReleaseStore, progress: Progress
) -> str:  # fmt: skip
    """The operating system's file in the store, verified there."""
    with progress.step(f"{system.name}, {system.size_bytes:,} bytes") as step:
        if chosen.packed is not None:
            how = "there" if lies_there(system, store) else place_system(chosen.packed, store)
        else:
            how = "there"
            try:
                check_component(store.image(system.root_hash), system)
            except VerificationError as error:
                raise RefusedError(
                    error.message, hint="fleetctl release import PATH, or --with-os to take the built image"
                ) from None
        step.result(how)
    return how


def _write(folder: Path, manifest: ReleaseManifest, bom: bytes) -> None:
    """The draft's folder, whole: its name appears when everything in it is on the disk."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    # Beside the drafts, so that what a cut off run leaves is none; there is one, because one build runs at a time.
    work = folder.parent.parent / ".draft.new"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    atomic.write_bytes(work / BOM, bom)
    atomic.write_bytes(work / RELEASE, manifest.content())
    work.rename(folder)
    atomic.sync_directory(folder.parent)

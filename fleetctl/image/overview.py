"""Which images of a fleet are built, and whether they are up to date."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel

from fleetctl.image.cache import ImageCache
from fleetctl.image.catalogue import read_catalogue
from fleetctl.image.engine import ENGINE
from fleetctl.image.jobs import engine_job, image_job, model_job
from fleetctl.image.manifest import EngineManifest, ImageManifest, ModelManifest, read_manifest
from fleetctl.image.mkosi import PROFILES
from fleetctl.models.fleetdir import FleetDir
from fleetctl.trust.passphrase import Passphrase


class ImageState(BaseModel):
    """One image: `state` is current, outdated or absent; own for a site's own weights."""

    kind: str
    name: str
    state: str
    version: str | None
    root_hash: str | None
    size_bytes: int | None
    path: Path | None


def overview(fleet: FleetDir, cache: ImageCache) -> list[ImageState]:
    """Every OS profile, the engine of GPU sites, every model of the catalogue and the fleet's own. Reads only."""
    states = []
    for profile in PROFILES:
        job = image_job(fleet, profile, None, cache, _no_passphrase)
        built = read_manifest(job.manifest_path, ImageManifest)
        path = job.output_dir / f"{job.name}.raw"
        states.append(
            ImageState(
                kind="os",
                name=job.name,
                state=_state(built, job.current()),
                version=built.version if built else None,
                root_hash=built.usr_root_hash if built else None,
                size_bytes=_allocated(path) if built else None,
                path=path if built else None,
            )
        )
    engine = engine_job(fleet, None, cache, _no_passphrase)
    laid = read_manifest(engine.manifest_path, EngineManifest)
    states.append(
        ImageState(
            kind="engine",
            name=ENGINE,
            state=_state(laid, engine.current()),
            version=laid.name.removeprefix(f"{ENGINE}-") if laid else None,
            root_hash=laid.root_hash if laid else None,
            size_bytes=laid.size_bytes if laid else None,
            path=engine.image if laid else None,
        )
    )
    for name in read_catalogue().spec.models:
        model = model_job(fleet, name, None, cache, _no_passphrase)
        packed = read_manifest(model.manifest_path, ModelManifest)
        states.append(
            ImageState(
                kind="model",
                name=name,
                state=_state(packed, model.current()),
                version=None,
                root_hash=packed.root_hash if packed else None,
                size_bytes=packed.size_bytes if packed else None,
                path=model.image if packed else None,
            )
        )
    return [*states, *_own_models(cache.models(fleet.fleet.name))]


def _own_models(folder: Path) -> list[ImageState]:
    """A site's own weights (`release import-model`): made once, and made anew only by importing them again."""
    packed = [read_manifest(path, ModelManifest) for path in sorted(folder.glob("*.json"))]
    return [
        ImageState(
            kind="model",
            name=each.name,
            state="own",
            version=None,
            root_hash=each.root_hash,
            size_bytes=each.size_bytes,
            path=folder / f"{each.name}.raw",
        )
        for each in packed
        if each is not None and each.own_for is not None and (folder / f"{each.name}.raw").is_file()
    ]


def _state(built: object, current: object) -> str:
    if built is None:
        return "absent"
    return "current" if current is not None else "outdated"


def _allocated(path: Path) -> int | None:
    """What the file takes on the disk: a disk image is mostly holes."""
    return path.stat().st_blocks * 512 if path.is_file() else None


def _no_passphrase() -> Passphrase:
    # A read never opens a key.
    raise AssertionError("reading the state of images asked for a passphrase")

"""Puts a build together from the fleet, its keys, this installation and the cache; what each command runs."""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import cache
from pathlib import Path

import fleetctl
from fleetctl.errors import ConfigError, UsageError
from fleetctl.image.build import ImageBuild, build_image
from fleetctl.image.buildlock import build_lock
from fleetctl.image.cache import ImageCache
from fleetctl.image.catalogue import read_catalogue
from fleetctl.image.engine import EngineBuild, build_engine
from fleetctl.image.manifest import EngineManifest, ImageManifest, ModelManifest
from fleetctl.image.mirrors import Mirrors, read_mirrors
from fleetctl.image.mkosi import ImageProfile
from fleetctl.image.model import ModelBuild, build_model
from fleetctl.image.packing import pack
from fleetctl.image.tools import ToolsTree, ensure_tools
from fleetctl.models.fleetdir import FleetDir
from fleetctl.models.profile import GpuRequirement
from fleetctl.phases.service_settings import gpu_settings
from fleetctl.report.progress import Progress
from fleetctl.resources import resource_dir
from fleetctl.trust.keystore import PrivateName
from fleetctl.trust.passphrase import Passphrase
from fleetctl.version import __version__

# Asked only when something is signed: finding an image up to date needs no passphrase.
AskPassphrase = Callable[[], Passphrase]
# A local version (PEP 440), which systemd sorts above the version without one.
_EDITION = re.compile(r"^[a-z0-9](?:[a-z0-9.]{0,10}[a-z0-9])?$")


def image_job(
    fleet: FleetDir,
    profile: ImageProfile,
    output_dir: Path | None,
    store: ImageCache,
    ask: AskPassphrase,
    edition: str = "",
) -> ImageBuild:
    """What building the OS image of `fleet` takes. `edition` tells images of one version apart. Raises `UsageError`."""
    if edition and not _EDITION.match(edition):
        raise UsageError(f"--edition {edition[:40]!r} is none", hint="a-z, 0-9 and ., at most 12: for instance 2")
    images = resource_dir("images")
    return ImageBuild(
        profile=profile,
        version=f"{__version__}+{edition}" if edition else __version__,
        recipe=images / "edge",
        lock=images / "appliance.lock",
        engine_lock=images / "vllm.lock",
        package=appliance_package(),
        output_dir=output_dir or store.images(fleet.fleet.name),
        build=store.build,
        certificate=fleet.keys.path("secureboot.crt"),
        pcr_public=fleet.keys.path("pcr.pub"),
        unlocked=_unlocked(fleet, ask, "secureboot.key", "pcr.key"),
        log_path=_log_path(store, f"edge-{profile}"),
    )


def model_job(fleet: FleetDir, name: str, output_dir: Path | None, store: ImageCache, ask: AskPassphrase) -> ModelBuild:
    """What building the model `name` takes. Raises `UsageError` if the catalogue does not have it."""
    return ModelBuild(
        name=name,
        entry=read_catalogue().entry(name),
        output_dir=output_dir or store.models(fleet.fleet.name),
        build=store.build,
        certificate=fleet.keys.path("secureboot.crt"),
        unlocked=_unlocked(fleet, ask, "secureboot.key"),
        log_path=_log_path(store, name),
    )


def engine_job(fleet: FleetDir, output_dir: Path | None, store: ImageCache, ask: AskPassphrase) -> EngineBuild:
    """What building the engine image of GPU sites takes."""
    images = resource_dir("images")
    gpus = _gpus(fleet)
    return EngineBuild(
        lock=images / "vllm.lock",
        recipe=images / "engine",
        package=appliance_package(),
        sites=[gpu_settings(gpu, {}, drafting=True)["drafting"] for gpu in gpus],
        capabilities=sorted({gpu.min_compute_capability for gpu in gpus if gpu.min_compute_capability}),
        output_dir=output_dir or store.engines(fleet.fleet.name),
        build=store.build,
        certificate=fleet.keys.path("secureboot.crt"),
        unlocked=_unlocked(fleet, ask, "secureboot.key"),
        log_path=_log_path(store, "engine"),
    )


def run_image(job: ImageBuild, store: ImageCache, progress: Progress, *, refresh: bool = False) -> ImageManifest:
    """The image, built unless it is up to date."""
    if not refresh and (manifest := job.current()):
        progress.line(f"{job.name} {manifest.version} is up to date: {job.output_dir / job.name}.raw")
        return manifest
    _try_passphrase(job.unlocked)
    with _workshop(store, job.log_path, progress) as (tools, mirrors):
        return build_image(job, tools, mirrors, progress, refresh=refresh)


def run_model(job: ModelBuild, store: ImageCache, progress: Progress) -> ModelManifest:
    """The model image, built unless it is up to date."""
    if manifest := job.current():
        progress.line(f"{job.name} is up to date: {job.image}")
        return manifest
    _try_passphrase(job.unlocked)
    with _workshop(store, job.log_path, progress) as (tools, _):
        return build_model(job, tools, progress)


def run_engine(job: EngineBuild, store: ImageCache, progress: Progress) -> EngineManifest:
    """The engine image, built unless it is up to date."""
    if manifest := job.current():
        progress.line(f"{manifest.name} is up to date: {job.image}")
        return manifest
    _try_passphrase(job.unlocked)
    with _workshop(store, job.log_path, progress) as (tools, mirrors):
        return build_engine(job, tools, mirrors, progress)


@contextmanager
def packing(
    fleet: FleetDir, name: str, store: ImageCache, ask: AskPassphrase, progress: Progress
) -> Iterator[Callable[[Path, uuid.UUID], Path]]:
    """The build lock held and a packer ready: work folder (with `files`) and seed → signed image, see `pack`."""
    unlocked, log_path = _unlocked(fleet, ask, "secureboot.key"), _log_path(store, name)
    _try_passphrase(unlocked)
    certificate = fleet.keys.path("secureboot.crt")
    with _workshop(store, log_path, progress) as (tools, _):
        yield lambda work, seed: pack(work, name, seed, unlocked, certificate, tools, log_path=log_path)


def _gpus(fleet: FleetDir) -> list[GpuRequirement]:
    """The cards of every GPU profile, of ours and of the fleet's own."""
    profiles = (fleet.profile(name) for name in fleet.profile_paths())
    return [profile.spec.gpus[0] for profile in profiles if profile.spec.gpus]


@contextmanager
def _workshop(store: ImageCache, log_path: Path, progress: Progress) -> Iterator[tuple[ToolsTree, Mirrors]]:
    """The lock held and the tools ready."""
    with build_lock(store.lock_path):
        log_path.parent.mkdir(parents=True, exist_ok=True)
        log_path.write_text(time.strftime("# %Y-%m-%d %H:%M:%S\n"))
        mirrors = read_mirrors()
        with progress.step("tools to build images with") as step:
            tools = ensure_tools(store.build, mirrors, log_path=log_path, on_line=step.update)
        yield tools, mirrors


def _unlocked(fleet: FleetDir, ask: AskPassphrase, *names: PrivateName) -> Callable[[], AbstractContextManager[Path]]:
    once = cache(ask)
    return lambda: fleet.keys.unlocked(once(), names)


def _try_passphrase(unlocked: Callable[[], AbstractContextManager[Path]]) -> None:
    """Ask now, not after minutes of work behind a spinner, and find out now if it is the wrong one."""
    with unlocked():
        pass


def appliance_package() -> Path:
    """The box's code of this installation: what an OS image is made of."""
    # Beside our own package in a checkout and in an installed wheel. Not imported: its code runs on the box only.
    package = Path(fleetctl.__file__).resolve().parent.parent / "appliance"
    if not (package / "__init__.py").is_file():
        raise ConfigError(f"{package} is missing from this installation", hint="install fleetctl again from its wheel")
    return package


def _log_path(store: ImageCache, name: str) -> Path:
    return store.log_dir / f"{name}.log"

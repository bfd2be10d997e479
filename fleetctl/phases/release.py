"""What the operator built for a site: the OS image's root hash, each task's model image, and a GPU site's engine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from appliance.contract.release import AdapterComponent
from appliance.contract.seal import ModelTask, SealedAdapter
from fleetctl.checks.wanted import Wanted, WantedEngine
from fleetctl.errors import ConfigError
from fleetctl.facts.base import Unreadable
from fleetctl.image.cache import ImageCache
from fleetctl.image.cuda import too_old
from fleetctl.image.engine import ENGINE
from fleetctl.image.manifest import EngineManifest, ImageManifest, ModelManifest, read_manifest
from fleetctl.models.profile import HardwareProfile
from fleetctl.models.site import Site
from fleetctl.release.committed import CommittedSet


@dataclass(frozen=True)
class ModelImage:
    """A signed model image on the operator's disk."""

    task: ModelTask
    name: str
    path: Path
    root_hash: str
    sha256: str


@dataclass(frozen=True)
class AdapterImage:
    """The signed image of a LoRA adapter on the operator's disk; `place` is where the drafting unit mounts it."""

    place: int
    adapter: AdapterComponent
    path: Path

    @property
    def sealed(self) -> dict[str, Any]:
        """As it stands in the seal."""
        found = self.adapter
        return SealedAdapter(
            name=found.name, digest=found.digest, root_hash=found.root_hash, rank=found.rank, kinds=found.kinds
        ).model_dump(mode="json")


@dataclass(frozen=True)
class EngineImage:
    """The signed engine image of GPU sites on the operator's disk. `min_driver` is the oldest that its CUDA runs on."""

    name: str
    path: Path
    root_hash: str
    sha256: str
    min_driver: str


@dataclass(frozen=True)
class BuiltRelease:
    """What is to run at a site; a part that was not built yet says so. `engine` is None at a site without GPUs.
    `committed`: the release that a rollout has brought there; its models are these."""

    usr_root_hash: str | Unreadable
    models: Mapping[ModelTask, ModelImage | Unreadable]
    engine: EngineImage | Unreadable | None = None
    committed: str | None = None
    adapters: tuple[AdapterImage, ...] = ()

    @property
    def wanted(self) -> Wanted:
        return Wanted(
            self.usr_root_hash,
            {task: model if isinstance(model, Unreadable) else model.root_hash for task, model in self.models.items()},
            WantedEngine(self.engine.root_hash, self.engine.min_driver)
            if isinstance(self.engine, EngineImage)
            else self.engine,
            self.committed,
        )

    def need_models(self) -> tuple[ModelImage, ...]:
        """The image of every task of the site; `ConfigError` when one was not built."""
        images = []
        for model in self.models.values():
            if isinstance(model, Unreadable):
                raise ConfigError(model.reason, hint="fleetctl image model NAME builds it")
            if self.committed and not model.path.is_file():
                raise ConfigError(
                    f"the image of {model.name} is not on this machine: {model.path}",
                    hint="fleetctl release import brings the release's images; fleetctl image model NAME builds one",
                )
            images.append(model)
        return tuple(images)

    def need_adapters(self) -> tuple[AdapterImage, ...]:
        """The image of every adapter of the committed release; `ConfigError` when one is not on this machine."""
        for each in self.adapters:
            if not each.path.is_file():
                raise ConfigError(
                    f"the image of the adapter {each.adapter.name} is not on this machine: {each.path}",
                    hint="fleetctl release import brings the release's images",
                )
        return self.adapters

    def need_engine(self) -> EngineImage | None:
        """The engine image of a site with GPUs; `ConfigError` when none was built."""
        if isinstance(self.engine, Unreadable):
            raise ConfigError(self.engine.reason, hint="fleetctl image engine builds it")
        return self.engine

    def need_usr_root_hash(self) -> str:
        """The root hash of /usr; `ConfigError` when no image was built."""
        if isinstance(self.usr_root_hash, Unreadable):
            raise ConfigError(self.usr_root_hash.reason, hint="fleetctl image build")
        return self.usr_root_hash


def built_release(
    site: Site, profile: HardwareProfile, fleet: str, cache: ImageCache, committed: CommittedSet | None = None
) -> BuiltRelease:
    """What the manifests beside this fleet's images say. `committed`: what a rollout has brought there: the models, and
    the operating system where the release had one."""
    image = cache.images(fleet) / f"edge-{'gpu' if profile.spec.gpus else 'lab'}.json"
    built = read_manifest(image, ImageManifest)
    brought = committed.manifest.system if committed is not None else None
    return BuiltRelease(
        brought.root_hash
        if brought is not None
        else built.usr_root_hash
        if built
        else Unreadable("image", f"no finished image: {image} is not there or not readable"),
        _committed_models(committed)
        if committed is not None
        else {task: _model_image(task, name, cache.models(fleet)) for task, name in site.spec.release.models().items()},
        _engine_image(cache.engines(fleet), built) if profile.spec.gpus else None,
        committed.manifest.name if committed is not None else None,
        _committed_adapters(committed) if committed is not None else (),
    )


def _committed_adapters(committed: CommittedSet) -> tuple[AdapterImage, ...]:
    return tuple(
        AdapterImage(place, each, committed.image(each.root_hash))
        for place, each in enumerate(committed.manifest.adapters)
    )


def _committed_models(committed: CommittedSet) -> Mapping[ModelTask, ModelImage | Unreadable]:
    # Known by the manifest, whether or not the image is on this machine: who copies it finds out.
    return {
        model.task: ModelImage(model.task, model.name, committed.image(model.root_hash), model.root_hash, model.sha256)
        for model in committed.manifest.models
    }


def _engine_image(folder: Path, os_image: ImageManifest | None) -> EngineImage | Unreadable:
    """The engine, if the driver of the OS image beside it can run it."""
    path = folder / f"{ENGINE}.json"
    packed = read_manifest(path, EngineManifest)
    if packed is None:
        return Unreadable("engine", f"no finished engine image: {path} is not there or not readable")
    if os_image is not None and (why := too_old(os_image.driver, packed.min_driver)):
        return Unreadable("engine", f"{packed.name} does not run on the OS image {os_image.version}: {why}")
    return EngineImage(packed.name, folder / f"{ENGINE}.raw", packed.root_hash, packed.sha256, packed.min_driver)


def _model_image(task: ModelTask, name: str, folder: Path) -> ModelImage | Unreadable:
    # Not with_suffix: "whisper-tiny.en" has a dot of its own.
    manifest = folder / f"{name}.json"
    packed = read_manifest(manifest, ModelManifest)
    if packed is None:
        return Unreadable("model", f"no finished model image: {manifest} is not there or not readable")
    return ModelImage(task, name, folder / f"{name}.raw", packed.root_hash, packed.sha256)

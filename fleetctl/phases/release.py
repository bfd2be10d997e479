"""What the operator built for a site: the OS image's root hash, and the model image with its digest."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from fleetctl.checks.context import Wanted
from fleetctl.errors import ConfigError
from fleetctl.facts.base import Unreadable
from fleetctl.image.cache import ImageCache
from fleetctl.image.manifest import ImageManifest, ModelManifest, read_manifest
from fleetctl.models.profile import HardwareProfile
from fleetctl.models.site import Site


@dataclass(frozen=True)
class ModelImage:
    """A signed model image on the operator's disk."""

    name: str
    path: Path
    root_hash: str
    sha256: str


@dataclass(frozen=True)
class BuiltRelease:
    """What is to run at a site; a part that was not built yet says so."""

    usr_root_hash: str | Unreadable
    model: ModelImage | Unreadable

    @property
    def wanted(self) -> Wanted:
        model = self.model
        return Wanted(self.usr_root_hash, model if isinstance(model, Unreadable) else model.root_hash)

    def need_model(self) -> ModelImage:
        """The model image; `ConfigError` when it was not built."""
        if isinstance(self.model, Unreadable):
            raise ConfigError(self.model.reason, hint="fleetctl image model NAME builds it")
        return self.model

    def need_usr_root_hash(self) -> str:
        """The root hash of /usr; `ConfigError` when no image was built."""
        if isinstance(self.usr_root_hash, Unreadable):
            raise ConfigError(self.usr_root_hash.reason, hint="fleetctl image build")
        return self.usr_root_hash


def built_release(site: Site, profile: HardwareProfile, fleet: str, cache: ImageCache) -> BuiltRelease:
    """What the manifests beside this fleet's images say."""
    image = cache.images(fleet) / f"edge-{'gpu' if profile.spec.gpus else 'lab'}.json"
    name = site.spec.release.transcription
    # Not with_suffix: "whisper-tiny.en" has a dot of its own.
    model = cache.models(fleet) / f"{name}.json"
    built, packed = read_manifest(image, ImageManifest), read_manifest(model, ModelManifest)
    return BuiltRelease(
        built.usr_root_hash
        if built
        else Unreadable("image", f"no finished image: {image} is not there or not readable"),
        ModelImage(name, model.with_name(f"{name}.raw"), packed.root_hash, packed.sha256)
        if packed
        else Unreadable("model", f"no finished model image: {model} is not there or not readable"),
    )

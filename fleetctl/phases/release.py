"""What the operator built for a site: the OS image's root hash, and the model image with its digest."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fleetctl.checks.context import Wanted
from fleetctl.errors import ConfigError
from fleetctl.facts.base import Unreadable
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


def cache_dir() -> Path:
    """$FLEETCTL_CACHE_DIR, or fleetctl under the XDG cache folder: where `fleetctl image` leaves what it built."""
    named = os.environ.get("FLEETCTL_CACHE_DIR")
    if named:
        return Path(named).resolve()
    base = Path(os.environ.get("XDG_CACHE_HOME", ""))
    return (base if base.is_absolute() else Path.home() / ".cache") / "fleetctl"


def built_release(site: Site, profile: HardwareProfile, fleet: str, cache: Path) -> BuiltRelease:
    """Read the manifests beside the images that were built for this fleet."""
    image_profile = "gpu" if profile.spec.gpus else "lab"
    model = site.spec.release.transcription
    image_manifest = cache / "images" / fleet / f"edge-{image_profile}.json"
    model_manifest = cache / "models" / fleet / f"{model}.json"
    return BuiltRelease(_usr_root_hash(image_manifest), _model(model, model_manifest))


def _usr_root_hash(path: Path) -> str | Unreadable:
    manifest = _manifest(path, "image")
    if isinstance(manifest, Unreadable):
        return manifest
    digest = manifest.get("usr_root_hash")
    return digest if isinstance(digest, str) and digest else Unreadable("image", f"{path} names no usr_root_hash")


def _model(name: str, path: Path) -> ModelImage | Unreadable:
    manifest = _manifest(path, "model")
    if isinstance(manifest, Unreadable):
        return manifest
    root_hash, sha256 = manifest.get("root_hash"), manifest.get("sha256")
    if not isinstance(root_hash, str) or not isinstance(sha256, str):
        return Unreadable("model", f"{path} names no root_hash or no sha256")
    # Not with_suffix alone on the name: "whisper-tiny.en" has a dot of its own.
    return ModelImage(name, path.with_name(f"{name}.raw"), root_hash, sha256)


def _manifest(path: Path, what: str) -> dict[str, Any] | Unreadable:
    try:
        manifest = json.loads(path.read_bytes())
    except FileNotFoundError:
        return Unreadable(what, f"no {what} was built: {path} is not there")
    except (OSError, ValueError) as problem:
        return Unreadable(what, f"{path}: {problem}")
    return manifest if isinstance(manifest, dict) else Unreadable(what, f"{path} is no manifest")

"""Which OS image a virtual site is copied from."""

from __future__ import annotations

from pathlib import Path

from fleetctl.errors import ConfigError
from fleetctl.image.cache import ImageCache
from fleetctl.image.manifest import ImageManifest, read_manifest
from fleetctl.lab.record import ImageSource

PROFILE = "lab"
_BUILD = f"fleetctl image build --profile {PROFILE}"


def cache_dir() -> Path:
    """Where large things that can be made again are kept on this machine."""
    return ImageCache.default().root


def default_image(fleet: str) -> Path:
    """Where `fleetctl image build` leaves the lab image of this fleet."""
    return ImageCache.default().images(fleet) / f"edge-{PROFILE}.raw"


def image_source(raw: Path, *, finished: bool) -> ImageSource:
    """Name an image by the manifest beside it. Raises ConfigError when there is no image.

    With `finished`, the manifest must be there: a build writes it last. An image that a person brings from elsewhere
    may lack it; what it is stays unknown then, and is shown as that.
    """
    if not raw.is_file():
        raise ConfigError(f"there is no image {raw}", hint=f"{_BUILD}, or name one: --image FILE")
    manifest = read_manifest(raw.with_suffix(".json"), ImageManifest)
    if manifest is not None:
        return ImageSource(path=str(raw.resolve()), version=manifest.version, usr_root_hash=manifest.usr_root_hash)
    if finished:
        raise ConfigError(f"{raw} has no readable manifest beside it, so its build did not finish", hint=_BUILD)
    return ImageSource(path=str(raw.resolve()))

"""Which OS image a virtual site is copied from."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from fleetctl.errors import ConfigError
from fleetctl.lab.record import ImageSource

PROFILE = "lab"


def cache_dir() -> Path:
    """Where large things that can be made again are kept on this machine."""
    named = os.environ.get("FLEETCTL_CACHE_DIR")
    if named:
        return Path(named).absolute()
    base = Path(os.environ.get("XDG_CACHE_HOME", ""))
    return (base if base.is_absolute() else Path.home() / ".cache") / "fleetctl"


def default_image(fleet: str) -> Path:
    """Where `fleetctl image build --profile lab` leaves the image of this fleet."""
    return cache_dir() / "images" / fleet / f"edge-{PROFILE}.raw"


def image_source(raw: Path) -> ImageSource:
    """Name an image by the manifest beside it. Raises ConfigError when the image or a readable manifest is missing."""
    if not raw.is_file():
        raise ConfigError(
            f"there is no image {raw}", hint=f"fleetctl image build --profile {PROFILE}, or name one: --image"
        )
    manifest = raw.with_suffix(".json")
    try:
        words: dict[str, Any] = json.loads(manifest.read_text(encoding="utf-8"))
        return ImageSource(
            path=str(raw.resolve()), version=str(words["version"]), usr_root_hash=str(words["usr_root_hash"])
        )
    except FileNotFoundError:
        # An image from elsewhere is fine to try out; what it is stays unknown and is shown as that.
        return ImageSource(path=str(raw.resolve()))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(
            f"{manifest} does not describe an image: {error!r}",
            hint=f"fleetctl image build --profile {PROFILE} writes it again",
        ) from error

"""Finds the data folders (playbooks, images, hardware) in a checkout and in an installed wheel."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from fleetctl.errors import ConfigError

DataFolder = Literal["playbooks", "images", "hardware"]

_PACKAGE = Path(__file__).resolve().parent


def resource_dir(name: DataFolder) -> Path:
    """The folder `name`. The wheel carries it as `fleetctl/_data/name`; in a checkout it stands beside the package."""
    installed = _PACKAGE / "_data" / name
    if installed.is_dir():
        return installed
    checkout = _PACKAGE.parent / name
    if checkout.is_dir() and (_PACKAGE.parent / "pyproject.toml").is_file():
        return checkout
    raise ConfigError(
        f"the data folder {name} is missing from this installation",
        hint="install fleetctl from its wheel again, or run it from a complete checkout",
    )

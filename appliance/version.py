"""What runs here: the version of the appliance's package and of the image."""

import importlib.metadata
import platform


def appliance_version() -> str:
    """Return the version of the installed package that holds this code."""
    try:
        return importlib.metadata.version("fleetctl")
    except importlib.metadata.PackageNotFoundError:
        return "unknown"


def image_version() -> str | None:
    """Return the image's version from os-release, or None when this is no image of ours."""
    try:
        return platform.freedesktop_os_release().get("IMAGE_VERSION")
    except OSError:
        return None

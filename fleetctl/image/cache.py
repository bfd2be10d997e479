"""Where built images and what they are made from lie on the build machine."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class ImageCache:
    """The cache directory; everything below it can be deleted and made again. No key is ever written here."""

    root: Path

    @classmethod
    def default(cls) -> ImageCache:
        """`$FLEETCTL_CACHE_DIR`, else `fleetctl` in the XDG cache directory."""
        if own := os.environ.get("FLEETCTL_CACHE_DIR"):
            return cls(Path(own).resolve())
        xdg = Path(os.environ.get("XDG_CACHE_HOME", ""))
        # The XDG specification: a relative value is to be ignored.
        return cls((xdg if xdg.is_absolute() else Path.home() / ".cache") / "fleetctl")

    def images(self, fleet: str) -> Path:
        """Finished OS images of a fleet."""
        return self.root / "images" / fleet

    def models(self, fleet: str) -> Path:
        """Finished model images of a fleet."""
        return self.root / "models" / fleet

    def adapters(self, fleet: str) -> Path:
        """Finished images of LoRA adapters of a fleet."""
        return self.root / "adapters" / fleet

    def engines(self, fleet: str) -> Path:
        """Finished engine images of a fleet."""
        return self.root / "engines" / fleet

    @property
    def build(self) -> Path:
        """What a build needs and leaves behind: tools, downloads, work in progress. One build at a time writes here."""
        return self.root / "build"

    @property
    def lock_path(self) -> Path:
        return self.build / "lock"

    @property
    def log_dir(self) -> Path:
        return self.build / "log"

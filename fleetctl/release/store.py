"""Where releases lie: the signed repository in the fleet directory, drafts beside it, images outside of git."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from fleetctl.errors import ConfigError, VerificationError
from fleetctl.models.fleetdir import FleetDir


@dataclass(frozen=True)
class ReleaseStore:
    """The places of one fleet. `releases/` is part of the fleet directory: small, public, signed, under git."""

    fleet: FleetDir

    @property
    def folder(self) -> Path:
        """All that belongs into git."""
        return self.fleet.path / "releases"

    @property
    def metadata(self) -> Path:
        """TUF metadata: N.root.json …, timestamp.json."""
        return self.folder / "metadata"

    @property
    def targets(self) -> Path:
        """TUF targets: CHANNEL/NAME/release.json and bom.json."""
        return self.folder / "targets"

    @property
    def drafts(self) -> Path:
        """Releases that are built and in no channel: NAME/release.json and bom.json."""
        return self.folder / "drafts"

    @property
    def images(self) -> Path:
        """ROOT_HASH.raw, for every model image of a release that is kept."""
        return self.fleet.state_dir / "releases" / "images"

    def image(self, root_hash: str) -> Path:
        """Where an image lies, or would."""
        return self.images / f"{root_hash}.raw"


def bounded(path: Path, limit: int, hint: str) -> bytes:
    """A small file of the fleet directory. Raises `ConfigError` when it cannot be read, `VerificationError` when it has
    more than `limit` bytes; `hint` is what to do then."""
    try:
        with path.open("rb") as file:
            content = file.read(limit + 1)
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}", hint=hint) from None
    if len(content) > limit:
        raise VerificationError(f"{path} has more than {limit:,} bytes", hint=hint)
    return content

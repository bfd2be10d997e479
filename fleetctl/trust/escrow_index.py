"""`escrow/<site>/volumes.yaml`: which volume an escrow file opens. A machine that does not boot cannot be asked."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import Field

from fleetctl import atomic
from fleetctl.models.base import StrictModel
from fleetctl.models.load import load

INDEX_NAME = "volumes.yaml"
_HEADER = "# Written by fleetctl: which volume the files here open.\n"


class VolumeName(StrEnum):
    """The encrypted volumes of a site."""

    root = "root"
    state = "state"


class IndexEntry(StrictModel):
    """One escrow file. The time is the operator's: a machine's clock may be off, and the newest file counts."""

    luks_uuid: Annotated[str, Field(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")]
    volume: Annotated[VolumeName, Field(strict=False)]
    stored_at: Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$", description="UTC, so text sorts.")]


class EscrowIndex(StrictModel):
    """The whole file, in the order in which keys came into escrow."""

    volumes: list[IndexEntry] = Field(default_factory=list)

    @classmethod
    def read(cls, directory: Path) -> EscrowIndex:
        """The index of a site's escrow folder, empty without a file. Raises ConfigError for a damaged one."""
        path = directory / INDEX_NAME
        return load(path, cls) if path.exists() else cls()

    def with_entry(self, luks_uuid: str, volume: VolumeName) -> EscrowIndex:
        """The index with this volume as its newest."""
        stored_at = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        others = [entry for entry in self.volumes if entry.luks_uuid != luks_uuid]
        return EscrowIndex(volumes=[*others, IndexEntry(luks_uuid=luks_uuid, volume=volume, stored_at=stored_at)])

    def names(self, luks_uuid: str, volume: VolumeName) -> bool:
        """Whether the index says so already."""
        return any((entry.luks_uuid, entry.volume) == (luks_uuid, volume) for entry in self.volumes)

    def newest(self, volume: VolumeName) -> str | None:
        """LUKS UUID of the volume of this name that came into escrow last; None when the index names none."""
        entries = [(entry.stored_at, number, entry.luks_uuid) for number, entry in enumerate(self.volumes)]
        named = [key for key, entry in zip(entries, self.volumes, strict=True) if entry.volume is volume]
        return max(named)[2] if named else None

    def write(self, directory: Path) -> None:
        """Replace the file durably."""
        text = yaml.safe_dump(self.model_dump(mode="json"), sort_keys=False)
        atomic.write_text(directory / INDEX_NAME, _HEADER + text)

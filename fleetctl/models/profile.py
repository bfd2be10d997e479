"""Hardware profiles: what a host must have. Built-in ones live in hardware/, a fleet's own in its profiles/."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from fleetctl.models.base import Resource, StrictModel
from fleetctl.resources import resource_dir

CpuFlag = Annotated[str, Field(pattern=r"^[a-z0-9_]+$", description="A flag as in /proc/cpuinfo, like avx2.")]

# md needs this many disks for the level to survive the loss of one.
LEVEL_MIN_DISKS = {"raid1": 2, "raid10": 4}


class CpuRequirement(StrictModel):
    """Processor."""

    min_cores: int = Field(ge=1, description="Logical cores.")
    instruction_sets: list[CpuFlag] = Field(default_factory=list, description="Flags of /proc/cpuinfo it must have.")


class MemoryRequirement(StrictModel):
    """Main memory."""

    min_mib: int = Field(ge=512, description="MemTotal of /proc/meminfo: what is left after firmware and kernel.")


class Requirement(StrictModel):
    """A feature that a host has or not."""

    required: bool


class StorageRequirement(StrictModel):
    """Disks of the state volume. The system disk is not among them."""

    level: Literal["raid1", "raid10"]
    min_disks: int = Field(ge=2, le=64)
    min_disk_gib: float = Field(gt=0, description="Size of the smallest one.")
    encryption: Literal["software"] = Field(description="LUKS2 on top of the array.")

    @model_validator(mode="after")
    def _level_possible(self) -> StorageRequirement:
        least = LEVEL_MIN_DISKS[self.level]
        if self.min_disks < least:
            raise ValueError(f"{self.level} needs min_disks of at least {least}")
        return self


class GpuRequirement(StrictModel):
    """Accelerators of one kind."""

    model: str = Field(min_length=1, description="Product name as NVML reports it.")
    count: int = Field(ge=1, le=16)
    min_memory_mib: int = Field(ge=1)


class HardwareProfileSpec(StrictModel):
    """What a host must have."""

    description: str = Field(min_length=1, max_length=200)
    cpu: CpuRequirement
    memory: MemoryRequirement
    tpm2: Requirement
    secure_boot: Requirement
    storage: StorageRequirement
    gpus: list[GpuRequirement] = Field(default_factory=list)


class HardwareProfile(Resource):
    """One kind of server."""

    kind: Literal["HardwareProfile"]
    spec: HardwareProfileSpec


def builtin_profile_paths() -> dict[str, Path]:
    """Name → file of the profiles that come with fleetctl."""
    return {path.stem: path for path in sorted(resource_dir("hardware").glob("*.yaml"))}

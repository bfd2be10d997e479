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

    required: bool = Field(description="Whether a host without it is refused.")


class StorageRequirement(StrictModel):
    """Disks of the state volume. The system disk is not among them."""

    level: Literal["raid1", "raid10"] = Field(description="How md joins the disks.")
    min_disks: int = Field(ge=2, le=64, description="raid1 wants 2, raid10 wants 4.")
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
    count: int = Field(ge=1, le=16, description="How many of them.")
    min_memory_mib: int = Field(ge=1, description="Memory of each.")


class HardwareProfileSpec(StrictModel):
    """What a host must have."""

    description: str = Field(min_length=1, max_length=200, description="One line for people.")
    cpu: CpuRequirement
    memory: MemoryRequirement
    tpm2: Requirement = Field(description="A TPM of version 2.")
    secure_boot: Requirement = Field(description="UEFI Secure Boot, switched on.")
    storage: StorageRequirement
    gpus: list[GpuRequirement] = Field(default_factory=list)


class HardwareProfile(Resource):
    """One kind of server."""

    kind: Literal["HardwareProfile"] = Field(description="What this file is.")
    spec: HardwareProfileSpec


def builtin_profile_paths() -> dict[str, Path]:
    """Name → file of the profiles that come with fleetctl."""
    return {path.stem: path for path in sorted(resource_dir("hardware").glob("*.yaml"))}

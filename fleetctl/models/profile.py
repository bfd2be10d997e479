"""Hardware profiles: what a host must have. Built-in ones live in hardware/, a fleet's own in its profiles/.

A profile states requirements and names reference parts. A machine is refused for a requirement that it misses, never
for another part that meets it; the difference is shown.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from fleetctl.models.base import Name, Resource, StrictModel
from fleetctl.resources import resource_dir

CpuFlag = Annotated[str, Field(pattern=r"^[a-z0-9_]+$", description="A flag as in /proc/cpuinfo, like avx2.")]
# NVIDIA's driver numbers, like 550.54.15; compared part by part.
DriverVersion = Annotated[str, Field(pattern=r"^[0-9]{1,4}(\.[0-9]{1,4}){1,2}$")]
ComputeCapability = Annotated[str, Field(pattern=r"^[0-9]{1,2}\.[0-9]$")]
Line = Annotated[str, Field(min_length=1, max_length=200)]

# md needs this many disks for the level to survive the loss of one.
LEVEL_MIN_DISKS = {"raid1": 2, "raid10": 4}


class ChassisReference(StrictModel):
    """The server that the profile was written for, as its firmware names it (SMBIOS type 1)."""

    vendor: Line = Field(description="Manufacturer, like Dell Inc.")
    product: Line = Field(description="Product name, like PowerEdge R760xa.")


class CpuRequirement(StrictModel):
    """Processor."""

    min_cores: int = Field(ge=1, le=4096, description="Physical cores of all sockets together.")
    instruction_sets: list[CpuFlag] = Field(default_factory=list, description="Flags of /proc/cpuinfo it must have.")
    reference: Line | None = Field(default=None, description="Reference part: a piece of the model name in cpuinfo.")


class Requirement(StrictModel):
    """A feature that a host has or not."""

    required: bool = Field(description="Whether a host without it is refused.")


_NOT_REQUIRED = Requirement(required=False)


class MemoryRequirement(StrictModel):
    """Main memory."""

    min_mib: int = Field(ge=512, description="MemTotal of /proc/meminfo: what is left after firmware and kernel.")
    min_installed_gib: int | None = Field(default=None, ge=1, description="Sum of the modules, as SMBIOS lists them.")
    module_type: Line | None = Field(default=None, description="Type of the modules, like DDR5.")
    ecc: Requirement = Field(default=_NOT_REQUIRED, description="Error correction of the modules' array.")
    encryption: Requirement = Field(
        default=_NOT_REQUIRED, description="Memory encryption (Intel TME or MKTME, AMD SME) that is switched on."
    )

    @model_validator(mode="after")
    def _fits(self) -> MemoryRequirement:
        if self.min_installed_gib is not None and self.min_mib > self.min_installed_gib * 1024:
            raise ValueError(f"min_mib {self.min_mib} is more than min_installed_gib {self.min_installed_gib} holds")
        return self


class StorageRequirement(StrictModel):
    """Disks of the state volume. The system disk is not among them."""

    level: Literal["raid1", "raid10"] = Field(description="How md joins the disks.")
    min_disks: int = Field(ge=2, le=64, description="raid1 wants 2, raid10 wants 4.")
    min_disk_gib: float = Field(gt=0, description="Size of the smallest one.")
    interface: Literal["any", "nvme"] = Field(default="any", description="How the disks are attached.")
    encryption: Literal["software", "hardware"] = Field(
        description="LUKS2 lies on top of the array either way; hardware: the disks must be self-encrypting (TCG) too."
    )

    @model_validator(mode="after")
    def _level_possible(self) -> StorageRequirement:
        least = LEVEL_MIN_DISKS[self.level]
        if self.min_disks < least:
            raise ValueError(f"{self.level} needs min_disks of at least {least}")
        return self


class HsmRequirement(Requirement):
    """A token behind PKCS#11 for keys."""

    models: list[Line] = Field(
        default_factory=list,
        description="Token models that are known to be hardware, as PKCS#11 names them. Another one is unknown.",
    )


class GpuRequirement(StrictModel):
    """Accelerators of one kind. Another model that meets the figures passes, with the difference shown."""

    reference: Line = Field(description="Reference part: product name as NVML reports it, like NVIDIA L40S.")
    count: int = Field(ge=1, le=16, description="How many of them.")
    min_memory_mib: int = Field(ge=1, description="Memory of each, as NVML reports it with ECC on.")
    ecc: Literal["on", "any"] = Field(default="on", description="on: memory error correction must be switched on.")
    min_driver: DriverVersion | None = Field(default=None, description="Oldest driver.")
    min_compute_capability: ComputeCapability | None = Field(default=None, description="CUDA compute capability.")
    min_pcie_width: int = Field(default=16, ge=1, le=32, description="PCIe lanes of each.")
    diagnostic: Literal["dcgm", "own"] = Field(
        default="own", description="Burn-in: DCGM's diagnostic where the GPU is on its list, else ours."
    )


class NetworkRequirement(StrictModel):
    """Network ports."""

    min_ports: int = Field(default=2, ge=1, le=32, description="Physical ports.")
    min_speed_mbps: int | None = Field(default=None, ge=10, description="Speed of the links in use, in Mbit/s.")
    isolated_segment: Requirement = Field(
        default=_NOT_REQUIRED,
        description="The clinical network has a physical port of its own, and no address range of management's.",
    )


class Part(StrictModel):
    """One line of an order."""

    part: Line = Field(description="What it is, as a buyer orders it.")
    quantity: int = Field(ge=1, le=256, description="How many.")


class Capacity(StrictModel):
    """What the machine was specified for. `fleetctl profile size` computes; this is what the specification says."""

    beds: int | None = Field(default=None, ge=1, description="Beds of the hospital.")
    providers: int | None = Field(default=None, ge=1, description="Providers of the practice.")
    coding_records_per_day: int | None = Field(default=None, ge=1, description="Records coded in a day.")
    source: Line = Field(description="Where the figures come from.")


class PriceRange(StrictModel):
    """Price in US dollars."""

    min_usd: int = Field(ge=0, description="Lower end.")
    max_usd: int = Field(ge=0, description="Upper end.")
    covers: Line = Field(description="What it includes.")
    source: Line = Field(description="Where the figures come from, and when.")

    @model_validator(mode="after")
    def _range(self) -> PriceRange:
        if self.max_usd < self.min_usd:
            raise ValueError("max_usd is less than min_usd")
        return self


class HardwareProfileSpec(StrictModel):
    """What a host must have."""

    description: str = Field(min_length=1, max_length=200, description="One line for people.")
    chassis: ChassisReference | None = Field(default=None)
    cpu: CpuRequirement
    memory: MemoryRequirement
    tpm2: Requirement = Field(description="A TPM of version 2.")
    secure_boot: Requirement = Field(description="UEFI Secure Boot, switched on.")
    hsm: HsmRequirement = Field(default=HsmRequirement(required=False))
    storage: StorageRequirement
    gpus: list[GpuRequirement] = Field(default_factory=list)
    networks: NetworkRequirement = Field(default_factory=NetworkRequirement)
    parts: list[Part] = Field(default_factory=list, description="Reference parts, to order from.")
    capacity: Capacity | None = Field(default=None)
    price: PriceRange | None = Field(default=None, description="Empty when no source names a price.")
    unconfirmed: Line | None = Field(
        default=None, description="Why nobody has confirmed that this machine can be ordered as the profile wants it."
    )
    notes: list[Line] = Field(default_factory=list, description="What a buyer must know.")


# Of a base nothing of this is taken: it describes one machine, and no requirement.
NOT_INHERITED = frozenset({"chassis", "parts", "capacity", "price", "unconfirmed", "notes"})


class HardwareProfile(Resource):
    """One kind of server."""

    kind: Literal["HardwareProfile"] = Field(description="What this file is.")
    extends: Name | None = Field(
        default=None,
        description="Profile whose requirements this one starts from: mappings are joined, lists replaced. What "
        "describes one machine is not taken: chassis, parts, capacity, price, unconfirmed, notes.",
    )
    spec: HardwareProfileSpec


def builtin_profile_paths() -> dict[str, Path]:
    """Name → file of the profiles that come with fleetctl."""
    return {path.stem: path for path in sorted(resource_dir("hardware").glob("*.yaml"))}

"""What a box's hardware profile wants of its GPUs; provisioning writes it to /etc/appliance/gpu.json.

A box without it was provisioned by an older fleetctl: what needs it is then unknown, never ok.
"""

from pathlib import Path
from typing import Annotated, Literal, Protocol

from pydantic import Field

from appliance.contract.gpu import MAX_GPUS, Name
from appliance.contract.model import ContractModel

PATH = Path("/etc/appliance/gpu.json")

Version = Annotated[str, Field(pattern=r"^[0-9]{1,6}(\.[0-9]{1,6}){0,3}$")]


class WantedGpu(Protocol):
    """What the rules ask of a requirement: the profile's own on the operator's side, `Wanted` on the box."""

    @property
    def reference(self) -> str: ...
    @property
    def count(self) -> int: ...
    @property
    def min_memory_mib(self) -> int: ...
    @property
    def ecc(self) -> Literal["on", "any"]: ...
    @property
    def min_driver(self) -> str | None: ...
    @property
    def min_compute_capability(self) -> str | None: ...
    @property
    def min_pcie_width(self) -> int: ...


class Wanted(ContractModel):
    """GPUs of one kind, as the profile words it."""

    reference: Name
    count: Annotated[int, Field(ge=1, le=MAX_GPUS)]
    min_memory_mib: Annotated[int, Field(ge=1, lt=2**32)]
    ecc: Literal["on", "any"]
    min_driver: Version | None = None
    min_compute_capability: Version | None = None
    min_pcie_width: Annotated[int, Field(ge=1, le=32)]


class RecordedGpu(ContractModel):
    """A card as it was found when the box was provisioned; None is what it did not tell."""

    uuid: Name
    serial: Name | None = None
    vbios: Name | None = None


class GpuWanted(ContractModel):
    """The whole document. Without GPUs in the profile there is none."""

    schema_version: Literal["gpu-wanted/v1"] = "gpu-wanted/v1"
    gpus: Annotated[tuple[Wanted, ...], Field(min_length=1, max_length=16)]
    recorded: Annotated[tuple[RecordedGpu, ...], Field(max_length=MAX_GPUS)] = ()

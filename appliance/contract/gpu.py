"""The GPU reading: what the driver and the PCI bus of a box say about its GPUs, unjudged.

Every value is one of three answers: the value, that this GPU does not support it, or why it could not be read. They
are never merged: "not supported" is what the driver said, "unreadable" means that nobody knows. Words are NVIDIA's
(NVML API reference); units stand in the names.
"""

from typing import Annotated, Generic, Literal, TypeVar

from pydantic import Field

from appliance.contract.model import ContractModel

MAX_GPUS = 64
"""More than any server holds, and few enough for one small document."""

# No control characters: these words end up on somebody's terminal.
Words = Annotated[str, Field(max_length=300, pattern=r"^[^\x00-\x1f\x7f]*$")]
Name = Annotated[str, Field(min_length=1, max_length=96, pattern=r"^[^\x00-\x1f\x7f]+$")]
PciId = Annotated[str, Field(pattern=r"^[0-9a-f]{4,8}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]$", description="As sysfs has it.")]
Count = Annotated[int, Field(ge=0, lt=2**64)]
Index = Annotated[int, Field(ge=0, lt=MAX_GPUS, description="As NVML counts; it may change at a reboot.")]
Celsius = Annotated[int, Field(ge=-300, le=1000)]

T = TypeVar("T")


class Value(ContractModel, Generic[T]):
    """It was read."""

    state: Literal["value"] = "value"
    value: T


class NotSupported(ContractModel):
    """The driver answered that this GPU does not have it (NVML_ERROR_NOT_SUPPORTED)."""

    state: Literal["not_supported"] = "not_supported"


class Unread(ContractModel):
    """Nobody knows. `nvml_error` is NVML's code when the driver gave one."""

    state: Literal["unreadable"] = "unreadable"
    reason: Words
    nvml_error: Annotated[int, Field(ge=1, le=65535)] | None = None


_STATE = Field(discriminator="state")
TextReading = Annotated[Value[Name] | NotSupported | Unread, _STATE]
PciIdReading = Annotated[Value[PciId] | NotSupported | Unread, _STATE]
CountReading = Annotated[Value[Count] | NotSupported | Unread, _STATE]
CelsiusReading = Annotated[Value[Celsius] | NotSupported | Unread, _STATE]
FlagReading = Annotated[Value[bool] | NotSupported | Unread, _STATE]


class EccMode(ContractModel):
    """Whether ECC is on, and whether it will be after the next reset."""

    current: bool
    pending: bool


class SramEcc(ContractModel):
    """Uncorrectable errors of the SRAM since the driver was loaded, and NVML's flag that there were too many ever."""

    uncorrected_volatile: Count
    threshold_exceeded: bool


class RemappedRows(ContractModel):
    """Rows of memory that were replaced by spare ones, by the kind of error; a remap that waits or that failed."""

    correctable: Count
    uncorrectable: Count
    pending: bool
    failed: bool


class SpareRows(ContractModel):
    """How many banks of memory have all, many, some, few, or none of their spare rows left."""

    max: Count
    high: Count
    partial: Count
    low: Count
    none: Count


EccReading = Annotated[Value[EccMode] | NotSupported | Unread, _STATE]
SramReading = Annotated[Value[SramEcc] | NotSupported | Unread, _STATE]
RowsReading = Annotated[Value[RemappedRows] | NotSupported | Unread, _STATE]
SpareReading = Annotated[Value[SpareRows] | NotSupported | Unread, _STATE]


class Gpu(ContractModel):
    """One GPU that NVML counts."""

    index: Index
    uuid: TextReading
    pci_id: PciIdReading
    name: TextReading
    serial: TextReading
    vbios: TextReading
    memory_mib: CountReading
    compute_capability: TextReading
    ecc: EccReading
    uncorrected_ecc: Annotated[CountReading, Field(description="Since the driver was loaded (volatile).")]
    sram: SramReading
    rows: RowsReading
    spare_rows: SpareReading
    recovery_action: Annotated[CountReading, Field(description="Field 230; 0 is none.")]
    inforom_valid: FlagReading
    clocks_event_reasons: Annotated[CountReading, Field(description="Bit mask of nvmlClocksEventReasons.")]
    temperature_c: CelsiusReading
    margin_c: Annotated[CelsiusReading, Field(description="Until the GPU slows itself down.")]
    pcie_width: CountReading
    pcie_width_max: CountReading
    pcie_generation: Annotated[CountReading, Field(description="Drops at idle by design.")]
    pcie_generation_max: CountReading
    pcie_replays: CountReading
    persistence: FlagReading


class Library(ContractModel):
    """Whether NVML can be asked at all. `reason` is NVML's own error text where it gave one."""

    state: Literal["ready", "missing", "driver_not_loaded", "version_mismatch", "failed", "not_reached"]
    reason: Words = ""
    driver_version: TextReading
    nvml_version: TextReading


class Interruption(ContractModel):
    """Why the reading ended before its end.

    `stuck`: one call took longer than `call_limit_s`. `slow`: every call answered in time, and all together took longer
    than `reading_limit_s`. `died`: the process that asked the driver ended, for instance by a signal in the library.
    """

    cause: Literal["stuck", "slow", "died"]
    call: Annotated[Name, Field(description="The NVML call that was under way.")]
    gpu: Annotated[Index | None, Field(description="The GPU that it was about, if any.")] = None
    detail: Words = ""


PciIds = Annotated[tuple[PciId, ...], Field(max_length=MAX_GPUS)]


class GpuReport(ContractModel):
    """One reading of all GPUs. `gpus` is what NVML counts; `bus` is what /sys/bus/pci shows, whoever drives it."""

    schema_version: Literal["gpu/v1"] = "gpu/v1"
    call_limit_s: Annotated[float, Field(gt=0, le=3600)]
    reading_limit_s: Annotated[float, Field(gt=0, le=3600)]
    interruption: Interruption | None = None
    library: Library
    count: Annotated[CountReading, Field(description="nvmlDeviceGetCount.")]
    gpus: Annotated[tuple[Gpu, ...], Field(max_length=MAX_GPUS)] = ()
    bus: Annotated[Value[PciIds] | Unread, _STATE]

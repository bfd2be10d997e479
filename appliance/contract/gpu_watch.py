"""What the GPU watch of a box writes, and its health agent reads: /run/appliance-gpu-watch/watch.json.

The newest reading of the GPUs, what they do, what only readings over time can tell, the verdicts on all of it, the faults
that are not dealt with, and whether the sources of events can be heard at all.
"""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from appliance.contract.faults import MAX_FAULTS, BootId, Fault
from appliance.contract.finding import Judgement
from appliance.contract.gpu import (
    MAX_GPUS,
    CelsiusReading,
    CountReading,
    GpuReport,
    Index,
    NotSupported,
    Unread,
    Value,
    Words,
)
from appliance.contract.model import ContractModel

PATH = Path("/run/appliance-gpu-watch/watch.json")
MAX_BYTES = 2 * 1024 * 1024
"""A reader takes no more; 64 GPUs with all their faults are some 600 KiB."""
STALE_S = 120.0
"""Four readings missed: an older document says nothing about now."""

_STATE = Field(discriminator="state")
Number = Annotated[float, Field(ge=0, le=1e15, allow_inf_nan=False)]
NumberReading = Annotated[Value[Number] | NotSupported | Unread, _STATE]


class GpuActivity(ContractModel):
    """What one GPU does, beside what its `Gpu` says. The words in the descriptions are DCGM's names for the values."""

    index: Index
    sm_clock_mhz: Annotated[CountReading, Field(description="DCGM_FI_DEV_SM_CLOCK")]
    memory_clock_mhz: Annotated[CountReading, Field(description="DCGM_FI_DEV_MEM_CLOCK")]
    memory_temperature_c: Annotated[CelsiusReading, Field(description="DCGM_FI_DEV_MEMORY_TEMP")]
    power_w: Annotated[NumberReading, Field(description="DCGM_FI_DEV_POWER_USAGE")]
    energy_mj: Annotated[CountReading, Field(description="DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION, millijoules")]
    gpu_util_percent: Annotated[CountReading, Field(description="DCGM_FI_DEV_GPU_UTIL")]
    memory_util_percent: Annotated[CountReading, Field(description="DCGM_FI_DEV_MEM_COPY_UTIL")]
    encoder_util_percent: Annotated[CountReading, Field(description="DCGM_FI_DEV_ENC_UTIL")]
    decoder_util_percent: Annotated[CountReading, Field(description="DCGM_FI_DEV_DEC_UTIL")]
    memory_free_mib: Annotated[CountReading, Field(description="DCGM_FI_DEV_FB_FREE")]
    memory_used_mib: Annotated[CountReading, Field(description="DCGM_FI_DEV_FB_USED")]
    memory_reserved_mib: Annotated[CountReading, Field(description="DCGM_FI_DEV_FB_RESERVED")]
    corrected_ecc: Annotated[CountReading, Field(description="DCGM_FI_DEV_ECC_SBE_VOL_TOTAL")]
    corrected_ecc_ever: Annotated[CountReading, Field(description="DCGM_FI_DEV_ECC_SBE_AGG_TOTAL")]
    uncorrected_ecc_ever: Annotated[CountReading, Field(description="DCGM_FI_DEV_ECC_DBE_AGG_TOTAL")]
    last_xid: Annotated[
        CountReading,
        Field(description="DCGM_FI_DEV_XID_ERRORS: the last one of this boot, 0 without one, if somebody listens"),
    ]


class GpuRates(ContractModel):
    """What only readings over time tell of one GPU, over the last `window_s` seconds (at most ten minutes)."""

    index: Index
    window_s: Annotated[float, Field(ge=0, le=3600)]
    samples: Annotated[int, Field(ge=0, le=10_000)]
    hardware_slowdowns_per_min: Annotated[
        NumberReading, Field(description="Minutes in which a reading showed 0x8, 0x40 or 0x80, over ten minutes.")
    ]
    software_thermal_share: Annotated[NumberReading, Field(description="Share of the readings that showed 0x20.")]
    pcie_replays_per_min: NumberReading
    pcie_generation_under_load: Annotated[
        CountReading, Field(description="The highest one that a reading at work showed; unreadable without work.")
    ]


class NvmlEvents(ContractModel):
    """Whether Xid events of NVML are heard. `unsupported`: the driver or some GPU does not have them."""

    state: Literal["starting", "listening", "unsupported", "failed"]
    reason: Words = ""


class KernelLog(ContractModel):
    """Whether the kernel's own words are read. Records that were lost are a reason, too."""

    state: Literal["reading", "unreadable"]
    reason: Words = ""


class Sources(ContractModel):
    """Where events come from. With neither of them, that no Xid came is not known."""

    nvml_events: NvmlEvents
    kernel_log: KernelLog


class GpuWatch(ContractModel):
    """One document. Its age is measured by `boottime_s` (CLOCK_BOOTTIME), which nobody sets."""

    schema_version: Literal["gpu-watch/v1"] = "gpu-watch/v1"
    taken_at: AwareDatetime
    boottime_s: Annotated[float, Field(ge=0)]
    boot_id: BootId
    report: GpuReport
    activity: Annotated[tuple[GpuActivity, ...], Field(max_length=MAX_GPUS)] = ()
    rates: Annotated[tuple[GpuRates, ...], Field(max_length=MAX_GPUS)] = ()
    checks: Annotated[
        tuple[Judgement, ...],
        Field(max_length=32, description="All of contract/gpu_rules.py, by what the profile wants (gpu_wanted.py)."),
    ]
    sources: Sources
    faults: Annotated[tuple[Fault, ...], Field(max_length=MAX_FAULTS)] = ()

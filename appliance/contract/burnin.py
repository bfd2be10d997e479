"""A burn-in: what a machine did under load, unjudged.

`appliancectl burnin` streams JSON lines: progress, then one report. A line's `schema_version` says which of the two it
is. A value that nobody measured is never 0: it is "not supported", or "unreadable" with the reason
(appliance/contract/gpu.py). A MB is 10⁶ bytes, a GB 10⁹, a MiB 2²⁰; a TFLOP is 10¹² floating-point operations, a
multiply-add being two.
"""

from typing import Annotated, Literal

from pydantic import Field

from appliance.contract.gpu import (
    MAX_GPUS,
    CelsiusReading,
    Count,
    CountReading,
    FlagReading,
    Index,
    Interruption,
    Library,
    Name,
    NotSupported,
    PciIdReading,
    TextReading,
    Unread,
    Value,
    Words,
)
from appliance.contract.model import ContractModel

MAX_MINUTES = 24 * 60.0
MAX_DRIVES = 64
MAX_XIDS = 100
MAX_DIAGNOSTICS = 1000

Number = Annotated[float, Field(ge=0, le=1e12, allow_inf_nan=False)]
Seconds = Annotated[float, Field(ge=0, le=7 * 86400, allow_inf_nan=False)]
Minutes = Annotated[float, Field(gt=0, le=MAX_MINUTES, allow_inf_nan=False)]
Utc = Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$")]
Hex32 = Annotated[str, Field(pattern=r"^0x[0-9a-f]{8}$")]
_Level = Annotated[float, Field(ge=-1000, le=1e9, allow_inf_nan=False)]
_STATE = Field(discriminator="state")

Ended = Literal["finished", "interrupted", "failed"]


class Series(ContractModel):
    """Samples of one value, taken about once a second while the load ran."""

    min: _Level
    mean: _Level
    max: _Level
    samples: Annotated[int, Field(ge=1, le=1_000_000)]


class Span(ContractModel):
    """The lowest and the highest value that was seen while the load ran."""

    lowest: Count
    highest: Count


class Change(ContractModel):
    """A counter before the load and at the last reading. A driver that was reloaded counts from 0 again."""

    before: Count
    after: Count


SlowdownReason = Literal[
    "gpu_idle",
    "applications_clocks",
    "sw_power_cap",
    "hw_slowdown",
    "sync_boost",
    "sw_thermal_slowdown",
    "hw_thermal_slowdown",
    "hw_power_brake_slowdown",
    "display_clock_setting",
    "unnamed",
]
"""nvmlClocksEventReasons, NVIDIA's bits 0x1 to 0x100 in their order; `unnamed` is any bit beyond."""


class Slowdown(ContractModel):
    """For how long a reason to lower the clocks stood."""

    reason: SlowdownReason
    seconds: Seconds


class Slowdowns(ContractModel):
    """Reasons that were seen at least once, out of `observed_s` seconds under load."""

    observed_s: Seconds
    reasons: Annotated[tuple[Slowdown, ...], Field(max_length=10)] = ()


class XidEvent(ContractModel):
    """One Xid that NVML told while the load ran."""

    xid: Count
    elapsed_s: Annotated[Seconds, Field(description="Since the start of the burn-in.")]


Xids = Annotated[tuple[XidEvent, ...], Field(max_length=MAX_XIDS)]
NumberReading = Annotated[Value[Number] | NotSupported | Unread, _STATE]
SeriesReading = Annotated[Value[Series] | NotSupported | Unread, _STATE]
SpanReading = Annotated[Value[Span] | NotSupported | Unread, _STATE]
ChangeReading = Annotated[Value[Change] | NotSupported | Unread, _STATE]
SlowdownsReading = Annotated[Value[Slowdowns] | NotSupported | Unread, _STATE]
XidsReading = Annotated[Value[Xids] | NotSupported | Unread, _STATE]


class WrongWord(ContractModel):
    """A 32-bit word of GPU memory that was not read as it was written."""

    pattern: Name
    offset_bytes: Annotated[Count, Field(description="In the block of memory that the load held.")]
    wanted: Hex32
    seen: Hex32


class LoadEnd(ContractModel):
    """Why a GPU's load ended before its time.

    `error`: a CUDA call failed. `stuck`: one call took longer than its limit. `died`: the process ended, for instance
    by a signal in the library. `stopped`: the whole burn-in was interrupted.
    """

    cause: Literal["error", "stuck", "died", "stopped"]
    call: Annotated[
        Words, Field(description="The CUDA call that failed or was under way; empty if there was none.")
    ] = ""
    detail: Words = ""


class GpuBurnIn(ContractModel):
    """One GPU under load: what the load found, and what NVML showed meanwhile."""

    index: Index
    uuid: TextReading
    name: TextReading
    pci_id: PciIdReading

    load: Annotated[Literal["own", "none"], Field(description="none: NVML was read, and nothing loaded this GPU.")]
    reason: Annotated[Words, Field(description="Why there was no load.")] = ""
    ended_early: LoadEnd | None = None
    memory_tested_mib: CountReading
    memory_passes: Annotated[CountReading, Field(description="One pattern written and read back over all of it.")]
    memory_errors: Annotated[CountReading, Field(description="Words that were not as written, over all passes.")]
    first_wrong_word: WrongWord | None = None
    memory_gb_per_s: Annotated[NumberReading, Field(description="Bytes written and read by the kernels, per second.")]
    tensor_tflops: NumberReading
    tensor_errors: Annotated[CountReading, Field(description="Results that differ from the exact ones.")]
    pcie_to_gpu_gb_per_s: NumberReading
    pcie_from_gpu_gb_per_s: NumberReading

    temperature_c: SeriesReading
    margin_c: Annotated[SeriesReading, Field(description="Until the GPU slows itself down.")]
    sm_clock_mhz: SeriesReading
    power_w: SeriesReading
    slowdowns: SlowdownsReading
    pcie_generation: SpanReading
    pcie_width: SpanReading

    pcie_replays: ChangeReading
    uncorrected_ecc: Annotated[ChangeReading, Field(description="Since the driver was loaded (volatile).")]
    corrected_ecc: Annotated[ChangeReading, Field(description="Since the driver was loaded (volatile).")]
    remapped_correctable: ChangeReading
    remapped_uncorrectable: ChangeReading
    remap_pending: Annotated[FlagReading, Field(description="At the last reading.")]
    remap_failed: Annotated[FlagReading, Field(description="At the last reading.")]
    xids: XidsReading


class DcgmTest(ContractModel):
    """One line of DCGM's diagnostic. `gpu` is DCGM's number, None for a test of the whole machine."""

    name: Name
    gpu: Index | None = None
    status: Literal["pass", "warn", "fail", "skip", "unknown"]
    detail: Words = ""


class DcgmResult(ContractModel):
    """DCGM's diagnostic, level 3. It loads the GPUs itself, in place of our own load.

    `not_run`: it could not be started; our own load ran then.
    """

    state: Literal["ran", "not_run", "failed"]
    reason: Words = ""
    version: Words = ""
    tests: Annotated[tuple[DcgmTest, ...], Field(max_length=MAX_DIAGNOSTICS)] = ()


class MemoryBurnIn(ContractModel):
    """The machine's memory, written and verified by stress-ng."""

    tool: Name = "stress-ng"
    state: Literal["ran", "not_run"]
    reason: Annotated[Words, Field(description="Why it did not run, or why it did not finish.")] = ""
    ended: Ended | None = None
    mib: CountReading
    operations: Annotated[CountReading, Field(description="stress-ng's bogo-ops: rounds of its own.")]
    errors: Annotated[CountReading, Field(description="Failed verifications that stress-ng told of.")]


class DriveBurnIn(ContractModel):
    """One disk, read by fio and never written. Reads are sequential first, then random."""

    tool: Name = "fio"
    state: Literal["ran", "not_run"]
    reason: Annotated[Words, Field(description="Why it did not run, or why it did not finish.")] = ""
    ended: Ended | None = None
    device: Annotated[str, Field(pattern=r"^/[A-Za-z0-9/._-]{1,250}$")]
    model: TextReading
    serial: TextReading
    read_mib: CountReading
    sequential_mb_per_s: NumberReading
    random_mb_per_s: NumberReading
    random_p99_ms: Annotated[NumberReading, Field(description="Completion latency of a random read of 4 KiB.")]
    errors: CountReading


class MachineErrors(ContractModel):
    """Lines of the kernel log since the start, by what they tell of; the first of them word by word."""

    xid: Count
    mce: Annotated[Count, Field(description="Machine check events of the processors and the memory.")]
    edac: Annotated[Count, Field(description="Errors that a memory controller told of (EDAC).")]
    pcie: Annotated[Count, Field(description="Advanced error reporting of PCI Express (AER).")]
    storage: Annotated[Count, Field(description="I/O errors of block devices.")]
    first_lines: Annotated[tuple[Words, ...], Field(max_length=20)] = ()


Drives = Annotated[tuple[DriveBurnIn, ...], Field(max_length=MAX_DRIVES)]
DrivesReading = Annotated[Value[Drives] | Unread, _STATE]
MachineErrorsReading = Annotated[Value[MachineErrors] | Unread, _STATE]


class BurnInReport(ContractModel):
    """One burn-in of one machine. The last line of the stream."""

    schema_version: Literal["burnin/v1"] = "burnin/v1"
    started_at: Utc
    minutes: Annotated[Minutes, Field(description="Asked for.")]
    duration_s: Seconds
    ended: Annotated[Ended, Field(description="finished: every part ran for its time, whatever it found.")]
    reason: Annotated[Words, Field(description="Why it did not finish.")] = ""
    library: Annotated[Library | None, Field(description="NVML. None: GPUs were not asked for.")]
    observation_ended: Annotated[
        Interruption | None, Field(description="Why NVML could not be read to the end; the load went on.")
    ] = None
    gpus: Annotated[tuple[GpuBurnIn, ...], Field(max_length=MAX_GPUS)] = ()
    dcgm: Annotated[DcgmResult | None, Field(description="None: not asked for.")] = None
    memory: Annotated[MemoryBurnIn | None, Field(description="None: not asked for.")] = None
    drives: Annotated[DrivesReading | None, Field(description="None: not asked for. Empty: there is no data disk.")] = (
        None
    )
    machine_errors: MachineErrorsReading


class GpuNow(ContractModel):
    """One GPU at this moment."""

    index: Index
    temperature_c: CelsiusReading
    memory_errors: Annotated[Count, Field(description="Of the passes that ended so far.")] = 0
    tensor_errors: Count = 0
    doing: Words = ""


class BurnInProgress(ContractModel):
    """A line every few seconds while the load runs."""

    schema_version: Literal["burnin-progress/v1"] = "burnin-progress/v1"
    stage: Annotated[Words, Field(description="prepare, load, drain or report.")]
    elapsed_s: Seconds
    total_s: Seconds
    gpus: Annotated[tuple[GpuNow, ...], Field(max_length=MAX_GPUS)] = ()

"""GPUs under the names and labels of dcgm-exporter (NVIDIA, etc/default-counters.csv), so that its dashboards work."""

from typing import Any, Literal

from appliance.contract.gpu import Gpu, Unread, Value
from appliance.contract.gpu_watch import GpuActivity
from appliance.contract.health import GpusPart
from appliance.health.metrics.family import Family

Kind = Literal["gauge", "counter"]
# Field of our GpuActivity, dcgm-exporter's name, its type and its meaning.
_ACTIVITY: tuple[tuple[str, str, Kind, str], ...] = (
    ("sm_clock_mhz", "SM_CLOCK", "gauge", "SM clock frequency (in MHz)."),
    ("memory_clock_mhz", "MEM_CLOCK", "gauge", "Memory clock frequency (in MHz)."),
    ("memory_temperature_c", "MEMORY_TEMP", "gauge", "Memory temperature (in C)."),
    ("power_w", "POWER_USAGE", "gauge", "Power draw (in W)."),
    ("energy_mj", "TOTAL_ENERGY_CONSUMPTION", "counter", "Total energy consumption since boot (in mJ)."),
    ("gpu_util_percent", "GPU_UTIL", "gauge", "GPU utilization (in %)."),
    ("memory_util_percent", "MEM_COPY_UTIL", "gauge", "Memory utilization (in %)."),
    ("encoder_util_percent", "ENC_UTIL", "gauge", "Encoder utilization (in %)."),
    ("decoder_util_percent", "DEC_UTIL", "gauge", "Decoder utilization (in %)."),
    ("memory_free_mib", "FB_FREE", "gauge", "Framebuffer memory free (in MiB)."),
    ("memory_used_mib", "FB_USED", "gauge", "Framebuffer memory used (in MiB)."),
    ("memory_reserved_mib", "FB_RESERVED", "gauge", "Framebuffer memory reserved (in MiB)."),
    ("corrected_ecc", "ECC_SBE_VOL_TOTAL", "counter", "Total number of single-bit volatile ECC errors."),
    ("corrected_ecc_ever", "ECC_SBE_AGG_TOTAL", "counter", "Total number of single-bit persistent ECC errors."),
    ("uncorrected_ecc_ever", "ECC_DBE_AGG_TOTAL", "counter", "Total number of double-bit persistent ECC errors."),
    ("last_xid", "XID_ERRORS", "gauge", "Value of the last Xid error of this boot."),
)
_READING: tuple[tuple[str, str, Kind, str], ...] = (
    ("temperature_c", "GPU_TEMP", "gauge", "GPU temperature (in C)."),
    ("pcie_replays", "PCIE_REPLAY_COUNTER", "counter", "Total number of PCIe retries."),
    ("uncorrected_ecc", "ECC_DBE_VOL_TOTAL", "counter", "Total number of double-bit volatile ECC errors."),
    ("clocks_event_reasons", "CLOCKS_EVENT_REASONS", "gauge", "Reasons that hold the clocks down (bit mask)."),
)
_ROWS: tuple[tuple[str, str, Kind, str], ...] = (
    ("uncorrectable", "UNCORRECTABLE_REMAPPED_ROWS", "counter", "Number of remapped rows for uncorrectable errors."),
    ("correctable", "CORRECTABLE_REMAPPED_ROWS", "counter", "Number of remapped rows for correctable errors."),
    ("failed", "ROW_REMAP_FAILURE", "gauge", "Whether remapping of rows has failed."),
    ("pending", "ROW_REMAP_PENDING", "gauge", "Whether a remapping of rows waits for a reset."),
)


def families(part: GpusPart, host: str) -> list[Family]:
    """Return the metrics of every GPU that NVML names. What is not supported or not readable is absent."""
    if part.report is None:
        return []
    driver = _value(part.report.library.driver_version)
    labels = {gpu.index: _labels(gpu, host, driver) for gpu in part.report.gpus}
    found: list[Family] = []
    for field, name, kind, meaning in _ACTIVITY:
        family = Family(f"DCGM_FI_DEV_{name}", kind, meaning)
        for activity in part.activity:
            family.add(_value(getattr(activity, field)), **labels.get(activity.index, {"gpu": str(activity.index)}))
        found.append(family)
    for field, name, kind, meaning in _READING:
        family = Family(f"DCGM_FI_DEV_{name}", kind, meaning)
        for gpu in part.report.gpus:
            family.add(_value(getattr(gpu, field)), **labels[gpu.index])
        found.append(family)
    for field, name, kind, meaning in _ROWS:
        family = Family(f"DCGM_FI_DEV_{name}", kind, meaning)
        for gpu in part.report.gpus:
            rows = _value(gpu.rows)
            family.add(None if rows is None else getattr(rows, field), **labels[gpu.index])
        found.append(family)
    return found


def unreadable(part: GpusPart) -> int:
    """Return how many values of the GPUs could not be read. What a GPU does not have is not among them."""
    rows: list[Gpu | GpuActivity] = [*(part.report.gpus if part.report else ()), *part.activity]
    return sum(isinstance(getattr(row, name), Unread) for row in rows for name in type(row).model_fields)


def _labels(gpu: Gpu, host: str, driver: Any) -> dict[str, str | None]:
    pci = _value(gpu.pci_id)
    return {
        "gpu": str(gpu.index), "UUID": _value(gpu.uuid), "pci_bus_id": None if pci is None else _as_dcgm(pci),
        "device": f"nvidia{gpu.index}", "modelName": _value(gpu.name), "Hostname": host,
        "DCGM_FI_DRIVER_VERSION": driver,
    }  # fmt: skip


def _as_dcgm(pci_id: str) -> str:
    """NVML's spelling, which dcgm-exporter has: eight digits of domain, capitals."""
    domain, rest = pci_id.split(":", 1)
    return f"{int(domain, 16):08X}:{rest.upper()}"


def _value(reading: Any) -> Any:
    return reading.value if isinstance(reading, Value) else None

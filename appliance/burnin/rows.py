"""What is read of a GPU in a burn-in: who it is, what is sampled under load, and what is counted before and after.

Each row is a function of one call primitive and a handle, as in appliance/gpu/rows.py, and only reads.
"""

from typing import Any

import pynvml

from appliance.gpu.rows import ROWS, Ask, Row


def _sm_clock_mhz(ask: Ask, gpu: Any) -> int:
    return int(ask("nvmlDeviceGetClockInfo", gpu, pynvml.NVML_CLOCK_SM))


def _power_w(ask: Ask, gpu: Any) -> float:
    return ask("nvmlDeviceGetPowerUsage", gpu) / 1000  # NVML gives milliwatts


def _corrected_ecc(ask: Ask, gpu: Any) -> int:
    kinds = (pynvml.NVML_MEMORY_ERROR_TYPE_CORRECTED, pynvml.NVML_VOLATILE_ECC)
    return int(ask("nvmlDeviceGetTotalEccErrors", gpu, *kinds))


IDENTITY: dict[str, Row] = {name: ROWS[name] for name in ("uuid", "name", "pci_id")}

SAMPLED: dict[str, Row] = {
    **{name: ROWS[name] for name in ("temperature_c", "margin_c", "clocks_event_reasons")},
    **{name: ROWS[name] for name in ("pcie_generation", "pcie_width")},
    "sm_clock_mhz": _sm_clock_mhz,
    "power_w": _power_w,
}

COUNTED: dict[str, Row] = {
    **{name: ROWS[name] for name in ("pcie_replays", "uncorrected_ecc", "rows")},
    "corrected_ecc": _corrected_ecc,
}

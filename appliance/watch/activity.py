"""What is read of each GPU beside appliance/gpu/rows.py: load, clocks, power, energy, and counters since ever.

Each row is a function of one call primitive and a handle, and only reads.
"""

from typing import Any

import pynvml

from appliance.gpu.rows import Ask, Row

_MIB = 1024**2
_MEMORY_ROWS = {"memory_free_mib": "free", "memory_used_mib": "used", "memory_reserved_mib": "reserved"}


def _clock(kind: int) -> Row:
    return lambda ask, gpu: ask("nvmlDeviceGetClockInfo", gpu, kind)


def _utilization(part: str) -> Row:
    return lambda ask, gpu: getattr(ask("nvmlDeviceGetUtilizationRates", gpu), part)


def _first(call: str) -> Row:
    # NVML gives the utilisation and the sampling period.
    return lambda ask, gpu: ask(call, gpu)[0]


def _memory(part: str) -> Row:
    # Version 2 has `reserved`, which version 1 counts as used.
    return lambda ask, gpu: getattr(ask("nvmlDeviceGetMemoryInfo", gpu, pynvml.nvmlMemory_v2), part) // _MIB


def _memory_temperature(ask: Ask, gpu: Any) -> int:
    (field,) = ask("nvmlDeviceGetFieldValues", gpu, [pynvml.NVML_FI_DEV_MEMORY_TEMP])
    if field.nvmlReturn != pynvml.NVML_SUCCESS:
        raise pynvml.NVMLError(field.nvmlReturn)
    return int(field.value.uiVal)


def _ecc(kind: int, span: int) -> Row:
    return lambda ask, gpu: ask("nvmlDeviceGetTotalEccErrors", gpu, kind, span)


_CORRECTED, _UNCORRECTED = pynvml.NVML_MEMORY_ERROR_TYPE_CORRECTED, pynvml.NVML_MEMORY_ERROR_TYPE_UNCORRECTED

ACTIVITY: dict[str, Row] = {
    "sm_clock_mhz": _clock(pynvml.NVML_CLOCK_SM),
    "memory_clock_mhz": _clock(pynvml.NVML_CLOCK_MEM),
    "memory_temperature_c": _memory_temperature,
    "power_w": lambda ask, gpu: ask("nvmlDeviceGetPowerUsage", gpu) / 1000,  # NVML gives milliwatts
    "energy_mj": lambda ask, gpu: ask("nvmlDeviceGetTotalEnergyConsumption", gpu),
    "gpu_util_percent": _utilization("gpu"),
    "memory_util_percent": _utilization("memory"),
    "encoder_util_percent": _first("nvmlDeviceGetEncoderUtilization"),
    "decoder_util_percent": _first("nvmlDeviceGetDecoderUtilization"),
    **{row: _memory(part) for row, part in _MEMORY_ROWS.items()},
    "corrected_ecc": _ecc(_CORRECTED, pynvml.NVML_VOLATILE_ECC),
    "corrected_ecc_ever": _ecc(_CORRECTED, pynvml.NVML_AGGREGATE_ECC),
    "uncorrected_ecc_ever": _ecc(_UNCORRECTED, pynvml.NVML_AGGREGATE_ECC),
}

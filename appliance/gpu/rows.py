"""What is read of each GPU: one row per value, as the NVML calls that give it. Names and units are the contract's.

Each row takes `ask(call, *arguments)`, which makes one call of pynvml and tells the parent process about it before, and
the GPU's handle; it returns what goes into JSON. Only reads: no call here changes a GPU's state.
"""

from collections.abc import Callable
from ctypes import byref
from typing import Any

import pynvml

Ask = Callable[..., Any]
Row = Callable[[Ask, Any], Any]

_MIB = 1024**2


def _pci_id(ask: Ask, gpu: Any) -> str:
    info = ask("nvmlDeviceGetPciInfo", gpu)
    # In sysfs' form. NVML has no field for the function: a GPU is always function 0 of its device.
    return f"{info.domain:04x}:{info.bus:02x}:{info.device:02x}.0"


def _compute_capability(ask: Ask, gpu: Any) -> str:
    major, minor = ask("nvmlDeviceGetCudaComputeCapability", gpu)
    return f"{major}.{minor}"


def _ecc(ask: Ask, gpu: Any) -> dict[str, bool]:
    current, pending = ask("nvmlDeviceGetEccMode", gpu)
    return {"current": bool(current), "pending": bool(pending)}


def _uncorrected_ecc(ask: Ask, gpu: Any) -> int:
    kinds = (pynvml.NVML_MEMORY_ERROR_TYPE_UNCORRECTED, pynvml.NVML_VOLATILE_ECC)
    return int(ask("nvmlDeviceGetTotalEccErrors", gpu, *kinds))


def _sram(ask: Ask, gpu: Any) -> dict[str, Any]:
    status = pynvml.c_nvmlEccSramErrorStatus_v1_t()
    ask("nvmlDeviceGetSramEccErrorStatus", gpu, byref(status))
    return {
        "uncorrected_volatile": status.volatileUncParity + status.volatileUncSecDed,
        "threshold_exceeded": bool(status.bThresholdExceeded),
    }


def _rows(ask: Ask, gpu: Any) -> dict[str, Any]:
    correctable, uncorrectable, pending, failed = ask("nvmlDeviceGetRemappedRows", gpu)
    return {
        "correctable": correctable,
        "uncorrectable": uncorrectable,
        "pending": bool(pending),
        "failed": bool(failed),
    }


def _spare_rows(ask: Ask, gpu: Any) -> dict[str, int]:
    banks = ask("nvmlDeviceGetRowRemapperHistogram", gpu)
    return {name: int(getattr(banks, name)) for name in ("max", "high", "partial", "low", "none")}


def _recovery_action(ask: Ask, gpu: Any) -> int:
    (field,) = ask("nvmlDeviceGetFieldValues", gpu, [pynvml.NVML_FI_DEV_GET_GPU_RECOVERY_ACTION])
    if field.nvmlReturn != pynvml.NVML_SUCCESS:
        raise pynvml.NVMLError(field.nvmlReturn)
    return int(field.value.uiVal)


def _inforom_valid(ask: Ask, gpu: Any) -> bool:
    try:
        ask("nvmlDeviceValidateInforom", gpu)
    except pynvml.NVMLError_CorruptedInforom:
        return False
    return True


def _temperature_c(ask: Ask, gpu: Any) -> int:
    try:
        return int(ask("nvmlDeviceGetTemperatureV", gpu, pynvml.NVML_TEMPERATURE_GPU))
    except pynvml.NVMLError_FunctionNotFound:  # an older driver knows only the older call
        return int(ask("nvmlDeviceGetTemperature", gpu, pynvml.NVML_TEMPERATURE_GPU))


def _margin_c(ask: Ask, gpu: Any) -> int:
    try:
        return int(ask("nvmlDeviceGetMarginTemperature", gpu))
    except (pynvml.NVMLError_FunctionNotFound, pynvml.NVMLError_NotSupported):  # what it is computed from may be there
        limit = ask("nvmlDeviceGetTemperatureThreshold", gpu, pynvml.NVML_TEMPERATURE_THRESHOLD_SLOWDOWN)
        return int(limit) - _temperature_c(ask, gpu)


def _plain(call: str) -> Row:
    return lambda ask, gpu: ask(call, gpu)


ROWS: dict[str, Row] = {
    "uuid": _plain("nvmlDeviceGetUUID"),
    "pci_id": _pci_id,
    "name": _plain("nvmlDeviceGetName"),
    "serial": _plain("nvmlDeviceGetSerial"),
    "vbios": _plain("nvmlDeviceGetVbiosVersion"),
    "memory_mib": lambda ask, gpu: ask("nvmlDeviceGetMemoryInfo", gpu).total // _MIB,
    "compute_capability": _compute_capability,
    "ecc": _ecc,
    "uncorrected_ecc": _uncorrected_ecc,
    "sram": _sram,
    "rows": _rows,
    "spare_rows": _spare_rows,
    "recovery_action": _recovery_action,
    "inforom_valid": _inforom_valid,
    "clocks_event_reasons": _plain("nvmlDeviceGetCurrentClocksEventReasons"),
    "temperature_c": _temperature_c,
    "margin_c": _margin_c,
    "pcie_width": _plain("nvmlDeviceGetCurrPcieLinkWidth"),
    "pcie_width_max": _plain("nvmlDeviceGetMaxPcieLinkWidth"),
    "pcie_generation": _plain("nvmlDeviceGetCurrPcieLinkGeneration"),
    "pcie_generation_max": _plain("nvmlDeviceGetMaxPcieLinkGeneration"),
    "pcie_replays": _plain("nvmlDeviceGetPcieReplayCounter"),
    "persistence": lambda ask, gpu: bool(ask("nvmlDeviceGetPersistenceMode", gpu)),
}

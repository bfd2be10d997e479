"""GPU readings as the box would send them: healthy, so that a test changes the one thing that it is about."""

from __future__ import annotations

from typing import Any

from appliance.contract.gpu import GpuReport
from fleetctl.checks.context import CheckContext
from fleetctl.facts.gpus import GpuFacts
from fleetctl.models.profile import HardwareProfile
from tests.fakes import site as fake

NOT_SUPPORTED = {"state": "not_supported"}
BUSES = (0x17, 0x65, 0xCA, 0xE3)
L40S = {
    "reference": "NVIDIA L40S",
    "count": 2,
    "min_memory_mib": 45000,
    "min_driver": "550.54",
    "min_compute_capability": "8.9",
}

_ECC_ON = {"current": True, "pending": True}
_HEALTHY: dict[str, Any] = {
    "name": "NVIDIA L40S",
    "serial": "1650000000000",
    "vbios": "95.02.66.00.01",
    "memory_mib": 46068,
    "compute_capability": "8.9",
    "ecc": _ECC_ON,
    "uncorrected_ecc": 0,
    "sram": {"uncorrected_volatile": 0, "threshold_exceeded": False},
    "rows": {"correctable": 0, "uncorrectable": 0, "pending": False, "failed": False},
    "spare_rows": {"max": 192, "high": 0, "partial": 0, "low": 0, "none": 0},
    "recovery_action": 0,
    "inforom_valid": True,
    "clocks_event_reasons": 0x1,
    "temperature_c": 31,
    "margin_c": 57,
    "pcie_width": 16,
    "pcie_width_max": 16,
    "pcie_generation": 1,
    "pcie_generation_max": 4,
    "pcie_replays": 0,
    "persistence": True,
}


def value(given: Any) -> dict[str, Any]:
    """A reading: one of the three answers as it is, or a bare value."""
    if isinstance(given, dict) and "state" in given:
        return given
    return {"state": "value", "value": given}


def unread(reason: str = "it could not be read", nvml_error: int | None = None) -> dict[str, Any]:
    return {"state": "unreadable", "reason": reason, "nvml_error": nvml_error}


def gpu(index: int, **changed: Any) -> dict[str, Any]:
    """A healthy GPU; `changed` replaces values."""
    identity = {
        "uuid": f"GPU-5a1e0000-0000-4000-8000-00000000a00{index}",
        "pci_id": f"0000:{BUSES[index]:02x}:00.0",
    }
    readings = {**_HEALTHY, **identity, **changed}
    return {"index": index, **{name: value(given) for name, given in readings.items()}}


def lost(index: int) -> dict[str, Any]:
    """A GPU that answers nothing any more, not even its name."""
    nothing = unread("nvmlDeviceGetHandleByIndex: GPU is lost (NVML error 15)", 15)
    return gpu(index, **dict.fromkeys([*_HEALTHY, "uuid", "pci_id"], nothing))


def report(*gpus: dict[str, Any], **changed: Any) -> GpuReport:
    """A reading of these GPUs, by default two healthy ones; `changed` replaces what is not about one GPU."""
    listed = list(gpus) or [gpu(0), gpu(1)]
    ids = [each["pci_id"]["value"] for each in listed if each["pci_id"]["state"] == "value"]
    library = {"state": "ready", "driver_version": value("570.86.15"), "nvml_version": value("12.570.86.15")}
    document = {
        "call_limit_s": 10.0,
        "reading_limit_s": 40.0,
        "library": {**library, **changed.pop("library", {})},
        "count": value(len(listed)),
        "gpus": listed,
        "bus": value(ids),
        **changed,
    }
    return GpuReport.model_validate(document)


def profile(*requirements: dict[str, Any]) -> HardwareProfile:
    """The lab's profile that wants GPUs, by default two L40S."""
    spec = fake.PROFILE.spec.model_dump() | {"gpus": list(requirements) or [L40S]}
    return fake.PROFILE.model_copy(update={"spec": type(fake.PROFILE.spec).model_validate(spec)})


def gpu_context(*gpus: dict[str, Any], wants: HardwareProfile | None = None, **changed: Any) -> CheckContext:
    """A context in which the box sent this reading."""
    facts = fake.sealed_facts(gpus=GpuFacts(report(*gpus, **changed)))
    return fake.context(facts, profile=wants or profile())

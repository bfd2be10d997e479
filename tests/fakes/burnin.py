"""Burn-ins as the box would report them: everything well, so that a test changes the one thing that it is about."""

from __future__ import annotations

from typing import Any

from appliance.contract.burnin import BurnInProgress, BurnInReport
from fleetctl.checks.burnin_context import BurnInContext
from fleetctl.models.profile import HardwareProfile
from tests.fakes import gpus as fake_gpus
from tests.fakes.gpus import BUSES, unread, value

MINUTES = 30.0


def series(least: float, mean: float, most: float) -> dict[str, Any]:
    return {"min": least, "mean": mean, "max": most, "samples": 1800}


def change(rose: int = 0, before: int = 3) -> dict[str, int]:
    return {"before": before, "after": before + rose}


def slowdowns(observed_s: float = 1795.0, **reasons: float) -> dict[str, Any]:
    listed = [{"reason": reason, "seconds": seconds} for reason, seconds in reasons.items()]
    return {"observed_s": observed_s, "reasons": listed}


_HEALTHY: dict[str, Any] = {
    "name": "NVIDIA L40S",
    "memory_tested_mib": 43_000,
    "memory_passes": 210,
    "memory_errors": 0,
    "memory_gb_per_s": 688.0,
    "tensor_tflops": 180.0,
    "tensor_errors": 0,
    "pcie_to_gpu_gb_per_s": 25.1,
    "pcie_from_gpu_gb_per_s": 26.2,
    "temperature_c": series(41, 70, 74),
    "margin_c": series(14, 18, 47),
    "sm_clock_mhz": series(1890, 2100, 2520),
    "power_w": series(80, 330, 349),
    "slowdowns": slowdowns(sw_power_cap=1600),
    "pcie_generation": {"lowest": 1, "highest": 4},
    "pcie_width": {"lowest": 16, "highest": 16},
    "pcie_replays": change(),
    "uncorrected_ecc": change(before=0),
    "corrected_ecc": change(),
    "remapped_correctable": change(),
    "remapped_uncorrectable": change(),
    "remap_pending": False,
    "remap_failed": False,
    "xids": [],
}
_NOT_READINGS = {"load", "reason", "ended_early", "first_wrong_word"}


def gpu(index: int, **changed: Any) -> dict[str, Any]:
    """A healthy GPU under our own load; `changed` replaces values."""
    identity = {
        "uuid": f"GPU-5a1e0000-0000-4000-8000-00000000a00{index}",
        "pci_id": f"0000:{BUSES[index]:02x}:00.0",
    }
    plain = {"load": "own", **{name: changed.pop(name) for name in list(changed) if name in _NOT_READINGS}}
    readings = {**_HEALTHY, **identity, **changed}
    return {"index": index, **plain, **{name: value(given) for name, given in readings.items()}}


def by_dcgm(index: int) -> dict[str, Any]:
    """A GPU that DCGM loaded in place of our own load."""
    own = ("memory_tested_mib", "memory_passes", "memory_errors", "memory_gb_per_s", "tensor_tflops", "tensor_errors")
    nothing = unread("not loaded: DCGM's diagnostic was asked for in place of our own load")
    both = (*own, "pcie_to_gpu_gb_per_s", "pcie_from_gpu_gb_per_s")
    return gpu(index, load="none", reason="DCGM's diagnostic was asked for", **dict.fromkeys(both, nothing))


def drive(number: int, **changed: Any) -> dict[str, Any]:
    readings: dict[str, Any] = {
        "model": "Example NVMe 3.84TB",
        "serial": f"S6XPNE0W90000{number}",
        "read_mib": 900_000,
        "sequential_mb_per_s": 6_500.0,
        "random_mb_per_s": 2_900.0,
        "random_p99_ms": 0.4,
        "errors": 0,
    }
    plain = {"state": "ran", "ended": "finished", "device": f"/dev/nvme{number}n1"}
    plain |= {name: changed.pop(name) for name in list(changed) if name not in readings}
    return plain | {name: value(given) for name, given in (readings | changed).items()}


def memory(**changed: Any) -> dict[str, Any]:
    readings = {"mib": 200_000, "operations": 123_456, "errors": 0}
    plain = {"state": "ran", "ended": "finished"}
    plain |= {name: changed.pop(name) for name in list(changed) if name not in readings}
    return plain | {name: value(given) for name, given in (readings | changed).items()}


def kernel_log(**counts: Any) -> dict[str, Any]:
    return value(dict.fromkeys(("xid", "mce", "edac", "pcie", "storage"), 0) | counts)


def dcgm(*tests: dict[str, Any], **changed: Any) -> dict[str, Any]:
    return {"state": "ran", "version": "4.1", "tests": list(tests), **changed}


def report(*gpus: dict[str, Any], **changed: Any) -> BurnInReport:
    """A burn-in of these GPUs, by default two healthy ones; `changed` replaces what is not about one GPU."""
    document = {
        "started_at": "2026-11-22T12:00:00Z",
        "minutes": MINUTES,
        "duration_s": MINUTES * 60 + 12,
        "ended": "finished",
        "library": {"state": "ready", "driver_version": value("570.86.15"), "nvml_version": value("12.570.86.15")},
        "gpus": list(gpus) or [gpu(0), gpu(1)],
        "memory": memory(),
        "drives": value([drive(0), drive(1)]),
        "machine_errors": kernel_log(),
        **changed,
    }
    return BurnInReport.model_validate(document)


def progress(elapsed_s: float = 720.0, **changed: Any) -> BurnInProgress:
    now = [
        {"index": 0, "temperature_c": value(66), **changed},
        {"index": 1, "temperature_c": value(71), "doing": "memory"},
    ]
    total_s = MINUTES * 60
    return BurnInProgress.model_validate({"stage": "load", "elapsed_s": elapsed_s, "total_s": total_s, "gpus": now})


def context(
    *gpus: dict[str, Any], wants: HardwareProfile | None = None, idle: Any = None, **changed: Any
) -> BurnInContext:
    """A context in which the box sent this report, and its GPUs were healthy before."""
    return BurnInContext(
        profile=wants or fake_gpus.profile(),
        minutes=MINUTES,
        report=report(*gpus, **changed),
        idle=idle or fake_gpus.report(),
    )


def cut_off(**told: Any) -> BurnInContext:
    """A context in which the connection broke after 12 minutes; `told` is what the last progress said of GPU 0."""
    why = "the SSH connection to 127.0.0.1:22 broke: it ended in the middle of a command"
    return BurnInContext(
        fake_gpus.profile(), MINUTES, None, why, next_action="is the machine on?", progress=progress(**told)
    )

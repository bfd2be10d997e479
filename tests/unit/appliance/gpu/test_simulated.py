"""The reading over the simulated library: the real nvidia-ml-py asks it, scenario by scenario."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from appliance.contract.gpu import Gpu, GpuReport, NotSupported, Unread, Value
from appliance.gpu import bus
from appliance.gpu.report import CALL_LIMIT_S, read_gpus
from tests.sim import nvml

pytestmark = pytest.mark.slow

# Long enough for a busy machine to answer a call that takes no time, and far below the 15 s of a hanging one.
SHORT_LIMIT_S = 2.0


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    def reading(scenario: str) -> GpuReport:
        nvml.use(monkeypatch, scenario)
        monkeypatch.setattr(bus, "DEVICES", nvml.pci_bus(tmp_path, scenario))
        return read_gpus(SHORT_LIMIT_S if scenario.endswith("hangs") else CALL_LIMIT_S)

    return reading


def readings(gpu: Gpu) -> dict[str, Any]:
    return {name: getattr(gpu, name) for name in type(gpu).model_fields if name != "index"}


@pytest.mark.parametrize("scenario", nvml.NAMES)
def test_every_scenario_gives_a_report_that_survives_json(read: Any, scenario: str) -> None:
    report = read(scenario)
    assert GpuReport.model_validate_json(report.model_dump_json()) == report


def test_four_healthy_gpus(read: Any) -> None:
    report = read("healthy-l40s-x4")
    assert (report.interruption, report.library.state, report.count) == (None, "ready", Value(value=4))
    assert report.library.driver_version.value == "570.86.15"
    assert report.bus.value == ("0000:17:00.0", "0000:65:00.0", "0000:ca:00.0", "0000:e3:00.0")
    assert [gpu.pci_id.value for gpu in report.gpus] == list(report.bus.value)
    assert [gpu.uuid.value[-4:] for gpu in report.gpus] == ["a000", "a001", "a002", "a003"]
    values = {name: reading.value for name, reading in readings(report.gpus[0]).items()}
    assert {name: value for name, value in values.items() if not hasattr(value, "model_dump")} == {
        "uuid": "GPU-5a1e0000-0000-4000-8000-00000000a000",
        "pci_id": "0000:17:00.0",
        "name": "NVIDIA L40S",
        "serial": "1650000000000",
        "vbios": "95.02.66.00.01",
        "memory_mib": 46068,
        "compute_capability": "8.9",
        "uncorrected_ecc": 0,
        "recovery_action": 0,
        "inforom_valid": True,
        "clocks_event_reasons": 1,
        "temperature_c": 31,
        "margin_c": 57,
        "pcie_width": 16,
        "pcie_width_max": 16,
        "pcie_generation": 1,
        "pcie_generation_max": 4,
        "pcie_replays": 0,
        "persistence": True,
    }
    assert values["ecc"].model_dump() == {"current": True, "pending": True}
    assert values["sram"].model_dump() == {"uncorrected_volatile": 0, "threshold_exceeded": False}
    assert values["rows"].model_dump() == {"correctable": 0, "uncorrectable": 0, "pending": False, "failed": False}
    assert values["spare_rows"].model_dump() == {"max": 192, "high": 0, "partial": 0, "low": 0, "none": 0}


CHANGED: list[tuple[str, int, str, Any]] = [
    ("rtx6000-ada-x2-ecc-off", 1, "ecc", {"current": False, "pending": False}),
    ("rtx6000-ada-x2-ecc-off", 0, "name", "NVIDIA RTX 6000 Ada Generation"),
    ("remap-pending", 0, "rows", {"correctable": 0, "uncorrectable": 1, "pending": True, "failed": False}),
    ("remap-failed", 3, "rows", {"correctable": 0, "uncorrectable": 9, "pending": False, "failed": True}),
    ("remap-failed", 3, "spare_rows", {"max": 191, "high": 0, "partial": 0, "low": 0, "none": 1}),
    ("thermal-slowdown", 2, "clocks_event_reasons", 0x48),
    ("thermal-slowdown", 2, "margin_c", 2),
    ("pcie-x8", 1, "pcie_width", 8),
    ("uncorrectable-ecc", 2, "uncorrected_ecc", 3),
    ("sram-threshold", 0, "sram", {"uncorrected_volatile": 4, "threshold_exceeded": True}),
    ("recovery-action", 3, "recovery_action", 2),
    ("inforom-corrupt", 1, "inforom_valid", False),
    ("older-driver", 0, "temperature_c", 31),
    ("older-driver", 0, "margin_c", 57),
]


@pytest.mark.parametrize(("scenario", "index", "row", "wanted"), CHANGED, ids=[f"{row[0]}-{row[2]}" for row in CHANGED])
def test_what_is_wrong_is_read(read: Any, scenario: str, index: int, row: str, wanted: Any) -> None:
    found = getattr(read(scenario).gpus[index], row).value
    assert (found.model_dump() if isinstance(wanted, dict) else found) == wanted


def test_not_supported_and_unreadable_are_different_answers(read: Any) -> None:
    silent = readings(read("not-supported").gpus[0])
    assert {name for name, reading in silent.items() if isinstance(reading, NotSupported)} == {
        *("serial", "ecc", "uncorrected_ecc", "sram", "rows", "spare_rows", "recovery_action", "inforom_valid"),
        *("clocks_event_reasons", "temperature_c", "margin_c", "persistence", "pcie_replays"),
        *("pcie_width", "pcie_width_max", "pcie_generation", "pcie_generation_max"),
    }


def test_what_could_not_be_read_names_the_call_and_nvmls_error(read: Any) -> None:
    failing = readings(read("unreadable").gpus[0])
    unread = {name: reading for name, reading in failing.items() if isinstance(reading, Unread)}
    assert len(unread) == 17
    assert not any(isinstance(reading, NotSupported) for reading in failing.values())
    assert unread["ecc"] == Unread(reason="nvmlDeviceGetEccMode: GPU requires restart (NVML error 16)", nvml_error=16)
    assert unread["recovery_action"].reason == "nvmlDeviceGetFieldValues: Uninitialized (NVML error 1)"
    # A text that pynvml has none of its own for comes from the library.
    assert unread["pcie_width"].reason == "nvmlDeviceGetCurrPcieLinkWidth: IN_USE (NVML error 19)"


@pytest.mark.parametrize(
    ("scenario", "state", "words"),
    [
        ("version-mismatch", "version_mismatch", "RM has detected an NVML/RM version mismatch. (NVML error 18)"),
        ("driver-not-loaded", "driver_not_loaded", "Driver Not Loaded (NVML error 9)"),
    ],
)
def test_a_library_that_is_not_ready_says_so_itself(read: Any, scenario: str, state: str, words: str) -> None:
    report = read(scenario)
    assert (report.library.state, report.library.reason) == (state, words)
    assert (report.interruption, report.gpus) == (None, ())
    assert isinstance(report.count, Unread)
    assert len(report.bus.value) == 4, "the bus is read without the driver"


def test_a_lost_gpu_is_counted_and_the_others_are_read(read: Any) -> None:
    report = read("xid-79")
    lost = readings(report.gpus[1])
    assert all(isinstance(reading, Unread) and reading.nvml_error == 15 for reading in lost.values())
    assert all(isinstance(reading, Value) for index in (0, 2, 3) for reading in readings(report.gpus[index]).values())


def test_a_gpu_that_is_lost_while_it_is_read_keeps_its_name(read: Any) -> None:
    gpu = read("xid-79-after-handle").gpus[1]
    assert (gpu.pci_id.value, gpu.ecc.nvml_error) == ("0000:65:00.0", 15)


def test_a_gpu_that_only_the_bus_shows(read: Any) -> None:
    report = read("fell-off-nvml")
    assert set(report.bus.value) - {gpu.pci_id.value for gpu in report.gpus} == {"0000:e3:00.0"}


def test_a_gpu_that_the_bus_does_not_show(read: Any) -> None:
    report = read("not-on-bus")
    assert {gpu.pci_id.value for gpu in report.gpus} - set(report.bus.value) == {"0000:ca:00.0"}


def test_a_hanging_call_is_named_and_what_was_read_before_is_kept(read: Any) -> None:
    report = read("driver-hangs")
    why = report.interruption
    assert (why.cause, why.call, why.gpu) == ("stuck", "nvmlDeviceGetEccMode", 1)
    assert why.detail == "no answer within 2 s"
    assert isinstance(report.gpus[0].persistence, Value)
    assert isinstance(report.gpus[1].compute_capability, Value)
    missing = Unread(reason="not reached: nvmlDeviceGetEccMode of GPU 1, no answer within 2 s")
    assert (report.gpus[1].ecc, report.gpus[3].uuid) == (missing, missing)
    assert len(report.gpus) == 4


def test_a_driver_that_hangs_from_the_start(read: Any) -> None:
    report = read("init-hangs")
    assert (report.interruption.cause, report.interruption.call) == ("stuck", "nvmlInit")
    assert (report.library.state, report.gpus) == ("not_reached", ())


def test_a_crash_in_the_library_takes_only_the_child(read: Any) -> None:
    report = read("library-crashes")
    assert (report.interruption.cause, report.interruption.call) == ("died", "nvmlDeviceGetRemappedRows")
    assert report.interruption.detail == "the reading process was ended by SIGSEGV"
    assert isinstance(report.gpus[0].sram, Value)


def test_without_the_library_nothing_is_claimed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    # A library of that name that cannot be loaded stands in front of one that this machine may have.
    (tmp_path / "libnvidia-ml.so.1").write_text("no library")
    monkeypatch.setenv("LD_LIBRARY_PATH", str(tmp_path))
    report = read_gpus(CALL_LIMIT_S)
    assert (report.library.state, report.gpus) == ("missing", ())
    assert report.library.reason == "NVML Shared Library Not Found (NVML error 12)"


def test_the_command_prints_the_report(tmp_path: Path) -> None:
    done = nvml.appliancectl(tmp_path, "driver-hangs", "gpu", "--deadline", "2")
    assert (done.returncode, done.stderr) == (0, "")
    report = GpuReport.model_validate_json(done.stdout)
    assert (report.interruption.cause, report.call_limit_s, report.reading_limit_s) == ("stuck", 2.0, 8.0)

"""Whole burn-ins over the simulated NVML and CUDA driver, which the real bindings load in child processes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from appliance.burnin.run import BurnIn, Options
from appliance.contract.burnin import BurnInProgress, BurnInReport, Change, Slowdown
from appliance.contract.gpu import Unread, Value
from tests.sim import cuda, nvml

pytestmark = pytest.mark.slow

SECONDS = 3.0
# Long enough for a busy machine to start Python, and far below the 30 s of a hanging call.
LIMIT_S = 6.0


def loaded(name: str) -> Path:
    return nvml.SCENARIOS / "load" / f"{name}.conf"


@pytest.fixture
def burn(monkeypatch: pytest.MonkeyPatch) -> Any:
    def burning(cuda_scenario: str, nvml_scenario: str | Path, **options: Any) -> BurnInReport:
        cuda.use(monkeypatch, cuda_scenario, nvml_scenario)
        given = {"seconds": SECONDS, "memory": False, "load_drives": False, "call_limit_s": LIMIT_S, **options}
        said: list[BurnInProgress] = []
        report = BurnIn(Options(**given), said.append, lambda: "").run()
        assert said
        assert BurnInReport.model_validate_json(report.model_dump_json()) == report
        return report

    return burning


MEASURED = (
    *("memory_tested_mib", "memory_passes", "memory_errors", "memory_gb_per_s", "tensor_tflops", "tensor_errors"),
    *("pcie_to_gpu_gb_per_s", "pcie_from_gpu_gb_per_s"),
)


def test_four_equal_gpus_and_one_that_is_slower(burn: Any) -> None:
    report = burn("slow-twin", "healthy-l40s-x4")
    assert (report.ended, report.reason, report.library.state) == ("finished", "", "ready")
    assert len(report.gpus) == 4
    assert all(isinstance(getattr(gpu, name), Value) for gpu in report.gpus for name in MEASURED)
    assert [gpu.memory_errors.value + gpu.tensor_errors.value for gpu in report.gpus] == [0, 0, 0, 0]
    assert [round(gpu.tensor_tflops.value) for gpu in report.gpus] == [300, 200, 300, 300]
    assert [round(gpu.memory_gb_per_s.value) for gpu in report.gpus] == [800, 560, 800, 800]
    assert round(report.gpus[0].pcie_to_gpu_gb_per_s.value) == 25
    assert round(report.gpus[0].pcie_from_gpu_gb_per_s.value) == 26
    assert report.gpus[0].memory_tested_mib.value == 21, "nine tenths of 24 MiB, in whole MiB"
    assert report.gpus[0].xids == Value(value=())
    assert (report.dcgm, report.memory, report.drives) == (None, None, None)


def test_a_flipped_bit_and_wrong_products_are_counted(burn: Any) -> None:
    sound, faulty = burn("flipped-bit", loaded("heat")).gpus
    assert (sound.memory_errors.value, sound.tensor_errors.value, sound.first_wrong_word) == (0, 0, None)
    assert faulty.memory_errors.value == faulty.memory_passes.value - 2, "one word in every pass from the third on"
    assert faulty.first_wrong_word.model_dump() == {
        "pattern": "0x55555555",
        "offset_bytes": 4 * 123456,
        "wanted": "0x55555555",
        "seen": "0x55555155",
    }
    assert faulty.tensor_errors.value >= 2


def test_heat_slowdown_and_a_link_that_drops_under_load(burn: Any) -> None:
    cool, hot = burn("healthy-x4", loaded("heat")).gpus
    assert (cool.temperature_c.value.min, cool.temperature_c.value.max) == (34, 67)
    assert (hot.temperature_c.value.max, hot.margin_c.value.min) == (88, 1)
    assert (hot.sm_clock_mhz.value.min, hot.sm_clock_mhz.value.max) == (1590, 2520)
    assert hot.power_w.value.max == 349.5
    assert (hot.pcie_generation.value.lowest, hot.pcie_generation.value.highest) == (3, 4)
    assert (hot.pcie_width.value.lowest, hot.pcie_width.value.highest) == (8, 16)
    reasons = {each.reason: each.seconds for each in hot.slowdowns.value.reasons}
    assert set(reasons) == {"sw_power_cap", "hw_slowdown", "hw_thermal_slowdown", "unnamed"}
    assert reasons["hw_thermal_slowdown"] == hot.slowdowns.value.observed_s > 0
    assert cool.slowdowns.value.reasons == (Slowdown(reason="sw_power_cap", seconds=cool.slowdowns.value.observed_s),)


def test_counters_that_rise_and_an_xid_during_the_run(burn: Any) -> None:
    first, second = burn("healthy-x4", loaded("errors")).gpus
    assert first.uncorrected_ecc == Value(value=Change(before=0, after=2))
    assert first.corrected_ecc == Value(value=Change(before=7, after=9))
    assert first.pcie_replays == Value(value=Change(before=3, after=41))
    assert [event.xid for event in first.xids.value] == [48]
    assert second.xids == Value(value=())
    assert second.remapped_uncorrectable == Value(value=Change(before=0, after=1))
    assert (second.remap_pending, second.remap_failed) == (Value(value=True), Value(value=False))


def test_a_call_that_fails_ends_one_load_and_not_the_other(burn: Any) -> None:
    report = burn("launch-fails", loaded("heat"))
    fragmented, failing = report.gpus
    assert fragmented.memory_tested_mib.value <= 20, "smaller pieces are tried when memory is not in one piece"
    assert fragmented.ended_early is None
    assert (failing.ended_early.cause, failing.ended_early.call) == ("error", "cuLaunchKernel")
    assert failing.ended_early.detail == "CUDA_ERROR_ECC_UNCORRECTABLE (214): as the scenario says"
    assert all(isinstance(getattr(failing, name), Unread) for name in MEASURED)
    assert report.ended == "failed"
    assert report.reason.startswith("GPU 1: cuLaunchKernel")


def test_a_check_that_finds_nothing_is_no_pass(burn: Any) -> None:
    blind = burn("blind", loaded("heat")).gpus[1]
    assert (blind.ended_early.cause, blind.ended_early.call) == ("error", "check")
    assert blind.ended_early.detail == "a wrong word that was put into the memory was not found"
    assert isinstance(blind.memory_errors, Unread)


def test_a_driver_that_hangs_is_left_and_named(burn: Any) -> None:
    report = burn("hangs", loaded("hangs"))
    sound, stuck = report.gpus
    assert (report.ended, report.observation_ended.cause, report.observation_ended.call) == (
        *("failed", "stuck", "nvmlDeviceGetPowerUsage"),
    )
    assert (stuck.ended_early.cause, stuck.ended_early.call) == ("stuck", "cuEventSynchronize")
    assert stuck.memory_passes.value >= 1, "what was found before is kept"
    assert isinstance(sound.tensor_tflops, Value)
    assert isinstance(sound.uncorrected_ecc, Unread)
    assert isinstance(sound.xids, Unread), "nobody listened to the end"


def test_a_crash_in_the_library_ends_one_load(burn: Any) -> None:
    died = burn("crashes", loaded("heat")).gpus[1].ended_early
    assert (died.cause, died.call, died.detail) == ("died", "cuModuleLoadData", "ended by SIGSEGV")


def test_a_gpu_without_cuda_is_not_a_gpu_that_passed(burn: Any, tmp_path: Path) -> None:
    scenario = tmp_path / "none.conf"
    scenario.write_text("gpus = 0\n")
    report = burn(scenario, loaded("heat"))
    assert {gpu.ended_early.call for gpu in report.gpus} == {"cuDeviceGetByPCIBusId"}
    assert report.ended == "failed"


@pytest.mark.parametrize("scenario", ["driver-not-loaded", "init-hangs"])
def test_without_nvml_nothing_is_claimed(burn: Any, scenario: str) -> None:
    report = burn("healthy-x4", scenario)
    assert (report.ended, report.gpus) == ("failed", ())
    assert report.library.state == ("driver_not_loaded" if scenario == "driver-not-loaded" else "not_reached")
    assert "NVML" in report.reason


def test_a_lost_gpu_is_listed_with_the_reason(burn: Any) -> None:
    lost = burn("healthy-x4", "xid-79").gpus[1]
    assert (lost.load, lost.reason) == ("none", "its PCI id could not be read")
    assert isinstance(lost.uuid, Unread)
    assert isinstance(lost.temperature_c, Unread)


def test_our_own_load_steps_in_for_dcgm_that_is_not_there(burn: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("appliance.burnin.dcgm.TOOL", "no-such-dcgmi")
    report = burn("healthy-x4", loaded("heat"), diagnostic="dcgm")
    assert (report.dcgm.state, report.dcgm.reason) == ("not_run", "no-such-dcgmi is not installed")
    assert {gpu.load for gpu in report.gpus} == {"own"}
    assert report.ended == "finished"


def test_without_gpus_no_driver_is_asked(burn: Any) -> None:
    report = burn("healthy-x4", "init-hangs", gpu=False)
    assert (report.ended, report.library, report.gpus) == ("finished", None, ())

"""What readings over ten minutes tell of one GPU."""

from __future__ import annotations

from typing import Any

from appliance.contract.gpu import Gpu
from appliance.contract.gpu_watch import GpuActivity
from appliance.watch.rates import Window
from tests.fakes import gpus

NOTHING = {"state": "unreadable", "reason": "not of interest"}


class Clock:
    def __init__(self) -> None:
        self.now_s = 1200.0

    def __call__(self) -> float:
        return self.now_s


def told(*readings: dict[str, Any], every_s: float = 60.0, busy: int = 0) -> Any:
    """The rates after these readings."""
    clock = Clock()
    window = Window(clock)
    activity = {name: NOTHING for name in GpuActivity.model_fields if name != "index"}
    doing = GpuActivity.model_validate({"index": 0, **activity, "gpu_util_percent": gpus.value(busy)})
    for changed in readings:
        clock.now_s += every_s
        window.add(Gpu.model_validate(gpus.gpu(0, **changed)), doing)
    return window.rates(0)


def test_slowdowns_are_counted_by_the_minutes_that_had_one() -> None:
    slow, fine = {"clocks_event_reasons": 0x8}, {"clocks_event_reasons": 0x4}
    assert told(*[slow] * 6, *[fine] * 4).hardware_slowdowns_per_min.value == 0.6
    assert told(*[slow, fine] * 5, every_s=30.0).hardware_slowdowns_per_min.value == 0.5
    # A watch that has just begun has seen few minutes, and accuses nobody of ten.
    assert told(slow).hardware_slowdowns_per_min.value == 0.1


def test_what_is_older_than_ten_minutes_is_forgotten() -> None:
    rates = told(*[{"clocks_event_reasons": 0xA8}] * 3, *[{"clocks_event_reasons": 0}] * 11)
    assert (rates.hardware_slowdowns_per_min.value, rates.software_thermal_share.value) == (0.0, 0.0)
    assert (rates.window_s, rates.samples) == (600.0, 11)


def test_replays_of_a_driver_that_was_loaded_anew_go_on_from_nothing() -> None:
    assert told(*[{"pcie_replays": count} for count in (100, 120, 0, 10)]).pcie_replays_per_min.value == 10.0
    assert told({"pcie_replays": 0}, {"pcie_replays": 40}, every_s=1.0).pcie_replays_per_min.value == 40.0


def test_the_generation_counts_at_work_alone() -> None:
    assert told({"pcie_generation": 1}).pcie_generation_under_load.state == "unreadable"
    at_work = told(*[{"pcie_generation": each} for each in (3, 4, 3)], busy=10)
    assert at_work.pcie_generation_under_load.value == 4


def test_what_is_not_supported_or_not_known_stays_that() -> None:
    rates = told({"clocks_event_reasons": gpus.NOT_SUPPORTED, "pcie_replays": gpus.unread("lost", 15)})
    assert rates.software_thermal_share.state == rates.hardware_slowdowns_per_min.state == "not_supported"
    assert (rates.pcie_replays_per_min.state, rates.pcie_replays_per_min.nvml_error) == ("unreadable", 15)

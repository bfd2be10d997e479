"""The simulated library itself: a mistake in a scenario ends the process, and events come as pynvml expects them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.sim import nvml

pytestmark = pytest.mark.slow

INIT = "import pynvml; pynvml.nvmlInit(); gpu = pynvml.nvmlDeviceGetHandleByIndex(0); "


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("gpus = 1\ncolour = red\n", "the scenario's key colour is not known"),
        ("gpus = 1\nerror.nvmlDeviceGetEcMode = TIMEOUT\n", "error.nvmlDeviceGetEcMode is not known"),
        ("gpus = 1\n[gpu 0]\nerror.nvmlDeviceGetEccMode = NVML_TIMEOUT\n", "NVML_TIMEOUT is no NVML error"),
        ("gpus = one\n", "gpus = one is no number"),
        ("gpus = 1\n[gpus]\n", "line not understood: [gpus]"),
        ("gpus = 1\n", "the scenario gives no uuid for GPU 0"),
        ("base = nowhere\n", "cannot open the scenario"),
    ],
)
def test_a_mistake_in_a_scenario_is_loud(tmp_path: Path, text: str, words: str) -> None:
    scenario = tmp_path / "wrong.conf"
    scenario.write_text(text)
    done = nvml.in_child(f"{INIT} pynvml.nvmlDeviceGetUUID(gpu)", scenario)
    assert done.returncode < 0
    assert words in done.stderr


def test_an_xid_comes_once_as_an_event_of_its_gpu() -> None:
    code = f"""{INIT}
events = pynvml.nvmlEventSetCreate()
for index in range(4):
    gpu = pynvml.nvmlDeviceGetHandleByIndex(index)
    pynvml.nvmlDeviceRegisterEvents(gpu, pynvml.nvmlEventTypeXidCriticalError, events)
event = pynvml.nvmlEventSetWait_v2(events, 10)
print(pynvml.nvmlDeviceGetUUID(event.device)[-4:], event.eventType, event.eventData)
try:
    pynvml.nvmlEventSetWait_v2(events, 10)
except pynvml.NVMLError_Timeout:
    print("quiet")
pynvml.nvmlEventSetFree(events)
pynvml.nvmlShutdown()
"""
    assert nvml.in_child(code, "xid-79-after-handle").stdout == "a001 8 79\nquiet\n"


def test_the_simulated_bus_shows_what_the_scenario_says(tmp_path: Path) -> None:
    devices = nvml.pci_bus(tmp_path, "not-on-bus")
    assert sorted(device.name for device in devices.iterdir()) == [
        *("0000:00:1f.0", "0000:17:00.0", "0000:17:00.1", "0000:65:00.0", "0000:e3:00.0"),
    ]

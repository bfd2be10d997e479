"""Each simulated scenario on its whole way: library, appliancectl gpu, fact, checks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from appliance.contract.health import Verdict
from fleetctl.checks.context import CheckContext
from fleetctl.checks.lists import GPU_CHECKS
from fleetctl.checks.result import CheckResult
from fleetctl.facts.base import Completed, Output
from fleetctl.facts.gpus import GPUS
from tests.fakes import site as fake
from tests.fakes.gpus import L40S, profile
from tests.sim import nvml

pytestmark = pytest.mark.slow

RTX = {**L40S, "reference": "NVIDIA RTX 6000 Ada Generation", "count": 2}
# For the scenarios that hang: long enough for a busy machine to answer the calls that take no time.
DEADLINE = ("--deadline", "3")

ALL = {check.__name__ for check in GPU_CHECKS}
OF_ONE_GPU = ALL - {"gpu_library", "gpu_count"}

# scenario → (GPUs wanted, every check that is not ok). Checks of a lost or unread GPU are unknown.
EXPECTED: dict[str, tuple[dict[str, Any], dict[str, str]]] = {
    "healthy-l40s-x4": ({}, {}),
    "rtx6000-ada-x2-ecc-off": (RTX, {"gpu_ecc": "degraded"}),
    "xid-79": ({}, {"gpu_count": "critical", **dict.fromkeys(OF_ONE_GPU, "unknown")}),
    "xid-79-after-handle": ({}, {"gpu_count": "critical", **dict.fromkeys(OF_ONE_GPU, "unknown")}),
    "fell-off-nvml": ({}, {"gpu_count": "critical"}),
    "count-mismatch": ({}, {"gpu_count": "critical"}),
    "not-on-bus": ({}, {"gpu_count": "critical"}),
    "remap-pending": ({}, {"gpu_rows": "degraded"}),
    "remap-failed": ({}, {"gpu_rows": "critical"}),
    "thermal-slowdown": ({}, {"gpu_clocks": "degraded", "gpu_temperature": "degraded"}),
    "pcie-x8": ({}, {"gpu_pcie": "critical"}),
    "driver-hangs": ({}, {"gpu_library": "critical", **dict.fromkeys(OF_ONE_GPU | {"gpu_count"}, "unknown")}),
    "init-hangs": ({}, {"gpu_library": "critical", **dict.fromkeys(OF_ONE_GPU | {"gpu_count"}, "unknown")}),
    "library-crashes": ({}, {"gpu_library": "critical", **dict.fromkeys(OF_ONE_GPU | {"gpu_count"}, "unknown")}),
    "version-mismatch": ({}, {"gpu_library": "critical", **dict.fromkeys(OF_ONE_GPU | {"gpu_count"}, "unknown")}),
    "driver-not-loaded": ({}, {"gpu_library": "critical", **dict.fromkeys(OF_ONE_GPU | {"gpu_count"}, "unknown")}),
    "not-supported": ({"count": 1}, {"gpu_ecc": "critical", "gpu_pcie": "critical", "gpu_temperature": "unknown"}),
    "unreadable": ({"count": 1}, dict.fromkeys(OF_ONE_GPU, "unknown")),
    "older-driver": ({"count": 1}, {"gpu_library": "critical"}),
    "uncorrectable-ecc": ({}, {"gpu_errors": "critical"}),
    "sram-threshold": ({}, {"gpu_errors": "critical"}),
    "recovery-action": ({}, {"gpu_recovery": "critical"}),
    "inforom-corrupt": ({}, {"gpu_inforom": "degraded"}),
}


def judged(folder: Path, scenario: str, wanted: dict[str, Any]) -> list[CheckResult]:
    done = nvml.appliancectl(folder, scenario, "gpu", *(DEADLINE if scenario.endswith("hangs") else ()))
    facts = GPUS.read([Output(Completed(done.returncode, done.stdout, done.stderr), {})])
    context: CheckContext = fake.context(fake.sealed_facts(gpus=facts), profile=profile({**L40S, "count": 4, **wanted}))
    return [check(context) for check in GPU_CHECKS]


def test_every_scenario_is_expected_to_do_something() -> None:
    assert sorted(EXPECTED) == nvml.NAMES


@pytest.mark.parametrize("scenario", nvml.NAMES)
def test_scenario(tmp_path: Path, scenario: str) -> None:
    wanted, not_ok = EXPECTED[scenario]
    results = judged(tmp_path, scenario, wanted)
    assert {result.check: result.verdict for result in results if result.verdict is not Verdict.OK} == not_ok
    assert all(bool(result.next_action) == (result.verdict is not Verdict.OK) for result in results)


def test_a_hanging_driver_is_named_with_its_call(tmp_path: Path) -> None:
    library = judged(tmp_path, "driver-hangs", {})[0]
    assert library.reason == "the driver is stuck in nvmlDeviceGetEccMode of GPU 1: no answer within 3 s"
    assert library.next_action == "reboot"


def test_a_lost_gpu_is_traced_to_its_place_on_the_bus(tmp_path: Path) -> None:
    count = next(result for result in judged(tmp_path, "xid-79", {}) if result.check == "gpu_count")
    assert "0000:65:00.0 is on the bus and NVML names no GPU there" in count.reason
    assert "GPU 1 is lost (NVML error 15)" in count.reason
    assert "3 GPUs meet the requirement of 4 × NVIDIA L40S" in count.reason
    assert count.next_action == "look for Xid 79 in the kernel log; reseat the card"

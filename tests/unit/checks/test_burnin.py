"""Each check of a burn-in, each verdict."""

from __future__ import annotations

from typing import Any

import pytest

from appliance.contract.health import Verdict
from fleetctl.checks.burnin import burnin_checks
from fleetctl.checks.result import CheckResult
from tests.fakes import burnin as fake
from tests.fakes import gpus as idle
from tests.fakes import site
from tests.fakes.burnin import change, gpu, series, slowdowns
from tests.fakes.gpus import NOT_SUPPORTED, unread, value

OWN = idle.profile({**idle.L40S, "diagnostic": "own"})
DCGM = idle.profile({**idle.L40S, "diagnostic": "dcgm"})
ALL = {check.__name__: check for check in burnin_checks(OWN)}
UNREAD = unread("NVML_ERROR_UNKNOWN")
STUCK = {"cause": "stuck", "call": "cuMemcpyDtoH", "detail": "longer than 30 s"}
PASSED = {"name": "memory", "gpu": 0, "status": "pass"}


def judge(check: str, context: Any) -> CheckResult:
    result = ALL[check](context)
    assert result.check == check
    assert result.reason
    if result.verdict is not Verdict.OK:
        assert result.next_action
    return result


def xid(*numbers: int) -> list[dict[str, Any]]:
    return [{"xid": number, "elapsed_s": 60.0 + place} for place, number in enumerate(numbers)]


@pytest.mark.parametrize("check", ALL)
def test_a_healthy_machine_is_ok_in_every_check(check: str) -> None:
    assert judge(check, fake.context()).verdict is Verdict.OK


@pytest.mark.parametrize("check", [name for name in ALL if name != "gpu_diagnostic"])
def test_without_a_report_nothing_is_ok(check: str) -> None:
    result = judge(check, fake.cut_off())
    assert result.verdict is Verdict.UNKNOWN
    assert "the SSH connection" in result.reason
    assert "last heard after 12.0 min" in result.reason
    assert result.next_action == "is the machine on?"


def test_a_profile_without_gpus_has_no_row_about_them() -> None:
    names = [check.__name__ for check in burnin_checks(site.PROFILE)]
    assert names == ["burnin_finished", "memory_load", "drives_load", "machine_errors"]


# check, the verdict wanted, words of its reason, and what GPU 1 has that is not healthy
GPU_CASES: list[tuple[str, str, str, dict[str, Any]]] = [
    ("burnin_finished", "critical", "ended early (stuck) cuMemcpyDtoH", {"ended_early": STUCK}),
    ("burnin_finished", "unknown", "ended early (stopped)", {"ended_early": {"cause": "stopped", "detail": "ctrl-c"}}),
    ("gpu_memory", "critical", "3 wrong words", {"memory_errors": 3}),
    ("gpu_memory", "unknown", "no pass over the memory", {"memory_passes": 0}),
    ("gpu_memory", "unknown", "NVML_ERROR_UNKNOWN", {"memory_errors": UNREAD}),
    ("gpu_memory", "unknown", "not measured: not supported", {"memory_errors": NOT_SUPPORTED}),
    ("gpu_memory", "unknown", "not under load: no PCI id", {"load": "none", "reason": "no PCI id"}),
    ("gpu_compute", "critical", "1 wrong results", {"tensor_errors": 1}),
    ("gpu_compute", "unknown", "nothing was computed", {"tensor_tflops": 0.0}),
    ("gpu_compute", "unknown", "could not be read", {"tensor_errors": UNREAD}),
    ("gpu_spread", "degraded", "tensor 165 TFLOP/s: slow twin, 8 % slower", {"tensor_tflops": 165.0}),
    ("gpu_spread", "critical", "memory 400 GB/s: slow twin, 42 % slower", {"memory_gb_per_s": 400.0}),
    ("gpu_spread", "degraded", "PCIe to GPU 22 GB/s", {"pcie_to_gpu_gb_per_s": 22.0}),
    ("gpu_spread", "critical", "PCIe from GPU 13 GB/s", {"pcie_from_gpu_gb_per_s": 13.0}),
    ("gpu_spread", "degraded", "mean SM clock 1900 MHz", {"sm_clock_mhz": series(1500, 1900, 2500)}),
    ("gpu_spread", "unknown", "tensor could not be read", {"tensor_tflops": UNREAD}),
    ("gpu_spread", "unknown", "the GPU's name could not be read", {"name": UNREAD}),
    ("gpu_heat", "degraded", "least margin 4 °C", {"margin_c": series(4, 9, 40)}),
    ("gpu_heat", "unknown", "unreliable", {"margin_c": series(0, 9, 40)}),
    ("gpu_heat", "unknown", "margin temperature could not be read", {"margin_c": UNREAD}),
    ("gpu_heat", "degraded", "hw_slowdown 2 s", {"slowdowns": slowdowns(hw_slowdown=2)}),
    ("gpu_heat", "degraded", "hw_slowdown 0 s", {"slowdowns": slowdowns(hw_slowdown=0)}),
    ("gpu_heat", "degraded", "hw_thermal_slowdown 9 s", {"slowdowns": slowdowns(hw_thermal_slowdown=9)}),
    ("gpu_heat", "critical", "hw_power_brake_slowdown", {"slowdowns": slowdowns(hw_power_brake_slowdown=1100)}),
    ("gpu_heat", "degraded", "hw_slowdown", {"slowdowns": slowdowns(observed_s=300, hw_slowdown=290)}),
    ("gpu_heat", "degraded", "sw_thermal_slowdown 61 s", {"slowdowns": slowdowns(sw_thermal_slowdown=61)}),
    ("gpu_heat", "unknown", "no reason that we know", {"slowdowns": slowdowns(unnamed=1)}),
    ("gpu_heat", "unknown", "not observed", {"slowdowns": slowdowns(observed_s=0)}),
    ("gpu_pcie_load", "degraded", "×12 of ×16", {"pcie_width": {"lowest": 12, "highest": 16}}),
    ("gpu_pcie_load", "critical", "×8 of ×16", {"pcie_width": {"lowest": 8, "highest": 8}}),
    ("gpu_pcie_load", "degraded", "generation 3 of 4", {"pcie_generation": {"lowest": 1, "highest": 3}}),
    ("gpu_pcie_load", "degraded", "700 replays in 30.2 min", {"pcie_replays": change(700)}),
    ("gpu_pcie_load", "unknown", "fell from 9 to 2", {"pcie_replays": {"before": 9, "after": 2}}),
    ("gpu_pcie_load", "unknown", "PCIe width could not be read", {"pcie_width": UNREAD}),
    ("gpu_pcie_load", "unknown", "no reading from before the load", {"uuid": "GPU-another"}),
    ("gpu_ecc_load", "critical", "1 new uncorrectable errors", {"uncorrected_ecc": change(1)}),
    ("gpu_ecc_load", "degraded", "a remap is pending", {"remap_pending": True}),
    ("gpu_ecc_load", "critical", "pending after Xid 48", {"remap_pending": True, "xids": xid(48)}),
    ("gpu_ecc_load", "critical", "a remap failed", {"remap_failed": True}),
    ("gpu_ecc_load", "degraded", "2 rows newly remapped", {"remapped_uncorrectable": change(2)}),
    ("gpu_ecc_load", "ok", "5 new corrected errors", {"corrected_ecc": change(5)}),
    ("gpu_ecc_load", "unknown", "not measured: not supported", {"uncorrected_ecc": NOT_SUPPORTED}),
    ("gpu_xid", "degraded", "1 × Xid 31", {"xids": xid(31)}),
    ("gpu_xid", "critical", "1 × Xid 79", {"xids": xid(79)}),
    ("gpu_xid", "unknown", "1 × Xid 7777", {"xids": xid(7777)}),
    ("gpu_xid", "unknown", "Xid events could not be read", {"xids": UNREAD}),
    ("gpu_xid", "ok", "1 × Xid 43", {"xids": xid(43)}),
]  # fmt: skip


@pytest.mark.parametrize(("check", "verdict", "words", "changed"), GPU_CASES)
def test_a_gpu_under_load(check: str, verdict: str, words: str, changed: dict[str, Any]) -> None:
    result = judge(check, fake.context(gpu(0), gpu(1, **changed)))
    assert result.verdict == verdict
    assert words in result.reason


MACHINE_CASES: list[tuple[str, str, str, dict[str, Any]]] = [
    ("burnin_finished", "unknown", "interrupted: SIGHUP", {"ended": "interrupted", "reason": "SIGHUP"}),
    ("burnin_finished", "unknown", "failed: memory", {"ended": "failed", "reason": "memory: no stress-ng"}),
    ("burnin_finished", "unknown", "too short", {"duration_s": 60.0}),
    ("burnin_finished", "unknown", "slow in", {"observation_ended": {"cause": "slow", "call": "nvmlInit"}}),
    ("burnin_finished", "critical", "stuck in", {"observation_ended": {"cause": "stuck", "call": "nvmlInit"}}),
    ("memory_load", "critical", "2 failed verifications", {"memory": fake.memory(errors=2)}),
    ("memory_load", "unknown", "not asked for", {"memory": None}),
    ("memory_load", "unknown", "no stress-ng", {"memory": fake.memory(state="not_run", reason="no stress-ng")}),
    ("memory_load", "unknown", "ended: failed, killed", {"memory": fake.memory(ended="failed", reason="killed")}),
    ("memory_load", "unknown", "errors could not be read", {"memory": fake.memory(errors=UNREAD)}),
    ("drives_load", "critical", "1 read errors", {"drives": value([fake.drive(0), fake.drive(1, errors=1)])}),
    ("drives_load", "degraded", "slower than the disks of its model",
     {"drives": value([fake.drive(0), fake.drive(1, sequential_mb_per_s=5000.0)])}),
    ("drives_load", "degraded", "random 1000 MB/s",
     {"drives": value([fake.drive(0), fake.drive(1, random_mb_per_s=1000.0)])}),
    ("drives_load", "ok", "compared",
     {"drives": value([fake.drive(0), fake.drive(1, model="Other", random_mb_per_s=500.0)])}),
    ("drives_load", "unknown", "not measured", {"drives": value([fake.drive(0, random_mb_per_s=UNREAD)])}),
    ("drives_load", "unknown", "not read: no fio",
     {"drives": value([fake.drive(0, state="not_run", reason="no fio")])}),
    ("drives_load", "unknown", "no data disk", {"drives": value([])}),
    ("drives_load", "unknown", "not asked for", {"drives": None}),
    ("drives_load", "unknown", "lsblk", {"drives": unread("lsblk failed")}),
    ("machine_errors", "critical", "1 machine check events", {"machine_errors": fake.kernel_log(mce=1)}),
    ("machine_errors", "degraded", "4 memory errors", {"machine_errors": fake.kernel_log(edac=4)}),
    ("machine_errors", "degraded", "first: AER: lane 3",
     {"machine_errors": fake.kernel_log(pcie=1, first_lines=["AER: lane 3"])}),
    ("machine_errors", "critical", "1 I/O errors", {"machine_errors": fake.kernel_log(storage=1)}),
    ("machine_errors", "unknown", "no kernel log", {"machine_errors": unread("no kernel log")}),
    ("gpu_xid", "unknown", "2 lines with an Xid, and NVML told of 0", {"machine_errors": fake.kernel_log(xid=2)}),
    ("gpu_memory", "unknown", "no GPU was under load", {"library": None}),
]  # fmt: skip


@pytest.mark.parametrize(("check", "verdict", "words", "changed"), MACHINE_CASES)
def test_the_machine_under_load(check: str, verdict: str, words: str, changed: dict[str, Any]) -> None:
    report = fake.report(**changed)
    if changed.get("library", ...) is None:
        report = report.model_copy(update={"gpus": ()})
    context = fake.context()
    result = judge(check, type(context)(context.profile, context.minutes, report, idle=context.idle))
    assert result.verdict == verdict
    assert words in result.reason


@pytest.mark.parametrize(
    ("tests", "verdict", "words"),
    [
        ([PASSED], "ok", "compared the result"),
        ([PASSED, {"name": "pcie", "status": "fail", "detail": "low bandwidth"}], "critical", "pcie: fail low"),
        ([PASSED, {"name": "power", "gpu": 1, "status": "warn"}], "degraded", "power on GPU 1: warn"),
        ([PASSED, {"name": "new", "status": "unknown"}], "unknown", "new: unknown"),
        ([{"name": "memory", "status": "skip"}], "unknown", "none of which ran"),
    ],
)
def test_dcgm_decides_where_the_profile_wants_it(tests: list[dict[str, Any]], verdict: str, words: str) -> None:
    context = fake.context(fake.by_dcgm(0), fake.by_dcgm(1), wants=DCGM, dcgm=fake.dcgm(*tests))
    result = judge("gpu_diagnostic", context)
    assert result.verdict == verdict
    assert words in result.reason


@pytest.mark.parametrize("check", ["gpu_memory", "gpu_compute", "gpu_spread"])
def test_what_dcgm_loaded_is_said_and_left_to_its_result(check: str) -> None:
    result = judge(check, fake.context(fake.by_dcgm(0), fake.by_dcgm(1), wants=DCGM, dcgm=fake.dcgm(PASSED)))
    assert result.verdict is Verdict.OK
    assert "DCGM's diagnostic loaded it" in result.reason


@pytest.mark.parametrize("check", ["gpu_memory", "gpu_compute", "gpu_spread", "gpu_diagnostic"])
def test_without_dcgm_on_the_box_nothing_that_it_should_have_tested_is_ok(check: str) -> None:
    missing = fake.dcgm(state="not_run", reason="dcgmi is not installed")
    result = judge(check, fake.context(fake.by_dcgm(0), fake.by_dcgm(1), wants=DCGM, dcgm=missing))
    assert result.verdict is Verdict.UNKNOWN


def test_our_own_load_in_dcgms_place_is_a_reservation() -> None:
    missing = fake.dcgm(state="not_run", reason="dcgmi is not installed")
    result = judge("gpu_diagnostic", fake.context(wants=DCGM, dcgm=missing))
    assert result.verdict is Verdict.DEGRADED
    assert "dcgmi is not installed; our own load ran in its place" in result.reason
    assert result.next_action


def test_a_diagnostic_that_was_not_asked_for_is_unknown_where_one_kind_of_gpu_needs_it() -> None:
    mixed = idle.profile(idle.L40S | {"diagnostic": "dcgm"}, idle.L40S | {"reference": "NVIDIA RTX 6000 Ada"})
    result = judge("gpu_diagnostic", fake.context(wants=mixed))
    assert result.verdict is Verdict.UNKNOWN
    assert "NVIDIA RTX 6000 Ada" in result.reason


def test_our_own_load_is_named_where_dcgm_does_not_know_the_card() -> None:
    result = judge("gpu_diagnostic", fake.context(wants=OWN))
    assert result.verdict is Verdict.OK
    assert "cards that DCGM's list does not have" in result.reason


@pytest.mark.parametrize(("check", "told"), [("gpu_memory", "memory_errors"), ("gpu_compute", "tensor_errors")])
def test_an_error_that_was_heard_of_stays_critical_when_the_report_never_came(check: str, told: str) -> None:
    result = judge(check, fake.cut_off(**{told: 2}))
    assert result.verdict is Verdict.CRITICAL
    assert result.next_action == "replace the card"


def test_fewer_gpus_than_the_profile_counts_are_no_whole_burn_in() -> None:
    result = judge("burnin_finished", fake.context(gpu(0)))
    assert result.verdict is Verdict.UNKNOWN
    assert "1 of the profile's 2 GPUs took part" in result.reason


def test_a_gpu_without_a_twin_is_ok_and_said() -> None:
    result = judge("gpu_spread", fake.context(gpu(0), gpu(1, name="NVIDIA RTX 6000 Ada", tensor_tflops=90.0)))
    assert result.verdict is Verdict.OK
    assert "it has no twin" in result.reason


def test_of_four_only_the_slow_one_is_named() -> None:
    listed = [gpu(0), gpu(1), gpu(2, tensor_tflops=120.0), gpu(3)]
    result = judge("gpu_spread", fake.context(*listed))
    assert result.verdict is Verdict.CRITICAL
    assert result.reason.startswith("GPU 2 (")
    assert "GPU 0" not in result.reason


def test_a_generation_that_falls_at_the_edges_of_the_load_is_no_fault() -> None:
    result = judge("gpu_pcie_load", fake.context(gpu(0, pcie_generation={"lowest": 1, "highest": 4})))
    assert result.verdict is Verdict.OK


def test_the_idle_reading_may_lack_the_largest_generation() -> None:
    unreadable = idle.report(idle.gpu(0, pcie_generation_max=UNREAD), idle.gpu(1, pcie_generation_max=NOT_SUPPORTED))
    result = judge("gpu_pcie_load", fake.context(idle=unreadable))
    assert result.verdict is Verdict.UNKNOWN
    assert "largest PCIe generation could not be read" in result.reason
    assert "largest PCIe generation: not supported by this GPU" in result.reason


def test_a_card_without_ecc_that_need_not_have_it_is_ok() -> None:
    any_ecc = idle.profile(idle.L40S | {"ecc": "any"})
    listed = [gpu(index, uncorrected_ecc=NOT_SUPPORTED) for index in (0, 1)]
    result = judge("gpu_ecc_load", fake.context(*listed, wants=any_ecc))
    assert result.verdict is Verdict.OK
    assert "not supported by this GPU" in result.reason

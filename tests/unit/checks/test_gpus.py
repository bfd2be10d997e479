"""One case for each verdict of each GPU check, and for each of the three answers of a value."""

from __future__ import annotations

from typing import Any

import pytest

from appliance.contract.health import Verdict
from fleetctl.checks import gpu_faults, gpus
from fleetctl.checks.lists import GPU_CHECKS, PREFLIGHT_CHECKS, VERIFY_CHECKS, preflight_checks, verify_checks
from tests.fakes import site as fake
from tests.fakes.gpus import L40S, NOT_SUPPORTED, gpu, gpu_context, lost, profile, unread, value
from tests.fakes.parts import Check

RESEAT = "look for Xid 79 in the kernel log; reseat the card"
SECOND = "GPU 1 (…0000a001, 0000:65:00.0)"


@pytest.mark.parametrize("check", GPU_CHECKS, ids=lambda check: check.__name__)
def test_healthy_gpus_are_ok_and_named(check: Check) -> None:
    result = check(gpu_context())
    assert (result.check, result.verdict, result.next_action) == (check.__name__, Verdict.OK, "")
    if check is not gpus.gpu_library:
        assert SECOND in result.seen


@pytest.mark.parametrize("check", GPU_CHECKS, ids=lambda check: check.__name__)
def test_without_a_reading_every_check_is_unknown(check: Check) -> None:
    unreadable = fake.sealed_facts(gpus=fake.unreadable("gpus"))
    for facts in (unreadable, fake.sealed_facts(gpus=None)):
        assert check(fake.context(facts, profile=profile())).verdict is Verdict.UNKNOWN


@pytest.mark.parametrize("check", GPU_CHECKS, ids=lambda check: check.__name__)
def test_a_profile_without_gpus_is_said_to_want_none(check: Check) -> None:
    result = check(fake.context())
    assert (result.verdict, result.reason) == (Verdict.OK, "the profile wants no GPU")


def test_a_profile_without_gpus_gets_one_row_in_preflight_and_none_in_verify() -> None:
    assert preflight_checks(fake.PROFILE) == PREFLIGHT_CHECKS
    assert set(PREFLIGHT_CHECKS) & set(GPU_CHECKS) == {gpus.gpu_count}
    assert verify_checks(fake.PROFILE) == VERIFY_CHECKS
    assert not set(VERIFY_CHECKS) & set(GPU_CHECKS)


def test_a_profile_with_gpus_gets_every_gpu_check_once() -> None:
    for checks in (preflight_checks(profile()), verify_checks(profile())):
        assert set(GPU_CHECKS) <= set(checks)
        assert len(checks) == len(set(checks))


LIBRARY: list[tuple[dict[str, Any], str, str, str]] = [
    (
        {"library": {"state": "version_mismatch", "reason": "RM has detected an NVML/RM version mismatch."}},
        "critical",
        "NVML is not ready (version mismatch): RM has detected",
        "reboot; if it stays, reinstall the driver",
    ),
    (
        {"library": {"state": "missing", "reason": "not found"}},
        "critical",
        "not ready (missing): not found",
        "reinstall",
    ),
    (
        {"interruption": {"cause": "stuck", "call": "nvmlDeviceGetEccMode", "gpu": 1, "detail": "no answer in 10 s"}},
        "critical",
        "the driver is stuck in nvmlDeviceGetEccMode of GPU 1: no answer in 10 s",
        "reboot",
    ),
    (
        {"interruption": {"cause": "died", "call": "nvmlInit", "gpu": None, "detail": "ended by SIGSEGV"}},
        "critical",
        "the reading broke off in nvmlInit: ended by SIGSEGV",
        "reinstall the driver",
    ),
    (
        {"interruption": {"cause": "slow", "call": "nvmlInit", "gpu": None, "detail": "longer than 40 s"}},
        "unknown",
        "the reading was not finished, at nvmlInit",
        "run it again",
    ),
    ({"library": {"driver_version": value("535.183.01")}}, "critical", "535.183.01 is older than 550.54", "install"),
    ({"library": {"driver_version": value("550.9")}}, "critical", "550.9 is older than 550.54", "install"),
    ({"library": {"driver_version": value("550.54.0")}}, "ok", "compared driver 550.54.0 with 550.54", ""),
    ({"library": {"driver_version": value("550.100")}}, "ok", "compared driver 550.100 with 550.54", ""),
    ({"library": {"driver_version": value("beta")}}, "unknown", "'beta' is not understood", "run it again"),
    ({"library": {"driver_version": unread()}}, "unknown", "the driver's version could not be read", "run it again"),
    ({"library": {"driver_version": NOT_SUPPORTED}}, "critical", "does not say its version", "reinstall"),
]


@pytest.mark.parametrize(("changed", "verdict", "reason", "action"), LIBRARY, ids=[row[2] for row in LIBRARY])
def test_gpu_library(changed: dict[str, Any], verdict: str, reason: str, action: str) -> None:
    result = gpus.gpu_library(gpu_context(**changed))
    assert result.verdict == verdict
    assert reason in result.reason
    assert action in result.next_action


def test_a_profile_may_want_no_particular_driver() -> None:
    result = gpus.gpu_library(gpu_context(wants=profile({**L40S, "min_driver": None})))
    assert (result.verdict, result.wanted) == (Verdict.OK, "any driver")


ONE = {
    "degraded": (
        (gpus.gpu_ecc, {"ecc": {"current": False, "pending": False}}, "ECC off", "set ECC on"),
        (gpus.gpu_ecc, {"ecc": {"current": False, "pending": True}}, "ECC off, on after the next reset", "reset it"),
        (gpus.gpu_ecc, {"ecc": {"current": True, "pending": False}}, "ECC on, off after the next reset", "set ECC on"),
        (
            gpu_faults.gpu_rows,
            {"rows": {"correctable": 0, "uncorrectable": 1, "pending": True, "failed": False}},
            "1 rows remapped for uncorrectable errors, a remap is pending",
            "no rollout until then",
        ),
        (
            gpu_faults.gpu_rows,
            {"rows": {"correctable": 0, "uncorrectable": 512, "pending": False, "failed": False}},
            "512 uncorrectable remaps, the limit is 512",
            "plan a replacement",
        ),
        (
            gpu_faults.gpu_rows,
            {"spare_rows": {"max": 190, "high": 0, "partial": 0, "low": 0, "none": 2}},
            "2 banks have no spare row left",
            "plan a replacement",
        ),
        (gpu_faults.gpu_inforom, {"inforom_valid": False}, "InfoROM corrupt", "vendor's support"),
        (gpu_faults.gpu_clocks, {"clocks_event_reasons": 0x8}, "hardware slowdown", "cooling and power supply"),
        (
            gpu_faults.gpu_clocks,
            {"clocks_event_reasons": 0x44},
            "hardware thermal slowdown, software power cap",
            "cooling",
        ),
        (gpu_faults.gpu_clocks, {"clocks_event_reasons": 0x80}, "hardware power brake", "power supply"),
        (gpu_faults.gpu_clocks, {"clocks_event_reasons": 0x20}, "software thermal slowdown", "airflow"),
        (gpu_faults.gpu_temperature, {"margin_c": 5}, "margin 5 °C", "cooling"),
        (gpus.gpu_pcie, {"pcie_width": 12}, "×12 of ×16", "reseat the card"),
        (gpus.gpu_persistence, {"persistence": False}, "persistence off", "nvidia-persistenced"),
    ),
    "critical": (
        (gpus.gpu_ecc, {"ecc": NOT_SUPPORTED}, "ECC: not supported by this GPU", "use a GPU that has ECC"),
        (gpu_faults.gpu_errors, {"uncorrected_ecc": 3}, "3 uncorrectable ECC errors", "drain the GPU and reset it"),
        (
            gpu_faults.gpu_errors,
            {"uncorrected_ecc": NOT_SUPPORTED},
            "not supported by this GPU while ECC is on",
            "repl",
        ),
        (
            gpu_faults.gpu_errors,
            {"sram": {"uncorrected_volatile": 4, "threshold_exceeded": True}},
            "4 uncorrectable SRAM errors, NVML's threshold is exceeded",
            "replace the card",
        ),
        (
            gpu_faults.gpu_rows,
            {"rows": {"correctable": 0, "uncorrectable": 9, "pending": True, "failed": True}},
            "9 rows remapped for uncorrectable errors, a remap failed",
            "replace the card",
        ),
        (gpu_faults.gpu_recovery, {"recovery_action": 1}, "recovery action 1 wanted", "reset the GPU"),
        (gpu_faults.gpu_recovery, {"recovery_action": 2}, "recovery action 2 wanted", "reboot the machine"),
        (gpu_faults.gpu_recovery, {"recovery_action": 3}, "recovery action 3 wanted", "P2P"),
        (gpu_faults.gpu_recovery, {"recovery_action": 4}, "recovery action 4 wanted", "drain the GPU and reset it"),
        (gpu_faults.gpu_recovery, {"recovery_action": 99}, "recovery action 99 wanted", "release notes"),
        (gpus.gpu_pcie, {"pcie_width": 8}, "×8 of ×16", "reseat the card"),
        (gpus.gpu_pcie, {"pcie_width": NOT_SUPPORTED}, "PCIe width: not supported by this GPU", "use a GPU"),
    ),
    "unknown": (
        (gpus.gpu_ecc, {"ecc": unread()}, "ECC mode could not be read: it could not be read", "run it again"),
        (gpu_faults.gpu_errors, {"uncorrected_ecc": unread()}, "uncorrectable errors could not be read", "again"),
        (gpu_faults.gpu_errors, {"sram": unread("old", 13)}, "SRAM errors could not be read: old", "install a driver"),
        (gpu_faults.gpu_rows, {"rows": unread("reset", 16)}, "row remapping could not be read", "reset it"),
        (gpu_faults.gpu_rows, {"spare_rows": unread()}, "spare rows could not be read", "run it again"),
        (gpu_faults.gpu_recovery, {"recovery_action": unread()}, "recovery action could not be read", "run it again"),
        (gpu_faults.gpu_inforom, {"inforom_valid": unread()}, "InfoROM could not be read", "run it again"),
        (gpu_faults.gpu_clocks, {"clocks_event_reasons": unread()}, "clocks event reasons could not", "run it again"),
        (gpu_faults.gpu_clocks, {"clocks_event_reasons": 0x800}, "0x800 is no reason that we know", "release notes"),
        (gpu_faults.gpu_temperature, {"margin_c": 0}, "a margin of 0 °C is unreliable", "look at the temperature"),
        (gpu_faults.gpu_temperature, {"margin_c": -3}, "a margin of -3 °C is unreliable", "look at the temperature"),
        (gpu_faults.gpu_temperature, {"margin_c": NOT_SUPPORTED}, "nor its slowdown temperature", "data sheet"),
        (gpu_faults.gpu_temperature, {"margin_c": unread()}, "margin temperature could not be read", "run it again"),
        (gpu_faults.gpu_temperature, {"temperature_c": unread()}, "temperature could not be read", "run it again"),
        (gpus.gpu_pcie, {"pcie_width": unread()}, "PCIe width could not be read", "run it again"),
        (gpus.gpu_pcie, {"pcie_width_max": unread()}, "largest PCIe width could not be read", "run it again"),
        (gpus.gpu_persistence, {"persistence": unread()}, "persistence mode could not be read", "run it again"),
    ),
    "ok": (
        (gpu_faults.gpu_errors, {"sram": NOT_SUPPORTED}, "SRAM errors: not supported by this GPU", ""),
        (
            gpu_faults.gpu_errors,
            {"ecc": {"current": False, "pending": False}, "uncorrected_ecc": NOT_SUPPORTED},
            "uncorrectable errors: not supported by this GPU",
            "",
        ),
        (gpu_faults.gpu_rows, {"rows": NOT_SUPPORTED}, "row remapping: not supported by this GPU", ""),
        (gpu_faults.gpu_rows, {"spare_rows": NOT_SUPPORTED}, "spare rows: not supported by this GPU", ""),
        (gpu_faults.gpu_recovery, {"recovery_action": NOT_SUPPORTED}, "recovery action: not supported", ""),
        (gpu_faults.gpu_inforom, {"inforom_valid": NOT_SUPPORTED}, "InfoROM: not supported by this GPU", ""),
        (gpu_faults.gpu_clocks, {"clocks_event_reasons": NOT_SUPPORTED}, "clocks event reasons: not supported", ""),
        (gpus.gpu_pcie, {"pcie_width_max": NOT_SUPPORTED}, "largest PCIe width: not supported by this GPU", ""),
        (gpus.gpu_persistence, {"persistence": NOT_SUPPORTED}, "persistence mode: not supported by this GPU", ""),
    ),
}
ROWS = [(verdict, *row) for verdict, rows in ONE.items() for row in rows]


@pytest.mark.parametrize(
    ("verdict", "check", "changed", "reason", "action"), ROWS, ids=[f"{row[1].__name__}-{row[3]}" for row in ROWS]
)
def test_one_gpu_of_two(verdict: str, check: Check, changed: dict[str, Any], reason: str, action: str) -> None:
    result = check(gpu_context(gpu(0), gpu(1, **changed)))
    assert result.verdict == verdict
    assert f"{SECOND}: " in result.reason
    assert "GPU 0" not in result.reason
    assert reason in result.reason
    assert action in result.next_action
    assert bool(action) == bool(result.next_action)


def test_every_check_of_single_gpus_has_every_verdict_that_it_can_give() -> None:
    given = {check: {row[0] for row in ROWS if row[1] is check} for check in {row[1] for row in ROWS}}
    assert set(given) == set(GPU_CHECKS) - {gpus.gpu_library, gpus.gpu_count}
    assert all("unknown" in verdicts for verdicts in given.values())


@pytest.mark.parametrize("ecc", [{"current": False, "pending": False}, NOT_SUPPORTED])
def test_a_profile_that_takes_any_ecc_mode_takes_none_too(ecc: dict[str, Any]) -> None:
    wants = profile({**L40S, "ecc": "any"})
    assert gpus.gpu_ecc(gpu_context(gpu(0, ecc=ecc), gpu(1), wants=wants)).verdict is Verdict.OK
    pending = gpu(0, ecc={"current": False, "pending": True})
    assert gpus.gpu_ecc(gpu_context(pending, gpu(1), wants=wants)).verdict is Verdict.DEGRADED


def test_idle_power_cap_and_settings_are_no_slowdown() -> None:
    result = gpu_faults.gpu_clocks(gpu_context(gpu(0, clocks_event_reasons=0x117), gpu(1)))
    assert result.verdict is Verdict.OK
    assert "idle, application clocks set, software power cap, sync boost, display clocks set" in result.seen


def test_the_generation_is_not_judged() -> None:
    assert gpus.gpu_pcie(gpu_context(gpu(0, pcie_generation=1, pcie_generation_max=5), gpu(1))).verdict is Verdict.OK


def test_a_narrow_slot_is_judged_by_what_the_profile_wants() -> None:
    narrow = {"pcie_width": 8, "pcie_width_max": 8}
    wants = profile({**L40S, "min_pcie_width": 8})
    assert gpus.gpu_pcie(gpu_context(gpu(0, **narrow), gpu(1), wants=wants)).verdict is Verdict.OK
    assert gpus.gpu_pcie(gpu_context(gpu(0, **narrow), gpu(1))).verdict is Verdict.CRITICAL


def test_the_worst_gpu_decides_and_equal_ones_are_named_together() -> None:
    result = gpu_faults.gpu_errors(gpu_context(gpu(0, uncorrected_ecc=3), gpu(1, uncorrected_ecc=3)))
    assert result.reason == f"GPU 0 (…0000a000, 0000:17:00.0), {SECOND}: 3 uncorrectable ECC errors"
    mixed = gpu_faults.gpu_rows(gpu_context(gpu(0, rows=unread()), gpu(1, spare_rows=unread())))
    assert mixed.verdict is Verdict.UNKNOWN


def test_a_gpu_without_a_name_goes_by_its_index() -> None:
    result = gpus.gpu_persistence(gpu_context(gpu(0), lost(1)))
    assert (result.verdict, result.next_action) == (Verdict.UNKNOWN, RESEAT)
    assert result.reason.startswith(
        "GPU 1: persistence mode could not be read: nvmlDeviceGetHandleByIndex: GPU is lost"
    )


def test_where_nvml_counts_none_its_own_words_are_the_reason() -> None:
    none = {"library": {"state": "missing", "reason": "not found"}, "gpus": [], "count": unread()}
    result = gpus.gpu_ecc(gpu_context(**none))
    assert (result.verdict, result.reason) == (Verdict.UNKNOWN, "no GPU could be asked: not found")

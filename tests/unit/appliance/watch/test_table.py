"""Every row of the two tables of docs/design/gpu-watch.md, from scenario to verdict, reason and action.

The real nvidia-ml-py asks the simulated library in the watch's real children.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import pytest

from appliance.contract.gpu_watch import GpuWatch
from tests.sim import watched

pytestmark = pytest.mark.slow

PAGE = Path(__file__).parents[4] / "docs/design/gpu-watch.md"


class Row(NamedTuple):
    """A row of the first table, and a scenario that reaches it."""

    title: str
    scenario: str
    check: str
    verdict: str
    said: str
    action: str
    fault: str = ""  # the kind that stands in the journal then
    readings: int = 1
    given: Mapping[str, Any] = MappingProxyType({})


def wants(**changed: Any) -> dict[str, Any]:
    return {"wants": watched.wanted(**changed)}


REPLACE, RESET, RESEAT = "replace the card", "drain the GPU and reset it", "reseat the card"
ROWS = [
    Row("Library and driver", "driver-not-loaded", "gpu_library", "critical", "NVML is not ready (driver not loaded)",
        "reboot; if it stays, reinstall the driver", "driver_unusable", 0),
    Row("Library and driver", "older-driver", "gpu_library", "critical", "driver 535.183.01 is older than 550.54",
        "install driver 550.54 or newer", given=wants(count=1)),
    Row("GPU count, UUID, PCI id", "count-mismatch", "gpu_count", "critical", "3 GPUs meet the requirement of 4",
        "look for Xid 79 in the kernel log; reseat the card", "gpu_count"),
    Row("GPU count, UUID, PCI id", "not-on-bus", "gpu_count", "critical", "is in NVML and not on the bus",
        "look for Xid 79 in the kernel log; reseat the card", "gpu_lost"),
    Row("Recovery action", "watch/recovery-actions", "gpu_recovery", "critical", "recovery action 3 wanted",
        f"reset the GPU; reboot the machine; drain the GPU's peers (P2P); {RESET}", "gpu_recovery_action"),
    Row("ECC mode", "rtx6000-ada-x2-ecc-off", "gpu_ecc", "degraded", "ECC off", "set ECC on",
        given=wants(count=2, reference="NVIDIA RTX 6000 Ada Generation")),
    Row("ECC mode", "watch/ecc-pending", "gpu_ecc", "degraded", "ECC off, on after the next reset", RESET),
    Row("Uncorrectable ECC", "uncorrectable-ecc", "gpu_errors", "critical", "uncorrectable ECC errors", RESET,
        "gpu_ecc_uncorrectable"),
    Row("SRAM ECC", "sram-threshold", "gpu_errors", "critical", "NVML's threshold is exceeded", REPLACE,
        "gpu_sram_threshold"),
    Row("Row remap pending", "remap-pending", "gpu_rows", "degraded", "a remap is pending",
        "maintenance window; no rollout until then", "gpu_remap_pending"),
    Row("Row remap pending", "watch/remap-pending-xid-48", "gpu_rows", "critical", "a remap is pending after Xid 48",
        f"{RESET}; no rollout until then", "gpu_remap_pending", 3),
    Row("Row remap failed", "remap-failed", "gpu_rows", "critical", "a remap failed", REPLACE, "gpu_remap_failed"),
    Row("Uncorrectable remaps", "watch/remaps-used-up", "gpu_rows", "degraded", "512 uncorrectable remaps",
        "plan a replacement", "gpu_remaps_used_up"),
    Row("Uncorrectable remaps", "watch/remaps-used-up", "gpu_rows", "degraded", "1 banks have no spare row left",
        "plan a replacement", "gpu_bank_used_up"),
    Row("InfoROM", "inforom-corrupt", "gpu_inforom", "degraded", "InfoROM corrupt", "vendor's support", "gpu_inforom"),
    Row("Hardware slowdown", "thermal-slowdown", "gpu_clocks", "degraded", "hardware slowdown",
        "look at cooling and power supply"),
    Row("Hardware slowdown", "watch/hardware-slowdown-once", "gpu_slowdown", "degraded",
        "0.1 hardware slowdowns/min over ten minutes", "look at cooling and power supply", readings=2),
    Row("Hardware slowdown", "watch/hardware-slowdown-often", "gpu_slowdown", "critical",
        "0.6 hardware slowdowns/min over ten minutes", "look at cooling and power supply", "gpu_hardware_slowdown", 9),
    Row("Software thermal", "watch/software-thermal", "gpu_slowdown", "degraded",
        "software thermal slowdown in 50% of the readings", "look at the airflow", "gpu_software_thermal", 10),
    Row("Power cap, idle", "watch/power-cap", "gpu_clocks", "ok", "one reading", ""),
    Row("Power cap, idle", "healthy-l40s-x4", "gpu_clocks", "ok", "one reading", ""),
    Row("Temperature", "watch/margin-small", "gpu_temperature", "degraded", "margin 5 °C", "look at the cooling"),
    Row("Temperature", "watch/margin-unreliable", "gpu_temperature", "unknown", "a margin of -4 °C is unreliable",
        "look at the temperature and the cooling yourself"),
    Row("PCIe width", "watch/pcie-x12", "gpu_pcie", "degraded", "×12 of ×16", RESEAT, "gpu_pcie_width"),
    Row("PCIe width", "pcie-x8", "gpu_pcie", "critical", "×8 of ×16", RESEAT, "gpu_pcie_width"),
    Row("PCIe generation", "watch/pcie-gen3-at-work", "gpu_link", "degraded", "generation 3 of 4 under load", RESEAT,
        "gpu_pcie_generation"),
    Row("PCIe generation", "healthy-l40s-x4", "gpu_link", "ok", "compared the generation under load", ""),
    Row("PCIe replays", "watch/pcie-replays", "gpu_link", "degraded", "17.0 PCIe replays/min", "look at the riser",
        "gpu_pcie_replays", 3),
    Row("Persistence mode", "watch/persistence-off", "gpu_persistence", "degraded", "persistence off",
        "enable nvidia-persistenced"),
    Row("vBIOS, serial", "healthy-l40s-x4", "gpu_identity", "degraded", "vBIOS 95.02.66.00.01, recorded 95.02.18.00.01",
        "check the asset", "gpu_vbios", given=wants(cards=watched.recorded(vbios="95.02.18.00.01"))),
    Row("vBIOS, serial", "healthy-l40s-x4", "gpu_identity", "degraded", "serial 1650000000000, recorded 42",
        "check the asset", "gpu_serial", given=wants(cards=watched.recorded(serial="42"))),
    Row("Stuck driver", "driver-hangs", "gpu_library", "critical",
        "the driver is stuck in nvmlDeviceGetEccMode of GPU 1: no answer within 2 s", "reboot", "driver_stuck", 0,
        given={"call_limit_s": 2.0}),
]  # fmt: skip


def rows_of(heading: str) -> list[list[str]]:
    """The rows of the table under a heading of the page."""
    text = PAGE.read_text().partition(f"## {heading}\n")[2].partition("\n## ")[0]
    table = [line.strip("|").split("|") for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in row] for row in table[2:]]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.title}: {row.scenario}")
def test_each_row_is_reached(look: Any, row: Row) -> None:
    def until(said: GpuWatch) -> bool:
        read = watched.readings(row.readings)(said) if row.readings else True
        return read and any(each.check == row.fault for each in said.faults) if row.fault else read

    said = look(row.scenario, until, **row.given)
    check = next(each for each in said.checks if each.check == row.check)
    assert (check.verdict, bool(check.next_action)) == (row.verdict, row.verdict != "ok")
    assert row.said in check.reason
    assert row.action in check.next_action
    if row.fault:
        fault = next(each for each in said.faults if each.check == row.fault)
        assert (fault.state, fault.count) == ("open", 1)
        assert fault.next_action
        open_faults = next(each for each in said.checks if each.check == "gpu_faults")
        assert fault.id in open_faults.reason
    elif row.verdict == "ok":
        assert said.faults == ()


def test_the_rows_are_those_of_the_page() -> None:
    titles = [row[0] for row in rows_of("What one GPU shows")]
    assert len(titles) == 21
    assert [title for title in titles if title != "Xid"] == list(dict.fromkeys(row.title for row in ROWS))


# Xid → verdict, NVIDIA's action, part of ours.
XIDS: dict[tuple[int, ...], tuple[str, str, str]] = {
    (13, 31, 32, 68, 69, 94): ("degraded", "restart application", "restart the service that used the GPU"),
    (43,): ("ok", "ignore", "look at the Xid that came with it"),
    (63,): ("degraded", "ignore", "reset the GPU in the maintenance window"),
    (92, 93): ("ok", "ignore", "watch whether there are more of them"),
    (48,): ("critical", "workflow 48", "drain the GPU, reset it, and look at the row remaps"),
    (46, 62, 95, 109, 110, 119, 120, 140, 143, 158): ("critical", "reset GPU", RESET),
    (64,): ("critical", "reset GPU, contact support", REPLACE),
    (79,): ("critical", "restart machine", "reboot the machine"),
    (54,): ("critical", "check mechanicals", "power cable"),
    (1000,): ("unknown", "none published", "ask the vendor's support what this Xid means"),
}


def test_each_xid_of_the_table_is_a_fault_with_its_verdict_and_action(look: Any) -> None:
    expected = {xid: means for xids, means in XIDS.items() for xid in xids}
    said = look("watch/xids", lambda said: len(said.faults) >= len(expected))
    found = {fault.code: (fault.verdict, fault.reason, fault.next_action) for fault in said.faults}
    assert found.keys() == expected.keys()
    for xid, (verdict, catalogue, action) in expected.items():
        assert found[xid] == (verdict, f"1 × Xid {xid} (catalogue: {catalogue})", found[xid][2]), xid
        assert action in found[xid][2]
    assert {fault.subject for fault in said.faults} == {"0000:17:00.0"}
    assert next(each for each in said.activity if each.index == 0).last_xid.value == 1000


def test_xids_that_depend_on_others(look: Any) -> None:
    """45 alone or behind another one, three of an application's in a day, a card that is lost again."""
    said = look("watch/xids-repeated", lambda said: sum(each.count for each in said.faults) == 8)
    found = {(fault.subject[5:7], fault.code): fault for fault in said.faults}
    assert (found["17", 45].verdict, found["17", 45].next_action) == ("degraded", "follow NVIDIA's workflow for Xid 45")
    assert (found["65", 45].verdict, "after Xid 119" in found["65", 45].reason) == ("ok", True)
    assert found["65", 119].verdict == "critical"
    assert (found["ca", 31].count_24h, found["ca", 31].verdict) == (3, "degraded")
    assert "diagnostic" in found["ca", 31].next_action
    assert "its slot or its riser" in found["e3", 79].next_action


def test_xid_154_means_what_field_230_says_after_it(look: Any) -> None:
    def until(said: GpuWatch) -> bool:
        states = {fault.subject: fault for fault in said.faults if fault.code == 154}
        return (
            len(states) == 4
            and states["0000:17:00.0"].state == "cleared"
            and states["0000:65:00.0"].verdict == "critical"
        )

    said = look("watch/xid-154", until)
    found = {fault.subject[5:7]: fault for fault in said.faults if fault.code == 154}
    assert found["17"].cleared_because == "field 230 wants no recovery action"
    assert (found["65"].next_action, "field 230: recovery action 2" in found["65"].reason) == (
        "reboot the machine",
        True,
    )
    assert (found["ca"].verdict, found["ca"].next_action) == (
        "unknown",
        "read the recovery action: fleetctl site preflight",
    )
    assert (found["e3"].verdict, "field 230 is not supported" in found["e3"].reason) == ("unknown", True)


def test_the_xids_are_those_of_the_page() -> None:
    listed = {int(word) for row in rows_of("What an Xid means") for word in row[0].split(", ") if word.isdigit()}
    assert listed == {xid for xids in XIDS for xid in xids if xid != 1000} | {45, 154}


def test_a_healthy_machine_has_nothing_that_is_not_ok(look: Any) -> None:
    said = look("healthy-l40s-x4")
    assert {check.check: check.verdict for check in said.checks if check.verdict != "ok"} == {}
    assert len(said.checks) == 16
    assert said.faults == ()
    assert [each.last_xid.value for each in said.activity] == [0, 0, 0, 0]
    assert said.activity[0].memory_reserved_mib.value == 602


def test_a_box_that_nobody_told_what_is_wanted_is_never_ok(look: Any) -> None:
    said = look("healthy-l40s-x4", wants=None)
    verdicts = {check.check: check.verdict for check in said.checks}
    needing = ("gpu_library", "gpu_count", "gpu_ecc", "gpu_pcie", "gpu_identity")
    assert {name for name, verdict in verdicts.items() if verdict != "ok"} == set(needing)
    assert {verdicts[name] for name in needing} == {"unknown"}
    assert said.faults == ()

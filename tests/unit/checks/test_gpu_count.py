"""gpu_count: count, figures and the bus, and which GPU stands for which requirement."""

from __future__ import annotations

from typing import Any

import pytest

from appliance.contract.health import Verdict
from fleetctl.checks.gpus import gpu_count
from tests.fakes.gpus import L40S, NOT_SUPPORTED, gpu, gpu_context, lost, profile, unread, value

RESEAT = "look for Xid 79 in the kernel log; reseat the card"
LOST = "0000:65:00.0 is on the bus and NVML names no GPU there"


def test_another_model_that_meets_the_figures_is_ok_and_shown() -> None:
    result = gpu_count(gpu_context(gpu(0), gpu(1, name="NVIDIA RTX 6000 Ada Generation")))
    assert (result.verdict, result.next_action) == (Verdict.OK, "")
    said = "GPU 1 (…0000a001, 0000:65:00.0) is NVIDIA RTX 6000 Ada Generation, the reference is NVIDIA L40S"
    assert result.difference == said
    assert said in result.reason


def test_what_is_wanted_names_the_figures() -> None:
    wanted = gpu_count(gpu_context()).wanted
    assert wanted == "2 × NVIDIA L40S (at least 45000 MiB, compute capability 8.9)"


FAULTS: list[tuple[tuple[dict[str, Any], ...], dict[str, Any], str, str, str]] = [
    ((gpu(0),), {}, "critical", "1 GPUs meet the requirement of 2 × NVIDIA L40S", RESEAT),
    ((gpu(0), gpu(1), gpu(2)), {}, "critical", "0000:ca:00.0) is one more than the profile counts", "remove it"),
    ((gpu(0), gpu(1, memory_mib=24000)), {}, "critical", "24000 MiB are less than 45000 MiB", "meets the profile"),
    ((gpu(0), gpu(1, memory_mib=NOT_SUPPORTED)), {}, "critical", "not tell its memory size", "meets the profile"),
    (
        (gpu(0), gpu(1, compute_capability="8.6")),
        {},
        "critical",
        "capability 8.6 is lower than 8.9",
        "meets the profile",
    ),
    ((gpu(0), gpu(1, compute_capability=NOT_SUPPORTED)), {}, "critical", "not tell its compute", "meets the profile"),
    ((gpu(0), gpu(1, memory_mib=unread())), {}, "unknown", "the figures of GPU 1", "run it again"),
    ((gpu(0), gpu(1, compute_capability=unread())), {}, "unknown", "the figures of GPU 1", "run it again"),
    ((gpu(0, memory_mib=unread()),), {}, "critical", "0 GPUs meet the requirement", "look for Xid 79"),
    ((gpu(0), lost(1)), {}, "critical", "GPU 1 is lost (NVML error 15)", RESEAT),
    ((gpu(0), gpu(1, ecc=unread("lost", 15))), {}, "critical", "0000:65:00.0) is lost (NVML error 15)", RESEAT),
    ((gpu(0), lost(1)), {"bus": value(["0000:17:00.0", "0000:65:00.0"])}, "critical", LOST, RESEAT),
    ((gpu(0),), {"bus": value(["0000:17:00.0", "0000:65:00.0"])}, "critical", LOST, RESEAT),
    ((), {"bus": value(["0000:17:00.0"])}, "critical", "0000:65:00.0 is in NVML and not on the bus", RESEAT),
    ((), {"bus": unread("no sysfs")}, "unknown", "the PCI bus could not be read: no sysfs", "run it again"),
    ((gpu(0), gpu(1, pci_id=unread())), {}, "unknown", "the PCI id of GPU 1 (…0000a001) could not be read", "again"),
    ((), {"gpus": [], "count": unread("no NVML")}, "unknown", "NVML's count could not be read: no NVML", "gpu_library"),
    ((), {"gpus": [], "count": unread(), "bus": value([])}, "critical", "the bus shows 0 GPUs", RESEAT),
    ((), {"gpus": [], "count": unread(), "bus": unread()}, "unknown", "the PCI bus could not be read", "run it again"),
]


@pytest.mark.parametrize(("there", "changed", "verdict", "reason", "action"), FAULTS, ids=[row[3] for row in FAULTS])
def test_faults(
    there: tuple[dict[str, Any], ...], changed: dict[str, Any], verdict: str, reason: str, action: str
) -> None:
    result = gpu_count(gpu_context(*there, **changed))
    assert result.verdict == verdict
    assert reason in result.reason
    assert action in result.next_action


def test_an_unread_pci_id_accuses_no_card() -> None:
    result = gpu_count(gpu_context(gpu(0), gpu(1, pci_id=unread()), bus=value(["0000:17:00.0", "0000:65:00.0"])))
    assert "NVML names no GPU" not in result.reason


def test_two_requirements_take_their_reference_parts_first() -> None:
    ada = {**L40S, "reference": "NVIDIA RTX 6000 Ada Generation", "count": 1}
    wants = profile({**L40S, "count": 1}, ada)
    swapped = gpu_context(gpu(0, name="NVIDIA RTX 6000 Ada Generation"), gpu(1), wants=wants)
    assert (gpu_count(swapped).verdict, gpu_count(swapped).difference) == (Verdict.OK, "")
    both = gpu_count(gpu_context(gpu(0), gpu(1), wants=wants))
    assert (both.verdict, "the reference is NVIDIA RTX 6000 Ada" in both.difference) == (Verdict.OK, True)


def test_a_profile_may_want_no_compute_capability() -> None:
    wants = profile({**L40S, "min_compute_capability": None})
    result = gpu_count(gpu_context(gpu(0), gpu(1, compute_capability=unread()), wants=wants))
    assert result.verdict is Verdict.OK

"""The parts of a burn-in one by one: DCGM's words, the kernel's words, the watch over a child, kernels and contract."""

from __future__ import annotations

import json
import re
import struct
import sys
import time
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from appliance.burnin import dcgm, gpu_load
from appliance.burnin.dcgm import DcgmLoad
from appliance.burnin.kernel_log import KernelLog
from appliance.burnin.observe import reasons
from appliance.contract.burnin import BurnInProgress, BurnInReport, DcgmResult, MachineErrors
from appliance.gpu.teller import Process, Teller

# Made up in the form of DCGM 3 and of DCGM 4; neither was captured.
DCGM_3 = {
    "DCGM GPU Diagnostic": {
        "test_categories": [
            {"category": "Deployment", "tests": [{"name": "Denylist", "results": [{"status": "Pass"}]}]},
            {
                "category": "Hardware",
                "tests": [
                    {
                        "name": "GPU Memory",
                        "results": [
                            {"gpu_ids": "0,1", "status": "Pass"},
                            {"gpu_ids": "2", "status": "Fail", "warnings": "uncorrectable error\x1b[31m"},
                        ],
                    }
                ],
            },
        ]
    }
}
DCGM_4 = {
    "DCGM Diagnostic": {
        "test_categories": [
            {
                "category": "Hardware",
                "tests": [
                    {
                        "name": "memory",
                        "results": [
                            {"entity_group": "GPU", "entity_id": 0, "status": "Skip", "info": ["not supported"]},
                            {"entity_group": "CPU", "entity_id": 1, "status": "Odd"},
                        ],
                    }
                ],
            }
        ]
    },
    "metadata": {"version": "4.2.3"},
}


def test_dcgm_3_names_gpus_in_one_word() -> None:
    _, tests = dcgm.parsed(f"a warning\n{json.dumps(DCGM_3)}")
    assert [(test["name"], test["gpu"], test["status"]) for test in tests] == [
        *(("Denylist", None, "pass"), ("GPU Memory", 0, "pass"), ("GPU Memory", 1, "pass"), ("GPU Memory", 2, "fail")),
    ]
    assert tests[3]["detail"] == "uncorrectable error[31m"


def test_dcgm_4_names_entities() -> None:
    version, tests = dcgm.parsed(json.dumps(DCGM_4))
    assert version == "4.2.3"
    assert [(test["gpu"], test["status"], test["detail"]) for test in tests] == [
        *((0, "skip", "not supported"), (None, "unknown", "")),
    ]


@pytest.mark.parametrize(
    "report", ["", "{", "{}", '{"DCGM Diagnostic": 3}', '{"DCGM Diagnostic": {"test_categories": 1}}']
)
def test_a_diagnostic_that_makes_no_sense_is_none(report: str) -> None:
    with pytest.raises(ValueError):
        dcgm.parsed(report)


@pytest.mark.parametrize(
    ("script", "state", "words"),
    [
        (f"cat <<'END'\n{json.dumps(DCGM_3)}\nEND\nexit 226", "ran", ""),
        ("echo no host engine >&2; exit 1", "failed", "ended with 1: no host engine"),
        ('echo \'{"DCGM Diagnostic": {"test_categories": []}}\'', "failed", "it told of no test"),
    ],
)
def test_dcgmi_is_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, script: str, state: str, words: str) -> None:
    tool = tmp_path / "dcgmi"
    tool.write_text(f"#!/bin/sh\n{script}\n")
    tool.chmod(0o755)
    monkeypatch.setattr(dcgm, "TOOL", str(tool))
    monkeypatch.setattr(dcgm, "ARGV", [str(tool), *dcgm.ARGV[1:]])
    load = DcgmLoad()
    while load.process.poll():
        time.sleep(0.02)
    found = DcgmResult.model_validate(load.result(""))
    assert found.state == state
    assert words in found.reason
    assert (len(found.tests) == 4) == (state == "ran")


RECORDS = (
    ("xid", "4,1,2,-;NVRM: Xid (PCI:0000:17:00): 79, pid=1, GPU has fallen off the bus."),
    ("mce", "2,1,2,-;mce: [Hardware Error]: CPU 3: Machine Check: 0 Bank 7: dc00000000010092"),
    ("edac", "4,1,2,-;EDAC MC0: 1 CE memory read error on CPU_SrcID#0_MC#0_Chan#1_DIMM#0"),
    ("pcie", "4,1,2,-;nvidia 0000:17:00.0: PCIe Bus Error: severity=Corrected, type=Physical Layer"),
    ("storage", "3,1,2,-;I/O error, dev nvme1n1, sector 2048 op 0x0:(READ) flags 0x0 phys_seg 1 prio class 2"),
    ("", "6,1,2,-;mce: CPU0: Thermal monitoring enabled (TM1)"),
    ("", "6,1,2,-;EDAC MC: Ver: 3.0.0"),
)


@pytest.mark.parametrize(("kind", "record"), RECORDS)
def test_the_kernels_words_are_counted(tmp_path: Path, kind: str, record: str) -> None:
    (tmp_path / "kmsg").write_text("")
    log = KernelLog(tmp_path / "kmsg")
    log.take(f"{record}\n SUBSYSTEM=pci\n")
    log.close()
    found = MachineErrors.model_validate(log.reading()["value"])
    counts = found.model_dump(exclude={"first_lines"})
    assert {name for name, count in counts.items() if count} == ({kind} if kind else set())
    assert len(found.first_lines) == (1 if kind else 0)


def test_only_what_comes_after_the_start_counts(tmp_path: Path) -> None:
    path = tmp_path / "kmsg"
    path.write_text(f"{RECORDS[0][1]}\n")
    log = KernelLog(path)
    with path.open("a") as file:
        file.write(f"{RECORDS[2][1]}\n")
    log.poll()
    log.close()
    assert (log.reading()["value"]["xid"], log.reading()["value"]["edac"]) == (0, 1)


def test_a_log_that_cannot_be_read_is_unknown(tmp_path: Path) -> None:
    assert KernelLog(tmp_path / "none").reading()["state"] == "unreadable"


def test_reasons_are_named_by_their_bits() -> None:
    assert reasons(0) == []
    assert reasons(0x1 | 0x8 | 0x40 | 0x100) == [
        "gpu_idle",
        "hw_slowdown",
        "hw_thermal_slowdown",
        "display_clock_setting",
    ]
    assert reasons(0x600) == ["unnamed"]


def heard(code: str, limit_s: float = 30.0) -> tuple[list[dict[str, Any]], Teller]:
    said: list[dict[str, Any]] = []
    teller = Teller([sys.executable, "-c", code], hear=said.append, call_limit_s=limit_s)
    while teller.poll():
        time.sleep(0.02)
    return said, teller


def test_a_child_that_says_its_end_ended_well() -> None:
    said, teller = heard("print('{\"row\": 1}'); print('{\"end\": true}', flush=True); import time; time.sleep(60)")
    assert (said, teller.interruption) == ([{"row": 1}], None)


@pytest.mark.parametrize(
    ("code", "cause", "words"),
    [
        ("print('{')", "died", "its answer is not understood"),
        ("print('3')", "died", "its answer is not understood"),
        ("import sys; sys.exit('no memory')", "died", "ended with 1: no memory"),
        ("import os; os.abort()", "died", "ended by SIGABRT"),
        ("while True: print('x' * 4096, end='')", "died", "its answer is not understood"),
    ],
)
def test_a_child_that_ends_before_its_end(code: str, cause: str, words: str) -> None:
    _, teller = heard(code)
    assert (teller.interruption["cause"], teller.interruption["detail"]) == (cause, words)


def test_a_call_that_lasts_too_long_is_named() -> None:
    _, teller = heard('import time; print(\'{"call": "cuInit"}\', flush=True); time.sleep(60)', limit_s=5)
    assert (teller.interruption["cause"], teller.interruption["call"]) == ("stuck", "cuInit")


def test_what_a_child_writes_is_kept_up_to_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("appliance.gpu.teller._MAX_KEPT_BYTES", 1000)
    process = Process([sys.executable, "-c", "print('x' * 100000)"])
    while process.poll():
        time.sleep(0.02)
    assert (process.code, len(process.written)) == (0, 1000)


class _Gpu:
    """Takes what a load launches, and finds what the load put there: one wrong word for its proof, none after it."""

    multiprocessors = 2

    def __init__(self) -> None:
        self.launched: dict[str, tuple[Any, ...]] = {}
        self._found = struct.pack("<QQ", 1, gpu_load._PROOF_WORD)

    def functions(self, ptx: bytes, names: Any) -> dict[str, str]:
        return {name: name for name in names}

    def launch(self, kernel: str, blocks: int, threads: int, arguments: Any) -> None:
        self.launched[kernel] = tuple(type(argument).__name__ for argument in arguments)

    def seconds(self, work: Any) -> float:
        work()
        return 1.0

    def free_bytes(self) -> int:
        return 4 * 1024**2

    def read(self, address: int, size: int) -> bytes:
        found, self._found = self._found, b""
        return found.ljust(size, b"\0")

    def allocate(self, size: int) -> int:
        return size

    pin = allocate
    clear = start_copy_to = start_copy_from = lambda *_: None


def test_kernels_are_given_what_their_ptx_declares() -> None:
    """The driver takes pointers without sizes: a wrong argument would be read as something else."""
    gpu = _Gpu()
    gpu_load.Load(gpu, 0.5, lambda **_: None).run()  # type: ignore[arg-type]
    text = (files("appliance.burnin") / "kernels.ptx").read_text()
    kinds = {"u32": "c_uint", "u64": "c_ulong"}
    declared = {
        name: tuple(kinds[kind] for kind in re.findall(r"\.param \.(u32|u64)", parameters))
        for name, parameters in re.findall(r"\.visible \.entry (\w+)\(([^)]*)\)", text)
    }
    assert gpu.launched == declared
    assert ".target sm_80\n" in text


def test_the_contract_is_strict() -> None:
    progress = {"stage": "load", "elapsed_s": 1.0, "total_s": 60.0}
    assert BurnInProgress.model_validate(progress).gpus == ()
    for wrong in ({"stage": "\x1b[2J"}, {"elapsed_s": -1.0}, {"elapsed_s": float("nan")}, {"more": 1}):
        with pytest.raises(ValidationError):
            BurnInProgress.model_validate({**progress, **wrong})
    report = {
        "started_at": "2026-01-01T00:00:00Z", "minutes": 1.0, "duration_s": 60.0, "ended": "finished", "library": None,
        "machine_errors": {"state": "unreadable", "reason": "no"},
    }  # fmt: skip
    assert BurnInReport.model_validate(report).schema_version == "burnin/v1"
    for wrong in ({"started_at": "now"}, {"minutes": 0}, {"ended": "passed"}, {"schema_version": "burnin/v2"}):
        with pytest.raises(ValidationError):
            BurnInReport.model_validate({**report, **wrong})

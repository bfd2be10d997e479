"""What the doctor says about machines that lack something."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest

from fleetctl.__main__ import run
from fleetctl.doctor import machine as module
from fleetctl.doctor.judge import PROGRAMS, Finding, Level, judge, worst
from fleetctl.doctor.machine import OperatorMachine

COMPLETE = OperatorMachine(
    python=(3, 11, 2),
    programs={name: f"/usr/bin/{name}" for name in PROGRAMS},
    qemu_version=(10, 0),
    firmware="/usr/share/OVMF/OVMF_CODE_4M.secboot.fd",
    kvm_usable=True,
    virtualization_flag="vmx",
    memory_mib=8000,
    memory_mount="/dev/shm",
    cache_directory="/home/ana/.cache/fleetctl",
    cache_free_gib=50.0,
)


def findings(**changes: Any) -> list[Finding]:
    return judge(dataclasses.replace(COMPLETE, **changes))


def test_complete_machine_is_ok() -> None:
    assert worst(findings()) is Level.ok
    assert all(finding.next_action == "" for finding in findings())


@pytest.mark.parametrize(
    ("changes", "verdict", "action"),
    [
        ({"python": (3, 10, 1)}, Level.critical, "use Python 3.11"),
        ({"python": (3, 14, 0)}, Level.critical, "use Python 3.11"),
        ({"memory_mount": None}, Level.critical, "mount -t tmpfs"),
        ({"programs": COMPLETE.programs | {"ssh": None}}, Level.critical, "apt install openssh-client"),
        ({"programs": COMPLETE.programs | {"rsync": None}}, Level.critical, "apt install rsync"),
        ({"programs": COMPLETE.programs | {"swtpm": None}}, Level.degraded, "apt install swtpm"),
        ({"programs": COMPLETE.programs | {"bwrap": None}}, Level.degraded, "apt install bubblewrap"),
        ({"qemu_version": (7, 2)}, Level.degraded, "backports"),
        ({"qemu_version": None}, Level.degraded, "backports"),
        ({"firmware": None}, Level.degraded, "apt install ovmf"),
        ({"memory_mib": 2000}, Level.degraded, "more memory"),
        ({"cache_free_gib": 2.0}, Level.degraded, "FLEETCTL_CACHE_DIR"),
    ],
)
def test_what_lacks_has_a_next_action(changes: dict[str, Any], verdict: Level, action: str) -> None:
    faults = [finding for finding in findings(**changes) if finding.verdict is not Level.ok]
    assert [fault.verdict for fault in faults] == [verdict]
    assert action in faults[0].next_action


@pytest.mark.parametrize(("kvm", "flag"), [(False, "vmx"), (True, None)])
def test_emulation_is_no_fault_and_is_said(kvm: bool, flag: str | None) -> None:
    seen = next(f for f in findings(kvm_usable=kvm, virtualization_flag=flag) if f.what == "virtualization")
    assert seen.verdict is Level.ok
    assert "emulation" in seen.seen


@pytest.mark.parametrize(
    ("changes", "code"),
    [({}, 0), ({"firmware": None}, 3), ({"firmware": None, "memory_mount": None}, 4)],
)
@pytest.mark.parametrize("output", ["table", "json"])
def test_exit_code_is_the_worst_verdict(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], changes: dict[str, Any], code: int, output: str
) -> None:
    monkeypatch.setattr(module, "gather", lambda names: dataclasses.replace(COMPLETE, **changes))
    assert run(["doctor", "-o", output]) == code
    out = capsys.readouterr().out
    assert "UEFI firmware with Secure Boot" in out
    if output == "json":
        assert len(json.loads(out)) == len(findings(**changes))


def test_parsers_read_what_linux_writes() -> None:
    assert module.virtualization_flag("model name\t: x\nflags\t\t: fpu vmx sse\n") == "vmx"
    assert module.virtualization_flag("flags\t\t: fpu svmlock\n") is None
    assert module.virtualization_flag("") is None
    assert module.memory_mib("MemTotal:       24684084 kB\nMemFree: 1 kB\n") == 24105
    assert module.qemu_version("QEMU emulator version 10.0.2 (Debian 1:10.0.2+ds-2)\nCopyright") == (10, 0)
    assert module.qemu_version("segfault") is None


def test_this_machine_can_be_gathered() -> None:
    seen = module.gather(["sh", "no-such-program"])
    assert seen.programs["sh"]
    assert seen.programs["no-such-program"] is None
    assert seen.memory_mib > 0

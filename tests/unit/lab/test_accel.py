"""The choice between KVM and emulation."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from fleetctl.errors import PreflightError
from fleetctl.lab import accel
from fleetctl.lab.accel import Accel, AccelKind, decide, detect, virtualization_flags
from fleetctl.lab.hosttools import HostTools, QemuVersion
from fleetctl.lab.trial import TrialResult

WITH_VMX = "processor\t: 0\nflags\t\t: fpu vme sse2 vmx smep\n"
WITHOUT = "processor\t: 0\nflags\t\t: fpu vme sse2 hypervisor vmxnotreally\n"


def never() -> TrialResult:
    raise AssertionError("the trial must not run")


def test_flags_are_whole_words_of_the_flags_line() -> None:
    assert virtualization_flags(WITH_VMX) == {"vmx"}
    assert virtualization_flags("flags : svm lm") == {"svm"}
    assert virtualization_flags(WITHOUT) == frozenset()
    assert virtualization_flags("") == frozenset()
    assert virtualization_flags("model name : svm vmx\n") == frozenset()


def test_kvm_when_flags_device_and_trial_agree() -> None:
    chosen = decide(
        machine="x86_64", cpuinfo=WITH_VMX, kvm_openable=True, trial=lambda: TrialResult(True, 0.3, "it ran")
    )
    assert chosen == Accel(kind=AccelKind.KVM, reason="it ran")


def test_without_flags_the_device_is_not_even_tried() -> None:
    chosen = decide(machine="x86_64", cpuinfo=WITHOUT, kvm_openable=True, trial=never)
    assert chosen.kind is AccelKind.TCG
    assert "neither vmx nor svm" in chosen.reason


@pytest.mark.parametrize(
    ("machine", "openable", "reason"),
    [("x86_64", False, "/dev/kvm"), ("aarch64", True, "aarch64")],
)
def test_emulation_when_a_cheap_condition_fails(machine: str, openable: bool, reason: str) -> None:
    chosen = decide(machine=machine, cpuinfo=WITH_VMX, kvm_openable=openable, trial=never)
    assert chosen.kind is AccelKind.TCG
    assert reason in chosen.reason


def test_emulation_when_the_trial_fails() -> None:
    chosen = decide(
        machine="x86_64", cpuinfo=WITH_VMX, kvm_openable=True, trial=lambda: TrialResult(False, 10, "it hung")
    )
    assert chosen == Accel(kind=AccelKind.TCG, reason="it hung")


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    calls: list[int] = []

    def fake(**_: object) -> Accel:
        calls.append(1)
        return Accel(kind=AccelKind.TCG, reason="decided")

    monkeypatch.setattr(accel, "decide", fake)
    return calls


def test_decided_once_a_boot(tools: HostTools, tmp_path: Path, counted: list[int]) -> None:
    cache = tmp_path / "deep" / "accel.json"
    assert detect(tools, cache) == detect(tools, cache)
    assert len(counted) == 1
    data = json.loads(cache.read_text())
    data["boot_id"] = "another boot"
    cache.write_text(json.dumps(data))
    detect(tools, cache)
    assert len(counted) == 2


def test_another_qemu_or_a_broken_cache_is_decided_anew(tools: HostTools, tmp_path: Path, counted: list[int]) -> None:
    cache = tmp_path / "accel.json"
    detect(tools, cache)
    detect(replace(tools, qemu_version=QemuVersion(9, 1)), cache)
    cache.write_text("{")
    detect(tools, cache)
    assert len(counted) == 3


def test_a_forced_choice_is_neither_tried_nor_cached(tools: HostTools, tmp_path: Path, counted: list[int]) -> None:
    assert detect(tools, tmp_path / "accel.json", "kvm").kind is AccelKind.KVM
    assert not counted
    assert not (tmp_path / "accel.json").exists()


def test_old_qemu_is_refused_for_emulation_only(tools: HostTools, tmp_path: Path) -> None:
    old = replace(tools, qemu_version=QemuVersion(7, 2, 17))
    assert detect(old, tmp_path / "a", "kvm").kind is AccelKind.KVM
    with pytest.raises(PreflightError):
        detect(old, tmp_path / "a", "tcg")

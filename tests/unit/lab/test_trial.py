"""The 512-byte guest: its bytes, and a real run where there is a QEMU."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from fleetctl.lab.hosttools import QEMU
from fleetctl.lab.trial import MESSAGE, boot_sector, run_trial


def test_boot_sector_is_bootable_and_points_at_its_message() -> None:
    sector = boot_sector()
    assert len(sector) == 512
    assert sector[510:] == b"\x55\xaa"
    at = sector.index(MESSAGE)
    assert b"\xbe" + (0x7C00 + at).to_bytes(2, "little") in sector[:at]


@pytest.mark.skipif(shutil.which(QEMU) is None, reason="no QEMU on this machine")
def test_emulation_runs_it() -> None:
    result = run_trial(Path(str(shutil.which(QEMU))), "tcg", deadline_s=60)
    assert result.passed, result.reason


def test_a_qemu_that_ends_otherwise_fails_the_trial(tmp_path: Path) -> None:
    fake = tmp_path / "qemu"
    fake.write_text("#!/bin/sh\nexit 1\n")
    fake.chmod(0o755)
    result = run_trial(fake, "kvm")
    assert not result.passed
    assert "status 1 (wanted 85)" in result.reason


def test_the_right_status_without_the_message_is_no_pass(tmp_path: Path) -> None:
    fake = tmp_path / "qemu"
    fake.write_text("#!/bin/sh\nexit 85\n")
    fake.chmod(0o755)
    assert not run_trial(fake, "kvm").passed


def test_a_hanging_guest_is_ended(tmp_path: Path) -> None:
    fake = tmp_path / "qemu"
    fake.write_text("#!/bin/sh\nexec sleep 60\n")
    fake.chmod(0o755)
    assert "did not finish in 0.1 s" in run_trial(fake, "kvm", deadline_s=0.1).reason


def test_no_qemu_is_a_reason_and_no_crash(tmp_path: Path) -> None:
    assert "did not start" in run_trial(tmp_path / "absent", "kvm").reason

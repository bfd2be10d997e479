"""Versions of QEMU, and the words for what is missing."""

from __future__ import annotations

import pytest

from fleetctl.errors import PreflightError
from fleetctl.lab import hosttools
from fleetctl.lab.hosttools import QemuVersion, find_host_tools, parse_qemu_version, require_reliable_emulation


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("QEMU emulator version 10.0.2 (Debian 1:10.0.2+ds-2+deb13u1~bpo12+1)\nCopyright", QemuVersion(10, 0, 2)),
        ("QEMU emulator version 8.2.2 (Debian 1:8.2.2+ds-0ubuntu1)", QemuVersion(8, 2, 2)),
        ("QEMU emulator version 11.1", QemuVersion(11, 1, 0)),
        ("command not found", None),
    ],
)
def test_version_is_read(text: str, version: QemuVersion | None) -> None:
    assert parse_qemu_version(text) == version


def test_version_that_crashes_guests_is_refused_with_the_way_to_a_newer_one() -> None:
    with pytest.raises(PreflightError, match=r"QEMU 7\.2\.0 crashes guests.*8\.2 or later") as caught:
        require_reliable_emulation(QemuVersion(7, 2))
    assert "backports" in caught.value.hint


@pytest.mark.parametrize("version", [QemuVersion(8, 2), QemuVersion(10, 0, 2), QemuVersion(9, 0)])
def test_later_versions_pass(version: QemuVersion) -> None:
    require_reliable_emulation(version)


def test_everything_missing_is_named_at_once(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(hosttools, "FIRMWARE_CODE", tmp_path / "CODE.fd")
    monkeypatch.setattr(hosttools, "FIRMWARE_VARIABLES", tmp_path / "VARS.fd")
    with pytest.raises(PreflightError, match=r"qemu-system-x86_64, swtpm, .*CODE\.fd, .*VARS\.fd"):
        find_host_tools()

"""The command that enrols the keys, and the independent count of what it wrote."""

from __future__ import annotations

import base64
import subprocess
from pathlib import Path

import pytest

from fleetctl.errors import ChangeError, PreflightError
from fleetctl.lab import firmware
from fleetctl.lab.firmware import count_enrolled, enrol_argv, make_variables

DER = bytes(range(200))
PEM = f"-----BEGIN CERTIFICATE-----\n{base64.encodebytes(DER).decode()}-----END CERTIFICATE-----\n"


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    path = tmp_path / "secureboot.crt"
    path.write_text(PEM)
    return path


def fake_tool(monkeypatch: pytest.MonkeyPatch, copies: int, status: int = 0) -> None:
    def run(argv: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        if status:
            raise subprocess.CalledProcessError(status, argv, "", "Traceback\nModuleNotFoundError: no virt\n")
        Path(argv[-1]).write_bytes(b"store" + (DER + b"sep") * copies)
        return subprocess.CompletedProcess(argv, 0, "", "")

    monkeypatch.setattr(firmware.subprocess, "run", run)


def test_only_the_fleets_certificate_is_enrolled_and_secure_boot_is_on() -> None:
    argv = enrol_argv(Path("/fw/vars.fd"), Path("/keys/secureboot.crt"), Path("/out"))
    options = [argv[at] for at, word in enumerate(argv) if argv[min(at + 2, len(argv) - 1)] == "/keys/secureboot.crt"]
    assert options == ["--set-pk", "--add-kek", "--add-db"]
    assert "--secure-boot" in argv
    assert not [word for word in argv if "microsoft" in word]


def test_written_whole(tmp_path: Path, certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_tool(monkeypatch, copies=3)
    make_variables(tmp_path / "template", certificate, tmp_path / "vars.fd")
    assert count_enrolled((tmp_path / "vars.fd").read_bytes(), PEM) == 3
    assert sorted(path.name for path in tmp_path.iterdir()) == ["secureboot.crt", "vars.fd"]


@pytest.mark.parametrize("copies", [0, 2])
def test_store_without_the_key_is_refused_whatever_the_tool_says(
    tmp_path: Path, certificate: Path, monkeypatch: pytest.MonkeyPatch, copies: int
) -> None:
    fake_tool(monkeypatch, copies)
    with pytest.raises(ChangeError, match=f"certificate {copies} times, wanted 3"):
        make_variables(tmp_path / "template", certificate, tmp_path / "vars.fd")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["secureboot.crt"]


def test_failing_tool_is_quoted_with_the_way_to_get_it(
    tmp_path: Path, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_tool(monkeypatch, copies=3, status=1)
    with pytest.raises(PreflightError, match="ModuleNotFoundError: no virt") as caught:
        make_variables(tmp_path / "template", certificate, tmp_path / "vars.fd")
    assert "fleetctl[lab]" in caught.value.hint

"""Engines as systemd's units: what is ordered, with a `systemctl` that is as strict as the real one about arguments."""

from __future__ import annotations

from pathlib import Path

import pytest

from appliance.release.places import Places
from appliance.release.services import ServiceError, Systemd

STRICT = """#!/bin/sh
echo "$*" >>"{told}"
[ "$#" -ge 2 ] || {{ echo "Too few arguments." >&2; exit 1; }}
"""


@pytest.fixture
def told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What the stand-in for systemctl was ordered, a line each."""
    told, program = tmp_path / "told", tmp_path / "bin" / "systemctl"
    told.touch()
    program.parent.mkdir()
    program.write_text(STRICT.format(told=told))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
    return told


def test_a_release_of_what_is_loaded_already_orders_nothing(told: Path, tmp_path: Path) -> None:
    services = Systemd(Places(tmp_path))
    services.stop([])
    services.start([])
    assert told.read_text() == ""


def test_units_are_stopped_and_started_in_their_order(told: Path, tmp_path: Path) -> None:
    services = Systemd(Places(tmp_path))
    services.stop(["drafting", "transcription"])
    services.start(["drafting"])
    assert told.read_text().splitlines() == [
        "stop appliance-transcription.service appliance-drafting.service",
        "reset-failed appliance-drafting.service",
        "start appliance-drafting.service",
    ]


def test_what_systemctl_refuses_is_told(told: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "nowhere"))
    with pytest.raises(ServiceError, match="systemctl stop"):
        Systemd(Places(tmp_path)).stop(["drafting"])

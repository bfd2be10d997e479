"""`fleetctl lab`, as far as it goes without a virtual machine."""

from __future__ import annotations

import json

import pytest

from fleetctl.__main__ import run
from fleetctl.lab.record import LabRecord
from fleetctl.lab.site import LabSite
from fleetctl.models.fleetdir import FleetDir


@pytest.fixture
def made(fleet_dir: FleetDir, record: LabRecord) -> LabSite:
    """A site that was made, and is off."""
    site = LabSite(fleet_dir, record.name)
    site.store.save(record)
    return site


def lab(fleet_dir: FleetDir, command: str, *arguments: str) -> int:
    return run(["lab", command, "--fleet", str(fleet_dir.path), *arguments])


def test_status_of_nothing_is_an_empty_list(fleet_dir: FleetDir, capsys: pytest.CaptureFixture[str]) -> None:
    assert lab(fleet_dir, "status", "-o", "json") == 0
    assert json.loads(capsys.readouterr().out) == []


def test_status_shows_a_site_that_is_off(
    fleet_dir: FleetDir, made: LabSite, capsys: pytest.CaptureFixture[str]
) -> None:
    assert lab(fleet_dir, "status", "-o", "json") == 0
    (status,) = json.loads(capsys.readouterr().out)
    assert (status["name"], status["state"], status["pids"], status["booted"]) == ("lab-1", "off", {}, False)
    assert lab(fleet_dir, "status") == 0
    assert "127.0.0.1:20001" in capsys.readouterr().out


def test_status_shows_the_readable_beside_the_broken(
    fleet_dir: FleetDir, made: LabSite, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = made.runtime_dir.with_name("lab-2")
    broken.mkdir()
    (broken / "lab.json").write_text("{")
    assert lab(fleet_dir, "status", "-o", "json") == 7
    captured = capsys.readouterr()
    assert [status["name"] for status in json.loads(captured.out)] == ["lab-1"]
    assert "lab.json cannot be read" in captured.err


def test_status_of_an_unknown_site_names_the_known(
    fleet_dir: FleetDir, made: LabSite, capsys: pytest.CaptureFixture[str]
) -> None:
    assert lab(fleet_dir, "status", "lab-9") == 2
    assert "there is no virtual site lab-9 in this fleet (there is: lab-1)" in capsys.readouterr().err


def test_down_is_harmless_when_nothing_runs(
    fleet_dir: FleetDir, made: LabSite, capsys: pytest.CaptureFixture[str]
) -> None:
    assert lab(fleet_dir, "down", "lab-1", "lab-9") == 0
    assert capsys.readouterr().err.count("nothing was running") == 2
    assert made.record.name == "lab-1"
    assert lab(fleet_dir, "down", "lab-1", "--destroy") == 0
    assert not made.runtime_dir.exists()


def test_ssh_to_a_site_that_is_off_asks_for_no_passphrase(
    fleet_dir: FleetDir, made: LabSite, capsys: pytest.CaptureFixture[str]
) -> None:
    assert lab(fleet_dir, "ssh", "lab-1") == 5
    assert "hint: fleetctl lab up lab-1" in capsys.readouterr().err


def test_console_log_is_this_power_on_only(
    fleet_dir: FleetDir, made: LabSite, capsys: pytest.CaptureFixture[str]
) -> None:
    made.serial.path.write_bytes(b"first boot\r\n\x1b[1msecond\x1b[0m boot\r\n")
    made.store.save(made.record.model_copy(update={"serial_offset_bytes": len(b"first boot\r\n")}))
    assert lab(fleet_dir, "console", "lab-1", "--log") == 0
    assert capsys.readouterr().out == "second boot\n"


def test_console_without_a_terminal_is_refused(
    fleet_dir: FleetDir, made: LabSite, capsys: pytest.CaptureFixture[str]
) -> None:
    assert lab(fleet_dir, "console", "lab-1") == 2
    assert "--log" in capsys.readouterr().err


def test_up_without_an_image_says_how_to_get_one(
    fleet_dir: FleetDir, monkeypatch: pytest.MonkeyPatch, tools, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("fleetctl.lab.site.find_host_tools", lambda: tools)
    assert lab(fleet_dir, "up", "lab-1") == 2
    assert "hint: fleetctl image build" in capsys.readouterr().err
    assert LabSite(fleet_dir, "lab-1").store.names() == []


@pytest.mark.parametrize("command", ["up", "down", "status", "ssh", "console"])
def test_name_with_a_path_in_it_is_refused(fleet_dir: FleetDir, command: str) -> None:
    assert lab(fleet_dir, command, "../../etc") == 2
    assert not (fleet_dir.path.parent / "etc").exists()

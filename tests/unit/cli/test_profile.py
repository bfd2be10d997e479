"""`fleetctl profile`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fleetctl.__main__ import run
from fleetctl.models.fleetdir import FleetDir
from fleetctl.models.profile import builtin_profile_paths


def test_list_and_show(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(["profile", "list", "-o", "json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["origin"] for row in rows if row["name"] == "lab-vm"] == ["built-in"]
    assert run(["profile", "list"]) == 0
    assert "lab-vm" in capsys.readouterr().out
    assert run(["profile", "show", "lab-vm", "-o", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["apiVersion"] == "fleetctl/v1"


def test_fleets_own_profile_is_listed(fleet_dir: FleetDir, capsys: pytest.CaptureFixture[str]) -> None:
    own = fleet_dir.path / "profiles"
    own.mkdir()
    (own / "mine.yaml").write_text(builtin_profile_paths()["lab-vm"].read_text().replace("lab-vm", "mine", 1))
    (own / "mine.yaml").write_text((own / "mine.yaml").read_text().replace("name: lab-vm", "name: mine"))
    assert run(["profile", "list", "--fleet", str(fleet_dir.path), "-o", "json"]) == 0
    origins = {row["name"]: row["origin"] for row in json.loads(capsys.readouterr().out)}
    assert origins["mine"] == "fleet"


def test_validate_tells_every_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = builtin_profile_paths()["lab-vm"].read_text()
    good, bad = tmp_path / "lab-vm.yaml", tmp_path / "bad.yaml"
    good.write_text(text)
    bad.write_text(text.replace("min_cores", "min_cors"))
    assert run(["profile", "validate", str(good), str(bad)]) == 2
    captured = capsys.readouterr()
    assert f"{good}: ok" in captured.out
    assert "spec.cpu.min_cors: unknown key; did you mean min_cores?" in captured.out
    assert captured.err.startswith("error: 1 of 2 profiles wrong")
    assert run(["profile", "validate", str(good), "-o", "json"]) == 0


def test_unknown_profile_names_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["profile", "show", "lab-vmm"]) == 2
    assert "did you mean lab-vm?" in capsys.readouterr().err


def test_a_broken_profile_does_not_hide_the_others(fleet_dir: FleetDir, capsys: pytest.CaptureFixture[str]) -> None:
    own = fleet_dir.path / "profiles"
    own.mkdir()
    (own / "broken.yaml").write_text("kind: HardwareProfile\n")
    assert run(["profile", "list", "--fleet", str(fleet_dir.path), "-o", "json"]) == 2
    captured = capsys.readouterr()
    assert "lab-vm" in {row["name"] for row in json.loads(captured.out)}
    assert "broken.yaml" in captured.err


def test_the_list_fits_a_terminal_and_marks_doubts(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(["profile", "list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    rows = [line for line in lines if "built-in" in line]
    assert len(rows) == 5
    assert max(len(line.rstrip()) for line in rows) <= 80
    assert any(line.startswith("clinic-t360*") for line in rows)


def test_validate_says_the_nearest_base(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mine = tmp_path / "mine.yaml"
    mine.write_text(
        "apiVersion: fleetctl/v1\nkind: HardwareProfile\nmetadata: {name: mine}\nextends: hospital-r760x\nspec: {}\n"
    )
    assert run(["profile", "validate", str(mine)]) == 2
    assert "did you mean hospital-r760xa?" in capsys.readouterr().out

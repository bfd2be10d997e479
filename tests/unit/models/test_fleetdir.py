"""The fleet directory: finding it, its sites and profiles, and what it never overwrites."""

from __future__ import annotations

from pathlib import Path

import pytest

from fleetctl.errors import ConfigError, RefusedError, UsageError
from fleetctl.models.fleetdir import FleetDir
from fleetctl.models.load import parse
from fleetctl.models.profile import builtin_profile_paths
from fleetctl.models.site import Site
from tests.unit.models.test_load import SITE


def add(fleet_dir: FleetDir, name: str, **changes: str) -> Path:
    text = SITE.replace("name: lab-1", f"name: {name}")
    for before, after in changes.items():
        text = text.replace(before, after)
    path = fleet_dir.path / "sites" / f"{name}.yaml"
    path.write_text(text)
    return path


def test_found_from_a_folder_below(fleet_dir: FleetDir, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(fleet_dir.path / "sites")
    assert FleetDir.find().path == fleet_dir.path
    assert FleetDir.find().fleet.name == "north"


def test_no_fleet_says_how_to_make_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError) as caught:
        FleetDir.find()
    assert "fleetctl init" in caught.value.hint
    with pytest.raises(UsageError):
        FleetDir.find(tmp_path)


def test_site_written_is_the_site_read(fleet_dir: FleetDir) -> None:
    site = parse(SITE, Site, "x")
    fleet_dir.write_site(site)
    assert fleet_dir.site("lab-1") == site
    with pytest.raises(RefusedError, match="exists"):
        fleet_dir.write_site(site)
    fleet_dir.write_site(site, replace=True)
    assert [path.name for path in (fleet_dir.path / "sites").iterdir()] == ["lab-1.yaml"]


def test_unknown_site_names_the_nearest(fleet_dir: FleetDir) -> None:
    add(fleet_dir, "lab-1")
    with pytest.raises(UsageError) as caught:
        fleet_dir.site("lab-2")
    assert caught.value.hint == "did you mean lab-1?"


@pytest.mark.parametrize("name", ["../fleet", "a/b", "", "A", "-a", "a" * 64, "a\n"])
def test_name_that_could_leave_the_folder_is_refused(fleet_dir: FleetDir, name: str) -> None:
    with pytest.raises(UsageError):
        fleet_dir.site(name)


def test_file_and_name_must_agree(fleet_dir: FleetDir) -> None:
    add(fleet_dir, "lab-1").rename(fleet_dir.path / "sites" / "other.yaml")
    with pytest.raises(ConfigError, match=r"metadata\.name is lab-1, the file says other"):
        fleet_dir.site("other")


def test_too_few_disks_for_the_profile(fleet_dir: FleetDir) -> None:
    add(fleet_dir, "lab-1", **{"[LAB-1-DATA0, LAB-1-DATA1]": "[LAB-1-DATA0]"})
    with pytest.raises(ConfigError, match="names 1, profile lab-vm wants 2"):
        fleet_dir.site("lab-1")


def test_selectors_narrow(fleet_dir: FleetDir) -> None:
    add(fleet_dir, "lab-1")
    add(fleet_dir, "lab-2", pilot="wide")
    assert [site.name for site in fleet_dir.sites()] == ["lab-1", "lab-2"]
    assert [site.name for site in fleet_dir.sites(["ring=wide"])] == ["lab-2"]
    assert fleet_dir.sites(["ring=wide", "zone=x"]) == []
    with pytest.raises(UsageError):
        fleet_dir.sites(["ring"])


def test_own_profile_overrides_the_builtin_one(fleet_dir: FleetDir) -> None:
    own = fleet_dir.path / "profiles"
    own.mkdir()
    text = builtin_profile_paths()["lab-vm"].read_text()
    (own / "lab-vm.yaml").write_text(text.replace("min_cores: 2", "min_cores: 8"))
    assert fleet_dir.profile("lab-vm").spec.cpu.min_cores == 8


def test_state_is_private_and_outside(fleet_dir: FleetDir, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert fleet_dir.state_dir == Path.home() / ".local/state/fleetctl/north"
    monkeypatch.setenv("FLEETCTL_STATE_DIR", str(tmp_path / "state"))
    assert fleet_dir.state_dir == tmp_path / "state" / "north"
    assert fleet_dir.state_dir.stat().st_mode & 0o777 == 0o700

"""The wheel, installed elsewhere, finds its data and runs."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("wheel")
    # A copy, so that the build leaves nothing in the checkout and sees only what git knows.
    names = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    ).stdout
    source = target / "source"
    for name in names.decode().split("\0"):
        origin = ROOT / name
        if name and origin.is_file():
            copy = source / name
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(origin.read_bytes())
            copy.chmod(origin.stat().st_mode & 0o777)
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(target), str(source)],
        check=True,
        capture_output=True,
    )
    return next(target.glob("*.whl"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("installed")
    subprocess.run(
        [
            sys.executable,
            "-m",
            "pip",
            "install",
            "--quiet",
            "--no-deps",
            "--no-index",
            "--target",
            str(target),
            str(wheel),
        ],
        check=True,
        capture_output=True,
    )
    return target


def in_installed(installed: Path, code: str) -> str:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    environment |= {"PYTHONPATH": str(installed), "PYTHONSAFEPATH": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=installed.parent, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("name", ["playbooks", "images", "hardware"])
def test_data_folders_are_found_where_they_were_installed(installed: Path, name: str) -> None:
    code = f"from fleetctl.resources import resource_dir; print(resource_dir({name!r}))"
    found = Path(in_installed(installed, code).strip())
    assert found == installed / "fleetctl" / "_data" / name
    here = {str(path.relative_to(ROOT / name)) for path in (ROOT / name).rglob("*") if path.is_file()}
    there = {str(path.relative_to(found)) for path in found.rglob("*") if path.is_file()}
    assert there
    assert {name for name in here - there if "__pycache__" not in name and "mkosi." not in name} == set()


def test_commands_run_from_it(installed: Path) -> None:
    code = "import sys, fleetctl; from fleetctl.__main__ import run; run(['profile', 'list']); print(fleetctl.__file__)"
    out = in_installed(installed, code)
    assert "lab-vm" in out
    assert str(installed) in out


def test_wheel_carries_no_tests_and_both_programs(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert not [name for name in names if name.startswith(("tests/", "bench/", "setup"))]
    points = zipfile.ZipFile(wheel).read(next(name for name in names if name.endswith("entry_points.txt"))).decode()
    assert "fleetctl = " in points
    assert "appliancectl = " in points


def test_the_sources_of_the_built_in_code_tables_come_with_it(installed: Path) -> None:
    code = (
        "from appliance.coding.tables import builtin\n"
        "assert (builtin.DATA / 'mce_v43_1_icd10cm.tsv.gz').is_file()\n"
        "wanted = next(each for each in builtin.built_in() if each.system == 'hcpcs')\n"
        "print(builtin.digest_of(builtin.make(wanted)) == wanted.sha256, builtin.__file__)"
    )
    made, path = in_installed(installed, code).split()
    assert made == "True"
    assert Path(path).is_relative_to(installed)

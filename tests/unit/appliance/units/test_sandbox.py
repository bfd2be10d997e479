"""The units as systemd itself judges them."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from appliance.contract.units import PHI_UNITS
from fleetctl.resources import resource_dir

UNITS = resource_dir("images") / "edge/mkosi.extra/usr/lib/systemd/system"
# Exposure as `systemd-analyze security` counts it: 0 is closed, 10 is open. The limit for services with patient data.
LIMIT = 2.0
CARRY_PATIENT_DATA = (*PHI_UNITS, "appliance-nginx.service")


def lines(unit: str) -> list[str]:
    return (UNITS / unit).read_text().splitlines()


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze")
@pytest.mark.parametrize("unit", CARRY_PATIENT_DATA)
def test_exposure_is_within_the_limit(unit: str) -> None:
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--no-pager", str(UNITS / unit)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    match = re.search(r"Overall exposure level for \S+: ([0-9.]+)", done.stdout)
    assert match, done.stdout[-500:] + done.stderr[-500:]
    assert float(match[1]) <= LIMIT


@pytest.mark.parametrize("unit", PHI_UNITS)
def test_phi_units_have_no_network_and_no_internet_sockets(unit: str) -> None:
    assert "PrivateNetwork=yes" in lines(unit)
    assert [line for line in lines(unit) if line.startswith("RestrictAddressFamilies")] == [
        "RestrictAddressFamilies=AF_UNIX"
    ]
    assert "DynamicUser=yes" in lines(unit)


def test_transcription_starts_only_behind_the_seal() -> None:
    unit = lines("appliance-transcription.service")
    assert "Requires=appliance-seal-check.service" in unit
    assert "After=appliance-seal-check.service" in unit
    assert "MountImagePolicy=root=signed" in unit


@pytest.mark.parametrize("unit", CARRY_PATIENT_DATA)
def test_nothing_of_the_memory_reaches_a_disk(unit: str) -> None:
    assert {"LimitCORE=0", "MemorySwapMax=0"} <= set(lines(unit))


def test_the_target_wants_what_is_there() -> None:
    wanted = {name for line in lines("appliance.target") if line.startswith("Wants=") for name in line[6:].split()}
    assert wanted >= set(CARRY_PATIENT_DATA)
    assert all((UNITS / name).is_file() for name in wanted)


def modules() -> list[str]:
    pattern = re.compile(r"^ExecStart=/usr/bin/python3 -I /usr/lib/appliance/launch (\S+)", re.MULTILINE)
    return [name for path in sorted(UNITS.glob("appliance-*.service")) for name in pattern.findall(path.read_text())]


def test_every_module_that_a_unit_starts_exists() -> None:
    assert len(modules()) == 5
    root = Path(__file__).parents[4]
    for name in modules():
        path = root / name.replace(".", "/")
        assert path.with_suffix(".py").is_file() or (path / "__main__.py").is_file(), name

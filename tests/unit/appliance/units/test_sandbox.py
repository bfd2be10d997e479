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
    assert {"DynamicUser=yes", "User=appliance-gateway", "User=appliance-health"} & set(lines(unit))


@pytest.mark.parametrize("unit", [unit for unit in PHI_UNITS if unit != "appliance-health.service"])
def test_clinical_services_start_only_behind_the_seal(unit: str) -> None:
    assert {
        "Requires=appliance-seal-check.service", "After=appliance-seal-check.service",
        "RequiresMountsFor=/var/lib/appliance",
    } <= set(lines(unit))  # fmt: skip


@pytest.mark.parametrize("task", ["transcription", "drafting"])
def test_an_engine_has_its_own_signed_weights(task: str) -> None:
    unit = lines(f"appliance-{task}.service")
    assert f"MountImages=/var/lib/appliance/models/{task}.raw:/run/model" in unit
    assert "MountImagePolicy=root=signed" in unit


def test_a_site_without_drafting_has_no_failed_unit() -> None:
    assert "ConditionPathExists=/var/lib/appliance/models/drafting.raw" in lines("appliance-drafting.service")


def groups(unit: str) -> set[str]:
    return {
        name
        for line in lines(unit)
        if line.startswith(("Group=", "SupplementaryGroups="))
        for name in line.split("=")[1].split()
    }


def test_the_listener_reaches_the_gateway_and_health_and_no_engine() -> None:
    """A socket is 0660 for its service's group, in a folder of 0750."""
    assert groups("appliance-nginx.service") == {"appliance-web"}
    for engine in ("appliance-transcription.service", "appliance-drafting.service"):
        assert groups(engine) == {"appliance-engine"}
    for between in ("appliance-gateway.service", "appliance-health.service"):
        assert groups(between) == {"appliance-web", "appliance-engine"}
        assert "Group=appliance-web" in lines(between)


def test_patient_data_lies_on_the_state_volume_for_the_gateway_alone() -> None:
    unit = lines("appliance-gateway.service")
    assert {"StateDirectory=appliance/gateway appliance/audit", "StateDirectoryMode=0700"} <= set(unit)


@pytest.mark.parametrize("unit", CARRY_PATIENT_DATA)
def test_nothing_of_the_memory_reaches_a_disk(unit: str) -> None:
    assert {"LimitCORE=0", "MemorySwapMax=0"} <= set(lines(unit))


def test_the_target_wants_what_is_there() -> None:
    wanted = {name for line in lines("appliance.target") if line.startswith("Wants=") for name in line[6:].split()}
    assert wanted >= set(CARRY_PATIENT_DATA)
    assert all((UNITS / name).is_file() for name in wanted)


def modules() -> list[str]:
    pattern = re.compile(r"^ExecStart=/usr/bin/python3 (?:-I|-s -P) /usr/lib/appliance/launch (\S+)", re.MULTILINE)
    return [name for path in sorted(UNITS.glob("appliance-*.service")) for name in pattern.findall(path.read_text())]


def test_the_snapshots_key_lies_on_the_state_volume_for_the_agent_alone() -> None:
    unit = set(lines("appliance-health.service"))
    assert {"User=appliance-health", "StateDirectory=appliance/health", "StateDirectoryMode=0700"} <= unit
    # It tells of a volume that is not there, so it cannot wait for it.
    assert "RequiresMountsFor=/var/lib/appliance" not in unit


def test_the_facts_are_kept_by_a_reader_that_writes_to_no_device() -> None:
    unit = lines("appliance-facts.service")
    devices = [line for line in unit if line.startswith("DeviceAllow=") and "mapper" not in line]
    assert devices
    assert all(line.endswith(" r") for line in devices)
    # A name would be looked up when the service starts; the RAID driver was seen to come after it, and md was refused.
    assert {"DeviceAllow=block-9 r", "DeviceAllow=block-8 r"} <= set(devices)
    assert "Wants=appliance-facts.service" in lines("appliance-health.service")


def test_the_log_is_verified_as_its_writer_and_without_a_network() -> None:
    unit = set(lines("appliance-audit-check.service"))
    assert {"User=appliance-gateway", "PrivateNetwork=yes", "ProtectSystem=strict", "CapabilityBoundingSet="} <= unit
    assert not any(line.startswith(("StateDirectory", "ReadWritePaths")) for line in unit)


def test_every_module_that_a_unit_starts_exists() -> None:
    assert len(modules()) == 13
    root = Path(__file__).parents[4]
    for name in modules():
        path = root / name.replace(".", "/")
        assert path.with_suffix(".py").is_file() or (path / "__main__.py").is_file(), name


GPU_UNITS = resource_dir("images") / "edge/mkosi.profiles/gpu/mkosi.extra/usr/lib/systemd/system"
LOOSENED = {
    "appliance-drafting.service": {
        "PrivateDevices", "DeviceAllow", "RestrictAddressFamilies", "SystemCallFilter", "MountImages",
        "TimeoutStartSec",
    },
    "appliance-transcription.service": {"PrivateDevices", "DeviceAllow", "MountImages", "Environment"},
}  # fmt: skip


def test_cards_loosen_only_what_they_need() -> None:
    found = {
        path.parent.name.removesuffix(".d"): {
            line.partition("=")[0] for line in path.read_text().splitlines() if "=" in line and line[0] != "#"
        }
        for path in GPU_UNITS.glob("*.service.d/*.conf")
    }
    # The engines of an evaluation have the same: test_evaluation_units.
    assert {name: what for name, what in found.items() if "evaluate" not in name} == LOOSENED


def watch_unit() -> list[str]:
    return (GPU_UNITS / "appliance-gpu-watch.service").read_text().splitlines()


def test_the_gpu_watch_has_the_cards_and_the_kernel_log_and_no_network() -> None:
    unit = watch_unit()
    assert {line for line in unit if line.startswith("DeviceAllow=")} == {
        "DeviceAllow=char-nvidia* rw", "DeviceAllow=/dev/kmsg r",
    }  # fmt: skip
    assert {"DevicePolicy=closed", "PrivateNetwork=yes", "RestrictAddressFamilies=AF_UNIX"} <= set(unit)
    assert [line for line in unit if "Capabilit" in line and not line.startswith("#")] == [
        "AmbientCapabilities=CAP_SYSLOG", "CapabilityBoundingSet=CAP_SYSLOG",
    ]  # fmt: skip


def test_the_journal_of_faults_lies_on_the_state_volume_for_the_watch_alone() -> None:
    from appliance.contract.gpu_watch import PATH
    from appliance.watch.journal import DIRECTORY

    unit = watch_unit()
    assert {"StateDirectoryMode=0700", "RequiresMountsFor=/var/lib/appliance", "User=appliance-gpu-watch"} <= set(unit)
    assert f"StateDirectory={DIRECTORY.relative_to('/var/lib')}" in unit
    assert f"RuntimeDirectory={PATH.parent.relative_to('/run')}" in unit


def test_the_watch_runs_where_there_are_cards_and_nowhere_else() -> None:
    assert not (UNITS / "appliance-gpu-watch.service").exists()
    assert "Wants=appliance-gpu-watch.service" in (GPU_UNITS / "appliance.target.d/60-gpu.conf").read_text()
    accounts = (GPU_UNITS.parents[1] / "sysusers.d/appliance-gpu.conf").read_text()
    assert "\nu appliance-gpu-watch " in accounts
    (module,) = [line.split()[-1] for line in watch_unit() if line.startswith("ExecStart=")]
    assert (Path(__file__).parents[4] / module.replace(".", "/") / "__main__.py").is_file()


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze")
def test_exposure_of_the_watch_is_within_the_limit() -> None:
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--no-pager", GPU_UNITS / "appliance-gpu-watch.service"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    match = re.search(r"Overall exposure level for \S+: ([0-9.]+)", done.stdout)
    assert match, done.stdout[-500:] + done.stderr[-500:]
    assert float(match[1]) <= LIMIT


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze")
@pytest.mark.parametrize("unit", LOOSENED)
def test_exposure_with_cards_is_within_the_limit(unit: str, tmp_path: Path) -> None:
    """systemd judges one file: the unit with what the profile adds to it."""
    added = (GPU_UNITS / f"{unit}.d/60-gpu.conf").read_text().replace("[Service]\n", "")
    (tmp_path / unit).write_text((UNITS / unit).read_text() + added)
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--no-pager", str(tmp_path / unit)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    match = re.search(r"Overall exposure level for \S+: ([0-9.]+)", done.stdout)
    assert match, done.stdout[-500:] + done.stderr[-500:]
    assert float(match[1]) <= LIMIT


def test_a_command_that_was_killed_is_finished_without_an_operator() -> None:
    assert "OnCalendar=*:0/2" in lines("appliance-release-settle.timer")
    assert "appliance-release-settle.timer" in " ".join(lines("appliance.target"))


def test_no_service_starts_between_two_sets() -> None:
    recover, settle = lines("appliance-release-recover.service"), lines("appliance-release-settle.service")
    before = next(line for line in recover if line.startswith("Before="))
    clinical = {"appliance-transcription.service", "appliance-drafting.service", "appliance-gateway.service"}
    assert clinical | {"appliance-seal-check.service"} <= set(before.removeprefix("Before=").split())
    seal_check = lines("appliance-seal-check.service")
    for word in ("Requires", "After"):
        assert f"{word}=appliance-release-recover.service" in seal_check
    # It stays active: a change that starts services itself must not wait for another recovery.
    assert "RemainAfterExit=yes" in recover
    after = {name for line in settle if line.startswith("After=") for name in line[6:].split()}
    assert clinical | {"appliance-release-recover.service"} <= after
    for unit in (recover, settle):
        assert "ConditionPathExists=/var/lib/appliance/releases/record" in unit
        assert {"PrivateNetwork=yes", "ProtectSystem=strict", "NoNewPrivileges=yes"} <= set(unit)


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze")
@pytest.mark.parametrize("unit", ["appliance-release-recover.service", "appliance-release-settle.service"])
def test_exposure_of_the_recovery_is_within_the_limit(unit: str) -> None:
    """It is root, because links and seal are root's, and keeps to the limit of the clinical services all the same."""
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--no-pager", str(UNITS / unit)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    match = re.search(r"Overall exposure level for \S+: ([0-9.]+)", done.stdout)
    assert match, done.stdout[-500:] + done.stderr[-500:]
    assert float(match[1]) <= LIMIT

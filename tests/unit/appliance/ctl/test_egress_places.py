"""Running probes in a service's place, with a systemctl that does what systemd would do with the unit."""

import os
import stat
import sys
from pathlib import Path

import pytest

from appliance.contract.egress import Outcome, ProbeSpec, Variant
from appliance.ctl.egress import places
from appliance.facts.services import Unit

UNIT = Unit("appliance-x.service", "active", "running", "success", 0, 11, "notify", True)
SPEC = ProbeSpec.model_validate(
    {
        "targets": [
            {"id": "u", "protocol": "udp", "family": 4, "address": "127.0.0.1", "port": 9, "nonce": "0" * 32},
            {"id": "t", "protocol": "tcp", "family": 4, "address": "127.0.0.1", "port": 9, "nonce": "1" * 32},
        ],
        "timeout_s": 0.5,
    }
)
# `cat` prints a live unit; `start` reads the transient units and runs their commands with their files.
SYSTEMCTL = """#!{python}
import pathlib, subprocess, sys
log = pathlib.Path({log!r})
log.write_text(log.read_text() + " ".join(sys.argv[1:2]) + "\\n")
if sys.argv[1] == "cat":
    print("[Service]\\nExecStart=/bin/x\\nPrivateNetwork=yes\\nRestrictAddressFamilies=AF_UNIX")
elif sys.argv[1] == "start":
    if {broken}:
        sys.exit(1)
    for name in sys.argv[2:]:
        text = (pathlib.Path({units!r}) / name).read_text()
        lines = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
        assert lines["JoinsNamespaceOf"] == "appliance-x.service"
        files = [lines[f"Standard{{each}}"].removeprefix("file:") for each in ("Input", "Output", "Error")]
        with open(files[0]) as task, open(files[1], "w") as result, open(files[2], "w") as errors:
            subprocess.run(lines["ExecStart"].split(), stdin=task, stdout=result, stderr=errors)
"""


@pytest.fixture
def systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:{os.environ['PATH']}")
    monkeypatch.setattr(places, "UNIT_DIRECTORY", tmp_path / "units")
    monkeypatch.setattr(places, "WORK_DIRECTORY", tmp_path / "work")
    (tmp_path / "work").mkdir()
    (tmp_path / "log").write_text("")
    return tmp_path


def install(systemd: Path, *, broken: bool = False) -> None:
    script = systemd / "bin/systemctl"
    text = SYSTEMCTL.format(
        python=sys.executable, log=str(systemd / "log"), units=str(systemd / "units"), broken=broken
    )
    script.write_text(text)
    script.chmod(stat.S_IRWXU)


def left_behind(systemd: Path) -> list[Path]:
    return [*(systemd / "work").iterdir(), *(systemd / "units").glob("*")]


WANTED = [(UNIT, Variant.SERVICE), (UNIT, Variant.NAMESPACE)]


def test_both_variants_are_tried_and_everything_is_taken_away(systemd: Path) -> None:
    install(systemd)
    (systemd / "units").mkdir()
    (systemd / "units/appliance-egress-probe-old-0.service").write_text("left by a run that was killed")
    tried = places.from_services(WANTED, SPEC)
    assert set(tried) == {("appliance-x.service", variant) for _, variant in WANTED}
    for each in tried.values():
        assert [attempt.outcome for attempt in each.attempts] == [Outcome.REACHED, Outcome.REACHED]  # port refused
        assert each.network_namespace == str(Path("/proc/self/ns/net").readlink())
        assert each.problem == ""
    assert left_behind(systemd) == []
    assert (systemd / "log").read_text().split() == ["cat", "daemon-reload", "start", "daemon-reload"]


def test_units_that_do_not_start_leave_errors_and_nothing_else(systemd: Path) -> None:
    install(systemd, broken=True)
    tried = places.from_services(WANTED, SPEC)
    assert {attempt.outcome for each in tried.values() for attempt in each.attempts} == {Outcome.ERROR}
    assert all(each.problem and each.network_namespace is None for each in tried.values())
    assert left_behind(systemd) == []


def test_without_systemd_nothing_counts_as_blocked(systemd: Path) -> None:
    (systemd / "bin/systemctl").write_text("#!/bin/sh\nexit 1\n")
    (systemd / "bin/systemctl").chmod(stat.S_IRWXU)
    tried = places.from_services(WANTED, SPEC)
    assert {attempt.outcome for each in tried.values() for attempt in each.attempts} == {Outcome.ERROR}
    assert all("could not be started" in each.problem for each in tried.values())


def test_the_host_is_tried_by_a_process_of_its_own() -> None:
    tried = places.from_host(SPEC)
    assert [attempt.layer for attempt in tried.attempts] == ["refused", "refused"]
    assert tried.network_namespace == str(Path("/proc/self/ns/net").readlink())

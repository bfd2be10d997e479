"""Processes of a site: recognised for certain, ended for certain, and nobody else's touched."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from fleetctl.lab.process import ProcessRecord, SiteProcesses, age_s, wait_for_exit

IGNORES_TERM = (
    "import signal, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
    "print('ready', flush=True); time.sleep(60)"
)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[SiteProcesses]:
    folder = tmp_path / "lab-1"
    folder.mkdir()
    processes = SiteProcesses(folder)
    yield processes
    processes.stop_all(0)


def sleeper(folder: Path, code: str = "import time; time.sleep(60)") -> list[str]:
    """A process that looks like a site's canary."""
    return [sys.executable, "-c", code, "fleetctl.lab.canary", f"{folder}/canary.sock"]


def folder_of(site: SiteProcesses) -> Path:
    return site.log_path("x").parent


def test_started_process_is_found_by_a_later_fleetctl(site: SiteProcesses) -> None:
    pid = site.start("canary", sleeper(folder_of(site)))
    later = SiteProcesses(folder_of(site))
    assert later.pid("canary") == pid
    assert os.getsid(pid) == pid  # Ctrl-C on fleetctl does not reach it
    assert (age_s(pid) or 0) < 60
    assert later.stop_all(5) == 1
    assert later.pid("canary") is None
    assert later.stop_all(5) == 0


def test_what_outlives_us_is_no_leftover_of_ours(site: SiteProcesses) -> None:
    """Who starts a site ends while it runs; another ends it. With warnings on, Python says of every forgotten child."""
    script = (
        "import sys; from pathlib import Path; from fleetctl.lab.process import SiteProcesses; "
        "print(SiteProcesses(Path(sys.argv[1])).start('canary', sys.argv[2:]))"
    )
    folder = folder_of(site)
    starter = subprocess.run(
        [sys.executable, "-W", "always::ResourceWarning", "-c", script, str(folder), *sleeper(folder)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert starter.stderr == ""
    assert site.pid("canary") == int(starter.stdout)


def test_a_child_that_another_has_ended_is_reaped(site: SiteProcesses) -> None:
    pid = site.start("canary", sleeper(folder_of(site)))
    os.kill(pid, signal.SIGKILL)
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)  # dead, and still in the list of processes
    assert site.pid("canary") is None
    assert not Path(f"/proc/{pid}").exists()


def test_dead_unreaped_child_does_not_count(site: SiteProcesses) -> None:
    pid = site.start("canary", sleeper(folder_of(site)))
    os.kill(pid, signal.SIGKILL)
    assert wait_for_exit(pid, 10)
    assert site.pid("canary") is None
    assert age_s(pid) is None


def test_number_taken_over_by_another_process_is_left_alone(site: SiteProcesses) -> None:
    stranger = subprocess.Popen(["sleep", "60"])
    try:
        pids = folder_of(site) / "pids"
        pids.mkdir()
        (pids / "qemu.json").write_text(ProcessRecord(pid=stranger.pid, start_ticks=1).model_dump_json())
        assert site.pid("qemu") is None
        site.stop("qemu", 0)
        assert site.stop_all(0) == 0
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_same_start_time_is_not_enough_without_the_right_command(site: SiteProcesses) -> None:
    stranger = subprocess.Popen(["sleep", "60"])
    try:
        ticks = int(Path(f"/proc/{stranger.pid}/stat").read_text().rpartition(")")[2].split()[19])
        pids = folder_of(site) / "pids"
        pids.mkdir()
        (pids / "qemu.json").write_text(ProcessRecord(pid=stranger.pid, start_ticks=ticks).model_dump_json())
        assert site.pid("qemu") is None
    finally:
        stranger.kill()
        stranger.wait()


def test_orphan_without_a_record_is_ended(site: SiteProcesses) -> None:
    pid = site.start("canary", sleeper(folder_of(site)))
    for record in (folder_of(site) / "pids").iterdir():
        record.unlink()
    assert site.pid("canary") is None
    assert site.stop_all(5) == 1
    assert wait_for_exit(pid, 0)


def test_neighbour_with_a_longer_name_is_left_alone(site: SiteProcesses) -> None:
    other_folder = folder_of(site).with_name("lab-10")
    other_folder.mkdir()
    other = SiteProcesses(other_folder)
    other.start("canary", sleeper(other_folder))
    try:
        assert site.stop_all(0) == 0
        assert other.pid("canary") is not None
    finally:
        assert other.stop_all(0) == 1


def test_reader_of_the_sites_files_is_left_alone(site: SiteProcesses) -> None:
    log = folder_of(site) / "serial.log"
    log.touch()
    reader = subprocess.Popen(["tail", "-f", str(log)], stdout=subprocess.DEVNULL)
    try:
        assert site.stop_all(0) == 0
        assert reader.poll() is None
    finally:
        reader.kill()
        reader.wait()


def test_one_that_ignores_the_request_is_killed(site: SiteProcesses) -> None:
    pid = site.start("canary", sleeper(folder_of(site), IGNORES_TERM))
    while "ready" not in site.log_tail("canary"):
        assert not wait_for_exit(pid, 0.02)
    site.stop("canary", grace_s=0.1)
    assert site.pid("canary") is None
    assert wait_for_exit(pid, 0)


def test_last_words_are_kept(site: SiteProcesses) -> None:
    pid = site.start("canary", sleeper(folder_of(site), "print('cannot bind'); raise SystemExit(1)"))
    assert wait_for_exit(pid, 30)
    assert site.log_tail("canary") == "cannot bind"
    assert site.log_tail("never-started") == ""

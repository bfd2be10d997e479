"""The unit that finishes what was left starts Python only where something is open, or where that cannot be told."""

from __future__ import annotations

import fcntl
import shlex
import subprocess
from pathlib import Path

import pytest

from appliance.release import record as records
from appliance.release.__main__ import is_open
from appliance.release.disk import Disk
from appliance.release.places import Places
from appliance.release.record import Record

UNIT = (
    Path(__file__).parents[4]
    / "images/edge/mkosi.extra/usr/lib/systemd/system/appliance-release-settle.service"
)  # fmt: skip


def condition(record: Path, lock: Path = Path("/nonexistent/lock"), root: Path = Path("/nonexistent")) -> int:
    """The exit code of the first condition that is not met, on another record and lock; 0: it goes on. `root`: of what
    lies in /run besides."""
    places = Places(Path("/"))
    lines = [line for line in UNIT.read_text().splitlines() if line.startswith("ExecCondition=")]
    assert len(lines) == 2
    for line in lines:
        program, option, script = shlex.split(line.removeprefix("ExecCondition="))
        # As systemd writes them out.
        script = script.replace("$$", "$").replace("%%", "%")
        script = script.replace("/var/lib/appliance/releases/record", str(record))
        script = script.replace("/run/appliance-release.lock", str(lock))
        for path in (places.resting, places.drain):  # as the program itself looks for them
            script = script.replace(str(path), str(Places(root).below(path)))
        if code := subprocess.run([program, option, script], check=False, capture_output=True).returncode:
            return code
    return 0


def test_it_is_skipped_only_when_nothing_is_open(tmp_path: Path) -> None:
    path = tmp_path / "record"
    records.keep(path, Record(), Disk())
    assert condition(path) == 1


@pytest.mark.parametrize("left", ["resting", "drain"])
def test_it_goes_on_when_a_killed_evaluation_has_left_engines_at_rest_or_the_gateway_drained(
    tmp_path: Path, left: str
) -> None:
    path, places = tmp_path / "record", Places(tmp_path)
    records.keep(path, Record(), Disk())
    mark: Path = getattr(places, left)
    mark.parent.mkdir(parents=True)
    mark.write_text("transcription drafting")
    # The unit looks where the program looks.
    assert (condition(path, root=tmp_path), is_open(places)) == (0, True)
    mark.unlink()
    assert condition(path, root=tmp_path) == 1


@pytest.mark.parametrize("content", [b"", b'b47763a9 {"change":{"action":"activate"}}\n', None])
def test_it_goes_on_when_something_is_open_or_nothing_can_be_told(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "record"
    if content is not None:
        path.write_bytes(content)
    assert condition(path) == 0


def test_it_is_skipped_while_a_release_command_is_at_work(tmp_path: Path) -> None:
    path, lock = tmp_path / "record", tmp_path / "lock"
    path.write_bytes(b'b47763a9 {"change":{"action":"activate"}}\n')
    with lock.open("wb") as file:
        assert condition(path, lock) == 0
        fcntl.flock(file, fcntl.LOCK_EX)
        assert condition(path, lock) == 1
    assert condition(path, lock) == 0

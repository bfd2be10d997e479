"""The unit that finishes what was left starts Python only where something is open, or where that cannot be told."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path

import pytest

from appliance.release import record as records
from appliance.release.disk import Disk
from appliance.release.record import Record

UNIT = (
    Path(__file__).parents[4]
    / "images/edge/mkosi.extra/usr/lib/systemd/system/appliance-release-settle.service"
)  # fmt: skip


def condition(record: Path) -> int:
    """The exit code of the unit's condition on another record; 0: it goes on."""
    (line,) = (line for line in UNIT.read_text().splitlines() if line.startswith("ExecCondition="))
    program, option, script = shlex.split(line.removeprefix("ExecCondition="))
    script = script.replace("/var/lib/appliance/releases/record", str(record))
    return subprocess.run([program, option, script], check=False, capture_output=True).returncode


def test_it_is_skipped_only_when_nothing_is_open(tmp_path: Path) -> None:
    path = tmp_path / "record"
    records.keep(path, Record(), Disk())
    assert condition(path) == 1


@pytest.mark.parametrize("content", [b"", b'b47763a9 {"change":{"action":"activate"}}\n', None])
def test_it_goes_on_when_something_is_open_or_nothing_can_be_told(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "record"
    if content is not None:
        path.write_bytes(content)
    assert condition(path) == 0

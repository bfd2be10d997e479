"""appliancectl as a command: exit codes and where words go."""

import json
import subprocess
import sys
from typing import Any

import pytest


def appliancectl(*arguments: str, given: str = "") -> Any:
    command = [sys.executable, "-m", "appliance.ctl", *arguments]
    return subprocess.run(command, input=given, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize(
    ("given", "words"),
    [("", "destinations"), ("{}", "targets"), (json.dumps({"targets": []}), "targets"), ("[" * 50, "destinations")],
)
def test_a_spec_that_makes_no_sense_is_a_usage_error(given: str, words: str) -> None:
    done = appliancectl("egress", "prove", "--spec", "-", given=given)
    assert (done.returncode, done.stdout) == (2, "")
    assert words in done.stderr
    assert "hint:" in done.stderr


def test_a_box_that_is_not_sealed_is_unknown() -> None:
    done = appliancectl("seal", "check")
    assert done.returncode == 5
    assert "no seal" in done.stderr


def test_a_machine_that_is_no_box_is_not_healthy() -> None:
    done = appliancectl("health", "snapshot")
    snapshot = json.loads(done.stdout)
    assert done.returncode in (4, 5)
    assert snapshot["verdict"] in ("critical", "unknown")
    assert snapshot["schema_version"] == "health/v3"
    assert "judged here" in done.stderr

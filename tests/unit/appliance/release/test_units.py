"""The program of the units: nothing to do in a moment, and a command that was killed is finished."""

from __future__ import annotations

import subprocess
import sys

import pytest

from appliance.release import __main__ as program
from appliance.release.record import load

from .conftest import Box, PowerCut, op


def test_it_is_known_at_once_whether_something_is_open(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APPLIANCE_RELEASE_ROOT", str(box.places.root))
    assert not program.is_open(box.places)
    box.staged("r1", 1, "new")
    assert not program.is_open(box.places)
    assert program.main([]) == 0
    # A reason that spells the words does not hide an open change.
    record = load(box.places.record)
    assert record.staged is not None

    def step(words: str) -> None:
        raise PowerCut

    box.services.step = step
    with pytest.raises(PowerCut):
        box.machine.activate(op(2), "r1", 60, None)
    assert program.is_open(box.places)
    box.places.record.write_bytes(b"damaged")
    assert program.is_open(box.places)
    assert program.main(["--at-boot"]) == 5
    box.places.record.unlink()
    box.places.drain.parent.mkdir()
    box.places.drain.write_text("{}")
    assert program.is_open(box.places)


def test_engines_that_rest_for_a_killed_evaluation_are_started(box: Box) -> None:
    box.services.stop(["drafting"])
    box.drain.on = True
    box.places.resting.parent.mkdir()
    box.places.resting.write_text("drafting")
    assert program.is_open(box.places)
    assert box.machine.recover() == "an evaluation was cut off; drafting runs again"
    assert box.services.running == box.sealed()
    assert not box.drain.on
    assert not program.is_open(box.places)


def test_nothing_heavy_is_imported_to_find_nothing() -> None:
    words = (
        "import sys, appliance.release.__main__; print(sorted({'tuf', 'httpx2', 'cryptography'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", words], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"

"""Kills a GPU watch again and again while Xids happen. Run as a program of its own: it forks, and should be small.

Arguments: an empty folder, and how often. Prints what happened, as JSON: `[[place, xid, count], …]`, and how often the
watch had got how far.
"""

from __future__ import annotations

import json
import os
import random
import re
import signal
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from appliance.watch.journal import NAME
from tests.sim import nvml, watched

# None of these is over by itself in one boot of a healthy machine.
XIDS = (13, 31, 48, 79, 92)
# What NVML told, as an event or as the repetition of what the kernel wrote.
_BY_NVML = re.compile(rb'"source":"nvml"|"t":"pair"')
_DEADLINE_S = 60.0
_AT_MOST_EACH = 4
_PATIENCE_S = 0.004


def _running(box: watched.Box) -> int:
    """A watch in a process of its own, which is never asked to end; its children die with it."""
    process = os.fork()
    if process:
        return process
    try:
        watch = box.watch("healthy-l40s-x4", watched.wanted())
        while True:
            watch.step()
    finally:
        os._exit(1)


class Killer:
    """Lets Xids happen, and kills when the watch has got as far as its turn says; where exactly, the dice say."""

    def __init__(self, box: watched.Box) -> None:
        self._box, self._dice = box, random.Random(7)  # noqa: S311 (no secret)
        self.happened: Counter[tuple[str, int]] = Counter()
        self.far: Counter[str] = Counter()

    def life(self, number: int) -> None:
        """One life of the watch. Of forty, eight end at the start, and one, which takes long, when NVML has told."""
        how_far = "nvml" if number % 40 == 20 else "started" if number % 5 == 1 else "written"
        self.far[how_far] += 1
        before = self._size()
        process = _running(self._box)
        try:
            self._until(how_far, before)
        finally:
            os.kill(process, signal.SIGKILL)
            os.waitpid(process, 0)

    def _until(self, how_far: str, before: int) -> None:
        more = self._dice.randint(1, 900)
        ends_s = time.monotonic() + (self._dice.uniform(0, 0.04) if how_far == "started" else _DEADLINE_S)
        told = 0
        while time.monotonic() < ends_s:
            size = self._size()
            if how_far == "written" and (size >= before + more or size < before):
                break
            if how_far == "nvml" and _BY_NVML.search(self._path.read_bytes()[before:] if size else b""):
                break
            if told < _AT_MOST_EACH or how_far == "nvml":
                self._xid()
                told += 1
            time.sleep(_PATIENCE_S if how_far != "nvml" else 10 * _PATIENCE_S)
        else:
            if how_far != "started":
                raise AssertionError(f"the watch did not get as far as {how_far} within {_DEADLINE_S:g} s")
        time.sleep(self._dice.uniform(0, 0.004))

    @property
    def _path(self) -> Path:
        return self._box.state / NAME

    def _size(self) -> int:
        return self._path.stat().st_size if self._path.exists() else 0

    def _xid(self) -> None:
        gpu, xid = self._dice.randrange(4), self._dice.choice(XIDS)
        self._box.has_xid(gpu, xid, nvml_first=self._dice.random() < 0.5)
        self.happened[watched.PLACES[gpu], xid] += 1


def main() -> None:
    """Kill."""
    folder, kills = Path(sys.argv[1]), int(sys.argv[2])
    nvml.library()  # built once, before the first fork
    with pytest.MonkeyPatch.context() as monkeypatch:
        killer = Killer(watched.Box(folder, monkeypatch))
        for number in range(kills):
            killer.life(number)
    happened = [[place, xid, count] for (place, xid), count in killer.happened.items()]
    print(json.dumps({"happened": happened, "far": killer.far}))


if __name__ == "__main__":
    main()

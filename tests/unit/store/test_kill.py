"""kill -9 at random moments, a hundred times and more: nothing that was committed is lost, nothing is half there."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest

from fleetctl.store.store import Store
from tests.fakes.observed import START

ROOT = Path(__file__).resolve().parents[3]
KILLS = 120


@pytest.mark.slow
def test_no_committed_observation_is_lost(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'observations.db'}"
    Store(url).last()
    chance = random.Random(7)  # noqa: S311 (no secret)
    with subprocess.Popen(
        [sys.executable, "-m", "tests.unit.store.writer", url],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)},
    ) as writer:  # fmt: skip
        committed = 0
        for kill in range(1, KILLS + 1):
            said = _until_killed(writer, committed + 1, chance.uniform(0.0, 0.03))
            # What was committed and not yet said belongs to the store too.
            committed = _last(url) if kill % 10 else _numbers(url)
            assert committed >= said
    assert committed >= KILLS


def _until_killed(writer: subprocess.Popen[str], first: int, wait_s: float) -> int:
    """The last number that the writer said was committed."""
    assert writer.stdin is not None
    assert writer.stdout is not None
    writer.stdin.write(f"{first}\n")
    writer.stdin.flush()
    said, child, kill_at_s = first - 1, 0, 0.0
    # Parent and child both write; the child's first number may come before the parent says who it is.
    for line in writer.stdout:
        if line.startswith("dead"):
            break
        if line.startswith("child"):
            child = int(line.split()[1])
        else:
            said = int(line)
            kill_at_s = kill_at_s or time.monotonic() + wait_s
        if child and kill_at_s and time.monotonic() >= kill_at_s:
            os.kill(child, signal.SIGKILL)
            child = 0
    return said


def _last(url: str) -> int:
    store = Store(url)
    try:
        return store.seen()["a"].sequence
    finally:
        store.close()


def _numbers(url: str) -> int:
    """The last number, after a look at whether each one before is there for both sites, once."""
    store = Store(url)
    try:
        last = {}
        for site in ("a", "b"):
            points = store.history(site, START - timedelta(days=1))
            last[site] = store.seen()[site].sequence
            # Single ones and those that were summed up: no number twice, none missing.
            assert sum(sum(point.count.values()) for point in points) == last[site]
        assert last["a"] == last["b"]
        assert len(store.faults("a")) == 1
        return last["a"]
    finally:
        store.close()

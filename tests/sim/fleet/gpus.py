"""GPUs of simulated sites: what the real watch says over the simulated NVML library, once for each scenario."""

from __future__ import annotations

import functools
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from appliance.contract.gpu_watch import GpuWatch
from tests.sim import watched

CARDS = list(watched.PLACES)


def wanted() -> str:
    """What the hospital's profile wants, as provisioning wrote it on the box."""
    return watched.wanted().model_dump_json(exclude_none=True)


@functools.cache
def _document(scenario: str, xids: tuple[tuple[int, int], ...]) -> GpuWatch:
    with tempfile.TemporaryDirectory(prefix="sw-") as folder, pytest.MonkeyPatch.context() as monkeypatch:
        box = watched.Box(Path(folder), monkeypatch)
        watch = box.watch(scenario, watched.wanted())
        try:
            box.run(watch, watched.readings(1))
            for gpu, xid in xids:
                box.has_xid(gpu, xid)
            return box.run(watch, lambda said: len(said.faults) >= len(set(xids)) and watched.readings(2)(said))
        finally:
            watch.close()


def document(scenario: str, xids: tuple[tuple[int, int], ...] = ()) -> GpuWatch:
    """The document of a box whose GPUs are as the scenario has them, and which told these Xids (GPU, Xid)."""
    made = _document(scenario, xids)
    now = datetime.now(UTC)
    return made.model_copy(
        update={"taken_at": now, "read_at": now, "boottime_s": time.clock_gettime(time.CLOCK_BOOTTIME)}
    )

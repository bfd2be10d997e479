"""A GPU watch over the simulated NVML: the real service with its real children, where a test can look at it.

The kernel log is a plain file. Rates are told by a clock that goes on a minute with each reading.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from appliance.contract.gpu_wanted import GpuWanted
from appliance.contract.gpu_watch import GpuWatch
from appliance.gpu import bus
from appliance.watch.service import Settings, Watch
from tests.sim import nvml

DEADLINE_S = 60.0
L40S = {
    "reference": "NVIDIA L40S",
    "count": 4,
    "min_memory_mib": 45000,
    "ecc": "on",
    "min_driver": "550.54",
    "min_compute_capability": "8.9",
    "min_pcie_width": 16,
}
VBIOS = "95.02.66.00.01"
PLACES = ("0000:17:00.0", "0000:65:00.0", "0000:ca:00.0", "0000:e3:00.0")
BOOT = "0b00700000000000000000000000b001"


def recorded(**changed: str) -> list[dict[str, str]]:
    """The cards of the healthy machine, as provisioning recorded them; `changed` replaces what all of them are."""
    said = nvml.sections("healthy-l40s-x4")
    cards = [{"uuid": said[f"gpu {index}"]["uuid"], "serial": said[f"gpu {index}"]["serial"]} for index in range(4)]
    return [{"vbios": VBIOS, **card, **changed} for card in cards]


def wanted(cards: list[dict[str, str]] | None = None, **changed: Any) -> GpuWanted:
    """What the hospital's profile wants; `changed` replaces what it wants of the L40S."""
    return GpuWanted.model_validate({"gpus": [{**L40S, **changed}], "recorded": cards or recorded()})


class Box:
    """A box with GPUs in a folder of its own."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder, self._monkeypatch = folder, monkeypatch
        self.state = folder / "state"
        self.state.mkdir(exist_ok=True)
        self.kernel_log, self.events = folder / "kmsg", folder / "events"
        for path in (self.kernel_log, self.events):
            path.touch()
        self.minutes = 0
        self._seq = 0

    def watch(
        self, scenario: str, wants: GpuWanted | None = None, *, boot: str = BOOT, call_limit_s: float = 5.0
    ) -> Watch:
        """Start the watch anew, over this scenario."""
        nvml.use(self._monkeypatch, nvml.SCENARIOS / f"{scenario}.conf")
        self._monkeypatch.setenv("FLEETCTL_SIMULATED_NVML_EVENTS", str(self.events))
        devices = self.folder / f"bus-{scenario.replace('/', '-')}" / "devices"
        if not devices.exists():
            nvml.pci_bus(devices.parent, scenario)
        self._monkeypatch.setattr(bus, "DEVICES", devices)
        path = self.folder / "gpu.json"
        path.unlink(missing_ok=True)
        if wants is not None:
            path.write_text(wants.model_dump_json())
        self.document.unlink(missing_ok=True)
        settings = Settings(boot, self.document, self.state, self.kernel_log, path, 0.05, call_limit_s, 0.02)
        return Watch(settings, clock=lambda: 60.0 * self.minutes)

    @property
    def document(self) -> Path:
        """Where the watch writes."""
        return self.folder / "watch.json"

    def told(self) -> GpuWatch:
        """What it wrote."""
        return GpuWatch.model_validate_json(self.document.read_bytes())

    def kernel_says(self, words: str) -> None:
        """Append a record to the kernel log."""
        self._seq += 1
        with self.kernel_log.open("a") as file:
            file.write(f"3,{self._seq},{int(time.monotonic() * 1e6)},-;{words}\n")

    def nvml_says(self, gpu: int, xid: int) -> None:
        """Tell an Xid to whoever waits for events of NVML now."""
        with self.events.open("a") as file:
            file.write(f"{gpu} {xid}\n")

    def has_xid(self, gpu: int, xid: int, *, nvml_first: bool = False) -> None:
        """An Xid happens: the kernel writes it down, and NVML tells it."""
        place = PLACES[gpu].removesuffix(".0")
        if nvml_first:
            self.nvml_says(gpu, xid)
        self.kernel_says(f"NVRM: Xid (PCI:{place}): {xid}, pid='<unknown>', name=<unknown>, something happened")
        if not nvml_first:
            self.nvml_says(gpu, xid)

    def run(self, watch: Watch, until: Callable[[GpuWatch], bool]) -> GpuWatch:
        """Let it go on until its document says so."""
        ends_s = time.monotonic() + DEADLINE_S
        # A scenario counts readings: on a slow machine some would go by before NVML's events are listened to.
        while watch._listener.state["state"] == "starting" and time.monotonic() < ends_s:
            watch._wait()
            watch._hear()
        read_at = None
        while time.monotonic() < ends_s:
            watch.step()
            if self.document.exists():
                said = self.told()
                if said.read_at != read_at:
                    read_at = said.read_at
                    self.minutes += 1
                if said.sources.nvml_events.state != "starting" and until(said):
                    return said
        raise AssertionError(f"not within {DEADLINE_S:g} s; the last: {self.document.read_text()[:3000]}")


def readings(number: int) -> Callable[[GpuWatch], bool]:
    """So many readings were taken."""
    return lambda said: bool(said.rates) and said.rates[0].samples >= number

"""What NVML showed while a machine was loaded: the observer's lines, added up to the contract's readings."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, get_args

from appliance.contract.burnin import MAX_XIDS, SlowdownReason
from appliance.contract.gpu import MAX_GPUS
from appliance.gpu.teller import Teller, python_argv

SAMPLE_S = 1.0
_LEVELS = ("temperature_c", "margin_c", "sm_clock_mhz", "power_w")
_SPANS = ("pcie_generation", "pcie_width")
# nvmlClocksEventReasons, from bit 0x1 on, as the contract lists them; whatever is beyond is its last word.
*_REASONS, _UNNAMED = get_args(SlowdownReason)

Reading = dict[str, Any]


def value(found: Any) -> Reading:
    """Return a reading that was read."""
    return {"state": "value", "value": found}


def unread(reason: str) -> Reading:
    """Return a reading that nobody has."""
    return {"state": "unreadable", "reason": reason[:300]}


@dataclass
class _Row:
    """One sampled value of one GPU."""

    lowest: float = 0
    highest: float = 0
    total: float = 0
    samples: int = 0
    last: Reading = field(default_factory=lambda: unread("not sampled"))

    def add(self, answer: Reading) -> None:
        self.last = answer
        if answer["state"] != "value":
            return
        found = answer["value"]
        self.lowest = min(self.lowest, found) if self.samples else found
        self.highest = max(self.highest, found) if self.samples else found
        self.total += found
        self.samples += 1

    def series(self) -> Reading:
        if not self.samples:
            return self.last
        mean = round(self.total / self.samples, 3)
        return value({"min": self.lowest, "mean": mean, "max": self.highest, "samples": self.samples})

    def span(self) -> Reading:
        return value({"lowest": self.lowest, "highest": self.highest}) if self.samples else self.last


@dataclass
class _Gpu:
    """One GPU, as far as it was read."""

    identity: dict[str, Reading] = field(default_factory=dict)
    before: dict[str, Reading] = field(default_factory=dict)
    after: dict[str, Reading] = field(default_factory=dict)
    rows: dict[str, _Row] = field(default_factory=dict)
    slow_s: dict[str, float] = field(default_factory=dict)
    observed_s: float = 0.0
    last_reasons_s: float | None = None
    events: Reading = field(default_factory=lambda: unread("Xid events were not asked for"))
    xids: list[dict[str, Any]] = field(default_factory=list)

    def row(self, name: str) -> _Row:
        return self.rows.setdefault(name, _Row())


class Observation:
    """Runs the observer and keeps what it says. Never raises because of a driver."""

    def __init__(self, *, call_limit_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        """Start it; raises OSError if no process can be started."""
        self._clock, self._began_s = clock, clock()
        self._general: dict[str, Reading] = {}
        self._gpus: dict[int, _Gpu] = {}
        self._phase = "identity"
        self.observing = False
        argv = python_argv("appliance.burnin.observe_child", str(MAX_GPUS), str(SAMPLE_S))
        self.process = Teller(argv, hear=self._hear, call_limit_s=call_limit_s)

    def _hear(self, said: dict[str, Any]) -> None:
        if "phase" in said:
            self._phase = said["phase"]
            self.observing = self.observing or self._phase == "observing"
        elif "xid" in said:
            self._xid(said["xid"], said["uuid"])
        elif "events_ended" in said:
            for gpu in self._gpus.values():
                gpu.events = unread(said["events_ended"])
        elif said["gpu"] is None:
            self._general[said["row"]] = said["answer"]
        else:
            self._row(self._gpus.setdefault(int(said["gpu"]), _Gpu()), said["row"], said["answer"])

    def _row(self, gpu: _Gpu, name: str, answer: Reading) -> None:
        if name == "events":
            gpu.events = answer
        elif self._phase == "sample":
            self._sample(gpu, name, answer)
        else:
            {"before": gpu.before, "after": gpu.after}.get(self._phase, gpu.identity)[name] = answer

    def _sample(self, gpu: _Gpu, name: str, answer: Reading) -> None:
        gpu.row(name).add(answer)
        if name != "clocks_event_reasons":
            return
        if answer["state"] != "value":
            gpu.last_reasons_s = None
            return
        # Each sample stands for the time since the one before it; the first stands for none.
        now_s = self._clock()
        passed_s = 0.0 if gpu.last_reasons_s is None else now_s - gpu.last_reasons_s
        gpu.last_reasons_s = now_s
        gpu.observed_s += passed_s
        for reason in reasons(answer["value"]):
            gpu.slow_s[reason] = gpu.slow_s.get(reason, 0.0) + passed_s

    def _xid(self, xid: int, uuid: str) -> None:
        for gpu in self._gpus.values():
            if gpu.identity.get("uuid", {}).get("value") == uuid and len(gpu.xids) < MAX_XIDS:
                gpu.xids.append({"xid": xid, "elapsed_s": round(self._clock() - self._began_s, 1)})

    def library(self) -> dict[str, Any]:
        """Return the contract's Library."""
        missing = self._missing("not asked: NVML is not ready")
        state = self._general.get("library", {"state": "not_reached", "reason": missing["reason"]})
        return {**state, **{row: self._general.get(row, missing) for row in ("driver_version", "nvml_version")}}

    def count(self) -> int:
        """Return how many GPUs NVML counts, 0 if that is not known."""
        found = self._general.get("count", {}).get("value", 0)
        return found if isinstance(found, int) else 0

    def why_no_count(self) -> str:
        """Return why nobody knows how many GPUs there are; empty if it is known."""
        if self._general.get("library", {}).get("state") == "ready":
            return str(self._general.get("count", self._missing("")).get("reason", ""))
        return str(self.library().get("reason", ""))

    def pci_id(self, index: int) -> str | None:
        """Return where a GPU stands on the bus, None if it could not be read."""
        found = self._gpu(index).identity.get("pci_id", {}).get("value")
        return found if isinstance(found, str) else None

    def temperature_c(self, index: int) -> Reading:
        """Return the last sample."""
        return self._gpu(index).row("temperature_c").last

    def _gpu(self, index: int) -> _Gpu:
        return self._gpus.get(index, _Gpu())

    def _missing(self, otherwise: str) -> Reading:
        ended = self.process.interruption
        return unread(f"not reached: {ended['call']}, {ended['detail']}" if ended else otherwise)

    def readings(self, index: int) -> dict[str, Reading]:
        """Return every observed field of the contract's GpuBurnIn."""
        gpu = self._gpu(index)
        missing = self._missing("not read")
        lost = gpu.identity.get("handle", missing)
        found = {name: gpu.identity.get(name, missing) for name in ("uuid", "name", "pci_id")}
        found |= {name: gpu.rows[name].series() if name in gpu.rows else lost for name in _LEVELS}
        found |= {name: gpu.rows[name].span() if name in gpu.rows else lost for name in _SPANS}
        found["slowdowns"] = self._slowdowns(gpu, lost)
        for name in ("pcie_replays", "uncorrected_ecc", "corrected_ecc"):
            found[name] = _change(gpu.before.get(name, lost), gpu.after.get(name, lost))
        before, after = gpu.before.get("rows", lost), gpu.after.get("rows", lost)
        for name in ("correctable", "uncorrectable"):
            found[f"remapped_{name}"] = _change(_part(before, name), _part(after, name))
        for name in ("pending", "failed"):
            found[f"remap_{name}"] = _part(after, name)
        # That no Xid came is known only if they were listened for to the end.
        events = missing if self.process.interruption else gpu.events
        found["xids"] = value(gpu.xids) if gpu.xids or events["state"] == "value" else events
        return found

    @staticmethod
    def _slowdowns(gpu: _Gpu, lost: Reading) -> Reading:
        row = gpu.rows.get("clocks_event_reasons")
        if row is None or not row.samples:
            return row.last if row else lost
        listed = [{"reason": reason, "seconds": round(seconds, 1)} for reason, seconds in sorted(gpu.slow_s.items())]
        return value({"observed_s": round(gpu.observed_s, 1), "reasons": listed})


def reasons(mask: int) -> list[str]:
    """Return the contract's words for a bit mask of nvmlClocksEventReasons."""
    named = [reason for bit, reason in enumerate(_REASONS) if mask >> bit & 1]
    return [*named, _UNNAMED] if mask >> len(_REASONS) else named


def _part(answer: Reading, name: str) -> Reading:
    return value(answer["value"][name]) if answer["state"] == "value" else answer


def _change(before: Reading, after: Reading) -> Reading:
    for answer in (after, before):
        if answer["state"] != "value":
            return answer
    return value({"before": before["value"], "after": after["value"]})

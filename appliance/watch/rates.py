"""What readings over ten minutes tell of one GPU: slowdowns, replays, and the link's generation under load."""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from appliance.contract.gpu import Gpu, NotSupported, Unread, Value
from appliance.contract.gpu_faults import HARDWARE, SOFTWARE_THERMAL
from appliance.contract.gpu_watch import GpuActivity, GpuRates

WINDOW_S = 600.0
_MINUTE_S = 60.0
_HARDWARE, _THERMAL = sum(HARDWARE), sum(SOFTWARE_THERMAL)
# Ours: a GPU that is busy for a tenth of the time has its link awake. Below, the link may sleep by design.
_AT_WORK_PERCENT = 10

Reading = dict[str, Any]


@dataclass(frozen=True)
class _Sample:
    at_s: float
    reasons: Any
    replays: Any
    generation: Any
    busy: Any


class Window:
    """The readings of one GPU in the last ten minutes. A driver that was loaded anew counts its replays from 0."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._samples: deque[_Sample] = deque()
        self._began_s = clock()

    def add(self, gpu: Gpu, activity: GpuActivity | None) -> None:
        """Take a reading in."""
        now_s = self._clock()
        busy = activity.gpu_util_percent if activity else Unread(reason="not read")
        self._samples.append(_Sample(now_s, gpu.clocks_event_reasons, gpu.pcie_replays, gpu.pcie_generation, busy))
        while self._samples[0].at_s < now_s - WINDOW_S:
            self._samples.popleft()

    def rates(self, index: int) -> GpuRates:
        """Return what they tell together."""
        observed_s = min(WINDOW_S, self._clock() - self._began_s)
        return GpuRates.model_validate(
            {
                "index": index,
                "window_s": round(observed_s, 1),
                "samples": len(self._samples),
                "hardware_slowdowns_per_min": self._reasons(self._slowdowns_per_min),
                "software_thermal_share": self._reasons(self._thermal_share),
                "pcie_replays_per_min": self._replays_per_min(),
                "pcie_generation_under_load": self._generation(),
            }
        )

    def _reasons(self, tell: Callable[[list[tuple[float, int]]], float]) -> Reading:
        known = [(each.at_s, each.reasons.value) for each in self._samples if isinstance(each.reasons, Value)]
        if known:
            return _value(tell(known))
        return _last([each.reasons for each in self._samples])

    def _slowdowns_per_min(self, known: list[tuple[float, int]]) -> float:
        """A look a minute would have met it so often: minutes with it, over the ten (ours, as the burn-in counts)."""
        return len({int(at_s // _MINUTE_S) for at_s, mask in known if mask & _HARDWARE}) * _MINUTE_S / WINDOW_S

    @staticmethod
    def _thermal_share(known: list[tuple[float, int]]) -> float:
        return sum(bool(mask & _THERMAL) for _, mask in known) / len(known)

    def _replays_per_min(self) -> Reading:
        known = [(each.at_s, each.replays.value) for each in self._samples if isinstance(each.replays, Value)]
        if not known:
            return _last([each.replays for each in self._samples])
        rose = sum(max(0, after - before) for (_, before), (_, after) in pairwise(known))
        # One minute at least, so that a burst between the first two readings is not taken for a rate.
        return _value(rose / max(1.0, (known[-1][0] - known[0][0]) / _MINUTE_S))

    def _generation(self) -> Reading:
        if not any(isinstance(each.generation, Value) for each in self._samples):
            return _last([each.generation for each in self._samples])
        at_work = [
            each.generation.value
            for each in self._samples
            if isinstance(each.generation, Value)
            and isinstance(each.busy, Value)
            and each.busy.value >= _AT_WORK_PERCENT
        ]
        return _value(max(at_work)) if at_work else {"state": "unreadable", "reason": "no reading met it at work"}


def _value(found: float) -> Reading:
    return {"state": "value", "value": found}


def _last(readings: list[Any]) -> Reading:
    """What the last of them answers in place of a value."""
    last = readings[-1] if readings else None
    if isinstance(last, NotSupported | Unread):
        return last.model_dump()
    return {"state": "unreadable", "reason": "not read yet"}

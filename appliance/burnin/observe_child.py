"""The process that reads NVML while a machine is loaded: who the GPUs are, counters, samples, Xids, counters again.

Lines as those of appliance/gpu/child.py, and between them `{"phase"}` (before, sample, after) and `{"xid", "uuid"}`.
It ends when its standard input is closed. Arguments: the most GPUs to believe, and the seconds between samples.
"""

import os
import select
import sys
import time
from typing import Any

import pynvml

from appliance.burnin.rows import COUNTED, IDENTITY, SAMPLED
from appliance.gpu.child import Line, Reader, clean
from appliance.gpu.rows import Row

_XID = pynvml.nvmlEventTypeXidCriticalError
_MAX_EVENTS_A_SAMPLE = 100


class Observer:
    """Reads every GPU again and again."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self._reader = Reader(pynvml, line)
        self._handles: dict[int, Any] = {}
        self._events: Any = None

    def start(self, max_gpus: int) -> None:
        """Start NVML, read who the GPUs are and their counters."""
        reader = self._reader
        if reader.library() == "ready":
            reader.row("driver_version", reader.ask, "nvmlSystemGetDriverVersion")
            reader.row("nvml_version", reader.ask, "nvmlSystemGetNVMLVersion")
            count = reader.row("count", reader.count, max_gpus).get("value", 0)
            for index in range(count):
                reader.gpu = index
                found = reader.answer(reader.ask, "nvmlDeviceGetHandleByIndex", index)
                if found["state"] == "value":
                    self._handles[index] = found["value"]
                else:
                    for name in (*IDENTITY, "handle"):
                        self._line.write(row=name, gpu=index, answer=found)
            reader.gpu = None
            self._read(IDENTITY)
            self.phase("before", COUNTED)
            self._register()
        self._line.write(phase="observing")

    def phase(self, name: str, rows: dict[str, Row]) -> None:
        """Tell which phase begins, and read these rows of every GPU."""
        self._line.write(phase=name)
        self._read(rows)

    def _read(self, rows: dict[str, Row]) -> None:
        for index, handle in self._handles.items():
            self._reader.gpu = index
            for name, read in rows.items():
                self._reader.row(name, read, self._reader.ask, handle)
        self._reader.gpu = None

    def _register(self) -> None:
        ask = self._reader.ask
        created = self._reader.answer(ask, "nvmlEventSetCreate")
        self._events = created.get("value")
        for index, handle in self._handles.items():
            self._reader.gpu = index
            told = created
            if self._events is not None:
                told = self._reader.answer(ask, "nvmlDeviceRegisterEvents", handle, _XID, self._events)
            answer = {"state": "value", "value": True} if told["state"] == "value" else told
            self._line.write(row="events", gpu=index, answer=answer)
        self._reader.gpu = None

    def wait(self, until_s: float) -> None:
        """Tell Xids until then, or until the standard input is closed."""
        for _ in range(_MAX_EVENTS_A_SAMPLE):
            left_s = until_s - time.monotonic()
            if left_s <= 0 or ended():
                return
            if self._events is None:
                select.select([sys.stdin], [], [], left_s)
                return
            try:
                event = self._reader.ask("nvmlEventSetWait_v2", self._events, int(left_s * 1000) + 1)
                uuid = self._reader.ask("nvmlDeviceGetUUID", event.device)
                self._line.write(xid=int(event.eventData), uuid=clean(str(uuid)))
            except pynvml.NVMLError_Timeout:
                return
            except pynvml.NVMLError as error:
                self._events = None
                self._line.write(events_ended=clean(f"nvmlEventSetWait_v2: {error}"))


def ended() -> bool:
    """Whether the parent closed our standard input: it writes nothing, so that readable means closed."""
    return bool(select.select([sys.stdin], [], [], 0)[0])


def main() -> None:
    """Observe until the end is asked for."""
    # Whatever the driver's library prints must not stand between the lines for the parent.
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    line = Line(out)
    observer = Observer(line)
    max_gpus, interval_s = int(sys.argv[1]), float(sys.argv[2])
    observer.start(max_gpus)
    while not ended():
        next_s = time.monotonic() + interval_s
        observer.phase("sample", SAMPLED)
        observer.wait(next_s)
    observer.phase("after", COUNTED)
    line.write(end=True)


if __name__ == "__main__":
    main()

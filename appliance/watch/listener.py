"""The process that waits for NVML's Xid events (nvmlEventTypeXidCriticalError) of every GPU, and tells each at once.

Lines: `{"call", "gpu"}` before each call, `{"events": {"state", "reason"}}` when it is known whether events can be
heard, `{"xid", "pci_id", "uuid", "mono_s"}` for each. It ends when waiting fails. Argument: the most GPUs to believe.
"""

import ctypes
import os
import sys
import time
from typing import Any

import pynvml

from appliance.gpu.child import Line, Reader, clean
from appliance.gpu.rows import ROWS

WAIT_MS = 5000
"""So often it tells that it still waits: a parent that hears nothing for longer knows that it is stuck."""
_XID = pynvml.nvmlEventTypeXidCriticalError


def _address(handle: Any) -> int:
    return ctypes.cast(handle, ctypes.c_void_p).value or 0


class Listener:
    """Registers every GPU that can tell events, and waits."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self._reader = Reader(pynvml, line)
        self._gpus: dict[int, dict[str, str]] = {}  # the handle's address → who it is
        self._set: Any = None

    def start(self, max_gpus: int) -> bool:
        """Register, and tell whether events are heard. Returns whether waiting makes sense."""
        problems = self._register(max_gpus)
        state = "listening" if self._gpus and not problems else "unsupported" if self._gpus else "failed"
        unsupported = [why for why, supported in problems if not supported]
        if problems and len(unsupported) < len(problems):
            state = "failed"
        elif problems:
            state = "unsupported"
        reason = clean("; ".join(why for why, _ in problems), 300)
        self._line.write(events={"state": state, "reason": reason})
        return bool(self._gpus)

    def _register(self, max_gpus: int) -> list[tuple[str, bool]]:
        """Return what is wrong, and whether it is an error (or only not supported)."""
        reader, ask = self._reader, self._reader.ask
        if reader.library() != "ready":
            return [("NVML is not ready", True)]
        count = reader.answer(reader.count, max_gpus)
        created = reader.answer(ask, "nvmlEventSetCreate")
        for answer in (count, created):
            if answer["state"] != "value":
                return [(answer.get("reason", "events are not supported"), answer["state"] == "unreadable")]
        self._set = created["value"]
        problems = []
        for index in range(count["value"]):
            reader.gpu = index
            told = reader.answer(self._one, index)
            if told["state"] != "value":
                why = told.get("reason", "events are not supported")
                problems.append((f"GPU {index}: {why}", told["state"] == "unreadable"))
        reader.gpu = None
        return problems or ([] if self._gpus else [("NVML counts no GPU", True)])

    def _one(self, index: int) -> bool:
        ask = self._reader.ask
        handle = ask("nvmlDeviceGetHandleByIndex", index)
        if not ask("nvmlDeviceGetSupportedEventTypes", handle) & _XID:
            raise pynvml.NVMLError(pynvml.NVML_ERROR_NOT_SUPPORTED)
        who = {name: clean(str(ROWS[name](ask, handle)), 96) for name in ("pci_id", "uuid")}
        ask("nvmlDeviceRegisterEvents", handle, _XID, self._set)
        self._gpus[_address(handle)] = who
        return True

    def wait(self) -> None:
        """Tell every event until waiting fails."""
        while True:
            try:
                event = self._reader.ask("nvmlEventSetWait_v2", self._set, WAIT_MS)
            except pynvml.NVMLError_Timeout:
                continue
            except pynvml.NVMLError as error:
                reason = clean(f"nvmlEventSetWait_v2: {error}")
                self._line.write(events={"state": "failed", "reason": reason})
                return
            if event.eventType & _XID:
                who = self._gpus.get(_address(event.device), {"pci_id": "", "uuid": ""})
                self._line.write(xid=int(event.eventData), mono_s=time.monotonic(), **who)


def main() -> None:
    """Listen until it fails."""
    # Whatever the driver's library prints must not stand between the lines for the parent.
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    line = Line(out)
    listener = Listener(line)
    if listener.start(int(sys.argv[1])):
        listener.wait()
    line.write(end=True)


if __name__ == "__main__":
    main()

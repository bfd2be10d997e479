"""The process that asks the driver. It tells each call before it makes it, so that its parent can name one that hangs.

One JSON object a line on standard output: `{"call", "gpu"}` before a call, `{"row", "gpu", "answer"}` after a value,
and `{"end": true}` at the very end. An answer is shaped like the contract's readings. Light on imports: it starts for
every reading.
"""

import json
import os
import sys
from collections.abc import Callable
from typing import Any, BinaryIO

MAX_REASON = 200

# Errors of nvmlInit that are states of their own, by NVML's code (nvmlReturn_t).
LIBRARY_STATES = {9: "driver_not_loaded", 12: "missing", 18: "version_mismatch"}
NOT_SUPPORTED = 3


class Line:
    """Writes lines for the parent."""

    def __init__(self, out: BinaryIO) -> None:
        self._out = out

    def write(self, **values: Any) -> None:
        """Write one line, at once."""
        self._out.write(json.dumps(values).encode() + b"\n")
        self._out.flush()


def clean(text: str, limit: int = MAX_REASON) -> str:
    """Return outside words without control characters, shortened."""
    return "".join(character for character in text if character.isprintable())[:limit]


def _unreadable(error: Exception, call: str) -> dict[str, Any]:
    code = getattr(error, "value", None)
    if isinstance(code, int):
        return {"state": "unreadable", "reason": clean(f"{call}: {error} (NVML error {code})"), "nvml_error": code}
    return {"state": "unreadable", "reason": clean(f"{call}: answer not understood ({type(error).__name__})")}


class Reader:
    """Asks NVML call by call."""

    def __init__(self, nvml: Any, line: Line) -> None:
        self._nvml = nvml
        self._line = line
        self.gpu: int | None = None  # the one that the calls are about
        self._call = ""

    def ask(self, call: str, *arguments: Any) -> Any:
        """Make one call of pynvml; raises its NVMLError."""
        self._call = call
        self._line.write(call=call, gpu=self.gpu)
        return getattr(self._nvml, call)(*arguments)

    def answer(self, read: Callable[..., Any], *arguments: Any) -> dict[str, Any]:
        """Return one of the three answers."""
        try:
            value = read(*arguments)
        except self._nvml.NVMLError as error:
            return {"state": "not_supported"} if error.value == NOT_SUPPORTED else _unreadable(error, self._call)
        except Exception as error:  # a value that cannot be made sense of must not hide the others
            return _unreadable(error, self._call)
        return {"state": "value", "value": clean(value, 96) if isinstance(value, str) else value}

    def row(self, row: str, read: Callable[..., Any], *arguments: Any) -> dict[str, Any]:
        """Read one value, tell it, and return it."""
        answer = self.answer(read, *arguments)
        self._line.write(row=row, gpu=self.gpu, answer=answer)
        return answer

    def library(self) -> str:
        """Start NVML; tells and returns the library's state."""
        try:
            self.ask("nvmlInit")
        except self._nvml.NVMLError as error:
            state = LIBRARY_STATES.get(error.value, "failed")
            answer = {"state": state, "reason": clean(f"{error} (NVML error {error.value})")}
        else:
            answer = {"state": "ready"}
        self._line.write(row="library", gpu=None, answer=answer)
        return answer["state"]

    def read(self, rows: dict[str, Callable[..., Any]], max_gpus: int) -> None:
        """Start NVML, and read everything that can be read."""
        if self.library() == "ready":
            self.read_all(rows, max_gpus)

    def read_all(self, rows: dict[str, Callable[..., Any]], max_gpus: int) -> None:
        """Read everything of a library that was started."""
        self.row("driver_version", self.ask, "nvmlSystemGetDriverVersion")
        self.row("nvml_version", self.ask, "nvmlSystemGetNVMLVersion")
        count = self.row("count", self.count, max_gpus)
        for index in range(count.get("value", 0)):
            self._gpu_rows(index, rows)

    def count(self, max_gpus: int) -> int:
        """Return how many GPUs NVML counts; raises ValueError for more than any machine holds."""
        count = int(self.ask("nvmlDeviceGetCount"))
        if count > max_gpus:
            raise ValueError(count)
        return count

    def _gpu_rows(self, index: int, rows: dict[str, Callable[..., Any]]) -> None:
        self.gpu = index
        found = self.answer(self.ask, "nvmlDeviceGetHandleByIndex", index)
        for row, read in rows.items():
            if found["state"] == "value":
                self.row(row, read, self.ask, found["value"])
            else:  # a GPU that is lost has no handle, and every value of it is unreadable for that reason
                self._line.write(row=row, gpu=index, answer=found)
        self.gpu = None


def main() -> None:
    """Read everything once. Arguments: the folder that holds the package `appliance`, and the most GPUs to believe."""
    # Whatever the driver's library prints must not stand between the lines for the parent.
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    line = Line(out)
    package, max_gpus = sys.argv[1:]
    sys.path.insert(0, package)
    try:
        import pynvml

        from appliance.gpu.rows import ROWS
    except ImportError as error:
        line.write(row="library", gpu=None, answer={"state": "failed", "reason": clean(f"nvidia-ml-py: {error}")})
        line.write(end=True)
        return
    Reader(pynvml, line).read(ROWS, int(max_gpus))
    line.write(end=True)


if __name__ == "__main__":
    main()

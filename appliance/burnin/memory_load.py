"""The machine's memory under load: stress-ng's vm stressor, which verifies what it wrote."""

import os
import re
import shutil
import tempfile
from pathlib import Path
from typing import Any

from appliance.burnin.observe import unread, value
from appliance.facts.reading import UnreadableError, read_text
from appliance.gpu.child import clean
from appliance.gpu.teller import Process

TOOL = "stress-ng"
MEMINFO = Path("/proc/meminfo")
# Of the memory that is available. The rest is for the GPUs' loads, which pin memory, and for the system.
_SHARE = 0.6
_MIB_EACH_AT_LEAST = 16
_MAX_WORKERS = 64
_MAX_YAML_BYTES = 1024 * 1024
_FAILURE = re.compile(rb"^stress-ng: fail:", re.MULTILINE)
# Exit statuses (stress-ng(1)): 0 all well, 2 a stressor failed; the others are no answer about the memory.
_ANSWERS = (0, 2)


def available_mib() -> int:
    """Return how much memory can be taken without swapping; raises UnreadableError."""
    found = re.search(r"^MemAvailable:\s+(\d+) kB$", read_text(MEMINFO), re.MULTILINE)
    if found is None:
        raise UnreadableError(f"{MEMINFO}: no MemAvailable")
    return int(found[1]) // 1024


def argv(mib: int, seconds: float, report: Path) -> list[str]:
    """Return stress-ng's arguments. Half of the processors: the others serve the GPUs' loads and the disks."""
    workers = max(1, min((os.cpu_count() or 2) // 2, _MAX_WORKERS, mib // _MIB_EACH_AT_LEAST))
    how = ["--vm", str(workers), "--vm-bytes", f"{mib}M", "--vm-method", "all", "--vm-keep", "--verify"]
    # An instance that the kernel ends for want of memory is not started again.
    bounds = ["--oomable", "--temp-path", str(report.parent), "--timeout", f"{max(1, round(seconds))}s"]
    return [TOOL, *how, *bounds, "--metrics-brief", "--yaml", str(report)]


class MemoryLoad:
    """One run of stress-ng."""

    title = "memory"

    def __init__(self, seconds: float, mib: int | None = None) -> None:
        """Start it, with a share of what is available unless `mib` says how much."""
        self.process: Process | None = None
        self._reason = ""
        self._folder = Path(tempfile.mkdtemp(prefix="burnin-memory-"))
        try:
            self._mib = int(available_mib() * _SHARE) if mib is None else mib
            if shutil.which(TOOL) is None:
                self._reason = f"{TOOL} is not installed"
            else:
                self.process = Process(argv(self._mib, seconds, self._folder / "report.yaml"))
        except UnreadableError as error:
            self._reason = str(error)
        except OSError as error:
            self._reason = f"{TOOL} cannot be started: {error.strerror}"

    def result(self, stopped: str) -> dict[str, Any]:
        """Return the contract's MemoryBurnIn; `stopped` says why the whole burn-in was stopped, if it was."""
        try:
            return self._result(stopped)
        finally:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _result(self, stopped: str) -> dict[str, Any]:
        if self.process is None:
            missing = unread(f"not run: {self._reason}")
            return {
                "state": "not_run",
                "reason": self._reason,
                **dict.fromkeys(("mib", "operations", "errors"), missing),
            }
        done = self.process.code in _ANSWERS
        operations = self._operations()
        failures = len(_FAILURE.findall(self.process.written + self.process.last_words))
        if self.process.code == 2:
            failures = max(failures, 1)  # its status alone says that a verification failed
        known = failures or (done and operations is not None)
        ended = "interrupted" if stopped else "finished" if done else "failed"
        return {
            "state": "ran",
            "ended": ended,
            "reason": stopped or ("" if done else clean(f"{TOOL} {self.process.how_it_ended()}")),
            "mib": value(self._mib),
            "operations": unread("stress-ng left no report") if operations is None else value(operations),
            "errors": value(failures) if known else unread("stress-ng ended without an answer"),
        }

    def _operations(self) -> int | None:
        path = self._folder / "report.yaml"
        if not path.is_file() or path.stat().st_size > _MAX_YAML_BYTES:
            return None
        found = re.findall(r"^\s+bogo-ops: (\d{1,18})$", path.read_text(errors="replace"), re.MULTILINE)
        return int(found[0]) if len(found) == 1 else None

"""A burn-in from its start to its report: observe, load everything at once, wait, let go, report."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from pydantic import ValidationError

from appliance.burnin.dcgm import DcgmLoad
from appliance.burnin.drive_load import Drive, DriveLoad, drives
from appliance.burnin.gpu_part import GpuLoad, described, not_loaded
from appliance.burnin.kernel_log import KernelLog
from appliance.burnin.memory_load import MemoryLoad
from appliance.burnin.observe import Observation, unread, value
from appliance.contract.burnin import BurnInProgress, BurnInReport
from appliance.facts.reading import UnreadableError
from appliance.gpu.report import withdraw

Part = GpuLoad | DcgmLoad | MemoryLoad | DriveLoad
_NAP_S = 0.2
_PROGRESS_S = 5.0
# After the time asked for: a last pass, fio's and stress-ng's reports. What still runs then is ended.
_GRACE_S = 60.0
_ASKED_TO_STOP_S = 5.0
# Above the half hour that NVIDIA's user guide (DCGM Diagnostics, run levels) has for level 3.
_DCGM_S = 3600.0


@dataclass(frozen=True)
class Options:
    """What was asked for. `drives` None: find the data disks."""

    seconds: float
    diagnostic: Literal["own", "dcgm"] = "own"
    gpu: bool = True
    memory: bool = True
    memory_mib: int | None = None
    drives: Sequence[Drive] | None = None
    load_drives: bool = True
    call_limit_s: float = 30.0


class BurnIn:
    """One burn-in. `say` is given progress; `stopped` tells why to stop, empty to go on."""

    def __init__(self, options: Options, say: Callable[[BurnInProgress], None], stopped: Callable[[], str]) -> None:
        self._options, self._say, self._stopped = options, say, stopped
        self._began_s = time.monotonic()
        self._started_at = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        self._log = KernelLog()
        self._observation: Observation | None = None
        self._gpus: dict[int, GpuLoad] = {}
        self._dcgm: DcgmLoad | None = None
        self._memory: MemoryLoad | None = None
        self._drives: list[DriveLoad] | None = None
        self._no_drives = ""
        self._overran: list[str] = []
        self._stage, self._said_s = "prepare", float("-inf")

    def run(self) -> BurnInReport:
        """Do it. Whatever a driver does, every process is ended before this returns."""
        try:
            self._observe()
            self._load()
            self._wait()
            self._let_go()
            return self._report()
        finally:
            self._end_all()
            self._log.close()

    def _elapsed_s(self) -> float:
        return time.monotonic() - self._began_s

    def _observe(self) -> None:
        """Start the observer and wait until it knows the GPUs and their counters."""
        if not self._options.gpu:
            return
        self._observation = Observation(call_limit_s=self._options.call_limit_s)
        while self._observation.process.poll() and not self._observation.observing and not self._stopped():
            self._nap()

    def _load(self) -> None:
        """Start every load at once."""
        if self._stopped():
            return
        self._stage = "load"
        seconds, limit_s = self._options.seconds, self._options.call_limit_s
        if self._observation and self._options.diagnostic == "dcgm":
            self._dcgm = DcgmLoad()
        # Without DCGM on the box our own load steps in: a GPU that nothing loaded has shown nothing.
        if self._observation and not self._dcgm_loads():
            for index in range(self._observation.count()):
                if pci_id := self._observation.pci_id(index):
                    self._gpus[index] = GpuLoad(index, pci_id, seconds, call_limit_s=limit_s)
        if self._options.memory:
            self._memory = MemoryLoad(seconds, self._options.memory_mib)
        if self._options.load_drives:
            self._load_drives(seconds)
        self._say(self._progress())

    def _dcgm_loads(self) -> bool:
        return self._dcgm is not None and self._dcgm.process is not None

    def _load_drives(self, seconds: float) -> None:
        try:
            found = drives() if self._options.drives is None else self._options.drives
        except UnreadableError as error:
            self._no_drives = str(error)
            return
        self._drives = [DriveLoad(drive, seconds) for drive in found]

    def _parts(self) -> list[Part]:
        single = [part for part in (self._dcgm, self._memory) if part]
        return [*self._gpus.values(), *single, *(self._drives or ())]

    def _poll(self) -> list[Part]:
        """Take what everybody says; returns the parts that still run."""
        self._log.poll()
        if self._observation:
            self._observation.process.poll()
        return [part for part in self._parts() if part.process and part.process.poll()]

    def _wait(self) -> None:
        """Wait until every load has ended, or was stopped, or is over its time."""
        limit_s = self._elapsed_s() + self._options.seconds + _GRACE_S
        while (running := self._poll()) and not self._stopped():
            over = [part for part in running if self._elapsed_s() > limit_s + (_DCGM_S if part is self._dcgm else 0)]
            for part in over:
                self._overran.append(part.title)
                part.process.give_up("it did not end in time")  # type: ignore[union-attr]
            self._nap()

    def _nap(self) -> None:
        if time.monotonic() - self._said_s >= _PROGRESS_S:
            self._said_s = time.monotonic()
            self._say(self._progress())
        time.sleep(_NAP_S)

    def _progress(self) -> BurnInProgress:
        gpus = []
        for index in range(self._observation.count() if self._observation else 0):
            assert self._observation is not None  # noqa: S101 (there are no GPUs without one)
            totals, turn = (self._gpus[index].totals, self._gpus[index].turn) if index in self._gpus else ({}, "")
            errors = {name: totals.get(name, 0) for name in ("memory_errors", "tensor_errors")}
            gpus.append(
                {"index": index, "temperature_c": self._observation.temperature_c(index), "doing": turn, **errors}
            )
        said = {"stage": self._stage, "elapsed_s": round(self._elapsed_s(), 1), "total_s": self._options.seconds}
        return _valid(BurnInProgress, {**said, "gpus": gpus})

    def _let_go(self) -> None:
        """Ask what still runs to stop, so that it tells what it has, and read the counters a last time."""
        self._stage = "drain"
        for part in self._parts():
            if part.process and not part.process.over:
                part.process.terminate()
        if self._observation:
            self._observation.process.ask_to_end()
        until_s = time.monotonic() + _ASKED_TO_STOP_S
        while self._poll() and time.monotonic() < until_s:
            time.sleep(_NAP_S)
        # The observer answers within its own limit of each call, or is ended for it.
        while self._observation and self._observation.process.poll():
            time.sleep(_NAP_S)
        self._poll()
        self._end_all()

    def _end_all(self) -> None:
        for process in [*(part.process for part in self._parts()), self._observation and self._observation.process]:
            if process and not process.over:
                process.kill()

    def _report(self) -> BurnInReport:
        stopped = self._stopped()
        document: dict[str, Any] = {
            "started_at": self._started_at,
            "minutes": self._options.seconds / 60,
            "duration_s": round(self._elapsed_s(), 1),
            "library": self._observation.library() if self._observation else None,
            "observation_ended": self._observation.process.interruption if self._observation else None,
            "gpus": [
                self._gpu(index, stopped) for index in range(self._observation.count() if self._observation else 0)
            ],
            "dcgm": self._dcgm.result(stopped) if self._dcgm else None,
            "memory": self._memory.result(stopped) if self._memory else None,
            "drives": None if self._drives is None else value([drive.result(stopped) for drive in self._drives]),
            "machine_errors": self._log.reading(),
        }
        if self._no_drives:
            document["drives"] = unread(self._no_drives)
        problems = self._problems(document)
        ended = "interrupted" if stopped else "failed" if problems else "finished"
        return _valid(BurnInReport, {**document, "ended": ended, "reason": (stopped or "; ".join(problems))[:300]})

    def _gpu(self, index: int, stopped: str) -> dict[str, Any]:
        assert self._observation is not None  # noqa: S101 (there are no GPUs without one)
        if index in self._gpus:
            load = self._gpus[index].readings(stopped)
        elif self._dcgm_loads():
            load = not_loaded("DCGM's diagnostic was asked for in place of our own load")
        else:
            load = not_loaded(stopped or "its PCI id could not be read")
        return {"index": index, **self._observation.readings(index), **load}

    def _problems(self, document: dict[str, Any]) -> list[str]:
        """Return why not every part ran for its time. What the parts found wrong with the machine is no such reason."""
        found = [f"{title} did not end in time" for title in self._overran]
        if self._observation and (why := self._observation.why_no_count()):
            found.append(f"NVML: {why}")
        if ended := document["observation_ended"]:
            found.append(f"NVML: {ended['call']}: {ended['detail']}")
        for gpu in document["gpus"]:
            if ended := gpu.get("ended_early"):
                found.append(f"GPU {gpu['index']}: {described(ended)}")
            elif gpu["load"] == "none" and not self._dcgm_loads():
                found.append(f"GPU {gpu['index']}: {gpu['reason']}")
        drives = (document["drives"] or {}).get("value", ())
        if self._no_drives:
            found.append(f"disks: {self._no_drives}")
        dcgm = document["dcgm"] if self._dcgm_loads() else None
        parts = [("DCGM", dcgm), ("memory", document["memory"]), *((d["device"], d) for d in drives)]
        return found + [f"{title}: {part['reason']}" for title, part in parts if part and part.get("reason")]


def _valid(model: Any, document: dict[str, Any]) -> Any:
    """Return the document as the contract has it; a reading that is out of bounds becomes an unreadable one."""
    try:
        return model.model_validate(document)
    except ValidationError as error:
        for problem in error.errors():
            withdraw(document, problem["loc"])
        return model.model_validate(document)

"""One GPU's load, from outside: starts the process that loads it, watches it, and keeps what it found."""

from typing import Any

from appliance.burnin.gpu_load import PATTERNS
from appliance.burnin.observe import Reading, unread, value
from appliance.gpu.teller import Teller, python_argv

_MEASURED = (
    *("memory_tested_mib", "memory_passes", "memory_errors", "memory_gb_per_s"),
    *("tensor_tflops", "tensor_errors", "pcie_to_gpu_gb_per_s", "pcie_from_gpu_gb_per_s"),
)
_PATTERN_NAMES = {name for name, _, _ in PATTERNS}
# What the driver translates is not to be kept on the disk.
_ENVIRONMENT = {"CUDA_CACHE_DISABLE": "1"}


class GpuLoad:
    """Runs the load of one GPU. Never raises because of a driver."""

    def __init__(self, index: int, pci_id: str, seconds: float, *, call_limit_s: float) -> None:
        """Start it; raises OSError if no process can be started."""
        self.title = f"GPU {index}"
        self.totals: dict[str, Any] = {}
        self.turn = ""
        self._failed: dict[str, str] | None = None
        argv = python_argv("appliance.burnin.gpu_load", pci_id, str(seconds))
        self.process = Teller(argv, hear=self._hear, call_limit_s=call_limit_s, environment=_ENVIRONMENT)

    def _hear(self, said: dict[str, Any]) -> None:
        if "totals" in said:
            self.totals, self.turn = dict(said["totals"]), str(said["turn"])
        else:
            self._failed = {"call": str(said["failed"]["call"]), "detail": str(said["failed"]["detail"])}

    def ended_early(self, stopped: str) -> dict[str, Any] | None:
        """Return the contract's LoadEnd; `stopped` says why the whole burn-in was stopped, if it was."""
        if self._failed:
            return {"cause": "error", **self._failed}
        if ended := self.process.interruption:
            return {"cause": ended["cause"], "call": ended["call"], "detail": ended["detail"]}
        return {"cause": "stopped", "call": "", "detail": stopped} if stopped else None

    def readings(self, stopped: str) -> dict[str, Any]:
        """Return what the load measured, as fields of the contract's GpuBurnIn."""
        ended = self.ended_early(stopped)
        why = f"not reached: {described(ended)}" if ended else "the time was too short for it"
        found: dict[str, Any] = dict(measured(self.totals, why))
        word = self.totals.get("first_wrong_word")
        if word and word["pattern"] in _PATTERN_NAMES:
            found["first_wrong_word"] = word
        return {"load": "own", "ended_early": ended, **found}


def described(ended: dict[str, Any]) -> str:
    """Return a LoadEnd in words."""
    return ": ".join(each for each in (ended["call"], ended["detail"]) if each)


def measured(totals: dict[str, Any], why_missing: str) -> dict[str, Reading]:
    """Return the measured fields; one that was not measured says why."""
    missing = unread(why_missing)
    return {name: value(totals[name]) if name in totals else missing for name in _MEASURED}


def not_loaded(reason: str) -> dict[str, Any]:
    """Return the fields of a GPU that nothing of ours loaded."""
    return {"load": "none", "reason": reason[:300], **measured({}, f"not loaded: {reason}")}

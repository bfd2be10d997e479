"""DCGM's own diagnostic, level 3, where the operator asks for it because NVIDIA lists the GPU for it."""

import json
import shutil
from typing import Any

from appliance.contract.burnin import MAX_DIAGNOSTICS
from appliance.contract.gpu import MAX_GPUS
from appliance.gpu.child import clean
from appliance.gpu.teller import Process

TOOL = "dcgmi"
ARGV = [TOOL, "diag", "-r", "3", "-j"]
_STATUS = {"pass": "pass", "warn": "warn", "fail": "fail", "skip": "skip", "not run": "skip"}


class DcgmLoad:
    """One run of `dcgmi diag`. It takes as long as it takes; the burn-in's whole time bounds it."""

    title = "dcgm"

    def __init__(self) -> None:
        """Start it."""
        self.process: Process | None = None
        self._reason = ""
        try:
            if shutil.which(TOOL) is None:
                self._reason = f"{TOOL} is not installed"
            else:
                self.process = Process(ARGV)
        except OSError as error:
            self._reason = f"{TOOL} cannot be started: {error.strerror}"

    def result(self, stopped: str) -> dict[str, Any]:
        """Return the contract's DcgmResult; `stopped` says why the whole burn-in was stopped, if it was."""
        if self.process is None:
            return {"state": "not_run", "reason": self._reason}
        try:
            version, tests = parsed(self.process.written.decode(errors="replace"))
        except ValueError:
            how = f"{TOOL} {self.process.how_it_ended()}, and its answer is not understood"
            return {"state": "failed", "reason": clean(stopped or how)}
        # Its status is not 0 when a test failed, which is an answer; no tests at all are none.
        if stopped or not tests:
            return {"state": "failed", "reason": stopped or "it told of no test", "version": version, "tests": tests}
        return {"state": "ran", "version": version, "tests": tests}


def parsed(report: str) -> tuple[str, list[dict[str, Any]]]:
    """Return DCGM's version and its tests, from the JSON of DCGM 3 or 4; raises ValueError.

    DCGM 3 names GPUs in `gpu_ids` ("0,1"), DCGM 4 in `entity_group` and `entity_id`.
    """
    try:
        document = json.loads(report[report.index("{") :])
        body = document.get("DCGM Diagnostic") or document["DCGM GPU Diagnostic"]
        version = document.get("metadata", {}).get("version") or document.get("DCGM Version") or ""
        tests = [
            {"name": clean(test["name"], 96), "gpu": gpu, "status": _status(result), "detail": _detail(result)}
            for category in body["test_categories"]
            for test in category["tests"]
            for result in test["results"]
            for gpu in _gpus(result)
        ]
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"DCGM's report is not understood: {error}") from None
    return clean(str(version)), tests[:MAX_DIAGNOSTICS]


def _status(result: dict[str, Any]) -> str:
    return _STATUS.get(str(result["status"]).lower(), "unknown")


def _detail(result: dict[str, Any]) -> str:
    said = result.get("warnings") or result.get("info") or ""
    if isinstance(said, list):
        said = "; ".join(str(each.get("warning", each) if isinstance(each, dict) else each) for each in said)
    return clean(str(said))


def _gpus(result: dict[str, Any]) -> list[int | None]:
    if "gpu_ids" in result:
        listed: list[int | None] = [int(each) for each in str(result["gpu_ids"]).split(",") if each.strip()]
    elif result.get("entity_group") == "GPU":
        listed = [int(result["entity_id"])]
    else:
        listed = []
    if any(gpu is not None and not 0 <= gpu < MAX_GPUS for gpu in listed):
        raise ValueError("a GPU's number is out of bounds")
    return listed or [None]

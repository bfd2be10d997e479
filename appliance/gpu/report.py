"""Puts a GPU report together: what the child said, what the bus shows, and a reason for every value that is missing."""

from typing import Any

from pydantic import ValidationError

from appliance.contract.gpu import MAX_GPUS, Gpu, GpuReport
from appliance.gpu.bus import gpus_on_bus
from appliance.gpu.watched import Answers, ask_driver, child_argv

CALL_LIMIT_S = 10.0
"""FIELD: a call that takes longer is a stuck driver."""
READING_LIMITS_PER_CALL_LIMIT = 4
"""Four slow calls in one reading; with the default 40 s, within the 60 s that the operator waits for a command."""

_GPU_ROWS = tuple(name for name in Gpu.model_fields if name != "index")


def read_gpus(call_limit_s: float = CALL_LIMIT_S) -> GpuReport:
    """Read every GPU. Answers within 4 × `call_limit_s` and two seconds, whatever the driver does."""
    reading_limit_s = call_limit_s * READING_LIMITS_PER_CALL_LIMIT
    try:
        answers = ask_driver(child_argv(MAX_GPUS), call_limit_s=call_limit_s, reading_limit_s=reading_limit_s)
    except OSError as error:
        words = f"the reading process cannot be started: {error.strerror}"
        answers = Answers({}, {"cause": "died", "call": "none", "gpu": None, "detail": words})
    return report(answers, gpus_on_bus(), call_limit_s, reading_limit_s)


def report(answers: Answers, bus: dict[str, Any], call_limit_s: float, reading_limit_s: float) -> GpuReport:
    """Return the report. A value that is out of the contract's bounds becomes an unreadable one."""
    missing = {"state": "unreadable", "reason": _why_missing(answers)}

    def general(row: str) -> dict[str, Any]:
        return answers.rows.get((row, None), missing)

    library = answers.rows.get(("library", None), {"state": "not_reached", "reason": missing["reason"]})
    versions = {row: general(row) for row in ("driver_version", "nvml_version")}
    count = general("count")
    document = {
        "call_limit_s": call_limit_s,
        "reading_limit_s": reading_limit_s,
        "interruption": answers.interruption,
        "library": {**library, **versions},
        "count": count,
        "gpus": [
            {"index": index, **{row: answers.rows.get((row, index), missing) for row in _GPU_ROWS}}
            for index in range(count.get("value", 0))
        ],
        "bus": bus,
    }
    try:
        return GpuReport.model_validate(document)
    except ValidationError as error:
        for problem in error.errors():
            withdraw(document, problem["loc"])
        return GpuReport.model_validate(document)


def withdraw(document: dict[str, Any], place: tuple[int | str, ...]) -> None:
    """Replace the reading that `place` leads into."""
    inside: Any = document
    for key in place:
        if isinstance(inside[key], dict) and inside[key].get("state") == "value":
            inside[key] = {"state": "unreadable", "reason": "the driver's answer is out of bounds"}
        if isinstance(inside[key], dict) and inside[key].get("state") == "unreadable":
            return
        inside = inside[key]


def _why_missing(answers: Answers) -> str:
    if answers.interruption is None:
        return "not asked: NVML is not ready"
    gpu = answers.interruption["gpu"]
    about = "" if gpu is None else f" of GPU {gpu}"
    return f"not reached: {answers.interruption['call']}{about}, {answers.interruption['detail']}"[:300]

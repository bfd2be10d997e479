"""What an Ansible run reports: one result per task, and the sum of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

TaskStatus = Literal["ok", "changed", "skipped", "failed", "unreachable"]

_STATUS: dict[str, TaskStatus] = {
    "runner_on_ok": "ok",
    "runner_on_skipped": "skipped",
    "runner_on_failed": "failed",
    "runner_on_unreachable": "unreachable",
}


@dataclass(frozen=True)
class TaskResult:
    """One task on the host. `fleet` is what our own modules return under that key; `diff` is text for a person."""

    name: str
    status: TaskStatus
    seconds: float
    message: str = ""
    diff: str = ""
    fleet: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class PlayResult:
    """All tasks of one run, in order."""

    tasks: tuple[TaskResult, ...]

    def count(self, status: TaskStatus) -> int:
        return sum(task.status == status for task in self.tasks)

    @property
    def changed(self) -> int:
        return self.count("changed")

    @property
    def ok(self) -> int:
        return self.count("ok") + self.changed

    @property
    def failure(self) -> TaskResult | None:
        """The task that ended the run, if one did."""
        return next((task for task in self.tasks if task.status in ("failed", "unreachable")), None)

    @property
    def fleet(self) -> dict[str, Any]:
        """What the modules returned for the operator, merged in task order."""
        merged: dict[str, Any] = {}
        for task in self.tasks:
            merged.update(task.fleet)
        return merged


def task_result(event: Mapping[str, Any]) -> TaskResult | None:
    """The task result in one ansible-runner event; None for events about anything else."""
    status = _STATUS.get(str(event.get("event")))
    data = event.get("event_data") or {}
    if status is None or (status == "failed" and data.get("ignore_errors")):
        return None
    result: Mapping[str, Any] = data.get("res") or {}
    if status == "ok" and result.get("changed"):
        status = "changed"
    fleet: dict[str, Any] = {}
    for part in _parts(result):
        fleet.update(part.get("fleet") or {})
    return TaskResult(
        name=str(data.get("task", "")),
        status=status,
        seconds=float(data.get("duration") or 0.0),
        message=_message(result),
        diff="\n".join(text for part in _parts(result) for text in _diff_texts(part.get("diff"))),
        fleet=fleet,
    )


def _parts(result: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The result, and for a loop the results of its items."""
    yield result
    yield from (item for item in result.get("results") or [] if isinstance(item, Mapping))


def _message(result: Mapping[str, Any]) -> str:
    for part in _parts(result):
        for key in ("msg", "module_stderr", "stderr", "reason"):
            if isinstance(part.get(key), str) and part[key].strip():
                return str(part[key]).strip()
    return ""


def _diff_texts(diff: Any) -> Iterator[str]:
    for entry in diff if isinstance(diff, list) else [diff]:
        if not isinstance(entry, Mapping):
            continue
        if entry.get("prepared"):
            yield str(entry["prepared"]).strip()
        elif entry.get("before") != entry.get("after"):
            header = entry.get("after_header") or entry.get("before_header")
            yield str(header or _shortened(entry.get("after"))).strip()


def _shortened(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 400 else text[:400] + " …"

"""Task results out of ansible-runner's events."""

from __future__ import annotations

from typing import Any

import pytest

from fleetctl.remote.tasks import PlayResult, TaskResult, task_result


def _event(kind: str, result: dict[str, Any], **data: Any) -> dict[str, Any]:
    return {"event": kind, "event_data": {"task": "A task", "duration": 1.5, "res": result, **data}}


@pytest.mark.parametrize(
    ("event", "status"),
    [
        (_event("runner_on_ok", {"changed": False}), "ok"),
        (_event("runner_on_ok", {"changed": True}), "changed"),
        (_event("runner_on_skipped", {}), "skipped"),
        (_event("runner_on_failed", {"msg": "no"}), "failed"),
        (_event("runner_on_unreachable", {"msg": "gone"}), "unreachable"),
    ],
)
def test_each_kind_of_event_has_its_status(event: dict[str, Any], status: str) -> None:
    task = task_result(event)
    assert task is not None
    assert (task.name, task.status, task.seconds) == ("A task", status, 1.5)


@pytest.mark.parametrize(
    "event",
    [
        {"event": "playbook_on_stats", "event_data": {}},
        {"event": "verbose", "stdout": "x"},
        _event("runner_item_on_ok", {"changed": True}),
        _event("runner_on_failed", {"msg": "expected"}, ignore_errors=True),
    ],
)
def test_other_events_and_ignored_failures_are_no_result(event: dict[str, Any]) -> None:
    assert task_result(event) is None


def test_what_our_modules_return_is_found_in_loops_and_failures_too() -> None:
    loop = _event("runner_on_ok", {"results": [{"fleet": {"a": 1}}, {"fleet": {"b": 2}}, {"skipped": True}]})
    failed = _event("runner_on_failed", {"msg": "no", "fleet": {"refused": {"found": "x"}}})
    first, second = task_result(loop), task_result(failed)
    assert first is not None
    assert second is not None
    result = PlayResult((first, second))
    assert result.fleet == {"a": 1, "b": 2, "refused": {"found": "x"}}
    assert result.failure is second
    assert (result.ok, result.changed) == (1, 0)


def test_a_diff_is_words_for_a_person() -> None:
    prepared = task_result(_event("runner_on_ok", {"changed": True, "diff": [{"prepared": "+ make the array\n"}]}))
    copied = task_result(
        _event("runner_on_ok", {"changed": True, "diff": [{"before": "a", "after": "b", "after_header": "/etc/x"}]})
    )
    same = task_result(_event("runner_on_ok", {"diff": {"before": "a", "after": "a"}}))
    assert [task.diff for task in (prepared, copied, same) if task] == ["+ make the array", "/etc/x", ""]


def test_an_empty_run_changed_nothing_and_failed_nothing() -> None:
    result = PlayResult(())
    assert (result.ok, result.changed, result.failure, result.fleet) == (0, 0, None, {})
    assert TaskResult("x", "ok", 0.0).fleet == {}

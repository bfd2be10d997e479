"""The engines: does each sealed one answer, keep up, and not fail?"""

from collections.abc import Mapping, Sequence
from typing import Any

from appliance.contract.health import EnginesPart, EngineState, Verdict, worst
from appliance.contract.seal import ModelTask
from appliance.facts.reading import UnreadableError
from appliance.health.engines import EngineAnswer

Judged = tuple[Verdict, str, str]
Answers = Mapping[ModelTask, EngineAnswer | UnreadableError]
# One failure may be one bad recording; of ten requests in ten minutes more than one should not fail.
_LEAST_FAILURES, _FAILED_SHARE = 3, 0.1


def judge(answers: Answers, units: Sequence[dict[str, Any]], seal: dict[str, Any] | None) -> EnginesPart:
    """Judge each engine by its own answer; the worst decides."""
    sealed = {model["task"]: model["root_hash"] for model in seal["models"]} if seal else {}
    states, judged = [], []
    for task, answer in answers.items():
        state = _state(task, answer, sealed.get(task))
        states.append(state)
        judged.append(_judged(state, answer, _is_starting(task, units)))
    bad = [each for each in judged if each[0] is not Verdict.OK]
    return EnginesPart(
        verdict=worst([each[0] for each in judged]),
        reason="; ".join(each[1] for each in bad or judged)[:500] or "no engine is known",
        next_action="; ".join(dict.fromkeys(each[2] for each in bad))[:500],
        engines=tuple(states),
    )


def _state(task: ModelTask, answer: EngineAnswer | UnreadableError, sealed: str | None) -> EngineState:
    if isinstance(answer, UnreadableError):
        return EngineState(task=task, answers=False, sealed_root_hash=sealed)
    return EngineState(
        task=task, answers=True, program=answer.program, version=answer.version, model=answer.model,
        root_hash=answer.root_hash, sealed_root_hash=sealed, queue_length=answer.queue_length,
        queue_limit=answer.queue_limit, running=answer.running, running_limit=answer.running_limit,
        requests_done=answer.requests_done, requests_refused=answer.requests_refused,
        requests_failed=answer.requests_failed, latency=answer.latency, tokens_per_s=answer.tokens_per_s,
    )  # fmt: skip


def _is_starting(task: ModelTask, units: Sequence[dict[str, Any]]) -> bool:
    return any(
        unit["unit"] == f"appliance-{task}.service" and unit["active"] == "activating" and unit["sub"] != "auto-restart"
        for unit in units
    )


def _judged(state: EngineState, answer: EngineAnswer | UnreadableError, starting: bool) -> Judged:
    task, journal = state.task, f"read the journal of the unit: journalctl -u appliance-{state.task}"
    if isinstance(answer, UnreadableError):
        if starting:
            return Verdict.DEGRADED, f"{task}: starting, does not answer yet", "wait until it has loaded its weights"
        return Verdict.CRITICAL, f"{task}: does not answer: {answer}", journal
    if state.sealed_root_hash is not None and state.root_hash != state.sealed_root_hash:
        return Verdict.CRITICAL, f"{task}: loaded weights are not the sealed ones", "install the approved model image"
    latency = state.latency
    if latency and latency.failed >= _LEAST_FAILURES and latency.failed > _FAILED_SHARE * latency.count:
        words = f"{task}: {latency.failed} of {latency.count} requests failed in {latency.window_s / 60:.0f} min"
        return Verdict.DEGRADED, words, journal
    if state.queue_length is not None and state.queue_limit is not None and 0 < state.queue_limit <= state.queue_length:
        return (
            Verdict.DEGRADED, f"{task}: its queue is full ({state.queue_length} of {state.queue_limit})",
            "wait; if it stays, the site needs another engine: fleetctl profile size",
        )  # fmt: skip
    if latency is None:
        return Verdict.OK, f"{task}: answers; its version measures no latency", ""
    return Verdict.OK, f"{task}: answers, {latency.count} requests in {latency.window_s / 60:.0f} min", ""

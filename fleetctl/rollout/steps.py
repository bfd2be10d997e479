"""One step at one site: the box is called, and its own words are turned into an outcome.

It runs in a thread and writes nothing. Nothing is assumed of an order that got no answer: how it ended is what the box
keeps under its operation id.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from appliance.contract.release import ReleaseManifest
from appliance.contract.release_status import LastChange, Offer, ReleaseStatus
from fleetctl.errors import ChangeError, FleetctlError, RefusedError, UnreachableError, VerificationError
from fleetctl.models.alerts import seconds
from fleetctl.models.rollout import Plan
from fleetctl.models.site import Site
from fleetctl.rollout import gates_clinical
from fleetctl.rollout.box import Box, Rest
from fleetctl.rollout.gates import Asked, Gate, When, ask_all, not_passed
from fleetctl.rollout.journal_records import OpenStep, SiteRecord, StepKind, StepOutcome

# Activation windows are judged by our clock: a box that is further off would be switched at another time of its day.
_CLOCKS_APART = timedelta(minutes=10)
_PHASES = {
    "rebooting": "the box starts anew with the release's operating system, and does not answer until it has",
    "probing": "the box proves the release before it commits it",
}


class WindowClosedError(ChangeError):
    """A transfer that a site's download window has ended. What came is kept there."""


@dataclass(frozen=True)
class Tools:
    """What a step uses of one site. `progress` gets the bytes of a transfer so far."""

    plan: Plan
    site: Site
    box: Box
    release: ReleaseManifest
    gates: Sequence[Gate]
    evaluation_set: Callable[[], bytes]
    health_key: Ed25519PublicKey | None
    now: Callable[[], datetime]
    progress: Callable[[int], None] = lambda sent: None


@dataclass(frozen=True)
class StepResult:
    """How a step ended. `status` is the box's, where it was asked; `kept` is the gates' baseline."""

    outcome: StepOutcome
    reason: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)
    status: ReleaseStatus | None = None
    kept: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Ordered:
    """The step that was decided, as the journal knows it."""

    kind: StepKind
    record: SiteRecord
    operation: str = ""
    not_after: datetime | None = None
    open: OpenStep | None = None
    why: str = ""


def perform(step: Ordered, tools: Tools) -> StepResult:
    """Do it. No error of a box leaves here; only a fault of ours does."""
    try:
        return _STEPS[step.kind](step, tools)
    except UnreachableError as problem:
        return StepResult(StepOutcome.UNKNOWN, problem.message)
    except RefusedError as problem:
        return StepResult(StepOutcome.REFUSED, problem.message)
    except FleetctlError as problem:
        return StepResult(StepOutcome.FAILED, problem.message)


def change_of(status: ReleaseStatus, operation: str) -> LastChange | None:
    """What the box keeps of an operation."""
    return next((change for change in status.changes if change.operation == operation), None)


def ended(status: ReleaseStatus, step: StepKind, operation: str, target: str) -> StepResult:
    """How an operation ended, in the box's words; where it keeps none, by the sets that are there."""
    facts = {"active": _set(status.active), "phase": status.phase, "boot_id": status.boot_id}
    change = change_of(status, operation)
    if change is not None:
        if change.outcome is None:
            said = _PHASES.get(status.phase, f"the box is {status.phase}")
            return StepResult(StepOutcome.GOING_ON, said, facts, status)
        return StepResult(StepOutcome(change.outcome), change.reason, facts, status)
    active, staged = _digest(status.active), _digest(status.staged)
    denied = any(each.digest == target for each in status.denied)
    by_sets = {
        StepKind.STAGE: staged == target or active == target,
        StepKind.ACTIVATE: active == target,
        StepKind.ROLLBACK: active != target and denied,
        StepKind.CLEAR: not denied,
    }.get(step, False)
    if by_sets:
        return StepResult(StepOutcome.DONE, "the box keeps no record of it, its sets say so", facts, status)
    return StepResult(StepOutcome.NOT_BEGUN, "the box has never heard of it", facts, status)


def _ordered(step: Ordered, tools: Tools, call: Callable[[], ReleaseStatus]) -> StepResult:
    """An order with an operation id: the answer, or what the box says when it is asked how that ended."""
    target = step.record.target.digest
    try:
        status = call()
    except UnreachableError as problem:
        return StepResult(StepOutcome.UNKNOWN, problem.message)
    except FleetctlError as problem:
        status = tools.box.status()
        found = ended(status, step.kind, step.operation, target)
        if found.outcome is not StepOutcome.NOT_BEGUN:
            return found
        # It was turned away before it became a change, so it is over.
        outcome = StepOutcome.REFUSED if isinstance(problem, RefusedError) else StepOutcome.FAILED
        return StepResult(outcome, problem.message, found.facts, status)
    return ended(status, step.kind, step.operation, target)


def _ask(step: Ordered, tools: Tools) -> StepResult:
    status = tools.box.status()
    return StepResult(StepOutcome.DONE, "it answers", {"active": _set(status.active)}, status)


def _settle(step: Ordered, tools: Tools) -> StepResult:
    if step.open is None:
        raise ValueError("nothing is open")
    return ended(tools.box.status(), step.open.kind, step.open.operation, step.record.target.digest)


def _offer(step: Ordered, tools: Tools) -> StepResult:
    status = tools.box.status()
    target, facts = step.record.target, {"active": _set(status.active), "free_bytes": status.free_bytes}
    if status.site != tools.site.name:
        raise VerificationError(f"the box calls itself {status.site}", hint="is its address another site's?")
    if status.phase != "idle":
        return StepResult(StepOutcome.NOT_YET, f"the box is {status.phase}: another change goes on", facts, status)
    if _digest(status.active) == target.digest:
        kept = _baseline(ask_all(tools.gates, _asked(step, tools, "before")))
        return StepResult(StepOutcome.DONE, f"it runs {target.name} already", facts, status, kept)
    offer = _offered(step, tools)
    if offer.refused:
        return StepResult(StepOutcome.REFUSED, "; ".join(offer.refused), facts, status)
    missing: dict[str, int] = {}
    for image in offer.missing:  # a task may lack several: its model, adapters, code tables
        missing[image.task] = missing.get(image.task, 0) + image.size_bytes - image.received_bytes
    kept = _baseline(ask_all(tools.gates, _asked(step, tools, "before")))
    return StepResult(StepOutcome.DONE, f"{len(offer.missing)} images are missing", {**facts, "missing_bytes": missing},
                      status, kept)  # fmt: skip


def _offered(step: Ordered, tools: Tools) -> Offer:
    offer = tools.box.offer(step.record.target.name, tools.plan.channel)
    if offer.digest != step.record.target.digest:
        raise VerificationError(
            f"the box was offered {offer.digest[:12]}, the plan says {step.record.target.digest[:12]}",
            hint="the repository's release of that name is not the planned one",
        )
    return offer


def _send(step: Ordered, tools: Tools) -> StepResult:
    offer, sent, arrived, whole = _offered(step, tools), list[dict[str, Any]](), list[int](), list[str]()
    if offer.refused:
        return StepResult(StepOutcome.REFUSED, "; ".join(offer.refused))
    before = 0
    for image in offer.missing:

        def progressed(so_far: int, before: int = before) -> None:
            tools.progress(before + so_far)
            if step.not_after is not None and tools.now() > step.not_after:
                raise WindowClosedError(f"the download window closed, {before + so_far} bytes are done",
                                        hint="it goes on in the next one", host=tools.site.name)  # fmt: skip

        try:
            progressed(0)
            done = tools.box.receive(image, kib_s=tools.plan.policy.bandwidth_kib_s, on_progress=progressed)
        except WindowClosedError as problem:
            return StepResult(StepOutcome.NOT_YET, problem.message, {"images": sent})
        if done.root_hash != image.root_hash:
            raise VerificationError(f"{image.task}: another image arrived", hint="fleetctl rollout retry")
        sent.append({"task": image.task, "size_bytes": done.size_bytes, "wire_bytes": done.wire_bytes,
                     "seconds": round(done.seconds, 1)})  # fmt: skip
        if done.no_basis:
            whole.append(f"{image.task} without a delta: {done.no_basis}")
        arrived.append(done.wire_bytes)
        before += image.size_bytes
    wire = sum(arrived)
    said = "; ".join([f"{len(sent)} images, {wire} bytes on the wire", *whole])
    return StepResult(StepOutcome.DONE, said, {"images": sent})


def _stage(step: Ordered, tools: Tools) -> StepResult:
    target = step.record.target
    return _ordered(step, tools, lambda: tools.box.stage(step.operation, target.name, tools.plan.channel))


def _evaluate(step: Ordered, tools: Tools) -> StepResult:
    clinical = tools.plan.policy.gates.clinical
    if clinical is None:
        raise ValueError("the policy has no clinical gate")
    content, status = tools.evaluation_set(), tools.box.status()
    rest = _rest(step, tools) if clinical.engines_rest else None
    try:
        envelope = tools.box.evaluate(step.operation, step.record.target.name, clinical, content, rest=rest)
    except UnreachableError:
        raise
    except FleetctlError as problem:
        outcome = StepOutcome.REFUSED if isinstance(problem, RefusedError) else StepOutcome.FAILED
        after = tools.box.status()
        if rest is not None and (said := _may_come(problem, step, tools, after)):
            return StepResult(StepOutcome.NOT_YET, f"{said}: {problem.message}", status=after)
        change = change_of(after, step.operation)
        if change is not None and change.outcome in (None, "interrupted"):
            outcome = StepOutcome(change.outcome or StepOutcome.GOING_ON)
        return StepResult(outcome, f"clinical could not run: {problem.message}")
    incumbent = {str(task): root for task, root in status.active.models.items()} if status.active else {}
    bound = gates_clinical.Bound(tools.site.name, tools.release, incumbent, clinical, content)
    result, digest = gates_clinical.judged(envelope, tools.health_key, bound, tools.now())
    facts = {"gates": [result.shown], "incumbent": incumbent, "result_sha256": digest}
    if not result.passed:
        return StepResult(StepOutcome.FAILED, not_passed([result]), facts, status)
    return StepResult(StepOutcome.DONE, result.reason, facts, status)


def _rest(step: Ordered, tools: Tools) -> Rest:
    """What is left of the window is all that it may take: engines that rest serve nobody."""
    drain_s = seconds(tools.plan.policy.drain_timeout)
    if step.not_after is None:
        return Rest(drain_s)
    left_s = max(1, int((step.not_after - tools.now()).total_seconds()))
    return Rest(min(drain_s, left_s), left_s)


def _may_come(problem: FleetctlError, step: Ordered, tools: Tools, after: ReleaseStatus) -> str:
    """Why an evaluation with resting engines is no failure of the release, but tried again; else nothing."""
    if step.not_after is not None and tools.now() >= step.not_after:
        return "the window closed before the clinical gate was done, which begins anew in the next one"
    busy = after.in_flight is None or any(after.in_flight.values())
    return "visits go on" if isinstance(problem, RefusedError) and busy else ""


def _check(step: Ordered, tools: Tools) -> StepResult:
    """Right before the switch: is the box as it was when it was staged, and do the gates let it begin."""
    status, record = tools.box.status(), step.record
    facts: dict[str, Any] = {"active": _set(status.active), "in_flight": status.in_flight}
    apart = abs(status.at - tools.now())
    if apart > _CLOCKS_APART:
        said = f"the clocks of the box and of this machine are {apart.total_seconds():.0f} s apart"
        return StepResult(StepOutcome.NOT_YET, f"{said}: whose window is open?", facts, status)
    if status.phase != "idle":
        return StepResult(StepOutcome.NOT_YET, f"the box is {status.phase}: another change goes on", facts, status)
    if _digest(status.active) != record.target.digest and _digest(status.staged) != record.target.digest:
        return StepResult(StepOutcome.INTERRUPTED, "the staged set is not there any more", facts, status)
    results = ask_all(tools.gates, _asked(step, tools, "before"))
    facts["gates"] = [result.shown for result in results]
    if not (said := not_passed(results)):
        return StepResult(StepOutcome.DONE, "every gate lets it begin", facts, status, _baseline(results))
    waits = all(result.passed or result.may_come for result in results) and results
    return StepResult(StepOutcome.NOT_YET if waits else StepOutcome.FAILED, said, facts, status, _baseline(results))


def _activate(step: Ordered, tools: Tools) -> StepResult:
    drain_s = seconds(tools.plan.policy.drain_timeout)
    target = step.record.target
    call = tools.box.activate
    return _ordered(
        step, tools, lambda: call(step.operation, target.name, drain_timeout_s=drain_s, not_after=step.not_after)
    )


def _watch(step: Ordered, tools: Tools) -> StepResult:
    """An observation of a site that bakes: does the new set run, and what do the gates say."""
    status, target = tools.box.status(), step.record.target
    facts: dict[str, Any] = {"active": _set(status.active)}
    if _digest(status.active) != target.digest:
        return StepResult(StepOutcome.ROLLED_BACK, f"it runs {_set(status.active)} instead of {target.name}", facts,
                          status)  # fmt: skip
    if status.phase != "idle":
        return StepResult(StepOutcome.GOING_ON, f"the box is {status.phase}", facts, status)
    results = ask_all(tools.gates, _asked(step, tools, "after"))
    facts["gates"] = [result.shown for result in results]
    if not (said := not_passed(results)):
        return StepResult(StepOutcome.DONE, "connected and serving", facts, status)
    waits = all(result.passed or result.may_come for result in results) and results
    return StepResult(StepOutcome.NOT_YET if waits else StepOutcome.FAILED, said, facts, status)


def _rollback(step: Ordered, tools: Tools) -> StepResult:
    """Never from anything but the release that is to be left: a box that went back by itself would go back twice."""
    status, target = tools.box.status(), step.record.target
    if change_of(status, step.operation) is not None:
        return ended(status, step.kind, step.operation, target.digest)
    if _digest(status.active) != target.digest:
        return StepResult(StepOutcome.DONE, f"it runs {_set(status.active)} already", {"active": _set(status.active)},
                          status)  # fmt: skip
    return _ordered(step, tools, lambda: tools.box.rollback(step.operation, _line(step.record.reason)))


def _clear(step: Ordered, tools: Tools) -> StepResult:
    return _ordered(step, tools, lambda: tools.box.clear(step.operation, step.record.target.name))


def _asked(step: Ordered, tools: Tools, when: When) -> Asked:
    return Asked(tools.site, tools.release, when, step.record.baseline)


def _baseline(results: Sequence[Any]) -> dict[str, Any]:
    return {task: value for result in results for task, value in result.keep.items()}


def _digest(state: Any) -> str | None:
    return state.digest if state is not None else None


def _set(state: Any) -> str:
    return "nothing" if state is None else state.release or "what was provisioned"


def _line(text: str) -> str:
    return "".join(c if c.isprintable() else " " for c in text)[:300] or "ordered by the rollout"


_STEPS: dict[StepKind, Callable[[Ordered, Tools], StepResult]] = {
    StepKind.ASK: _ask,
    StepKind.SETTLE: _settle,
    StepKind.OFFER: _offer,
    StepKind.SEND: _send,
    StepKind.STAGE: _stage,
    StepKind.EVALUATE: _evaluate,
    StepKind.CHECK: _check,
    StepKind.ACTIVATE: _activate,
    StepKind.WATCH: _watch,
    StepKind.ROLLBACK: _rollback,
    StepKind.CLEAR: _clear,
}

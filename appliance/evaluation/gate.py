"""The clinical gate: the staged set and the running one on the same recordings, one engine at a time, then compared.

Both are measured by engines of their own, so that what serves patients is not asked and not in the way, and both under
the same conditions. A model that both sets have is measured once. Everything that can be known before is judged before
an engine starts.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from pydantic import ValidationError

from appliance.contract.clinical_gate import MAX_POLICY_BYTES, MEASURES, ClinicalPolicy, is_within
from appliance.contract.release_status import ClinicalResult, Comparison, SetState
from appliance.contract.seal import ModelTask
from appliance.errors import RefusedError, UsageError
from appliance.evaluation.engines import Engines, WantedAdapter
from appliance.evaluation.errors import NotMeasuredError
from appliance.evaluation.evaluation_set import EvaluationSet
from appliance.evaluation.measuring import Budget, Measuring


@dataclass(frozen=True)
class Order:
    """What is evaluated where. `needs_mib`: memory by root hash, as the manifests say or the images are large.

    `staged_adapters` and `active_adapters`: those of the drafting models.
    """

    site: str
    staged: SetState
    active: SetState
    policy: ClinicalPolicy
    which: EvaluationSet
    needs_mib: Mapping[str, int]
    free_mib: int
    staged_adapters: tuple[WantedAdapter, ...] = ()
    active_adapters: tuple[WantedAdapter, ...] = ()

    @property
    def tasks(self) -> tuple[ModelTask, ...]:
        """The tasks of both sets, in the order in which they are measured."""
        return tuple(sorted(self.staged.models, reverse=True))


def refusals(order: Order) -> list[str]:
    """Return every reason for which it cannot begin; empty when it can."""
    staged, active = order.staged, order.active
    found = []
    if staged.release is None or staged.digest is None:
        found.append("what is staged is no release")
    for kept, adapters in ((staged, order.staged_adapters), (active, order.active_adapters)):
        if kept.adapters != tuple(each.root_hash for each in adapters):
            found.append("the adapters of the staged or the running set are not known")
    if not staged.complete or not active.complete:
        found.append("an image of the staged or the running set is missing")
    if set(staged.models) != set(active.models):
        found.append(
            f"the staged set is for {', '.join(sorted(staged.models))}, the running one for "
            f"{', '.join(sorted(active.models))}: there is nothing to compare with"
        )
    named = order.which.index.name
    if named != order.policy.evaluation_set:
        found.append(f"the set is {named}, the policy asks for {order.policy.evaluation_set}")
    lacking = order.which.lacking(drafting="drafting" in staged.models)
    found += [f"the evaluation set lacks {what}" for what in lacking]
    for root_hash in sorted({*staged.models.values(), *active.models.values()}):
        needs = order.needs_mib.get(root_hash)
        if needs is None:
            found.append(f"it is not known how much memory {root_hash[:12]} needs")
        elif needs > order.free_mib:
            found.append(f"{root_hash[:12]} needs {needs} MiB beside what runs, {order.free_mib} MiB are free")
    return found


def evaluate(
    order: Order, engines: Engines, budget: Budget, now: Callable[[], datetime], say: Callable[[str], None]
) -> ClinicalResult:
    """Return the comparison, passed or not. Raises RefusedError, NotMeasuredError."""
    if found := refusals(order):
        raise RefusedError(
            f"the release cannot be evaluated here: {'; '.join(found)}",
            hint="complete the set, stage the release again, or evaluate on a machine with more memory",
        )
    comparisons: list[Comparison] = []
    for task in order.tasks:
        measured: dict[Loaded, dict[str, float]] = {}
        sides = [_loaded(order, task, "active"), _loaded(order, task, "staged")]
        for side, adapters in dict(sides).items():
            root_hash = side[0]
            say(f"{task}: starting {root_hash[:12]}" + (f" with {len(adapters)} adapters" if adapters else ""))
            with engines.running(task, root_hash, adapters) as socket:
                wanted = root_hash if engines.verified else None
                measured[side] = Measuring(order.which, socket, wanted, budget, say).of(task)
        before, after = (measured[side] for side, _ in sides)
        comparisons += [compared(name, before, after, order.policy) for name in MEASURES[task]]
    at, staged = now(), order.staged
    assert staged.release is not None and staged.digest is not None  # noqa: S101, PT018 (see refusals)
    return ClinicalResult(
        site=order.site, release=staged.release, digest=staged.digest, incumbent=order.active.models,
        candidate=staged.models, set_sha256=order.which.sha256, policy_sha256=order.policy.digest,
        encounters=len(order.which.index.encounters), comparisons=tuple(comparisons),
        passed=all(each.passed for each in comparisons), at=at,
        expires_at=at + timedelta(seconds=order.policy.valid_for_s),
    )  # fmt: skip


Loaded = tuple[str, tuple[tuple[str, tuple[str, ...]], ...]]


def _loaded(
    order: Order, task: ModelTask, which: Literal["active", "staged"]
) -> tuple[Loaded, tuple[WantedAdapter, ...]]:
    """What an engine has loaded that measures a set: a model and, for drafting, adapters with what they are for."""
    kept, adapters = (
        (order.active, order.active_adapters) if which == "active" else (order.staged, order.staged_adapters)
    )
    adapters = adapters if task == "drafting" else ()
    return (kept.models[task], tuple((each.digest, tuple(each.kinds)) for each in adapters)), adapters


def compared(
    name: str, incumbent: Mapping[str, float], candidate: Mapping[str, float], policy: ClinicalPolicy
) -> Comparison:
    """Hold one measure of both against the limit. Raises NotMeasuredError when one of them was not measured."""
    if name not in incumbent or name not in candidate:
        raise NotMeasuredError(f"{name} was not measured", hint="report this to the maintainers")
    before, after = incumbent[name], candidate[name]
    allowed = before + policy.limit(name)
    return Comparison(
        measure=name, incumbent=before, candidate=after, allowed=allowed, passed=is_within(after, allowed)
    )


def read_policy(text: bytes) -> ClinicalPolicy:
    """Read the policy's file. Raises UsageError."""
    hint = "give the JSON of a ClinicalPolicy: appliance/contract/clinical_gate.py"
    if len(text) > MAX_POLICY_BYTES:
        raise UsageError(f"the policy has more than {MAX_POLICY_BYTES} bytes", hint=hint)
    try:
        return ClinicalPolicy.model_validate_json(text)
    except ValidationError as problem:
        first = problem.errors(include_url=False, include_context=False, include_input=False)[0]
        where = ".".join(str(each) for each in first["loc"]) or "the document"
        raise UsageError(f"the policy: {where}: {first['msg']}"[:300], hint=hint) from None


def words(result: ClinicalResult) -> list[str]:
    """Return the result for people, a line for each measure."""
    lines = [
        f"{'ok    ' if each.passed else 'FAILED'} {each.measure}: {each.candidate:.4f}, running {each.incumbent:.4f}, "
        f"allowed {each.allowed:.4f}"
        for each in result.comparisons
    ]
    verdict = "passed" if result.passed else "did not pass"
    return [*lines, f"{result.release} {verdict} on {result.encounters} encounters; until {result.expires_at:%Y-%m-%d}"]

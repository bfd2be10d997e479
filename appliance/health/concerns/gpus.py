"""The GPUs: what the GPU watch judged, how old that is, and which of its faults wait for a person."""

from collections.abc import Callable
from typing import Any

from pydantic import ValidationError

from appliance.contract.faults import Fault
from appliance.contract.finding import Judgement
from appliance.contract.gpu_wanted import GpuWanted
from appliance.contract.gpu_watch import STALE_S, GpuWatch
from appliance.contract.health import MAX_FAULTS_SHOWN, GpusPart, Verdict, worst
from appliance.facts.reading import UnreadableError

_WATCH = "read the journal of the unit: journalctl -u appliance-gpu-watch"
_ALL_FAULTS = "gpu_faults"
_RANK = {Verdict.CRITICAL: 0, Verdict.UNKNOWN: 1, Verdict.DEGRADED: 2, Verdict.OK: 3}


def judge(found: dict[str, Any], watch: Callable[[], GpuWatch], now_s: float) -> GpusPart:
    """Judge the watch's document by its age, its own verdicts and its open faults. `now_s` is the clock since boot."""
    wanted = _wanted(found["wanted"])
    if wanted is None and not found["cards"]:
        return GpusPart(verdict=Verdict.OK, reason="the profile wants no GPU, and the bus has none", wanted=0)
    # Cards that nothing here says what is wanted of: an older fleetctl provisioned the box, and the watch says unknown.
    document = watch()
    age_s = max(0.0, now_s - document.boottime_s)
    parts: dict[str, Any] = {
        "wanted": None if wanted is None else sum(each.count for each in wanted.gpus),
        "taken_at": document.taken_at, "age_s": round(age_s, 1),
        "report": document.report, "activity": document.activity, "rates": document.rates, "checks": document.checks,
        "sources": document.sources,
    }  # fmt: skip
    if age_s > STALE_S:
        reason = f"the GPUs were last read {age_s:.0f} s ago, at {document.taken_at:%H:%M:%S}Z"
        return GpusPart(verdict=Verdict.UNKNOWN, reason=reason, next_action=_WATCH, **parts)
    waiting = [fault for fault in document.faults if fault.state == "open" and fault.verdict is not Verdict.OK]
    # One check is the worst of the open faults; where they are named themselves, it would say the same again.
    bad = [check for check in document.checks if check.verdict is not Verdict.OK and check.check != _ALL_FAULTS]
    lost = [check for check in document.checks if check.verdict is not Verdict.OK and check.check == _ALL_FAULTS]
    bad += [] if waiting else lost
    verdict = worst([*(each.verdict for each in document.checks), *(each.verdict for each in waiting)])
    if not bad and not waiting:
        reason = f"{len(document.report.gpus)} GPUs, {len(document.checks)} checks ok, no fault is open"
        return GpusPart(verdict=verdict, reason=reason, **parts)
    both: list[Fault | Judgement] = [*waiting, *bad]
    ordered = sorted(both, key=lambda each: _RANK[each.verdict])
    said = [f"{each.check} {each.subject}" if isinstance(each, Fault) else each.check for each in ordered]
    words = [f"{name}: {each.reason}" for name, each in zip(said, ordered, strict=True)]
    actions = list(dict.fromkeys(each.next_action for each in ordered if each.next_action))
    return GpusPart(verdict=verdict, reason="; ".join(words)[:500], next_action="; ".join(actions)[:500], **parts)


def shown_faults(faults: tuple[Fault, ...]) -> tuple[tuple[Fault, ...], int]:
    """Return the faults that are not cleared, open and worst first, as many as fit, and how many did not."""
    lasting = [fault for fault in faults if fault.state != "cleared"]
    lasting.sort(key=lambda each: each.last_seen, reverse=True)
    lasting.sort(key=lambda each: (each.state != "open", _RANK[each.verdict]))
    return tuple(lasting[:MAX_FAULTS_SHOWN]), max(0, len(lasting) - MAX_FAULTS_SHOWN)


def _wanted(text: str | None) -> GpuWanted | None:
    try:
        return None if text is None else GpuWanted.model_validate_json(text)
    except ValidationError:
        raise UnreadableError("what the profile wants of the GPUs is not understood") from None

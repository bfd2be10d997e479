"""Judges a proof: pure, so that every way in which a proof can be worthless has a test.

A blocked connection shows isolation only when something else shows that the same connection would have arrived.
Every target therefore needs a control: its canary is alive now (tried from the operator's side), and the path to it
was there (a baseline reached it before the network was closed, or an allowed path of the same protocol and family to
the same canary works in this very run). At least one allowed path must work now: a pulled cable is no isolation.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from appliance.contract.egress import Attempt, EgressReport, Outcome, ProbeSpec, ProbeTarget, Protocol, Variant
from fleetctl.egress.isolation import CHANGED_FILE, IsolationRecord
from fleetctl.egress.proof import Baseline, EgressProof, Row, RowVerdict, Verdict, destination

COUNTER = "egress_denied"
BEFORE_THE_RULES = frozenset({"route", "socket", "neighbour"})


@dataclass(frozen=True)
class Evidence:
    """Everything that a verdict rests on.

    `heard` maps a target's or control's id to the listeners that received its nonce; `alive` says for each target with
    a canary whether the operator's side reached that listener during the proof. `phi_units` must each run in a network
    namespace of their own. `sealed_digest` is the ruleset's digest of the site's seal, None when there is no seal.
    `record` is what this machine kept when it made the rules, None when another one did: then the seal, which lies on
    the box, is the only reference. `spec_sha256` is that of the site file now.
    """

    site: str
    spec: ProbeSpec
    report: EgressReport
    heard: Mapping[str, tuple[str, ...]]
    alive: Mapping[str, bool]
    canary: str
    baseline: Baseline | None
    sealed_digest: str | None
    record: IsolationRecord | None
    spec_sha256: str
    phi_units: tuple[str, ...]


def judge(evidence: Evidence) -> EgressProof:
    """The verdict, a row for every attempt and the reasons in words."""
    working = _working_controls(evidence)
    controls = {target.id: _control(evidence, target, working) for target in evidence.spec.targets}
    by_id = {target.id: target for target in (*evidence.spec.targets, *evidence.spec.controls)}
    rows = tuple(_row(evidence, attempt, by_id, controls) for attempt in evidence.report.attempts)
    leaks = _leaks(evidence, rows)
    gaps = _gaps(evidence, rows, controls, working)
    if leaks:
        verdict = Verdict.LEAKING
    elif gaps:
        verdict = Verdict.UNPROVEN
    else:
        verdict = Verdict.PROVEN
    return EgressProof(
        site=evidence.site,
        verdict=verdict,
        reasons=(*leaks, *gaps) or (f"{len(evidence.spec.targets)} destinations, {len(rows)} attempts: none arrived",),
        started_at=evidence.report.started_at,
        finished_at=evidence.report.finished_at,
        ruleset_digest=evidence.report.ruleset_digest,
        sealed_ruleset_digest=evidence.sealed_digest,
        recorded_ruleset_digest=evidence.record.ruleset_digest if evidence.record else None,
        egress_denied_packets=_denied(evidence.report),
        canary=evidence.canary,
        heard=dict(evidence.heard),
        alive=dict(evidence.alive),
        baseline_taken_at=evidence.baseline.taken_at if evidence.baseline else None,
        rows=rows,
        report=evidence.report,
    )


def _working_controls(evidence: Evidence) -> tuple[ProbeTarget, ...]:
    """Controls that the box says it reached and, where the canary serves them, that the canary heard."""
    reached = {
        attempt.target_id
        for attempt in evidence.report.attempts
        if attempt.role == "control" and attempt.outcome is Outcome.REACHED
    }
    return tuple(
        control
        for control in evidence.spec.controls
        if control.id in reached and (control.id not in evidence.heard or evidence.heard[control.id])
    )


def _control(evidence: Evidence, target: ProbeTarget, working: tuple[ProbeTarget, ...]) -> str | None:
    """Why a connection to `target` would have arrived, in words; None when nothing shows it."""
    if target.protocol is not Protocol.ICMP and not evidence.alive.get(target.id, False):
        return None
    baseline = evidence.baseline
    if baseline is not None and baseline.canary == evidence.canary and destination(target) in baseline.reached:
        return f"reached before isolation, {baseline.taken_at:%Y-%m-%d %H:%M:%SZ}"
    for control in working:
        if (control.protocol, control.family, control.address) == (target.protocol, target.family, target.address):
            return f"allowed path {control.id} arrived"
    return None


def _row(
    evidence: Evidence, attempt: Attempt, by_id: Mapping[str, ProbeTarget], controls: Mapping[str, str | None]
) -> Row:
    target = by_id.get(attempt.target_id)
    named = destination(target) if target else f"unasked {attempt.target_id}"
    if attempt.role == "control":
        verdict, reason = _control_verdict(evidence, attempt)
        control = "is the control"
    else:
        verdict, reason = _target_verdict(evidence, attempt, controls.get(attempt.target_id))
        control = controls.get(attempt.target_id) or "none"
    return Row(
        origin=attempt.origin,
        variant=attempt.variant,
        target_id=attempt.target_id,
        target=named,
        verdict=verdict,
        layer=attempt.layer,
        control=control,
        reason=reason,
    )


def _control_verdict(evidence: Evidence, attempt: Attempt) -> tuple[RowVerdict, str]:
    heard = evidence.heard.get(attempt.target_id)
    if attempt.outcome is not Outcome.REACHED:
        return RowVerdict.UNKNOWN, f"an allowed path did not work: {attempt.outcome} ({attempt.layer})"
    if heard is not None and not heard:
        return RowVerdict.UNKNOWN, "the box says it arrived, the canary did not hear it"
    return RowVerdict.ALLOWED, "arrived" if heard is None else "arrived and was heard"


def _target_verdict(evidence: Evidence, attempt: Attempt, control: str | None) -> tuple[RowVerdict, str]:
    if attempt.outcome is Outcome.REACHED:
        return RowVerdict.LEAKED, f"it got out: {attempt.layer}"
    if attempt.outcome is Outcome.ERROR:
        return RowVerdict.UNKNOWN, f"the probe did not run: {attempt.detail or attempt.layer}"
    if control is None:
        return RowVerdict.UNKNOWN, "blocked, but nothing shows that it would have arrived otherwise"
    return RowVerdict.BLOCKED, f"{attempt.layer} {attempt.errno or ''}".strip()


def _leaks(evidence: Evidence, rows: tuple[Row, ...]) -> list[str]:
    leaks = [
        f"{row.target} was reached from {row.origin} ({row.variant})"
        for row in rows
        if row.verdict is RowVerdict.LEAKED
    ]
    for target in evidence.spec.targets:
        if listeners := evidence.heard.get(target.id):
            leaks.append(f"the canary heard {destination(target)} ({', '.join(listeners)})")
    return leaks


def _gaps(
    evidence: Evidence, rows: tuple[Row, ...], controls: Mapping[str, str | None], working: tuple[ProbeTarget, ...]
) -> list[str]:
    """Everything that keeps a run without a leak from being a proof."""
    report = evidence.report
    gaps = [f"the box: {problem}" for problem in report.problems]
    if not report.complete and not report.problems:
        gaps.append("the box could not try everything that was asked")
    if not working:
        gaps.append("no allowed path works: the box may simply have no network")
    gaps += [f"no control for {destination(target)}" for target in evidence.spec.targets if controls[target.id] is None]
    gaps += [f"{row.target} from {row.origin} ({row.variant}): {row.reason}" for row in rows if _is_gap(row)]
    gaps += _missing_attempts(evidence)
    gaps += _service_gaps(evidence)
    gaps += _ruleset_gaps(evidence)
    return gaps


def _is_gap(row: Row) -> bool:
    return row.verdict is RowVerdict.UNKNOWN and row.control != "none"


def _missing_attempts(evidence: Evidence) -> list[str]:
    """Each target must have been tried from the host and from the sandbox of every PHI service."""
    tried = {
        (attempt.origin, attempt.target_id)
        for attempt in evidence.report.attempts
        if attempt.variant in (Variant.HOST, Variant.SERVICE)
    }
    return [
        f"{destination(target)} was not tried from {origin}"
        for origin in ("host", *evidence.phi_units)
        for target in evidence.spec.targets
        if (origin, target.id) not in tried
    ]


def _service_gaps(evidence: Evidence) -> list[str]:
    seen = {service.unit: service for service in evidence.report.services}
    gaps = []
    for unit in evidence.phi_units:
        service = seen.get(unit)
        if service is None:
            gaps.append(f"{unit} was not inspected")
        elif service.private_network is not True:
            gaps.append(f"{unit} has no network namespace of its own")
        elif service.network_namespace == evidence.report.host_network_namespace:
            gaps.append(f"{unit} is in the host's network namespace")
        elif not service.joined:
            gaps.append(f"the probes of {unit} did not run in its live network namespace")
    return gaps


def _ruleset_gaps(evidence: Evidence) -> list[str]:
    gaps = []
    digest = evidence.report.ruleset_digest
    if evidence.sealed_digest is None:
        gaps.append("the site is not sealed: there is no ruleset to compare with")
    elif digest != evidence.sealed_digest:
        gaps.append(f"the live ruleset {_short(digest)} is not the sealed one {_short(evidence.sealed_digest)}")
    record = evidence.record
    if record is not None and digest != record.ruleset_digest:
        gaps.append(f"the live ruleset {_short(digest)} is not the one recorded here {_short(record.ruleset_digest)}")
    if record is not None and record.spec_sha256 != evidence.spec_sha256:
        gaps.append(f"{CHANGED_FILE}: provision again")
    denied = _denied(evidence.report)
    # An attempt that ended before the rules (no route, no such socket) cannot be in their counter.
    host_blocked = sum(
        1
        for attempt in evidence.report.attempts
        if attempt.role == "target"
        and attempt.variant is Variant.HOST
        and attempt.outcome is Outcome.BLOCKED
        and attempt.layer not in BEFORE_THE_RULES
    )
    if denied is None:
        gaps.append(f"the counter {COUNTER} is not there: nothing shows that the rules did the blocking")
    elif denied < host_blocked:
        gaps.append(f"the counter {COUNTER} rose by {denied}, for {host_blocked} blocked attempts from the host")
    return gaps


def _denied(report: EgressReport) -> int | None:
    before, after = report.counters_before.get(COUNTER), report.counters_after.get(COUNTER)
    return after.packets - before.packets if before and after else None


def _short(digest: str | None) -> str:
    return digest[:16] if digest else "(unreadable)"

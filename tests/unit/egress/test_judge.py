"""The verdict of an isolation proof: what proves, what leaks, and every way in which a proof is worth nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from appliance.contract.egress import Attempt, CounterReading, EgressReport, InspectedService, ProbeSpec, ProbeTarget
from fleetctl.egress.isolation import IsolationRecord
from fleetctl.egress.judge import Evidence, judge
from fleetctl.egress.proof import Baseline, RowVerdict, Verdict

UNIT = "appliance-transcription.service"
AT = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
DIGEST = "a" * 64


def target(name: str, protocol: str = "tcp", port: int | None = 7000, nonce: str = "0") -> ProbeTarget:
    return ProbeTarget(id=name, protocol=protocol, family=4, address="10.0.2.2", port=port, nonce=nonce * 32)


SPEC = ProbeSpec(
    targets=(target("tcp4"), target("icmp4", "icmp", None, "1")), controls=(target("ehr", port=7443, nonce="2"),)
)


def attempt(name: str, origin: str = "host", **changes: Any) -> Attempt:
    values: dict[str, Any] = {
        "origin": origin,
        "variant": "host" if origin == "host" else "service",
        "target_id": name,
        "role": "target",
        "outcome": "blocked",
        "layer": "filter",
        "errno": "EPERM",
        "seconds": 0.01,
    }
    return Attempt(**(values | changes))


ATTEMPTS = (
    attempt("tcp4"),
    attempt("icmp4"),
    attempt("tcp4", UNIT, layer="socket", errno="EAFNOSUPPORT"),
    attempt("icmp4", UNIT, layer="socket", errno="EAFNOSUPPORT"),
    attempt("ehr", role="control", outcome="reached", layer="reply", errno=None),
)
SERVICE = InspectedService(unit=UNIT, main_pid=321, private_network=True, network_namespace="net:[402]", joined=True)
REPORT = EgressReport(
    kind="prove",
    box="lab-1",
    boot_id="b",
    started_at=AT,
    finished_at=AT,
    ruleset_digest=DIGEST,
    counters_before={"egress_denied": CounterReading(packets=5, bytes=400)},
    counters_after={"egress_denied": CounterReading(packets=7, bytes=520)},
    host_network_namespace="net:[1]",
    services=(SERVICE,),
    attempts=ATTEMPTS,
    complete=True,
)
RECORD = IsolationRecord(site="lab-1", ruleset_digest=DIGEST, spec_sha256="c" * 64, recorded_at=AT)
EVIDENCE = Evidence(
    site="lab-1",
    spec=SPEC,
    report=REPORT,
    heard={"tcp4": (), "ehr": ("ehr",)},
    alive={"tcp4": True},
    canary="lab-1/c1",
    baseline=Baseline(
        site="lab-1",
        canary="lab-1/c1",
        taken_at=AT,
        reached=("tcp 10.0.2.2:7000", "icmp 10.0.2.2"),
        ruleset_digest=None,
    ),
    sealed_digest=DIGEST,
    record=RECORD,
    spec_sha256="c" * 64,
    phi_units=(UNIT,),
)


def with_report(**changes: Any) -> Evidence:
    return replace(EVIDENCE, report=REPORT.model_copy(update=changes))


def changed(old: Attempt, changes: dict[str, Any]) -> Attempt:
    return Attempt(**(old.model_dump() | changes))


def swap(old: Attempt, new: Attempt) -> Evidence:
    return with_report(attempts=tuple(new if each is old else each for each in ATTEMPTS))


def test_everything_blocked_beside_living_controls_is_proven() -> None:
    proof = judge(EVIDENCE)
    assert proof.verdict is Verdict.PROVEN, proof.reasons
    assert proof.egress_denied_packets == 2
    assert {row.verdict for row in proof.rows} == {RowVerdict.BLOCKED, RowVerdict.ALLOWED}


def test_without_a_baseline_an_allowed_path_to_the_same_address_is_a_control_for_tcp_but_not_for_icmp() -> None:
    proof = judge(replace(EVIDENCE, baseline=None))
    assert proof.verdict is Verdict.UNPROVEN
    assert proof.reasons == ("no control for icmp 10.0.2.2",)
    assert proof.rows[0].control == "allowed path ehr arrived"


@pytest.mark.parametrize("origin", [0, 2])
def test_a_reached_target_is_a_leak(origin: int) -> None:
    old = ATTEMPTS[origin]
    proof = judge(swap(old, changed(old, {"outcome": "reached", "layer": "reply"})))
    assert proof.verdict is Verdict.LEAKING
    assert "tcp 10.0.2.2:7000 was reached" in proof.reasons[0]


def test_what_the_canary_heard_is_a_leak_whatever_the_box_says() -> None:
    proof = judge(replace(EVIDENCE, heard={"tcp4": ("tcp4",), "ehr": ("ehr",)}))
    assert proof.verdict is Verdict.LEAKING
    assert "the canary heard tcp 10.0.2.2:7000" in proof.reasons[0]


UNPROVEN: dict[str, tuple[Evidence, str]] = {
    "a dead canary": (replace(EVIDENCE, alive={"tcp4": False}), "no control for tcp"),
    "an untried canary": (replace(EVIDENCE, alive={}), "no control for tcp"),
    "a baseline of another canary": (
        replace(EVIDENCE, baseline=EVIDENCE.baseline.model_copy(update={"canary": "other"})),  # type: ignore[union-attr]
        "no control for icmp",
    ),
    "no allowed path": (
        swap(ATTEMPTS[4], changed(ATTEMPTS[4], {"outcome": "blocked", "layer": "timeout"})),
        "no allowed path works",
    ),
    "a control that the canary did not hear": (
        replace(EVIDENCE, heard={"tcp4": (), "ehr": ()}),
        "no allowed path works",
    ),
    "a probe that did not run": (
        swap(ATTEMPTS[0], changed(ATTEMPTS[0], {"outcome": "error", "layer": "probe"})),
        "the probe did not run",
    ),
    "a service that was not tried": (with_report(attempts=(*ATTEMPTS[:2], *ATTEMPTS[3:])), "was not tried from"),
    "no attempt from the host": (with_report(attempts=ATTEMPTS[2:]), "was not tried from host"),
    "a service that was not inspected": (with_report(services=()), "was not inspected"),
    "a service in the host's namespace": (
        with_report(services=(SERVICE.model_copy(update={"network_namespace": "net:[1]"}),)),
        "is in the host's network namespace",
    ),
    "a service without private network": (
        with_report(services=(SERVICE.model_copy(update={"private_network": None}),)),
        "no network namespace of its own",
    ),
    "a sandbox that is not the live one": (
        with_report(services=(SERVICE.model_copy(update={"joined": False}),)),
        "did not run in its live network namespace",
    ),
    "an unsealed site": (replace(EVIDENCE, sealed_digest=None), "not sealed"),
    "another ruleset than the sealed one": (with_report(ruleset_digest="b" * 64), "is not the sealed one"),
    "a seal that was changed with the ruleset": (
        replace(with_report(ruleset_digest="b" * 64), sealed_digest="b" * 64),
        "is not the one recorded here",
    ),
    "another site file": (replace(EVIDENCE, spec_sha256="d" * 64), "the site file changed since the rules were made"),
    "an unreadable ruleset": (with_report(ruleset_digest=None), "(unreadable) is not the sealed one"),
    "no counter": (with_report(counters_after={}), "is not there"),
    "a counter that did not rise": (with_report(counters_after=REPORT.counters_before), "rose by 0, for 2"),
    "an incomplete run": (with_report(complete=False), "could not try everything"),
    "a problem on the box": (with_report(problems=("nft failed",)), "the box: nft failed"),
}


@pytest.mark.parametrize("name", UNPROVEN)
def test_a_run_that_lacks_evidence_proves_nothing(name: str) -> None:
    evidence, reason = UNPROVEN[name]
    proof = judge(evidence)
    assert proof.verdict is Verdict.UNPROVEN
    assert any(reason in each for each in proof.reasons), proof.reasons


def test_without_a_record_the_seal_is_the_reference() -> None:
    proof = judge(replace(EVIDENCE, record=None))
    assert (proof.verdict, proof.recorded_ruleset_digest) == (Verdict.PROVEN, None)


def test_an_attempt_that_ended_before_the_rules_is_not_expected_in_their_counter() -> None:
    evidence = swap(ATTEMPTS[1], changed(ATTEMPTS[1], {"layer": "route", "errno": "ENETUNREACH"}))
    counters = {"egress_denied": CounterReading(packets=6, bytes=460)}
    report = evidence.report.model_copy(update={"counters_after": counters})
    assert judge(replace(evidence, report=report)).verdict is Verdict.PROVEN

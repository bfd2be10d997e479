"""Baseline and proof down to the box and the canaries, both of them fakes."""

from __future__ import annotations

import stat
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from appliance.contract.egress import Attempt, CounterReading, EgressReport, InspectedService, ProbeSpec, ProbeTarget
from appliance.contract.units import PHI_UNITS
from fleetctl.actions.egress import latest_proof, prove, prove_site, read_baseline, take_baseline
from fleetctl.egress.isolation import record_isolation
from fleetctl.egress.proof import Verdict
from fleetctl.errors import ConfigError, UnreachableError, UsageError
from fleetctl.facts.base import Completed, Unreadable
from fleetctl.facts.seal import SealFacts
from fleetctl.trust.passphrase import Passphrase
from tests.fakes import site as fake
from tests.fakes.host import FakeHost

AT = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
EVERYTHING = ("tcp 10.0.2.2:7000", "icmp 10.0.2.2")


def target(name: str, protocol: str, port: int | None, nonce: str) -> ProbeTarget:
    return ProbeTarget(id=name, protocol=protocol, family=4, address="10.0.2.2", port=port, nonce=nonce * 32)


SPEC = ProbeSpec(
    targets=(target("tcp4", "tcp", 7000, "0"), target("icmp4", "icmp", None, "1")),
    controls=(target("ehr", "tcp", 7443, "2"),),
)


@dataclass
class FakeCanaries:
    """Canaries that heard what the test says."""

    identity: str = "lab-1/c1"
    ears: dict[str, tuple[str, ...]] = field(default_factory=lambda: {"tcp4": ("tcp4",), "ehr": ("ehr",)})

    def spec(self) -> ProbeSpec:
        return SPEC

    def heard(self, spec: ProbeSpec) -> dict[str, tuple[str, ...]]:
        return self.ears

    def alive(self, spec: ProbeSpec) -> dict[str, bool]:
        return {"tcp4": True}


def attempt(name: str, outcome: str, origin: str = "host", **changes: Any) -> Attempt:
    values: dict[str, Any] = {
        "variant": "host" if origin == "host" else "service",
        "role": "control" if name == "ehr" else "target",
        "layer": "reply" if outcome == "reached" else "filter",
        "seconds": 0.01,
    }
    return Attempt(origin=origin, target_id=name, outcome=outcome, **(values | changes))


def report(kind: str, *attempts: Attempt, **changes: Any) -> str:
    values: dict[str, Any] = {
        "kind": kind,
        "box": "lab-1",
        "boot_id": "b",
        "started_at": AT,
        "finished_at": AT,
        "ruleset_digest": fake.RULES,
        "counters_before": {"egress_denied": CounterReading(packets=5, bytes=400)},
        "counters_after": {"egress_denied": CounterReading(packets=7, bytes=520)},
        "host_network_namespace": "net:[1]",
        "services": [
            InspectedService(unit=unit, main_pid=9, private_network=True, network_namespace="net:[4]", joined=True)
            for unit in PHI_UNITS
        ],
        "attempts": attempts,
        "complete": True,
    }
    return EgressReport(**(values | changes)).model_dump_json()


def asked(kind: str, answer: str, *readings: Any, exit_code: int = 0, stderr: str = "") -> FakeHost:
    """A box that answers one question."""
    command = ("appliancectl", "egress", kind, "--spec", "-")
    return FakeHost(readings=list(readings), answers={command: Completed(exit_code, answer, stderr)})


def open_box() -> FakeHost:
    return asked("baseline", report("baseline", attempt("tcp4", "reached"), attempt("icmp4", "reached")))


def closed_box() -> FakeHost:
    return asked("baseline", report("baseline", attempt("tcp4", "blocked"), attempt("icmp4", "blocked")))


def take(host: FakeHost, state_dir: Path, **canaries: Any) -> tuple[str, ...]:
    return take_baseline("lab-1", host, FakeCanaries(**canaries), state_dir).reached  # type: ignore[arg-type]


def test_the_first_baseline_is_what_the_box_and_the_canary_both_say(tmp_path: Path) -> None:
    host = open_box()
    assert take(host, tmp_path) == EVERYTHING
    assert host.ran[0][1] == SPEC.model_dump_json()
    (file,) = (tmp_path / "egress" / "lab-1").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert (read_baseline(tmp_path, "lab-1") or pytest.fail("none")).canary == "lab-1/c1"


def test_a_destination_that_the_canary_did_not_hear_was_not_reached(tmp_path: Path) -> None:
    assert take(open_box(), tmp_path, ears={"tcp4": (), "ehr": ("ehr",)}) == EVERYTHING[1:]


def test_a_whole_baseline_is_kept_and_the_box_is_not_asked_again(tmp_path: Path) -> None:
    take(open_box(), tmp_path)
    host = FakeHost()
    assert take(host, tmp_path) == EVERYTHING
    assert host.ran == []


def test_a_part_of_a_baseline_is_kept_from_a_closed_box_and_completed_by_an_open_one(tmp_path: Path) -> None:
    take(open_box(), tmp_path, ears={"tcp4": ()})
    assert take(closed_box(), tmp_path) == EVERYTHING[1:]
    assert take(open_box(), tmp_path) == EVERYTHING


def test_a_baseline_of_another_canary_is_taken_again_whatever_it_reached(tmp_path: Path) -> None:
    take(open_box(), tmp_path)
    host = closed_box()
    assert take(host, tmp_path, identity="lab-1/c2") == ()
    assert len(host.ran) == 1


def test_a_baseline_that_cannot_be_read_is_no_reason_to_go_on(tmp_path: Path) -> None:
    take(open_box(), tmp_path)
    (tmp_path / "egress" / "lab-1" / "baseline.json").write_text("{")
    with pytest.raises(ConfigError, match="no baseline can be read"):
        take(open_box(), tmp_path)


@pytest.mark.parametrize(
    ("answer", "stderr", "words"),
    [
        ("", "appliancectl: not found", r"exit code 127\): appliancectl: not found"),
        ("{}", "", r"exit code 127\): \{\}"),
        ("", "", "no output"),
    ],
)
def test_an_answer_that_is_no_report_is_unreachable_and_leaves_no_record(
    tmp_path: Path, answer: str, stderr: str, words: str
) -> None:
    for kind, what, site in (("baseline", take_baseline, "lab-1"), ("prove", prove, fake.SITE)):
        host = asked(kind, answer, exit_code=127, stderr=stderr)
        with pytest.raises(UnreachableError, match=words):
            what(site, host, FakeCanaries(), tmp_path)  # type: ignore[operator]
    assert not list(tmp_path.rglob("*.json"))


def proving(reading: Any) -> FakeHost:
    places = ("host", *PHI_UNITS)
    attempts = [attempt(name, "blocked", place) for place in places for name in ("tcp4", "icmp4")]
    return asked("prove", report("prove", *attempts, attempt("ehr", "reached")), reading)


def test_a_proof_is_judged_recorded_and_found_again(tmp_path: Path) -> None:
    take(open_box(), tmp_path)
    canaries: Any = FakeCanaries(ears={"tcp4": (), "ehr": ("ehr",)})
    proof, path = prove(fake.SITE, proving(fake.sealed_facts()), canaries, tmp_path)
    assert proof.verdict is Verdict.PROVEN, proof.reasons
    assert (proof.baseline_taken_at, proof.sealed_ruleset_digest) == (AT, fake.RULES)
    assert path.name == "proof-20261122T030000Z.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert latest_proof(tmp_path, "lab-1") == proof


def test_what_the_canary_heard_is_a_leak(tmp_path: Path) -> None:
    take(open_box(), tmp_path)
    canaries: Any = FakeCanaries()
    assert prove(fake.SITE, proving(fake.sealed_facts()), canaries, tmp_path)[0].verdict is Verdict.LEAKING


def test_without_a_seal_nothing_is_proven(tmp_path: Path) -> None:
    take(open_box(), tmp_path)
    canaries: Any = FakeCanaries(ears={"tcp4": (), "ehr": ("ehr",)})
    proof, _ = prove(fake.SITE, proving(fake.sealed_facts(seal=SealFacts(None))), canaries, tmp_path)
    assert proof.verdict is Verdict.UNPROVEN
    assert proof.sealed_ruleset_digest is None
    assert proof.reasons == ("the site is not sealed: there is no ruleset to compare with",)


def test_a_seal_that_cannot_be_read_is_unreachable_not_unsealed(tmp_path: Path) -> None:
    canaries: Any = FakeCanaries()
    with pytest.raises(UnreachableError, match="seal cannot be read: cut off"):
        prove(fake.SITE, proving(fake.sealed_facts(seal=Unreadable("seal", "cut off"))), canaries, tmp_path)
    assert latest_proof(tmp_path, "lab-1") is None


def test_rules_that_are_sealed_but_were_not_made_here_prove_nothing(tmp_path: Path) -> None:
    take(open_box(), tmp_path)
    canaries: Any = FakeCanaries(ears={"tcp4": (), "ehr": ("ehr",)})
    record_isolation(tmp_path, fake.SITE, fake.RULES)
    proof, _ = prove(fake.SITE, proving(fake.sealed_facts()), canaries, tmp_path)
    assert (proof.verdict, proof.recorded_ruleset_digest) == (Verdict.PROVEN, fake.RULES)
    record_isolation(tmp_path, fake.SITE, "e" * 64)
    proof, _ = prove(fake.SITE, proving(fake.sealed_facts()), canaries, tmp_path)
    assert proof.verdict is Verdict.UNPROVEN
    assert proof.reasons == (f"the live ruleset {fake.RULES[:16]} is not the one recorded here {'e' * 16}",)


def test_a_site_without_canaries_is_told_that_it_cannot_be_proven_yet(tmp_path: Path) -> None:
    fleetdir: Any = SimpleNamespace(state_dir=tmp_path)
    with pytest.raises(UsageError) as refused:
        prove_site(fleetdir, fake.SITE, Passphrase("unused"))
    assert "only a virtual site of this machine can be proven" in refused.value.hint

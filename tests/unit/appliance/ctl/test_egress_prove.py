"""The report: complete only when everything was tried, in the right place, against unchanged rules."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from pydantic import ValidationError

from appliance.contract.egress import Attempt, EgressReport, Outcome, ProbeSpec, ProbeTarget, Variant
from appliance.contract.seal import Seal
from appliance.ctl.egress import prove as prove_module
from appliance.ctl.egress.places import Tried, task, understand
from appliance.ctl.egress.prove import places
from appliance.ctl.egress.result import exit_code, keep, keep_proof
from appliance.errors import UnknownStateError
from appliance.facts.firewall import Firewall
from appliance.facts.reading import UnreadableError
from appliance.facts.services import Unit
from appliance.facts.small import last_proof
from appliance.health.concerns import isolation

NONCE = "0" * 32
TARGET = {"id": "tcp4", "protocol": "tcp", "family": 4, "address": "10.0.2.2", "port": 9, "nonce": NONCE}
SPEC = ProbeSpec.model_validate({"targets": [TARGET], "controls": [{**TARGET, "id": "ehr"}]})
TRANSCRIPTION = Unit("appliance-transcription.service", "active", "running", "success", 0, 11, "notify", True)
HEALTH = Unit("appliance-health.service", "active", "running", "success", 0, 12, "notify", True)
NGINX = Unit("appliance-nginx.service", "active", "running", "success", 0, 13, "exec", False)
SEAL_CHECK = Unit("appliance-seal-check.service", "inactive", "dead", "success", 0, 0, "oneshot", False)
GATEWAY = Unit("appliance-gateway.service", "active", "running", "success", 0, 14, "notify", True)
DRAFTING = Unit("appliance-drafting.service", "active", "running", "success", 0, 15, "notify", True)
RESTING = replace(DRAFTING, active="inactive", sub="dead", main_pid=0)
UNITS = [HEALTH, NGINX, SEAL_CHECK, TRANSCRIPTION, GATEWAY, RESTING]
NAMESPACES = {11: "net:[11]", 12: "net:[12]", 13: "net:[1]", 14: "net:[14]", 15: "net:[15]", "self": "net:[1]"}
MODELS = [{"task": task, "name": "m", "root_hash": "a" * 64} for task in ("transcription", "drafting")]


def sealed(count: int) -> Seal:
    """The seal of a site with the first `count` models."""
    return Seal.model_validate(
        {
            "site": "north", "sealed_at": "2026-01-01T00:00:00Z", "usr_root_hash": "a" * 64, "ruleset_digest": "a" * 64,
            "state_volume": {"luks_uuid": "01234567-89ab-cdef-0123-456789abcdef"}, "models": MODELS[:count],
        }
    )  # fmt: skip


def prove(spec: ProbeSpec, **given: Any) -> EgressReport:
    """The proof at a site without drafting, unless a test says otherwise."""
    return prove_module.prove(spec, **{"seal": lambda: sealed(1), **given})


def attempt(origin: str, variant: Variant, target_id: str = "tcp4", **changes: Any) -> Attempt:
    role = "control" if target_id == "ehr" else "target"
    values = {"outcome": "reached" if role == "control" else "blocked", "layer": "timeout", "seconds": 0.1, **changes}
    return Attempt(origin=origin, variant=variant, target_id=target_id, role=role, **values)


def host(**changes: Any) -> Tried:
    tried = (attempt("host", Variant.HOST, **changes), attempt("host", Variant.HOST, "ehr"))
    return Tried(tried, "net:[1]")


def services(wanted: Sequence[tuple[Unit, Variant]], spec: ProbeSpec) -> dict[tuple[str, Variant], Tried]:
    return {
        (unit.unit, variant): Tried((attempt(unit.unit, variant),), NAMESPACES[unit.main_pid])
        for unit, variant in wanted
    }


@pytest.fixture(autouse=True)
def no_real_probe(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prove_module, "from_host", lambda spec: host())
    monkeypatch.setattr(prove_module, "namespace_of", lambda pid: NAMESPACES.get(pid))


def firewall() -> Firewall:
    return Firewall("a" * 64, {"egress_denied": (1, 60)})


def test_every_running_service_is_tried_in_its_sandbox_and_its_namespace() -> None:
    report = prove(SPEC, read=firewall, list_units=lambda: UNITS, services=services)
    assert {(each.origin, each.variant.value) for each in report.attempts} == {
        ("host", "host"), ("appliance-transcription.service", "service"),
        ("appliance-transcription.service", "namespace"), ("appliance-health.service", "service"),
        ("appliance-health.service", "namespace"), ("appliance-nginx.service", "service"),
        ("appliance-gateway.service", "service"), ("appliance-gateway.service", "namespace"),
    }  # fmt: skip
    assert {each.unit: each.private_network for each in report.services} == {
        "appliance-transcription.service": True, "appliance-health.service": True, "appliance-nginx.service": False,
        "appliance-gateway.service": True,
    }  # fmt: skip
    assert (report.complete, report.problems, exit_code(report)) == (True, (), 0)


def test_a_service_that_does_not_run_leaves_a_gap() -> None:
    report = prove(SPEC, read=firewall, list_units=lambda: [HEALTH, NGINX], services=services)
    assert not report.complete
    assert any("appliance-transcription.service does not run" in problem for problem in report.problems)
    assert exit_code(report) == 7


def test_drafting_is_tried_where_it_runs_and_missed_where_it_is_sealed() -> None:
    running = [*UNITS[:-1], DRAFTING]
    for seal in (sealed(1), sealed(2)):
        report = prove(
            SPEC, read=firewall, list_units=lambda: running, services=services, seal=lambda seal=seal: seal
        )  # fmt: skip
        assert report.complete
        assert "appliance-drafting.service" in {each.origin for each in report.attempts}
    missed = prove(SPEC, read=firewall, list_units=lambda: UNITS, services=services, seal=lambda: sealed(2))
    assert missed.problems == ("appliance-drafting.service does not run, so nothing was tried from it",)


def test_a_box_without_a_readable_seal_must_try_drafting_too() -> None:
    def unread() -> Seal:
        raise UnknownStateError("no seal", hint="")

    report = prove(SPEC, read=firewall, list_units=lambda: UNITS, services=services, seal=unread)
    assert "appliance-drafting.service does not run, so nothing was tried from it" in report.problems


def test_a_probe_in_another_namespace_proves_nothing() -> None:
    def elsewhere(wanted: Sequence[tuple[Unit, Variant]], spec: ProbeSpec) -> dict[tuple[str, Variant], Tried]:
        return {key: Tried(tried.attempts, "net:[99]") for key, tried in services(wanted, spec).items()}

    report = prove(SPEC, read=firewall, list_units=lambda: UNITS, services=elsewhere)
    assert not report.complete
    assert not any(each.joined for each in report.services)


def test_unknown_services_and_unreadable_rules_are_problems() -> None:
    def unknown() -> list[Unit]:
        raise UnreadableError("no bus")

    def no_rules() -> Firewall:
        raise UnreadableError("nft is not installed")

    report = prove(SPEC, read=no_rules, list_units=unknown, services=services)
    assert (report.complete, report.ruleset_digest, report.counters_before) == (False, None, {})
    assert len(report.problems) == 2


def test_rules_that_change_during_the_run_are_a_problem() -> None:
    digests = iter(["a" * 64, "b" * 64])
    report = prove(SPEC, read=lambda: Firewall(next(digests), {}), list_units=lambda: UNITS, services=services)
    assert not report.complete


@pytest.mark.parametrize(("outcome", "code"), [("reached", 9), ("error", 7)])
def test_exit_code_of_a_leak_and_of_an_error(monkeypatch: pytest.MonkeyPatch, outcome: str, code: int) -> None:
    monkeypatch.setattr(prove_module, "from_host", lambda spec: host(outcome=outcome))
    assert exit_code(prove(SPEC, read=firewall, list_units=lambda: UNITS, services=services)) == code


def test_a_control_that_fails_is_not_ok() -> None:
    report = prove(SPEC, read=firewall, list_units=lambda: UNITS, services=services)
    failed = [each.model_copy(update={"outcome": Outcome.BLOCKED}) for each in report.attempts]
    assert exit_code(report.model_copy(update={"attempts": tuple(failed)})) == 7


def test_places_leave_out_what_does_not_run() -> None:
    assert places([SEAL_CHECK]) == []


@pytest.mark.parametrize("text", ["", "not json", "{}", '{"attempts": [{"target_id": "tcp4"}]}', '{"attempts": []}'])
def test_an_answer_that_is_missing_becomes_an_error(text: str) -> None:
    asked = task(SPEC, Variant.SERVICE, with_controls=False)
    found = understand(text, "a.service", Variant.SERVICE, asked)
    assert [(each.target_id, each.outcome) for each in found.attempts] == [("tcp4", Outcome.ERROR)]


def test_the_baseline_that_reached_more_is_kept(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "state/egress-baseline.json"
    monkeypatch.setattr(prove_module, "from_host", lambda spec: host(outcome="reached"))
    keep(prove_module.baseline(SPEC, read=firewall), path)
    first = path.read_bytes()
    monkeypatch.setattr(prove_module, "from_host", lambda spec: host(outcome="blocked"))
    keep(prove_module.baseline(SPEC, read=firewall), path)
    assert path.read_bytes() == first


@pytest.mark.parametrize(("outcome", "verdict", "reached"), [("reached", "reached", 1), ("error", "incomplete", 0)])
def test_the_last_try_is_kept_for_the_health_snapshot(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch, outcome: str, verdict: str, reached: int
) -> None:
    path = tmp_path / "state/egress-proof.json"
    monkeypatch.setattr(prove_module, "from_host", lambda spec: host(outcome=outcome))
    keep_proof(prove(SPEC, read=firewall, list_units=lambda: UNITS, services=services), path)
    kept = last_proof(path)
    assert kept is not None
    assert (kept["verdict"], kept["reached"], kept["ruleset_digest"]) == (verdict, reached, "a" * 64)
    found = isolation.judge({"digest": "a" * 64, "counters": {}}, {"ruleset_digest": "a" * 64}, kept)
    assert found.verdict == ("critical" if reached else "degraded")


def test_a_complete_try_that_reached_only_its_controls_is_kept_as_such(tmp_path: Any) -> None:
    report = prove(SPEC, read=firewall, list_units=lambda: UNITS, services=services)
    assert exit_code(report) == 0
    keep_proof(report, tmp_path / "egress-proof.json")
    kept = last_proof(tmp_path / "egress-proof.json")
    assert kept is not None
    assert (kept["verdict"], kept["reached"]) == ("nothing_reached", 0)
    assert kept["attempts"] == sum(each.role == "target" for each in report.attempts)


@pytest.mark.parametrize(
    "change",
    [{"family": 6}, {"address": "canary.example"}, {"port": None}, {"protocol": "icmp"}, {"nonce": "x"}, {"more": 1}],
)
def test_a_destination_that_makes_no_sense_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises((ValidationError, ValueError)):
        ProbeTarget.model_validate({**TARGET, **change})


def test_ids_must_be_unique() -> None:
    with pytest.raises(ValidationError):
        ProbeSpec.model_validate({"targets": [TARGET], "controls": [TARGET]})

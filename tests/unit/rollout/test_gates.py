"""The gates: passed, failed, and could not run, which is no pass."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from appliance.contract.envelope import open_envelope, public_key_text, seal
from appliance.contract.release_status import CLINICAL_RESULT, ClinicalResult
from fleetctl.errors import ConfigError, RefusedError, UnreachableError, VerificationError
from fleetctl.models.rollout import ClinicalSpec, ServiceLevelSpec
from fleetctl.rollout import gates_clinical, gates_health, gates_note, gates_service
from fleetctl.rollout.gates import Asked, GateResult, GateVerdict, ask_all, not_passed
from fleetctl.rollout.journal import Journal
from fleetctl.rollout.journal_records import RolloutState
from tests.fakes import site as fake
from tests.fakes.boxes import FakeBox
from tests.fakes.rollouts import NEWER, RELEASE, START, bench, named, plan
from tests.fakes.sets import set_of

SITE = named("s1")
BEFORE, AFTER = Asked(SITE, RELEASE, "before"), Asked(SITE, RELEASE, "after")
LOADED = {"verdict": "ok", "reason": "x", "loaded": [
    {"task": model.task, "name": model.name, "root_hash": model.root_hash} for model in RELEASE.models]}  # fmt: skip


# --- fleet-health


@pytest.mark.parametrize("verdict", ["critical", "unknown"])
def test_critical_and_unknown_fail(verdict: str) -> None:
    snapshot = fake.snapshot(verdict, site="s1", disk={"verdict": verdict, "reason": "the disk is not there"})
    result = gates_health.judged(snapshot, BEFORE)
    assert result.verdict is GateVerdict.FAILED
    assert "the disk is not there" in result.reason


def test_degraded_passes_and_is_told() -> None:
    snapshot = fake.snapshot("degraded", site="s1", disk={"verdict": "degraded", "reason": "room is low"})
    result = gates_health.judged(snapshot, BEFORE)
    assert result.passed
    assert "room is low" in result.reason


def test_a_pending_row_remap_blocks_though_it_is_only_degraded() -> None:
    check = {"check": "gpu_remap_pending", "verdict": "degraded", "reason": "GPU 0: a remap is pending",
             "seen": "1 pending", "wanted": "none",
             "next_action": "reset it"}  # fmt: skip
    gpus = {"verdict": "degraded", "reason": "a remap is pending", "checks": [check]}
    result = gates_health.judged(fake.snapshot("degraded", site="s1", gpus=gpus), BEFORE)
    assert result.verdict is GateVerdict.FAILED
    assert "row remap pending" in result.reason


def test_another_set_than_the_release_fails_after_the_switch_only() -> None:
    snapshot = fake.snapshot(site="s1")
    assert gates_health.judged(snapshot, BEFORE).passed
    assert "transcription: b2b2b2b2b2b2 is loaded" in gates_health.judged(snapshot, AFTER).reason
    assert gates_health.judged(fake.snapshot(site="s1", models=LOADED), AFTER).passed


def test_a_snapshot_of_another_site_fails() -> None:
    assert not gates_health.judged(fake.snapshot(site="s2"), BEFORE).passed


# --- service-level

SPEC = ServiceLevelSpec(latency_factor=1.25, error_rate=0.01, minimum_requests=5)


def _measured(requests: int = 50, p95: float | None = 100.0, failed: int = 0) -> dict[str, dict[str, Any]]:
    return {"drafting": {"requests": requests, "failed": failed, "p95_ms": p95, "window_s": 300.0}}


BASE = _measured()


@pytest.mark.parametrize(
    ("now", "verdict"),
    [
        (_measured(), GateVerdict.PASSED),
        (_measured(p95=125.0), GateVerdict.PASSED),
        (_measured(p95=126.0), GateVerdict.FAILED),
        (_measured(requests=100, failed=1), GateVerdict.PASSED),
        (_measured(requests=100, failed=2), GateVerdict.FAILED),
        (_measured(requests=4), GateVerdict.COULD_NOT_RUN),
        (_measured(p95=None), GateVerdict.COULD_NOT_RUN),
        ({}, GateVerdict.COULD_NOT_RUN),
    ],
)
def test_service_level_is_against_the_sites_own_baseline(now: Any, verdict: GateVerdict) -> None:
    assert gates_service.compared(now, SPEC, BASE).verdict is verdict


def test_without_a_baseline_it_could_not_run() -> None:
    result = gates_service.compared(_measured(), SPEC, {})
    assert (result.verdict, result.may_come) == (GateVerdict.COULD_NOT_RUN, False)
    few = gates_service.baseline(_measured(requests=1), SPEC, {})
    assert (few.verdict, few.may_come) == (GateVerdict.COULD_NOT_RUN, True)
    assert gates_service.baseline(_measured(requests=1), SPEC, BASE).passed


def test_a_slower_release_goes_back_and_a_silent_site_is_no_success(journal: Journal) -> None:
    made = bench(journal, plan({"canary": 1}, gates={"service_level": {}}))
    made.sources.health.latency = lambda box: (200.0 if box.switches else 100.0, 50, 0)
    ending = made.run()
    assert ending.state is RolloutState.STOPPED
    assert "p95 200 ms, 125 ms are allowed (100 before)" in ending.reason
    assert made.sources.boxes["s1"].switches == [RELEASE.name, None]


def test_too_few_requests_after_the_switch_end_as_a_rollback(journal: Journal) -> None:
    made = bench(journal, plan({"canary": 1}, gates={"service_level": {}}, site_timeout="20m"))
    made.sources.health.latency = lambda box: (100.0, 1 if box.switches else 50, 0)
    ending = made.run(seconds=20)
    assert "not proven" in ending.reason
    assert "1 of 5 requests" in ending.reason
    assert made.states() == {"s1": "rolled_back"}


# --- what goes wrong in a gate


class _Broken:
    name = "fleet-health"

    def __init__(self, problem: Exception) -> None:
        self._problem = problem

    def ask(self, asked: Asked) -> GateResult:
        raise self._problem


def test_a_gate_that_cannot_run_has_failed_and_an_absent_site_is_no_verdict() -> None:
    (result,) = ask_all([_Broken(VerificationError("another key", hint=""))], BEFORE)  # type: ignore[list-item]
    assert result.verdict is GateVerdict.COULD_NOT_RUN
    assert not_passed([result]) == "fleet-health could not run: another key"
    assert not_passed([]) == "no gate was asked"
    with pytest.raises(UnreachableError):
        ask_all([_Broken(UnreachableError("gone", hint=""))], BEFORE)  # type: ignore[list-item]


# --- clinical

CLINICAL = ClinicalSpec(evaluation_set="en-visits")
SET = b"three encounters"


@pytest.fixture
def box() -> FakeBox:
    found = FakeBox("s1", {RELEASE.name: RELEASE, NEWER.name: NEWER}, clock=lambda: START)
    found.staged = set_of(RELEASE)
    return found


def _judged(box: FakeBox, envelope: bytes, **changed: Any) -> GateResult:
    given = {"key": box.key.public_key(), "now": START, "release": RELEASE, "site": "s1", "clinical": CLINICAL,
             "content": SET, "incumbent": dict(box.active.models if box.active else {}), **changed}  # fmt: skip
    bound = gates_clinical.Bound(
        given["site"], given["release"], given["incumbent"], given["clinical"], given["content"]
    )
    return gates_clinical.judged(envelope, given["key"], bound, given["now"])[0]


def _envelope(box: FakeBox) -> bytes:
    return box.evaluate("1" * 32, RELEASE.name, CLINICAL, SET)


def test_a_result_within_the_policy_passes(box: FakeBox) -> None:
    assert _judged(box, _envelope(box)).passed


def test_a_worse_release_fails_with_the_figures(box: FakeBox) -> None:
    box.measures = {"drug_error_rate": (0.01, 0.02)}
    result = _judged(box, _envelope(box))
    assert result.verdict is GateVerdict.FAILED
    assert "drug_error_rate 0.02, allowed 0.01 (running 0.01)" in result.reason


@pytest.mark.parametrize(
    "changed",
    [
        {"key": Ed25519PrivateKey.generate().public_key()},
        {"key": None},
        {"now": START + timedelta(days=31)},
        {"now": START - timedelta(hours=1)},
        {"release": NEWER},
        {"site": "s2"},
        {"content": b"other encounters"},
        {"clinical": ClinicalSpec(evaluation_set="en-visits", word_error_rate=0.5)},
        {"incumbent": {"transcription": "00" * 32, "drafting": "00" * 32}},
    ],
)
def test_a_result_of_something_else_could_not_run(box: FakeBox, changed: dict[str, Any]) -> None:
    assert _judged(box, _envelope(box), **changed).verdict is GateVerdict.COULD_NOT_RUN


def test_a_box_that_says_passed_is_not_believed(box: FakeBox) -> None:
    box.measures = {"word_error_rate": (0.1, 0.9)}
    found = ClinicalResult.model_validate_json(open_envelope(_envelope(box), box.key.public_key(), CLINICAL_RESULT))
    liars = tuple(each.model_copy(update={"passed": True}) for each in found.comparisons)
    for forged in (
        found.model_copy(update={"comparisons": liars, "passed": True}),
        found.model_copy(update={"comparisons": found.comparisons[1:], "passed": True}),
    ):
        assert not _judged(box, seal(forged.model_dump_json().encode(), box.key, CLINICAL_RESULT)).passed


def test_a_release_that_fails_the_clinical_gate_is_never_switched(journal: Journal) -> None:
    made = bench(journal, plan({"canary": 1}, gates={"clinical": {"evaluation_set": "en-visits"}}))
    made.sources.boxes["s1"].measures = {"negation_error_rate": (0.0, 0.1)}
    ending = made.run()
    assert "negation_error_rate 0.1" in ending.reason
    assert made.sources.boxes["s1"].switches == []


@pytest.mark.parametrize("how", ["lost_after", "lost_before"])
def test_an_evaluation_whose_answer_was_lost_runs_once(journal: Journal, how: Any) -> None:
    made = bench(journal, plan({"canary": 1}, gates={"clinical": {"evaluation_set": "en-visits"}}))
    made.sources.boxes["s1"].script("evaluate", how)
    assert made.run().state is RolloutState.DONE
    evaluations = [change for change in made.sources.boxes["s1"].changes if change.action == "evaluate"]
    assert len(evaluations) == 1


def test_a_result_that_expires_before_the_window_is_made_again(journal: Journal) -> None:
    gates = {"clinical": {"evaluation_set": "en-visits", "valid_for": "1h"}}
    made = bench(journal, plan({"canary": 1}, gates=gates))
    made.sources.boxes["s1"].in_flight = {"visits": 1}
    made.run(until=lambda: made.states()["s1"] == "evaluated")
    made.clock.utc += timedelta(hours=2)
    made.sources.boxes["s1"].in_flight = {"visits": 0}
    assert made.run().state is RolloutState.DONE
    assert len([call for call in made.sources.boxes["s1"].calls if call[0] == "evaluate"]) == 2


# --- countersignatures

KEY = Ed25519PrivateKey.generate()
LISTED = [f"Dr. Ada Rivera {public_key_text(KEY.public_key())}"]
NOTE = gates_note.ClinicalNote(
    rollout="ab" * 16, release_digest=RELEASE.digest, clinician="Dr. Ada Rivera", results=("cd" * 32,),
    signed_at=datetime(2026, 11, 2, tzinfo=UTC),
)  # fmt: skip


def test_a_note_of_a_listed_clinician_counts_for_its_results() -> None:
    envelope = gates_note.sign(NOTE, KEY, LISTED)
    assert gates_note.opened(envelope, "ab" * 16, RELEASE.digest, LISTED) == NOTE
    assert gates_note.countersigned([b"{}", envelope], "ab" * 16, RELEASE.digest, LISTED) == {"cd" * 32}


@pytest.mark.parametrize(
    "opened",
    [
        lambda note: gates_note.opened(note, "cd" * 16, RELEASE.digest, LISTED),
        lambda note: gates_note.opened(note, "ab" * 16, NEWER.digest, LISTED),
        lambda note: gates_note.opened(note, "ab" * 16, RELEASE.digest, []),
        lambda note: gates_note.opened(note[:-9] + b'AAAA"}]}', "ab" * 16, RELEASE.digest, LISTED),
    ],
)
def test_a_note_of_something_or_somebody_else_counts_for_nothing(opened: Callable[[bytes], Any]) -> None:
    with pytest.raises(VerificationError):
        opened(gates_note.sign(NOTE, KEY, LISTED))


def test_who_is_not_listed_cannot_sign() -> None:
    with pytest.raises(RefusedError, match="is not in the policy"):
        gates_note.sign(NOTE, Ed25519PrivateKey.generate(), LISTED)
    with pytest.raises(RefusedError, match=r"Dr\. Else"):
        gates_note.sign(NOTE.model_copy(update={"clinician": "Dr. Else"}), KEY, LISTED)
    for wrong in ("Dr. Ada Rivera", f" {public_key_text(KEY.public_key())}"):
        with pytest.raises(ConfigError, match="countersigned_by"):
            gates_note.clinicians([wrong])

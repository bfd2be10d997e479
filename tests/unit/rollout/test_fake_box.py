"""The fake box keeps what an orchestrator relies on: operation ids, deny-list, partial transfers, lost answers."""

from __future__ import annotations

import json

import pytest

from appliance.contract.envelope import open_envelope
from appliance.contract.release_status import CLINICAL_RESULT, ClinicalResult
from fleetctl.errors import ChangeError, RefusedError, UnreachableError
from fleetctl.models.rollout import ClinicalSpec
from fleetctl.rollout.box import Box
from tests.fakes.boxes import FakeBox
from tests.fakes.sets import manifest

NEW = manifest("new-1", 2)


def op(number: int) -> str:
    return f"{number:032x}"


def staged(**values: object) -> FakeBox:
    box = FakeBox("north", {"new-1": NEW}, **values)  # type: ignore[arg-type]
    for image in box.offer("new-1", "stable").missing:
        box.receive(image, kib_s=None, on_progress=lambda sent: None)
    box.stage(op(1), "new-1", "stable")
    return box


def test_it_is_a_box() -> None:
    box: Box = FakeBox("north")
    assert box.status().active is not None


def test_the_same_operation_switches_once() -> None:
    box = staged()
    box.script("activate", "lost_after")
    with pytest.raises(UnreachableError):
        box.activate(op(2), "new-1", drain_timeout_s=1, not_after=None)
    status = box.activate(op(2), "new-1", drain_timeout_s=1, not_after=None)
    assert status.active is not None
    assert status.active.release == "new-1"
    assert box.switches == ["new-1"]
    assert [(change.action, change.outcome) for change in status.changes] == [("activate", "done"), ("stage", "done")]


def test_a_rolled_back_release_is_refused_until_cleared() -> None:
    box = staged()
    box.script("activate", "rolled_back")
    for _ in range(2):
        with pytest.raises(ChangeError):
            box.activate(op(2), "new-1", drain_timeout_s=1, not_after=None)
    assert box.offer("new-1", "stable").refused == ("was rolled back from here",)
    box.clear(op(3), "new-1")
    assert box.offer("new-1", "stable").refused == ()


def test_a_rollback_returns_and_denies() -> None:
    box = staged()
    box.activate(op(2), "new-1", drain_timeout_s=1, not_after=None)
    status = box.rollback(op(3), "slow")
    assert status.active is not None
    assert status.active.release is None
    assert status.denied[0].digest == NEW.digest
    with pytest.raises(RefusedError):
        box.rollback(op(4), "again")


def test_a_transfer_goes_on_where_it_broke_off() -> None:
    box = FakeBox("north", {"new-1": NEW})
    box.script("receive", "lost_after")
    first = box.offer("new-1", "stable").missing[0]
    with pytest.raises(UnreachableError):
        box.receive(first, kib_s=None, on_progress=lambda sent: None)
    again = box.offer("new-1", "stable").missing[0]
    assert (again.root_hash, again.received_bytes) == (first.root_hash, 500)
    assert box.receive(again, kib_s=None, on_progress=lambda sent: None).wire_bytes == 500


def test_in_use_and_hanging_changes() -> None:
    box = staged(in_flight={"visits": 1})
    with pytest.raises(RefusedError, match="in use"):
        box.activate(op(2), "new-1", drain_timeout_s=1, not_after=None)
    box.in_flight = {}
    box.script("activate", "hangs")
    with pytest.raises(UnreachableError):
        box.activate(op(3), "new-1", drain_timeout_s=1, not_after=None)
    assert box.status().changes[0].outcome is None
    assert box.status().phase == "draining"
    box.finish()
    assert box.activate(op(3), "new-1", drain_timeout_s=1, not_after=None).active.release == "new-1"  # type: ignore[union-attr]


def test_the_clinical_result_is_signed_and_compared() -> None:
    box = staged(measures={"drug_error_rate": (0.01, 0.02)})
    clinical = ClinicalSpec.model_validate({"evaluation_set": "visits"})
    envelope = box.evaluate(op(2), "new-1", clinical, b"set")
    result = ClinicalResult.model_validate_json(open_envelope(envelope, box.key.public_key(), CLINICAL_RESULT))
    assert [each.measure for each in result.comparisons if not each.passed] == ["drug_error_rate"]
    assert not result.passed
    assert json.loads(envelope)["payloadType"] == CLINICAL_RESULT

"""What a box says of its releases is read strictly: every line that is not the contract's is told as such."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from appliance.contract.envelope import seal
from appliance.contract.release_incoming import Incoming
from appliance.contract.release_status import CLINICAL_RESULT, Offer, ReleaseStatus, ReleaseStep
from fleetctl.errors import ChangeError, FleetctlError, RefusedError, UnreachableError, VerificationError
from fleetctl.facts.base import Completed
from fleetctl.remote.release_stream import MAX_LINE_BYTES, MAX_LINES, ReleaseStream

AT = datetime(2026, 11, 26, tzinfo=UTC)
STEP = ReleaseStep(at=AT, phase="draining", text="two visits go on").model_dump_json()
STATUS = ReleaseStatus(
    site="north-clinic", at=AT, boot_id="b", phase="idle", active=None, previous=None, staged=None,
    minimum_sequence=0, images={}, free_bytes=1,
).model_dump_json()  # fmt: skip
OFFER = Offer(release="r1", channel="stable", digest="a" * 64).model_dump_json()
GOOD = Completed(0, "")


@pytest.fixture
def steps() -> list[ReleaseStep]:
    return []


@pytest.fixture
def stream(steps: list[ReleaseStep]) -> ReleaseStream:
    return ReleaseStream("north-clinic", "appliancectl release stage", steps.append)


def test_steps_are_handed_over_and_the_last_line_is_the_answer(stream: ReleaseStream, steps: list[ReleaseStep]) -> None:
    for line in (STEP, STEP, STATUS):
        stream.take(line)
    assert stream.answer(GOOD, ReleaseStatus).site == "north-clinic"
    assert [step.text for step in steps] == ["two visits go on"] * 2


def test_an_envelope_is_handed_on_as_it_was_written(stream: ReleaseStream) -> None:
    line = seal(b"{}", Ed25519PrivateKey.generate(), CLINICAL_RESULT).decode()
    stream.take(line)
    assert stream.last_line == line


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("", "is no answer, line 1"),
        ("Traceback (most recent call last):", "is no answer, line 1"),
        ("[]", "is no answer"),
        ("{}", "a kind that this fleetctl does not know: None"),
        (STATUS.replace("release-status/v1", "release-status/v2"), "does not know: 'release-status/v2'"),
        (STATUS.replace("release-status/v1", "\\u001b[2J"), "does not know"),
        (STATUS.replace('"site"', '"sight"'), "site: Field required"),
        (STATUS[:-1] + ',"more":1}', "more: Extra inputs"),
        (STEP.replace("draining", "dancing"), "phase: Input should be"),
        ('{"payloadType":"application/vnd.fleetctl.health+json","payload":"","signatures":[]}', "does not know"),
        ("[" * 5000 + "]" * 5000, "is no answer"),
        (STATUS + " " * MAX_LINE_BYTES, "is no answer"),
    ],
)
def test_anything_else_is_an_unknown_outcome(stream: ReleaseStream, line: str, why: str) -> None:
    with pytest.raises(UnreachableError) as caught:
        stream.take(line)
    assert why in caught.value.message
    assert "\x1b" not in caught.value.message
    assert len(caught.value.message) <= 500
    assert "appliancectl version" in caught.value.hint


def test_nothing_comes_behind_the_answer(stream: ReleaseStream) -> None:
    stream.take(STATUS)
    with pytest.raises(UnreachableError, match="went on after its answer"):
        stream.take(STEP)


def test_steps_without_end_are_cut(stream: ReleaseStream) -> None:
    for _ in range(MAX_LINES):
        stream.take(STEP)
    with pytest.raises(UnreachableError, match="more than 20000 lines"):
        stream.take(STEP)


def test_an_answer_to_another_question_is_none(stream: ReleaseStream) -> None:
    stream.take(OFFER)
    with pytest.raises(UnreachableError, match="answered with Offer, wanted Incoming"):
        stream.answer(GOOD, Incoming)


def test_a_good_end_without_an_answer_is_none(stream: ReleaseStream) -> None:
    stream.take(STEP)
    with pytest.raises(UnreachableError, match="ended without an answer"):
        stream.answer(GOOD, ReleaseStatus)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (1, ChangeError),
        (2, ChangeError),
        (5, UnreachableError),
        (6, RefusedError),
        (9, VerificationError),
        (-9, ChangeError),
    ],
)
def test_an_exit_code_is_an_error_in_the_box_s_words(
    stream: ReleaseStream, code: int, kind: type[FleetctlError]
) -> None:
    stream.take(STATUS)  # a failed change tells the status before it ends
    said = "note: x\nerror: no room: 3 free,\n 5 needed\n  hint: remove an image\x1b[2J\n"
    with pytest.raises(kind) as caught:
        stream.answer(Completed(code, "", said), ReleaseStatus)
    assert "no room: 3 free, 5 needed" in caught.value.message
    assert code == 2 or caught.value.hint == "remove an image[2J"
    assert caught.value.host == "north-clinic"


def test_a_box_without_the_command_is_told_as_an_older_one(stream: ReleaseStream) -> None:
    with pytest.raises(ChangeError, match="does not know `appliancectl release stage`") as caught:
        stream.answer(Completed(127, "", "sh: appliancectl: not found"), ReleaseStatus)
    assert "older" in caught.value.hint


def test_a_long_complaint_is_cut(stream: ReleaseStream) -> None:
    with pytest.raises(ChangeError) as caught:
        stream.answer(Completed(1, "", "x" * 100_000), ReleaseStatus)
    assert len(caught.value.message) <= 500

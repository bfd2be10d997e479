"""The words that `appliancectl release` is called with."""

from __future__ import annotations

from datetime import UTC, datetime

from appliance.contract.release_status import WantedImage
from fleetctl.models.rollout import ClinicalSpec
from fleetctl.remote import release_commands as commands
from fleetctl.rollout.clinical_policy import policy_of

OPERATION = "0" * 32
WANTED = WantedImage(
    task="drafting", root_hash="a" * 64, sha256="c" * 64, size_bytes=4096, basis="b" * 64, received_bytes=0
)


def test_questions() -> None:
    assert commands.status() == ["appliancectl", "release", "status", "-o", "json"]
    assert commands.offer("2026.11-1", "stable") == (
        ["appliancectl", "release", "offer", "2026.11-1", "--channel", "stable", "-o", "json"]
    )
    assert commands.receive_prepare(None) == ["appliancectl", "release", "receive-prepare", "-o", "json"]
    assert commands.receive_prepare(WANTED)[3:] == [
        *("-o", "json", "--root-hash", "a" * 64, "--size-bytes", "4096", "--basis", "b" * 64)
    ]
    assert "--basis" not in commands.receive_prepare(WANTED.model_copy(update={"basis": None}))


def test_changes_carry_their_operation() -> None:
    for argv in (
        commands.stage(OPERATION, "r1", "stable"),
        commands.evaluate(OPERATION, "r1", "/var/x/set", policy_of(ClinicalSpec(evaluation_set="visits")), 60, 900),
        commands.activate(OPERATION, "r1", 60, None),
        commands.rollback(OPERATION, "why"),
        commands.clear(OPERATION, "r1"),
    ):
        assert argv[argv.index("--operation") + 1] == OPERATION
        assert argv[-2:] == ["-o", "json"] or "--not-after" in argv


def test_a_reason_is_one_word_that_is_no_option() -> None:
    assert "--reason=--help; rm -rf /" in commands.rollback(OPERATION, "--help; rm -rf /")


def test_the_last_moment_of_a_switch_has_its_offset() -> None:
    argv = commands.activate(OPERATION, "r1", 60, datetime(2026, 11, 26, 22, tzinfo=UTC))
    assert argv[-2:] == ["--not-after", "2026-11-26T22:00:00+00:00"]
    assert argv[argv.index("--drain-timeout") + 1] == "60"

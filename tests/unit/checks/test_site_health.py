"""What an observation comes to: a verdict for each outcome, reasons worst first, drift, clock and signature."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from appliance.contract.health import HealthSnapshot, Verdict
from fleetctl.checks.explained import explain, known
from fleetctl.checks.site_health import SiteHealth, every_check, judge, ranked, same_words
from fleetctl.checks.wanted import Wanted
from fleetctl.errors import UsageError
from fleetctl.facts.base import Unreadable
from fleetctl.remote.poll_outcome import WORDS, Observation, Outcome, Signature
from tests.fakes import site as fake
from tests.fakes.observed import FAULT

NOW = datetime(2026, 11, 22, 12, 0, 1, tzinfo=UTC)
BUILT = Wanted(fake.USR, {"transcription": fake.MODEL, "drafting": fake.DRAFTER})


def judged(
    verdict: str = "ok", *, at: datetime = NOW, signature: Signature = Signature.VERIFIED, wanted: Wanted | None = None,
    **changed: Any,
) -> SiteHealth:  # fmt: skip
    snapshot = fake.snapshot(verdict, **changed)
    seen = Observation("lab-1", at, Outcome.ANSWERED, "", 40.0, snapshot, b"{}", signature)
    return judge(fake.SITE, seen, wanted)


def bad(verdict: str, reason: str, action: str = "do it") -> dict[str, str]:
    return {"verdict": verdict, "reason": reason, "next_action": action}


def test_a_box_that_is_well() -> None:
    health = judged()
    assert (health.verdict, health.reasons, health.why, health.next_action) == (Verdict.OK, (), "", "")
    assert {check.verdict for check in every_check(health)} == {Verdict.OK}
    assert {"reachable", "storage", "clock_agrees", "snapshot_signed", "release_image"} <= {
        check.check for check in every_check(health)
    }


@pytest.mark.parametrize("outcome", [outcome for outcome in Outcome if outcome is not Outcome.ANSWERED])
def test_no_outcome_but_an_answer_is_healthy(outcome: Outcome) -> None:
    # A snapshot that says ok in it changes nothing.
    health = judge(fake.SITE, Observation("lab-1", NOW, outcome, "seen so", 3.0, fake.snapshot("ok")))
    assert health.verdict is (Verdict.CRITICAL if WORDS[outcome].alarming else Verdict.UNKNOWN)
    assert health.snapshot is None
    (reason,) = health.reasons
    assert (reason.check, "seen so" in reason.said, bool(reason.next_action)) == (outcome.value, True, True)


def test_reasons_come_worst_first() -> None:
    health = judged(
        "critical",
        disk=bad("degraded", "2 % free"),
        clock=bad("unknown", "not read"),
        isolation=bad("critical", "open"),
    )
    assert [reason.check for reason in health.reasons] == ["isolation", "clock", "disk"]
    assert (health.verdict, health.why) == (Verdict.CRITICAL, "isolation: open; clock: not read; disk: 2 % free")
    assert health.next_action == "do it"


def test_a_box_is_never_better_than_its_worst_part_nor_than_its_own_word() -> None:
    lying = judged("ok", isolation=bad("critical", "ruleset differs"))
    assert (lying.verdict, "the box calls itself ok" in lying.why) == (Verdict.CRITICAL, True)
    gloomy = judged("degraded")
    assert (gloomy.verdict, gloomy.why) == (Verdict.DEGRADED, "the box calls itself degraded, every part of it ok")


def test_an_open_fault_counts_and_an_acknowledged_one_does_not() -> None:
    opened = judged(faults=[FAULT])
    assert opened.verdict is Verdict.CRITICAL
    assert [reason.check for reason in opened.reasons] == ["gpu_xid"]
    assert "fault xid79-3b1c9a" in opened.why
    assert judged(faults=[{**FAULT, "state": "acknowledged"}]).verdict is Verdict.OK
    assert "12 more faults" in judged(faults_left_out=12).why


@pytest.mark.parametrize(("at_s", "words"), [(-20, "20 s ahead"), (90, "90 s behind"), (-4, ""), (50, "")])
def test_clocks_that_differ(at_s: int, words: str) -> None:
    health = judged(at=datetime(2026, 11, 22, 12, tzinfo=UTC) + timedelta(seconds=at_s))
    assert (health.verdict is Verdict.DEGRADED, words in health.why) == (bool(words), True)


def test_a_snapshot_that_only_the_certificate_vouches_for() -> None:
    health = judged(signature=Signature.UNPINNED)
    assert (health.verdict, [reason.check for reason in health.reasons]) == (Verdict.DEGRADED, ["snapshot_signed"])
    assert "site provision lab-1" in health.next_action


def _runs(**changed: Any) -> dict[str, Any]:
    models = [
        {"task": "transcription", "name": "whisper-tiny.en", "root_hash": fake.MODEL, **changed},
        {"task": "drafting", "name": fake.DRAFTING, "root_hash": fake.DRAFTER},
    ]
    return {"verdict": "ok", "reason": "compared", "loaded": models}


def _image(root_hash: str = fake.USR) -> dict[str, Any]:
    return {"verdict": "ok", "reason": "compared", "version": "7", "usr_root_hash": root_hash}


def test_what_runs_as_built_has_not_drifted() -> None:
    health = judged(wanted=BUILT, image=_image())
    assert (health.verdict, {reason.verdict for reason in health.drift}) == (Verdict.OK, {Verdict.OK})
    assert len(health.drift) == 3


@pytest.mark.parametrize(
    ("changed", "check", "words"),
    [
        ({"image": _image("0" * 64)}, "release_image", "image: 7 000000000000 runs"),
        ({"image": _image(), "models": _runs(root_hash="0" * 64)}, "release_model", "000000000000 is loaded"),
        ({"image": _image(), "models": _runs(name="other")}, "release_model", "other is loaded, the site file says"),
        ({"image": _image(), "models": {**_runs(), "loaded": []}}, "release_model", "nothing is loaded"),
    ],
)
def test_what_differs_from_the_release(changed: dict[str, Any], check: str, words: str) -> None:
    health = judged(wanted=BUILT, **changed)
    assert health.verdict is Verdict.DEGRADED
    assert check in {reason.check for reason in health.reasons}
    assert words in health.why


def test_without_a_build_here_names_are_compared_and_it_is_said() -> None:
    nothing = Wanted(Unreadable("image", "none"), {})
    health = judged(wanted=nothing)
    assert health.verdict is Verdict.OK
    assert all("not built on this machine" in reason.said for reason in health.drift)


def test_the_worst_site_comes_first() -> None:
    healths = [judged(), judged("critical", isolation=bad("critical", "open"))]
    assert [health.verdict for health in ranked(healths)] == [Verdict.CRITICAL, Verdict.OK]


def test_figures_alone_are_no_news() -> None:
    assert same_words("12.5 s behind, 3 of 4") == same_words("7 s behind, 2 of 4")
    assert same_words("disk full") != same_words("disk gone")


def test_every_name_that_a_reason_can_carry_is_explained() -> None:
    from appliance.contract.gpu_rules import OF_A_WATCH

    names = {*HealthSnapshot.model_fields, *(rule.check for rule in OF_A_WATCH), *(each.value for each in Outcome)}
    parts = set(fake.snapshot().parts())
    reasons = {"own_word", "faults", "clock_agrees", "snapshot_signed", "release_image", "release_model", "gpu_xid"}
    wanted = parts | reasons | {name for name in names if name.startswith("gpu_")} | {each.value for each in Outcome}
    assert wanted <= known().keys()
    assert all(each.meaning and each.verdict and each.source for each in known().values())


@pytest.mark.parametrize(
    ("name", "verdict", "nvidia"),
    [("79", "critical", "restart machine"), ("xid 48", "critical", "workflow 48"), ("Xid-63", "degraded", "ignore"),
     ("7777", "unknown", "none published"), ("stale", "unknown", "")],
)  # fmt: skip
def test_an_explanation(name: str, verdict: str, nvidia: str) -> None:
    found = explain(name)
    assert (found.verdict, found.nvidia_action) == (verdict, nvidia)


def test_a_name_that_nobody_knows_gets_the_nearest() -> None:
    with pytest.raises(UsageError) as refused:
        explain("gpu_rwos")
    assert "gpu_rows" in refused.value.hint


def test_parts_with_one_cause_are_one_reason() -> None:
    stopped = bad("unknown", "root's facts are 3600 s old", "look on the box")
    health = judged("unknown", disk=stopped, clock=stopped, storage=stopped, image=bad("degraded", "old", "update it"))
    assert [(reason.check, reason.said) for reason in health.reasons if "facts" in reason.said] == [
        ("storage", "storage, disk, clock: root's facts are 3600 s old")
    ]
    assert health.next_action == "look on the box; update it"


def with_fault(*checks: tuple[str, str], **changed: Any) -> SiteHealth:
    judgements = [
        {"check": name, "verdict": verdict, "seen": "x", "wanted": "y", "reason": f"{name} says so"}
        for name, verdict in checks
    ]
    part = {"verdict": FAULT["verdict"], "reason": "gpu_xid: the same again", "checks": judgements, **changed}
    return judged(FAULT["verdict"], gpus=part, faults=[FAULT])


def test_what_ails_the_gpus_is_said_once_where_it_is_faults_alone() -> None:
    alone = with_fault(("gpu_count", "ok"), ("gpu_faults", FAULT["verdict"]))
    assert [reason.check for reason in alone.reasons] == [FAULT["check"]]
    assert alone.verdict.value == FAULT["verdict"]
    more = with_fault(("gpu_temperature", "degraded"), ("gpu_faults", FAULT["verdict"]))
    assert {reason.check for reason in more.reasons} == {FAULT["check"], "gpus"}
    # A part that is worse than its faults has a reason of its own.
    other = "unknown" if FAULT["verdict"] == "critical" else "critical"
    worse = with_fault(("gpu_faults", FAULT["verdict"]), verdict=other)
    assert "gpus" in {reason.check for reason in worse.reasons}

"""The gate: a worse model fails by the measure of its fault, and what cannot be measured is never a pass."""

from __future__ import annotations

import asyncio
import copy
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from appliance.contract.clinical_gate import MEASURES, NotThisResultError, open_result
from appliance.contract.envelope import SignatureError, seal
from appliance.contract.release_status import CLINICAL_RESULT, ClinicalResult, SetState
from appliance.errors import RefusedError
from appliance.evaluation.errors import NotMeasuredError
from appliance.evaluation.evaluation_set import read_set
from appliance.evaluation.gate import Order, evaluate, words
from appliance.evaluation.measuring import Budget
from tests.fakes.evaluation import INVENTED, SAID, SUPPORTED, Model, StubEngines, archive, index, policy, stub_engines

pytestmark = pytest.mark.anyio
OLD_T, NEW_T, OLD_D, NEW_D = ("a" * 64, "b" * 64, "c" * 64, "d" * 64)
TEXT = " ".join(text for _, text in SAID)
AT = datetime(2026, 11, 26, 12, tzinfo=UTC)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def place() -> Any:
    with TemporaryDirectory(prefix="ev") as folder:
        yield Path(folder)


def state(release: str | None, transcription: str, drafting: str | None, **more: Any) -> SetState:
    models: dict[str, str] = {"transcription": transcription} | ({"drafting": drafting} if drafting else {})
    given = {"release": release, "sequence": 1, "digest": "e" * 64, "models": models, "complete": True, **more}
    return SetState.model_validate(given)


def order(**changes: Any) -> Order:
    given = {
        "site": "lab-1", "staged": state("2026.11-2", NEW_T, NEW_D), "active": state(None, OLD_T, OLD_D),
        "policy": policy(), "which": read_set(archive(index())),
        "needs_mib": dict.fromkeys((OLD_T, NEW_T, OLD_D, NEW_D), 100), "free_mib": 100, **changes,
    }  # fmt: skip
    return Order(**given)


def budget(seconds: float = 60) -> Budget:
    return Budget(until_s=seconds, monotonic=lambda: 0.0)


async def run(
    place: Path,
    transcription: Model | None = None,
    drafting: Model | None = None,
    *,
    engines: Any = None,
    **changes: Any,
) -> ClinicalResult:
    """Evaluate with these candidates beside sound engines that run."""
    models: Any = {
        OLD_T: ("transcription", Model()), NEW_T: ("transcription", transcription or Model()),
        OLD_D: ("drafting", Model()), NEW_D: ("drafting", drafting or Model()),
    }  # fmt: skip
    async with stub_engines(place, models) as stubs:
        if engines is not None:
            engines.append(stubs)
        return await asyncio.to_thread(
            evaluate, order(**changes), stubs, budget(), lambda: AT, lambda line: None
        )  # fmt: skip


async def test_an_equal_release_passes(place: Path) -> None:
    seen: list[StubEngines] = []
    found = await run(place, engines=seen)
    assert found.passed
    assert {each.measure: (each.incumbent, each.candidate) for each in found.comparisons} == {
        name: (0.0, 0.0) for names in MEASURES.values() for name in names
    }
    assert seen[0].started == [
        ("transcription", OLD_T), ("transcription", NEW_T), ("drafting", OLD_D), ("drafting", NEW_D),
    ]  # fmt: skip
    assert (found.expires_at - found.at, found.encounters) == (timedelta(days=1), 1)
    assert words(found)[-1] == "2026.11-2 passed on 1 encounters; until 2026-11-27"


@pytest.mark.parametrize(
    ("heard", "failed"),
    [
        ({"e1": TEXT.replace("82 kg", "28 kg")}, {"word_error_rate", "number_error_rate"}),
        ({"e1": TEXT.replace("400 mg", "40 mg")}, {"word_error_rate", "drug_error_rate"}),
        ({"e1": TEXT.replace("ibuprofen", "naproxen")}, {"word_error_rate", "drug_error_rate"}),
        ({"e1": TEXT.replace("do not", "do")}, {"word_error_rate", "negation_error_rate"}),
        ({"e1": TEXT.replace("knee", "ski")}, {"word_error_rate"}),
        ({"s1": "Thanks for watching."}, {"words_on_silence"}),
    ],
)  # fmt: skip
async def test_a_worse_transcription_fails_by_its_fault(place: Path, heard: dict[str, str], failed: set[str]) -> None:
    found = await run(place, Model(heard=heard))
    assert not found.passed
    assert {each.measure for each in found.comparisons if not each.passed} == failed


async def test_words_on_silence_are_by_the_minute(place: Path) -> None:
    found = await run(place, Model(heard={"s1": "Thanks for watching."}))
    assert {each.measure: each.candidate for each in found.comparisons}["words_on_silence"] == 6.0  # in half a minute


async def test_a_drafting_model_that_invents_fails_by_that_alone(place: Path) -> None:
    found = await run(place, drafting=Model(drafts=(SUPPORTED, INVENTED)))
    assert [(each.measure, each.candidate) for each in found.comparisons if not each.passed] == [
        ("unsupported_share", 0.5)
    ]


async def test_a_limit_is_beside_the_running_set(place: Path) -> None:
    found = await run(place, drafting=Model(drafts=(SUPPORTED, INVENTED)), policy=policy(unsupported_share=0.5))
    assert found.passed
    worse = await run(place, Model(heard={"e1": TEXT.replace("knee", "ski")}), policy=policy(word_error_rate=0.05))
    assert worse.passed  # one word of 22
    assert found.policy_sha256 != worse.policy_sha256


async def test_a_model_that_both_sets_have_is_measured_once(place: Path) -> None:
    seen: list[StubEngines] = []
    found = await run(place, engines=seen, staged=state("2026.11-2", OLD_T, NEW_D))
    assert seen[0].started == [("transcription", OLD_T), ("drafting", OLD_D), ("drafting", NEW_D)]
    assert found.passed


async def test_a_site_without_drafting_is_judged_by_what_it_has(place: Path) -> None:
    sets = {"staged": state("2026.11-2", NEW_T, None), "active": state(None, OLD_T, None)}
    found = await run(place, which=read_set(archive(index(encounters=[no_draft()]))), **sets)
    assert {each.measure for each in found.comparisons} == set(MEASURES["transcription"])


def no_draft() -> dict[str, Any]:
    return {**index()["encounters"][0], "draft": None}


def unmarked() -> dict[str, Any]:
    found = copy.deepcopy(index()["encounters"][0])
    for turn in found["turns"]:
        turn["expected"] = []
    return found


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"which": read_set(archive(index(silences=[]), {"audio/e1.wav": b"x"}))}, "lacks a recording of silence"),
        ({"which": read_set(archive(index(encounters=[unmarked()])))}, "lacks a number that is marked"),
        ({"which": read_set(archive(index(encounters=[no_draft()])))}, "lacks an encounter with a draft"),
        ({"which": read_set(archive(index(name="others")))}, "the set is others, the policy asks for visits"),
        ({"staged": state("2026.11-2", NEW_T, None)}, "nothing to compare with"),
        ({"staged": state(None, NEW_T, NEW_D, digest=None)}, "is no release"),
        ({"staged": state("2026.11-2", NEW_T, NEW_D, complete=False)}, "an image .* is missing"),
        ({"free_mib": 99}, "needs 100 MiB beside what runs, 99 MiB are free"),
        ({"needs_mib": {}}, "not known how much memory"),
    ],
)  # fmt: skip
async def test_what_cannot_be_judged_is_refused_before_an_engine_starts(
    place: Path, changes: dict[str, Any], said: str
) -> None:
    seen: list[StubEngines] = []
    with pytest.raises(RefusedError, match=said):
        await run(place, engines=seen, **changes)
    assert seen[0].started == []


@pytest.mark.parametrize(
    ("transcription", "drafting", "said"),
    [
        (Model(status=503), None, "status 503"),
        (Model(says_hash=OLD_T), None, f"runs weights {OLD_T[:12]}, wanted are {NEW_T[:12]}"),
        (Model(seconds={"e1": 9.0, "s1": 30.0}), None, "e1: the recording has 9.0 s, the index says 12.0 s"),
        (None, Model(drafts=()), "not one statement"),
        (None, Model(says_hash=OLD_D), "drafting: the engine runs weights"),
    ],
)  # fmt: skip
async def test_an_engine_that_does_not_answer_as_it_must_is_no_pass(
    place: Path, transcription: Model | None, drafting: Model | None, said: str
) -> None:
    seen: list[StubEngines] = []
    with pytest.raises(NotMeasuredError, match=said) as caught:
        await run(place, transcription, drafting, engines=seen)
    assert caught.value.exit_code == 5
    assert seen[0].inside == []  # it was ended


async def test_an_engine_that_is_not_there_and_a_time_that_is_over(place: Path) -> None:
    stubs = StubEngines({OLD_T: place / "none.sock"})
    with pytest.raises(NotMeasuredError, match=r"none\.sock: No such file"):
        await asyncio.to_thread(evaluate, order(), stubs, budget(), lambda: AT, print)
    with pytest.raises(NotMeasuredError, match="time for the evaluation is over"):
        await asyncio.to_thread(evaluate, order(), stubs, budget(0), lambda: AT, print)


KEY = Ed25519PrivateKey.generate()


def opened(result: ClinicalResult, **changes: Any) -> ClinicalResult:
    given = {
        "site": "lab-1", "digest": "e" * 64, "set_sha256": order().which.sha256, "policy": policy(),
        "now": AT + timedelta(hours=1), **changes,
    }  # fmt: skip
    envelope = seal(result.model_dump_json().encode(), KEY, CLINICAL_RESULT)
    return open_result(envelope, changes.pop("key", KEY.public_key()), **{k: v for k, v in given.items() if k != "key"})


async def test_a_result_counts_for_what_it_is_of(place: Path) -> None:
    found = await run(place)
    assert opened(found) == found
    for changes, said in (
        ({"site": "lab-2"}, "site: it is of lab-1"), ({"digest": "f" * 64}, "digest"),
        ({"set_sha256": "f" * 64}, "set"),
        ({"policy": policy(word_error_rate=0.5)}, "policy_sha256"), ({"now": AT + timedelta(days=2)}, "expired"),
        ({"now": AT - timedelta(days=2)}, "yet to come"),
    ):  # fmt: skip
        with pytest.raises(NotThisResultError, match=said):
            opened(found, **changes)
    with pytest.raises(SignatureError):
        opened(found, key=Ed25519PrivateKey.generate().public_key())


async def test_a_result_that_contradicts_itself_counts_for_nothing(place: Path) -> None:
    """A box that is wrong, or in wrong hands, still has to sign numbers that fit its verdict and the policy."""
    found = await run(place, Model(heard={"e1": TEXT.replace("do not", "do")}))
    assert not opened(found).passed
    by_name = {each.measure: each for each in found.comparisons}
    bad = by_name["negation_error_rate"]

    def other(**changes: Any) -> ClinicalResult:
        new = bad.model_copy(update=changes)
        return found.model_copy(
            update={"comparisons": tuple(new if each is bad else each for each in found.comparisons), "passed": True}
        )

    fewer = tuple(each for each in found.comparisons if each.passed)
    for wrong, said in (
        (found.model_copy(update={"passed": True}), "the verdict is not that of its measures"),
        (other(passed=True), "not that of its numbers"), (other(passed=True, allowed=2.0), "not the policy's"),
        (other(passed=True, candidate=float("nan")), "not understood|not a number"),
        (found.model_copy(update={"comparisons": fewer, "passed": True}), "measures are not the ones wanted"),
        (found.model_copy(update={"candidate": {}}), "different tasks"),
        (found.model_copy(update={"expires_at": AT + timedelta(days=300)}), "longer than the policy"),
    ):  # fmt: skip
        with pytest.raises(NotThisResultError, match=said):
            opened(wrong)

"""The clinical gate and the probe with real weights: a damaged copy of a model fails, another sound model passes."""

from __future__ import annotations

import hashlib
import shutil
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from appliance.contract.release_status import ClinicalResult, SetState
from appliance.evaluation.evaluation_set import EvaluationSet, read_set
from appliance.evaluation.gate import Order, evaluate
from appliance.evaluation.measuring import Budget
from appliance.evaluation.probe import probe_drafting, probe_transcription
from tests.engines.conftest import model_files
from tests.engines.process_engines import ProcessEngines
from tests.fakes.evaluation import policy
from tests.fakes.speech_set import speech_set

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def which(audio: Path) -> EvaluationSet:
    return read_set(speech_set(audio))


def damaged(weights: Path, target: Path) -> Path:
    """A copy with other embeddings of the first 400 tokens: it loads, and hears nothing that it may tell."""
    shutil.copytree(weights, target)
    data = bytearray((target / "model.bin").read_bytes())
    first = data.index(b"decoder/embeddings/weight") + 100  # behind the name and its shape, in CTranslate2's file
    for at in range(first, first + 300_000):
        data[at] ^= 0x15
    (target / "model.bin").write_bytes(bytes(data))
    return target


def name_of(folder: Path) -> str:
    return hashlib.sha256(str(folder).encode()).hexdigest()


def compare(which: EvaluationSet, running: Path, staged: Path, drafting: Path) -> ClinicalResult:
    folders = {name_of(each): each for each in (running, staged, drafting)}

    def state(release: str | None, transcription: Path) -> SetState:
        models = {"transcription": name_of(transcription), "drafting": name_of(drafting)}
        return SetState.model_validate(
            {"release": release, "sequence": 1, "digest": "e" * 64, "models": models, "complete": True}
        )

    order = Order(
        site="lab-1", staged=state("2026.11-2", staged), active=state(None, running), policy=policy(), which=which,
        needs_mib=dict.fromkeys(folders, 0), free_mib=0,
    )  # fmt: skip
    engines = ProcessEngines(folders, {"drafting": {"context_tokens": 2048, "parallel": 1}}, start_s=300)
    return evaluate(order, engines, Budget(time.monotonic() + 900), lambda: datetime.now(UTC), print)


def test_another_sound_model_passes_and_a_damaged_one_does_not(
    which: EvaluationSet, weights: Path, drafting_weights: Path, tmp_path: Path
) -> None:
    base = model_files("whisper-base", tmp_path / "models")
    good = compare(which, weights, base, drafting_weights)
    print(good)
    assert good.passed
    bad = compare(which, weights, damaged(weights, tmp_path / "damaged"), drafting_weights)
    print(bad)
    assert not bad.passed
    failed = {each.measure for each in bad.comparisons if not each.passed}
    assert {"word_error_rate", "negation_error_rate"} <= failed
    assert "unsupported_share" not in failed  # the drafting model is the same
    assert all(each.incumbent <= 0.05 for each in bad.comparisons if each.measure == "word_error_rate")


def test_the_probe_passes_the_real_engines(
    transcription: Any, start_drafting: Callable[..., AbstractContextManager[Any]], drafting_weights: Path
) -> None:
    heard = probe_transcription(transcription.socket, timeout_s=300)
    assert heard.passed, heard
    with start_drafting(drafting_weights, context_tokens=2048, parallel=1) as drafting:
        wrote = probe_drafting(drafting.socket, timeout_s=300)
    print(heard, wrote)
    assert wrote.passed, wrote

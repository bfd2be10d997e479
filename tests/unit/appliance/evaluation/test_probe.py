"""The probe passes an engine that works, and tells of one that does not."""

from __future__ import annotations

import asyncio
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from starlette.responses import Response

from appliance.clinical.source import Speaker
from appliance.evaluation.probe import SAID, SAMPLE, probe_drafting, probe_transcription
from tests.fakes.clinical import StubEngine, StubTranscription, listening

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def place() -> Any:
    with TemporaryDirectory(prefix="pr") as folder:
        yield Path(folder)


async def hear(place: Path, line: str | None = None, answer: Response | None = None, **more: Any) -> Any:
    stub = StubTranscription()
    stub.lines = ((Speaker.UNKNOWN, line),) if line else ()
    stub.first = [answer] if answer else []
    async with listening(stub.app, place / "t.sock"):
        found = await asyncio.to_thread(probe_transcription, place / "t.sock", **{"timeout_s": 60.0, **more})
    assert not stub.bodies or SAMPLE.read_bytes() in stub.bodies[0]
    return found


@pytest.mark.parametrize(
    ("line", "passed", "wrong"),
    [
        (SAID, True, 0), ("Ask not, what your country can do for you!", True, 0),
        ("Ask not what your country could do for me.", True, 2), ("What your country do.", False, 5),
        ("Thank you for watching.", False, 8), (None, False, 9), (SAID + " um" * 4, False, 4),
    ],
)  # fmt: skip
async def test_the_sample_has_to_be_heard(place: Path, line: str | None, passed: bool, wrong: int) -> None:
    found = await hear(place, line)
    assert found.passed is passed
    assert found.detail.startswith(f"{wrong} of 9 words")
    assert found.root_hash == "1" * 64


async def test_a_service_that_fails_is_told_of(place: Path) -> None:
    assert "status 502" in (await hear(place, SAID, Response(status_code=502))).detail
    assert "not understood" in (await hear(place, SAID, Response("{}"))).detail
    found = await asyncio.to_thread(probe_transcription, place / "none.sock", timeout_s=60)
    assert (found.passed, found.root_hash) == (False, None)
    assert "none.sock: No such file" in found.detail
    found = await hear(place, SAID, sample=place / "none.flac")
    assert not found.passed


async def test_a_service_that_hangs_ends_in_time(place: Path) -> None:
    stub = StubTranscription()
    stub.hold = asyncio.Event()
    async with listening(stub.app, place / "t.sock"):
        found = await asyncio.to_thread(probe_transcription, place / "t.sock", timeout_s=0.2)
        stub.hold.set()
    assert (found.passed, found.detail) == (False, "transcription: no answer within 0 s")


async def write(place: Path, *sentences: str, **more: Any) -> Any:
    stub = StubEngine()
    stub.sections = {"history": list(sentences)}
    stub.fail_after = more.pop("fail_after", None)
    stub.hold_after = more.pop("hold_after", None)
    async with listening(stub.app, place / "d.sock"):
        found = await asyncio.to_thread(probe_drafting, place / "d.sock", **{"timeout_s": 60.0, **more})
        stub.release.set()
    return found


@pytest.mark.parametrize(
    ("sentences", "passed", "counts"),
    [
        (("The left knee has hurt for two weeks.",), True, "1 statements were drafted from the sample, 1 are"),
        (("The right knee has hurt for nine weeks.",), False, "1 statements were drafted from the sample, 0 are"),
        ((), False, "0 statements"),
    ],
)
async def test_a_sentence_has_to_be_drafted_and_found_in_the_source(
    place: Path, sentences: tuple[str, ...], passed: bool, counts: str
) -> None:
    found = await write(place, *sentences)
    assert found.passed is passed
    assert found.detail.startswith(counts)


async def test_an_engine_that_breaks_or_hangs_is_told_of(place: Path) -> None:
    broken = await write(place, "The left knee has hurt.", fail_after=1)
    assert not broken.passed
    assert broken.detail.startswith("drafting: engine_")
    hung = await write(place, "The left knee has hurt.", hold_after=1, timeout_s=0.3)
    assert not hung.passed
    absent = await asyncio.to_thread(probe_drafting, place / "none.sock", timeout_s=60)
    assert "none.sock: No such file" in absent.detail


async def test_two_models_are_asked_the_same_word_for_word(place: Path) -> None:
    asked = []
    for _ in range(2):
        stub = StubEngine()
        async with listening(stub.app, place / "d.sock"):
            await asyncio.to_thread(probe_drafting, place / "d.sock", timeout_s=60.0)
        asked.append([(given["messages"], given["temperature"], given["seed"]) for given in stub.requests])
    assert asked[0]
    assert asked[0] == asked[1]

"""The queue of transcripts: it survives restarts, waits for a busy service, and gives up on a poisoned recording."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from starlette.responses import Response

pytestmark = pytest.mark.anyio


def problem(code: str, status: int, **headers: str) -> Response:
    body = f'{{"type":"urn:fleetctl:problem:{code}"}}'
    return Response(body, status, headers, media_type="application/problem+json")


async def finished(gw: Any, transcript: str) -> dict[str, Any]:
    found: dict[str, Any] = (await gw.ask("GET", f"/v1/transcripts/{transcript}?wait_s=20", status=200)).json()
    return found


@pytest.mark.both_stores
async def test_a_restart_takes_up_what_waits_and_what_was_in_work(start: Any) -> None:
    async with start() as gw:
        encounter = await gw.visit()
        gw.transcription.hold = asyncio.Event()
        first = await gw.order(encounter, await gw.upload(encounter))
        second = await gw.order(encounter, await gw.upload(encounter))
        await gw.transcription.asked.wait()
        assert sorted(row[0] for row in gw.rows("SELECT state FROM transcript")) == ["queued", "running"]
        gw.transcription.hold.set()
        await gw.core.jobs.stop()
    async with start() as gw:
        for transcript in (first, second):
            assert (await finished(gw, transcript))["state"] == "done"


async def test_a_recording_that_breaks_the_service_fails_after_three_tries(gw: Any) -> None:
    encounter = await gw.visit()
    gw.transcription.first = [problem("crashed", 502) for _ in range(9)]
    transcript = await gw.order(encounter, await gw.upload(encounter))
    found = await finished(gw, transcript)
    assert (found["state"], found["problem"]) == ("failed", "crashed")
    assert len(gw.transcription.bodies) == 3
    assert gw.entries()[-1]["event"] == "transcript.failed"
    assert gw.entries()[-1]["reason"] == "crashed"


async def test_a_refusal_is_final(gw: Any) -> None:
    encounter = await gw.visit()
    gw.transcription.first = [problem("undecodable", 422)]
    found = await finished(gw, await gw.order(encounter, await gw.upload(encounter)))
    assert (found["state"], found["problem"]) == ("failed", "undecodable")
    assert len(gw.transcription.bodies) == 1


async def test_a_busy_service_is_waited_for(gw: Any) -> None:
    encounter = await gw.visit()
    gw.transcription.first = [problem("busy", 503, **{"retry-after": "0"}) for _ in range(8)]
    transcript = await gw.order(encounter, await gw.upload(encounter))
    found = await finished(gw, transcript)
    assert found["state"] == "done"
    assert len(gw.transcription.bodies) == 9


async def test_a_service_that_is_not_there_is_waited_for(start: Any) -> None:
    async with start(engines=False) as gw:
        encounter = await gw.visit()
        transcript = await gw.order(encounter, await gw.upload(encounter))
        for _ in range(5):
            await gw.core.jobs.wait(5)
        state, attempts = gw.row("SELECT state, attempts FROM transcript")
        assert state in ("queued", "running")
        assert attempts <= 1
    async with start() as gw:
        assert (await finished(gw, transcript))["state"] == "done"


@pytest.mark.parametrize(
    "answer",
    [
        Response("{}", media_type="application/json"),
        Response("no json", media_type="application/json"),
        problem("Not A Code", 422),
        problem("é" * 50, 422),
        Response("[1]", 422, media_type="application/problem+json"),
    ],
)
async def test_an_answer_of_no_sense_fails_one_transcript_and_not_the_queue(gw: Any, answer: Response) -> None:
    encounter = await gw.visit()
    gw.transcription.first = [answer]
    found = await finished(gw, await gw.order(encounter, await gw.upload(encounter)))
    assert found["state"] == "failed"
    assert found["problem"] in ("answer-not-understood", "status-422")
    assert (await finished(gw, await gw.order(encounter, await gw.upload(encounter))))["state"] == "done"


async def test_the_queue_outlives_a_store_that_fails(gw: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from sqlalchemy.exc import OperationalError

    store, failures = gw.core.jobs._store, [1]

    def once(*given: Any) -> None:
        if failures:
            failures.pop()
            raise OperationalError("update", {}, Exception("disk I/O error"))
        store(*given)

    monkeypatch.setattr(gw.core.jobs, "_store", once)
    encounter = await gw.visit()
    assert (await finished(gw, await gw.order(encounter, await gw.upload(encounter))))["state"] == "done"


async def test_a_damaged_recording_fails_its_transcript(gw: Any) -> None:
    encounter = await gw.visit()
    gw.transcription.hold = asyncio.Event()
    await gw.order(encounter, await gw.upload(encounter))
    await gw.transcription.asked.wait()
    recording = await gw.upload(encounter)
    file = next(one for one in gw.recordings(encounter) if one.stem == recording)
    file.write_bytes(file.read_bytes()[:-1])
    transcript = await gw.order(encounter, recording)
    gw.transcription.hold.set()
    found = await finished(gw, transcript)
    assert (found["state"], found["problem"]) == ("failed", "recording-integrityerror")

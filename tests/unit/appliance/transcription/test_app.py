"""The HTTP service with a scripted engine: what it accepts, what it refuses, and what it never says."""

import asyncio
import json
import logging
import threading
from collections.abc import Callable
from typing import Any

import pytest

FIELDS = [("model", "whisper-test")]
MakeService = Callable[..., Any]


def problem(answer: Any) -> dict[str, Any]:
    assert answer.headers["content-type"] == "application/problem+json"
    document: dict[str, Any] = json.loads(answer.body)
    assert document["status"] == answer.status
    assert document["instance"].endswith(answer.headers["x-request-id"])
    assert document["error"]["message"] == document["detail"]
    return document


def test_a_recording_becomes_text(make_service: MakeService, client: Any, engine: Any) -> None:
    answer = asyncio.run(client.post(make_service().app(), FIELDS, client.wav()))
    assert (answer.status, json.loads(answer.body)) == (200, {"text": "Chest pain."})
    assert answer.headers["cache-control"] == "no-store"
    assert (engine.asked[0].temperature, engine.asked[0].words, engine.asked[0].language) == (0.0, False, None)


def test_words_are_given_when_they_are_asked_for(make_service: MakeService, client: Any, engine: Any) -> None:
    more = [("response_format", "verbose_json"), ("timestamp_granularities[]", "word")]
    answer = asyncio.run(client.post(make_service().app(), FIELDS + more, client.wav()))
    document = json.loads(answer.body)
    assert [word["word"] for word in document["words"]] == ["Chest", "pain."]
    assert "segments" not in document
    assert engine.asked[0].words


@pytest.mark.parametrize(
    ("fields", "status", "code", "words"),
    [
        ([], 400, "invalid-parameter", "`model` is missing"),
        ([("model", "gpt-x")], 404, "model-not-found", "serves whisper-test"),
        ([*FIELDS, ("stream", "true")], 400, "invalid-parameter", "`stream` is not supported"),
        ([*FIELDS, ("language", "xx")], 400, "invalid-parameter", "`language`"),
        ([*FIELDS, ("response_format", "xml")], 400, "invalid-parameter", "`response_format`"),
        ([*FIELDS, ("temperature", "1.5")], 400, "invalid-parameter", "`temperature`"),
        ([*FIELDS, ("temperature", "nan")], 400, "invalid-parameter", "`temperature`"),
        ([*FIELDS, ("prompt", "x" * 2001)], 400, "invalid-parameter", "`prompt`"),
        ([*FIELDS, ("timestamp_granularities[]", "word")], 400, "invalid-parameter", "verbose_json"),
        ([*FIELDS, *FIELDS], 400, "invalid-parameter", "given once"),
        ([*FIELDS, ("patient", "x")], 400, "invalid-parameter", "1 form fields are not known"),
    ],
)
def test_a_wrong_field_is_refused(
    make_service: MakeService,
    client: Any,
    engine: Any,
    fields: list[tuple[str, str]],
    status: int,
    code: str,
    words: str,
) -> None:
    answer = asyncio.run(client.post(make_service().app(), fields, client.wav()))
    document = problem(answer)
    assert (answer.status, document["type"]) == (status, f"urn:fleetctl:problem:{code}")
    assert words in document["detail"]
    assert engine.asked == []


@pytest.mark.parametrize(
    ("file", "status", "code"),
    [
        (None, 400, "invalid-parameter"),
        (b"", 400, "invalid-parameter"),
        (b"%PDF-1.7 junk" * 50, 415, "unsupported-media"),
    ],
)
def test_a_file_that_is_no_recording_is_refused(
    make_service: MakeService, client: Any, file: bytes | None, status: int, code: str
) -> None:
    answer = asyncio.run(client.post(make_service().app(), FIELDS, file))
    assert (answer.status, problem(answer)["error"]["code"]) == (status, code)


def test_not_a_form_is_refused(make_service: MakeService, client: Any) -> None:
    sent = client.request(make_service().app(), "POST", "/v1/audio/transcriptions", body=b"{}")
    assert problem(asyncio.run(sent))["status"] == 415


def test_a_broken_form_is_refused(make_service: MakeService, client: Any) -> None:
    headers = {"content-type": "multipart/form-data; boundary=x"}
    sent = client.request(
        make_service().app(), "POST", "/v1/audio/transcriptions", body=b"--y\r\ngarbage", headers=headers
    )
    assert problem(asyncio.run(sent))["status"] == 400


@pytest.mark.parametrize("declared", [True, False])
def test_an_upload_over_the_limit_is_refused(make_service: MakeService, client: Any, declared: bool) -> None:
    """By its declared length before it is read, and by counting when the length is not declared."""
    app = make_service(max_upload_bytes=100_000).app()
    headers = {"content-type": "multipart/form-data; boundary=x"}
    body = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n' + bytes(400_000)
    if declared:
        headers["content-length"] = str(len(body))
    answer = asyncio.run(client.request(app, "POST", "/v1/audio/transcriptions", body=body, headers=headers))
    assert (answer.status, problem(answer)["max_upload_bytes"]) == (413, 100_000)


def test_a_file_over_the_limit_but_inside_of_the_forms_room_is_refused(make_service: MakeService, client: Any) -> None:
    answer = asyncio.run(client.post(make_service(max_upload_bytes=20_000).app(), FIELDS, client.wav()))
    assert answer.status == 413


def test_a_recording_that_is_too_long_is_refused(make_service: MakeService, client: Any) -> None:
    answer = asyncio.run(client.post(make_service(max_audio_s=2).app(), FIELDS, client.wav(3)))
    assert (answer.status, problem(answer)["max_audio_s"]) == (413, 2)


def test_an_upload_that_never_ends_is_given_up(make_service: MakeService, client: Any) -> None:
    service = make_service(upload_timeout_s=0.05)
    answer = asyncio.run(client.post(service.app(), FIELDS, client.wav(), stalls=True))
    assert answer.status == 408
    assert service.worker.inside == 0


def test_a_full_queue_says_when_to_come_back(make_service: MakeService, client: Any, engine: Any) -> None:
    service, started, go_on = make_service(queue_limit=1), threading.Event(), threading.Event()

    def hold(stop: Callable[[], None]) -> None:
        started.set()
        go_on.wait(60)

    engine.act = hold

    async def run() -> list[Any]:
        app = service.app()
        first = asyncio.create_task(client.post(app, FIELDS, client.wav()))
        assert await asyncio.to_thread(started.wait, 60)
        second = asyncio.create_task(client.post(app, FIELDS, client.wav()))
        while service.worker.inside < 2:
            await asyncio.sleep(0)
        third = await client.post(app, FIELDS, client.wav())
        go_on.set()
        return [await first, await second, third]

    first, second, third = asyncio.run(run())
    assert (first.status, second.status, third.status) == (200, 200, 503)
    assert int(third.headers["retry-after"]) >= 1
    assert problem(third)["error"]["type"] == "server_error"
    service.worker.close()
    assert (service.worker.inside, service.worker.refused, service.worker.done) == (0, 1, 2)


def test_a_deadline_ends_the_request_and_the_work(make_service: MakeService, client: Any, engine: Any) -> None:
    service, never = make_service(request_timeout_s=0.05), threading.Event()

    def work(stop: Callable[[], None]) -> None:
        while not never.wait(0.005):
            stop()

    engine.act = work

    async def run() -> Any:
        answer = await client.post(service.app(), FIELDS, client.wav())
        async with asyncio.timeout(60):
            while service.worker.inside:
                await asyncio.sleep(0.001)
        return answer

    assert problem(asyncio.run(run()))["status"] == 504
    assert service.worker.failed == 1


def test_work_stops_when_its_client_goes_away(make_service: MakeService, client: Any, engine: Any) -> None:
    service, started, never = make_service(), threading.Event(), threading.Event()

    def work(stop: Callable[[], None]) -> None:
        started.set()
        while not never.wait(0.005):
            stop()

    engine.act = work

    async def run() -> Any:
        gone = asyncio.Event()
        sent = asyncio.create_task(client.post(service.app(), FIELDS, client.wav(), gone=gone))
        assert await asyncio.to_thread(started.wait, 60)
        gone.set()
        try:
            return await asyncio.wait_for(sent, 60)
        finally:
            never.set()

    assert asyncio.run(run()).status == 499
    service.worker.close()
    assert service.worker.inside == 0


def test_nothing_that_was_said_is_logged(
    make_service: MakeService, client: Any, engine: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither transcript, prompt nor file name: not on success, not on refusal, not when a library fails."""
    caplog.set_level(logging.DEBUG)
    app = make_service().app()

    def fail(stop: Callable[[], None]) -> None:
        raise RuntimeError("Jane Doe has chest pain")

    asyncio.run(client.post(app, [*FIELDS, ("prompt", "Jane Doe")], client.wav()))
    asyncio.run(client.post(app, [*FIELDS, ("language", "Jane Doe")], client.wav()))
    engine.act = fail
    failed = asyncio.run(client.post(app, FIELDS, client.wav()))
    assert problem(failed)["status"] == 500
    said = caplog.text + failed.body.decode()
    assert "Jane" not in said
    assert "hest" not in said
    assert caplog.text.count("request ") == 3
    assert "RuntimeError" in caplog.text


def test_models_health_and_unknown_routes(make_service: MakeService, client: Any) -> None:
    app = make_service().app()
    models = asyncio.run(client.request(app, "GET", "/v1/models"))
    assert [model["id"] for model in json.loads(models.body)["data"]] == ["whisper-test"]
    health = json.loads(asyncio.run(client.request(app, "GET", "/health")).body)
    assert (health["model"], health["root_hash"], health["queue_limit"]) == ("whisper-test", None, 4)
    assert health["root_hash_source"]
    assert (health["schema_version"], health["live_streams"]) == ("transcription-health/v2", 0)
    assert (health["latency"]["count"], health["latency"]["p50_ms"]) == (0, None)
    assert asyncio.run(client.request(app, "GET", "/metrics")).status == 404
    assert asyncio.run(client.request(app, "GET", "/v1/audio/transcriptions")).status == 405

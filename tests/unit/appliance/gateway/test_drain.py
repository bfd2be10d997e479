"""A drain: nothing begins, what is in work ends, the rest of the practice goes on; and zero is never said too early."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from contextlib import ExitStack, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import websockets.asyncio.client as client
from websockets.exceptions import InvalidStatus

from appliance.contract.drain import DrainOrder
from appliance.contract.gateway_health import GatewayHealth
from appliance.gateway.drain import Drain
from appliance.problems import ProblemError

pytestmark = pytest.mark.anyio
FRAME = b"\x01\x00" * 1600


def order(*, seconds: float = 600) -> bytes:
    until = datetime.now(UTC) + timedelta(seconds=seconds)
    return DrainOrder(operation="a" * 32, reason="release 2026.11-1", until=until).content()


def put(path: Path, content: bytes) -> None:
    """As root does it: whole or not at all."""
    path.parent.mkdir(exist_ok=True)
    new = path.with_name("new")
    new.write_bytes(content)
    new.replace(path)


@pytest.fixture
def path(place: Path) -> Path:
    return place / "release" / "drain.json"


@pytest.fixture
async def gw(start: Any, path: Path) -> Any:
    async with start(drain=path) as gateway:
        yield gateway


@pytest.fixture
async def real(start: Any, path: Path) -> Any:
    async with start(real=True, drain=path) as gateway:
        yield gateway


async def health(gw: Any) -> GatewayHealth:
    return GatewayHealth.model_validate_json((await gw.base.get("/health")).content)


async def counts(gw: Any) -> dict[str, int]:
    found = (await health(gw)).in_flight
    assert found is not None
    return found.model_dump()


async def until(gw: Any, **wanted: int) -> None:
    async with asyncio.timeout(60):
        while not wanted.items() <= (await counts(gw)).items():
            await asyncio.sleep(0.005)


async def begun(gw: Any, encounter: str) -> list[Any]:
    """Every request that would begin something, answered."""
    at = f"/v1/encounters/{encounter}"
    return [
        await gw.upload(encounter, status=None),
        await gw.ask("POST", f"{at}/records", content=b"text", headers={"content-type": "text/plain"}),
        await gw.ask("POST", f"{at}/transcripts", json={"recording": "0" * 8 + "-0000-4000-8000-" + "0" * 12}),
        await gw.ask("POST", f"{at}/drafts", json={"kind": "visit_note", "sources": gw.source}),
        await gw.ask("POST", f"{at}/drafts", json={"kind": "visit_note", "sources": gw.source, "preview": True}),
        await gw.ask(
            "POST", f"{at}/drafts", json={"kind": "visit_note", "sources": gw.source},
            headers={"accept": "text/event-stream"},
        ),
    ]  # fmt: skip


async def test_nothing_begins_and_the_rest_goes_on(gw: Any, path: Path, lines: list[str]) -> None:
    encounter, document = await gw.drafted()
    gw.source = [gw.row("SELECT id FROM transcript")[0]]
    before = gw.happened()
    put(path, order())
    for answer in await begun(gw, encounter):
        assert (answer.status_code, answer.json()["type"]) == (503, "urn:fleetctl:problem:draining"), answer.text
        assert answer.headers["retry-after"] == "60"
    assert gw.happened() == before  # nothing of it is an act on a patient's data
    found = await health(gw)
    assert found.draining is True
    assert found.in_flight is not None
    assert found.in_flight.total == 0
    # What a practice does with what it has.
    await gw.ask("GET", f"/v1/transcripts/{gw.source[0]}", status=200)
    assert (await gw.consent(encounter)).status_code in (200, 201)
    assert (await gw.act(document, "review")).status_code == 200
    assert (await gw.act(document, "signature", json={"attest": True})).status_code == 201
    path.unlink()
    uploaded, *others = await begun(gw, encounter)
    assert isinstance(uploaded, str)
    assert [one.status_code for one in others] == [201, 404, 201, 200, 200]
    assert (await health(gw)).draining is False
    told = [line for line in lines if line.startswith("drain: ")]
    assert told[0].startswith(f"drain: operation {'a' * 32}, until ")
    assert told[1:] == ["drain: ended"]


async def test_a_visit_that_runs_is_let_finish_and_a_new_one_is_refused(real: Any, path: Path) -> None:
    encounter, other = await real.visit(), await real.visit()
    headers = real.headers()

    def connect(which: str) -> Any:
        uri = f"ws://gateway/v1/encounters/{which}/live"
        return client.unix_connect(str(real.socket), uri=uri, additional_headers=headers, compression=None)

    async with connect(encounter) as socket:
        await socket.send('{"type":"start","language":"en"}')
        assert json.loads(await socket.recv())["type"] == "started"
        put(path, order())
        with pytest.raises(InvalidStatus) as caught:
            async with connect(other):
                pass
        assert caught.value.response.status_code == 503
        assert "draining" in caught.value.response.body.decode()
        assert await counts(real) == {"visits": 1, "uploads": 0, "transcripts": 0, "drafts": 0}
        await socket.send(FRAME)
        await socket.send('{"type":"end"}')
        async with asyncio.timeout(60):
            while (message := json.loads(await socket.recv()))["type"] != "final":
                pass
        assert message["state"] == "done"
    await until(real, visits=0)


async def test_an_upload_and_a_draft_in_work_end(real: Any, path: Path) -> None:
    encounter = await real.visit()
    transcript = await real.transcribed(encounter)
    real.engine.hold_after = 1
    drafting = asyncio.create_task(real.draft(encounter, transcript))
    await real.engine.held.wait()
    go = asyncio.Event()

    async def slow() -> Any:
        yield b"RIFF\x24\x00\x00\x00WAVEfmt " + bytes(64)
        await go.wait()
        yield bytes(64)

    uploading = asyncio.create_task(
        real.ask(
            "POST", f"/v1/encounters/{encounter}/recordings", content=slow(), headers={"content-type": "audio/wav"}
        )
    )
    await until(real, uploads=1, drafts=1)
    put(path, order())
    assert (await health(real)).draining is True
    assert await counts(real) == {"visits": 0, "uploads": 1, "transcripts": 0, "drafts": 1}
    go.set()
    real.engine.release.set()
    assert (await uploading).status_code == 201
    assert (await drafting)["state"] == "draft"
    await until(real, uploads=0, drafts=0)


async def test_a_client_that_leaves_is_not_counted_for_ever(real: Any) -> None:
    encounter = await real.visit()
    transcript = await real.transcribed(encounter)
    real.engine.hold_after = 1
    drafting = asyncio.create_task(real.draft(encounter, transcript))
    await real.engine.held.wait()
    await until(real, drafts=1)
    drafting.cancel()
    with suppress(asyncio.CancelledError):
        await drafting
    real.engine.release.set()
    await until(real, drafts=0)


async def test_the_queue_ends_its_job_and_takes_no_other(gw: Any, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("appliance.gateway.jobs._DRAINED_S", 0.01)
    encounter = await gw.visit()
    gw.transcription.hold = asyncio.Event()
    first = await gw.order(encounter, await gw.upload(encounter))
    second = await gw.order(encounter, await gw.upload(encounter))
    await gw.transcription.asked.wait()
    put(path, order())
    assert (await counts(gw))["transcripts"] == 1
    gw.transcription.hold.set()
    assert (await gw.ask("GET", f"/v1/transcripts/{first}?wait_s=20")).json()["state"] == "done"
    await until(gw, transcripts=0)
    await asyncio.sleep(0.1)  # ten times as long as the queue waits before it looks again
    assert len(gw.transcription.bodies) == 1
    found = await health(gw)
    assert found.in_flight is not None
    assert (found.in_flight.total, found.open_transcripts) == (0, 1)  # it waits, and is kept
    path.unlink()
    assert (await gw.ask("GET", f"/v1/transcripts/{second}?wait_s=20")).json()["state"] == "done"


async def test_the_engine_is_asked_anew_after_a_drain(gw: Any, path: Path) -> None:
    """A release changes the weights within the time for which their identity is kept."""
    encounter, _ = await gw.drafted()
    source = gw.row("SELECT id FROM transcript")[0]
    asked: list[int] = []
    ask = gw.core.drafts._ask

    async def counted() -> Any:
        asked.append(1)
        return await ask()

    gw.core.drafts._ask = counted
    await gw.draft(encounter, source)
    assert asked == []
    put(path, order())
    assert (await health(gw)).draining
    path.unlink()
    asked.clear()
    await gw.draft(encounter, source)
    assert len(asked) == 1


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is no order"), (b"{}", "is no order: operation: missing"), (b"null", "is no order"),
        (b"x" * 5000, "larger than 4096 bytes"), (order()[:-20], "is no order"),
        (order().replace(b"drain/v1", b"drain/v2"), "is no order: schema_version"),
        (order().replace(b"Z", b""), "is no order: until: timezone_aware"),
    ],
)  # fmt: skip
async def test_what_is_no_order_drains(tmp_path: Path, content: bytes, said: str, lines: list[str]) -> None:
    path = tmp_path / "drain.json"
    path.write_bytes(content)
    drain = Drain(path)
    for _ in range(3):
        with pytest.raises(ProblemError) as caught, drain.admitted("drafts"):
            pass
    assert (caught.value.status, caught.value.code) == (503, "draining")
    told = [line for line in lines if line.startswith("drain: ")]
    assert len(told) == 1
    assert said in told[0]
    assert "x" * 20 not in told[0]  # what stands in it is not repeated
    path.unlink()
    with drain.admitted("drafts"):
        pass


async def test_a_folder_or_a_pipe_in_its_place_drains(tmp_path: Path) -> None:
    (tmp_path / "drain.json").mkdir()
    assert Drain(tmp_path / "drain.json").state()[0] is True
    (tmp_path / "file").write_text("")
    assert Drain(tmp_path / "file" / "drain.json").state()[0] is True
    assert Drain(tmp_path / "none" / "drain.json").state()[0] is False


async def test_an_order_ends_by_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = datetime.now(UTC)
    clock = SimpleNamespace(now=lambda zone: now)
    monkeypatch.setattr("appliance.gateway.drain.datetime", clock)
    path = tmp_path / "drain.json"
    drain = Drain(path)
    put(path, order(seconds=-1))
    assert drain.state()[0] is False
    put(path, order(seconds=300))
    now += timedelta(seconds=299.7)
    with pytest.raises(ProblemError) as caught:
        drain.require_none()
    assert caught.value.retry_after_s == 1
    now += timedelta(seconds=1)
    assert drain.state()[0] is False
    with drain.admitted("visits"):
        assert drain.state()[1].visits == 1


@pytest.mark.parametrize("at", [1, 2, 3])
async def test_an_order_between_a_look_and_the_next_step(path: Path, monkeypatch: pytest.MonkeyPatch, at: int) -> None:
    """The order comes right behind each look: who is let in nevertheless was counted in the answer given then."""
    drain = Drain(path)
    look, looks, told = drain._left_s, [0], []

    def looked() -> float | None:
        found = look()
        looks[0] += 1
        if looks[0] == at:
            put(path, order())
            told.append(drain.state())
        return found

    monkeypatch.setattr(drain, "_left_s", looked)
    let_in = False
    with suppress(ProblemError), drain.admitted("uploads"):
        let_in = True
    if at == 3:
        assert (let_in, told, looks[0]) == (True, [], 2)  # nobody looks a third time
    else:
        assert told[0][0] is True
        assert not let_in or told[0][1].uploads == 1
    assert drain.state()[1].total == 0


async def test_who_begins_while_an_answer_is_made_is_in_it(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drain = Drain(path)
    look = drain._left_s

    def looked() -> float | None:
        monkeypatch.setattr(drain, "_left_s", look)
        going.enter_context(drain.admitted("visits"))
        put(path, order())
        return look()

    with ExitStack() as going:
        monkeypatch.setattr(drain, "_left_s", looked)
        draining, flight = drain.state()
    assert (draining, flight.visits) == (True, 1)


async def test_zero_is_never_said_while_somebody_was_let_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Many threads begin and end work while drains come and go. Behind an answer of zero, nobody is or comes in."""
    path = tmp_path / "release" / "drain.json"
    drain, stop, sealed = Drain(path), threading.Event(), threading.Event()
    get, me = drain._file.get, threading.get_ident()

    def slowly() -> DrainOrder:
        """Who begins acts a moment later on what was seen, as on a busy machine."""
        try:
            return get()
        finally:
            if threading.get_ident() != me:
                time.sleep(0.001)

    monkeypatch.setattr(drain._file, "get", slowly)
    inside: list[int] = []
    wrong: list[str] = []
    let_in = [0]

    def worker() -> None:
        while not stop.is_set():
            try:
                with drain.admitted("visits"):
                    inside.append(1)
                    if sealed.is_set():
                        wrong.append("let in behind zero")
                    time.sleep(0.0002)
                    let_in[0] += 1
                    inside.pop()
            except ProblemError:
                time.sleep(0.0002)

    workers = [threading.Thread(target=worker) for _ in range(16)]
    for one in workers:
        one.start()
    zeros = 0
    try:
        for _ in range(40):
            before, deadline = let_in[0], time.monotonic() + 60
            while let_in[0] < before + 5:
                assert time.monotonic() < deadline
                time.sleep(0.0005)
            put(path, order())
            while True:
                draining, flight = drain.state()
                if draining and flight.total == 0:
                    break
                assert time.monotonic() < deadline
            sealed.set()
            if inside:
                wrong.append("inside at zero")
            zeros += 1
            time.sleep(0.003)
            sealed.clear()
            path.unlink()
    finally:
        stop.set()
        for one in workers:
            one.join()
    assert zeros == 40
    assert wrong == []
    assert drain.state()[1].total == 0


def test_a_gateway_of_before_is_understood_and_says_nothing_of_it() -> None:
    old = {
        "schema_version": "gateway-health/v1", "status": "ok", "open_transcripts": 0, "failed_transcripts": 0,
        "audit": {"size": 1, "root_hash": "0" * 64, "checkpoint_age_s": None, "writable": True},
        "database": {"ok": True}, "engines": {"transcription": True, "drafting": None},
    }  # fmt: skip
    found = GatewayHealth.model_validate(old)
    assert (found.draining, found.in_flight) == (None, None)

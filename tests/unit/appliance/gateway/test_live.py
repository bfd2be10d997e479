"""A running visit over a real WebSocket: the recording is whole whatever happens to the preview or the client."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from typing import Any

import pytest
import websockets.asyncio.client as client
from websockets.exceptions import ConnectionClosed, InvalidStatus

from appliance.gateway.auth.principal import Role

pytestmark = pytest.mark.anyio
FRAME = b"\x01\x00" * 1600


def connect(gw: Any, encounter: str, *who: Any) -> Any:
    return client.unix_connect(
        str(gw.socket), uri=f"ws://gateway/v1/encounters/{encounter}/live",
        additional_headers=gw.headers(*(who or ("doc-1", Role.CLINICIAN))), compression=None,
    )  # fmt: skip


async def until(socket: Any, kind: str) -> dict[str, Any]:
    async with asyncio.timeout(60):
        while True:
            message: dict[str, Any] = json.loads(await socket.recv())
            if message["type"] == kind:
                return message


async def started(socket: Any) -> str:
    await socket.send('{"type":"start","language":"en"}')
    return str((await until(socket, "started"))["recording"])


async def listened(gw: Any, encounter: str, recording: str) -> bytes:
    answer = await gw.ask("GET", f"/v1/encounters/{encounter}/recordings/{recording}", status=200)
    return bytes(answer.content)


async def state(gw: Any, wanted: str) -> None:
    async with asyncio.timeout(60):
        while gw.row("SELECT state FROM recording")[0] != wanted:
            await asyncio.sleep(0.005)


@pytest.mark.both_stores
async def test_a_visit_ends_with_a_recording_and_its_transcript(real: Any) -> None:
    encounter = await real.visit()
    async with connect(real, encounter) as socket:
        recording = await started(socket)
        for _ in range(5):
            await socket.send(FRAME)
        partial = await until(socket, "partial")
        assert partial["stable"][0]["text"] == "My"
        await socket.send('{"type":"end"}')
        final = await until(socket, "final")
    assert (final["recording"], final["state"]) == (recording, "done")
    assert await listened(real, encounter, recording) == FRAME * 5
    assert real.transcription.heard == FRAME * 5
    found = (await real.ask("GET", f"/v1/transcripts/{final['transcript']}")).json()
    assert "left knee" in found["text"]
    names = real.happened()
    assert names.index("live.begun") < names.index("recording.stored") < names.index("transcript.completed")


@pytest.mark.parametrize("who", [("doc-1", Role.CODER), ("doc-2", Role.CLINICIAN)])
async def test_only_who_may_record_gets_a_connection(real: Any, who: Any) -> None:
    encounter = await real.visit()
    with pytest.raises(InvalidStatus) as caught:
        async with connect(real, encounter, *who):
            pass
    assert caught.value.response.status_code == 403


async def test_without_consent_there_is_no_connection(real: Any) -> None:
    encounter = await real.encounter()
    with pytest.raises(InvalidStatus) as caught:
        async with connect(real, encounter):
            pass
    response = caught.value.response
    assert response.status_code == 403
    assert json.loads(response.body)["type"].endswith("consent-missing")
    assert real.rows("SELECT id FROM recording") == []


@pytest.mark.parametrize(
    "first",
    [FRAME, "no json", "[]", '{"type":"end"}', '{"type":"start","language":"x; rm"}', '{"type":"start","more":1}',
     "[" * 990, '"' * 900, "null"],
)  # fmt: skip
async def test_what_does_not_start_right_is_closed_before_anything_is_stored(real: Any, first: Any) -> None:
    encounter = await real.visit()
    async with connect(real, encounter) as socket:
        await socket.send(first)
        with pytest.raises(ConnectionClosed) as caught:
            await until(socket, "started")
    assert caught.value.rcvd.code == 1008
    assert real.rows("SELECT id FROM recording") == []


@pytest.mark.parametrize("abuse", [b"\x00", b"\x00" * (64 * 1024 + 2), "text", '{"type":"pause"}'])
async def test_abuse_in_the_middle_keeps_what_arrived(real: Any, abuse: Any) -> None:
    encounter = await real.visit()
    async with connect(real, encounter) as socket:
        recording = await started(socket)
        await socket.send(FRAME)
        await socket.send(abuse)
        assert (await until(socket, "stopped"))["reason"] == "protocol"
    assert real.row("SELECT state FROM recording")[0] == "interrupted"
    assert await listened(real, encounter, recording) == FRAME


async def test_a_frame_beyond_every_bound_ends_the_connection_and_keeps_what_arrived(real: Any) -> None:
    encounter = await real.visit()
    async with connect(real, encounter) as socket:
        recording = await started(socket)
        await socket.send(FRAME)
        await until(socket, "partial")
        with pytest.raises(ConnectionClosed):  # noqa: PT012 (either may be where it is noticed)
            await socket.send(b"\x00" * 1_000_000)
            await until(socket, "final")
    await state(real, "interrupted")
    assert await listened(real, encounter, recording) == FRAME


async def test_an_idle_client_is_ended(real: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("appliance.gateway.routes.live._IDLE_S", 0.05)
    encounter = await real.visit()
    async with connect(real, encounter) as socket:
        await started(socket)
        assert (await until(socket, "stopped"))["reason"] == "idle"
    # Nothing had arrived, so there is no recording.
    assert real.row("SELECT state FROM recording")[0] == "deleted"
    assert real.recordings(encounter) == []


async def test_a_visit_is_recorded_once_at_a_time(real: Any) -> None:
    encounter = await real.visit()
    async with connect(real, encounter) as socket:
        await started(socket)
        with pytest.raises(InvalidStatus) as caught:
            async with connect(real, encounter):
                pass
        assert caught.value.response.status_code == 409
    await state(real, "deleted")
    async with connect(real, encounter) as socket:
        await started(socket)


@pytest.mark.both_stores
@pytest.mark.parametrize("disposition", ["keep_until_review", "delete_recording", "delete_all"])
async def test_a_withdrawal_stops_a_running_visit(start: Any, disposition: str) -> None:
    async with start(real=True, consent={"on_withdrawal": disposition}) as gw:
        encounter = await gw.visit()
        async with connect(gw, encounter) as socket:
            await started(socket)
            for _ in range(3):
                await socket.send(FRAME)
            await until(socket, "partial")
            await gw.consent(encounter, "patient", kind="withdrawn")
            assert (await until(socket, "stopped"))["reason"] == "consent-withdrawn"
        kept = disposition == "keep_until_review"
        assert gw.row("SELECT state FROM recording")[0] == ("interrupted" if kept else "deleted")
        assert len(gw.recordings(encounter)) == (1 if kept else 0)
        assert gw.rows("SELECT id FROM transcript") == []
        with pytest.raises(InvalidStatus):
            async with connect(gw, encounter):
                pass


async def test_a_withdrawal_stops_a_visit_whose_preview_hangs(real: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("appliance.gateway.live._MAX_WAITING", 8)
    hung = asyncio.Event()

    async def hang(websocket: Any) -> None:
        await websocket.receive_text()
        await hung.wait()

    real.transcription.on_stream = hang
    encounter = await real.visit()
    try:
        async with connect(real, encounter) as socket:
            await started(socket)
            for _ in range(64):  # 4 MiB: more than the sockets in between and the queue hold
                await socket.send(b"\x01\x00" * 32_000)
            # The recording did not wait for the preview, which was given up.
            await until(socket, "preview_lost")
            await real.consent(encounter, "patient", kind="withdrawn")
            assert (await until(socket, "stopped"))["reason"] == "consent-withdrawn"
        assert real.row("SELECT state FROM recording")[0] == "deleted"
    finally:
        hung.set()


async def test_without_the_engine_the_recording_is_whole_and_waits(start: Any) -> None:
    async with start(real=True, engines=False) as gw:
        encounter = await gw.visit()
        async with connect(gw, encounter) as socket:
            recording = await started(socket)
            await until(socket, "preview_lost")
            await socket.send(FRAME)
            await socket.send('{"type":"end"}')
            assert (await until(socket, "final"))["state"] == "queued"
        assert await listened(gw, encounter, recording) == FRAME
        assert gw.row("SELECT state FROM recording")[0] == "stored"


@pytest.mark.parametrize("how", ["close", "garbage", "error"])
async def test_an_engine_that_breaks_in_the_middle_costs_the_preview_and_no_sound(real: Any, how: str) -> None:
    async def breaks(websocket: Any) -> None:
        await websocket.receive_text()
        await websocket.receive_bytes()
        if how == "garbage":
            await websocket.send_text("no json")
        elif how == "error":
            await websocket.send_text('{"type":"error","problem":{}}')
        await websocket.close(1011)

    real.transcription.on_stream = breaks
    encounter = await real.visit()
    async with connect(real, encounter) as socket:
        recording = await started(socket)
        for _ in range(20):
            await socket.send(FRAME)
            await asyncio.sleep(0)
        await socket.send('{"type":"end"}')
        final = await until(socket, "final")
    assert final["state"] == "queued"
    assert await listened(real, encounter, recording) == FRAME * 20
    found = await real.ask("GET", f"/v1/transcripts/{final['transcript']}?wait_s=20")
    assert found.json()["state"] == "done"
    # What was sent to be transcribed is the whole recording with a header.
    assert FRAME * 20 in real.transcription.bodies[0]


async def test_a_client_that_vanishes_leaves_a_readable_recording(real: Any) -> None:
    encounter = await real.visit()
    socket = await connect(real, encounter)
    recording = await started(socket)
    await socket.send(FRAME * 3)
    await until(socket, "partial")
    socket.transport.abort()
    await state(real, "interrupted")
    assert await listened(real, encounter, recording) == FRAME * 3
    entry = next(one for one in real.entries() if one["event"] == "recording.interrupted")
    assert (entry["reason"], entry["numbers"]) == ("gone", {"bytes": len(FRAME) * 3})


async def test_a_full_disk_stops_the_visit_and_keeps_the_frames_before(real: Any, monkeypatch: Any) -> None:
    from appliance.gateway.recordings import RecordingWriter

    encounter = await real.visit()
    async with connect(real, encounter) as socket:
        await started(socket)
        await socket.send(FRAME)
        await until(socket, "partial")

        def full(*_: Any, **__: Any) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(RecordingWriter, "_frame", full)
        with suppress(ConnectionClosed):
            for _ in range(5):
                await socket.send(b"\x00" * 65_536)
        assert (await until(socket, "stopped"))["reason"] == "disk-full"
    assert real.row("SELECT state FROM recording")[0] == "interrupted"


async def test_the_end_of_a_session_ends_the_visit(real: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("appliance.gateway.routes.live._CHECK_S", 0.0)
    encounter = await real.visit()
    token = real.token()
    headers = {"authorization": f"Bearer {token}"}
    path = f"ws://gateway/v1/encounters/{encounter}/live"
    async with client.unix_connect(str(real.socket), uri=path, additional_headers=headers) as socket:
        await started(socket)
        await socket.send(FRAME)
        await until(socket, "partial")
        real.core.tokens.log_off(real.core.tokens.verify(token))
        await socket.send(FRAME)
        assert (await until(socket, "stopped"))["reason"] == "session-expired"


async def test_a_draft_of_the_running_visit_uses_what_was_heard(real: Any) -> None:
    encounter = await real.visit()
    async with connect(real, encounter) as socket:
        await started(socket)
        await socket.send(FRAME)
        await until(socket, "partial")
        given = {"kind": "visit_note", "sources": ["live"], "preview": True}
        answer = await real.ask("POST", f"/v1/encounters/{encounter}/drafts", json=given, status=200)
        assert answer.json()["preview"] is True
        assert "left knee" in json.dumps(real.engine.requests[-1]["messages"])

"""Recordings that are uploaded: bounded, sealed as they arrive, whole or not at all."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import pytest

from appliance.gateway.recordings import RecordingWriter

pytestmark = pytest.mark.anyio


def code(answer: Any) -> str:
    return str(answer.json()["type"].rsplit(":", 1)[-1])


def states(gw: Any) -> list[str]:
    return [row[0] for row in gw.rows("SELECT state FROM recording")]


async def test_what_was_uploaded_is_what_is_listened_to(gw: Any) -> None:
    encounter = await gw.visit()
    data = b"RIFF" + bytes(range(256)) * 3000  # three frames
    recording = await gw.upload(encounter, data)
    heard = await gw.ask("GET", f"/v1/encounters/{encounter}/recordings/{recording}", status=200)
    assert heard.content == data
    assert gw.happened()[-2:] == ["recording.stored", "recording.listened"]


async def test_a_recording_over_its_bound_is_refused_and_nothing_stays(start: Any) -> None:
    async with start(max_recording_bytes=5000) as gw:
        encounter = await gw.visit()

        async def pieces() -> Any:
            for _ in range(10):
                yield b"RIFF" + b"0" * 996

        for body in (b"RIFF" + b"0" * 5000, pieces()):
            answer = await gw.upload(encounter, body, status=413)
            assert code(answer) == "too-large"
        assert gw.recordings(encounter) == []
        assert states(gw) == ["deleted", "deleted"]
        assert "recording.stored" not in gw.happened()


@pytest.mark.parametrize(
    ("data", "media", "status", "wanted"),
    [
        (b"", "audio/wav", 422, "no-audio"),
        (b"RIFF", "audio/wav", 422, "no-audio"),
        (b"<html>not a recording</html>", "audio/wav", 415, "unsupported-media"),
        (b"RIFF" + b"0" * 100, "text/html", 415, "unsupported-media"),
    ],
)
async def test_what_is_no_recording_is_refused(gw: Any, data: bytes, media: str, status: int, wanted: str) -> None:
    encounter = await gw.visit()
    path = f"/v1/encounters/{encounter}/recordings"
    answer = await gw.ask("POST", path, content=data, headers={"content-type": media})
    assert (answer.status_code, code(answer)) == (status, wanted)
    assert gw.recordings(encounter) == []


@pytest.mark.parametrize("where", ["_frame", "finish", "__init__"])
async def test_a_full_disk_is_told_and_leaves_nothing(gw: Any, monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    encounter = await gw.visit()

    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(RecordingWriter, where, full)
    answer = await gw.upload(encounter, b"RIFF" + b"0" * 300_000, status=507)
    assert code(answer) == "disk-full"
    assert gw.recordings(encounter) == []
    assert states(gw) == ["deleted"]


async def test_nothing_new_is_taken_when_room_runs_out(start: Any) -> None:
    async with start(min_free_bytes=0) as gw:
        encounter = await gw.visit()
        object.__setattr__(gw.core.settings, "min_free_bytes", 1 << 60)
        assert code(await gw.upload(encounter, status=507)) == "disk-full"
        given = {"patient_ref": "x", "patient_state": "CA", "clinician_state": "CA"}
        assert (await gw.ask("POST", "/v1/encounters", json=given)).status_code == 507


async def test_a_client_that_goes_away_leaves_nothing(real: Any) -> None:
    encounter = await real.visit()
    head = (
        f"POST /v1/encounters/{encounter}/recordings HTTP/1.1\r\nhost: x\r\ncontent-type: audio/wav\r\n"
        f"authorization: Bearer {real.token()}\r\ncontent-length: 900000\r\n\r\n"
    ).encode()  # fmt: skip
    sender = socket.socket(socket.AF_UNIX)
    sender.setblocking(False)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(sender, str(real.socket))
    await loop.sock_sendall(sender, head + b"RIFF" + b"0" * 400_000)
    async with asyncio.timeout(60):
        while not real.recordings(encounter):
            await asyncio.sleep(0.005)
    sender.close()
    async with asyncio.timeout(60):
        while states(real) != ["deleted"]:
            await asyncio.sleep(0.005)
    assert real.recordings(encounter) == []
    assert "recording.stored" not in real.happened()


async def test_consent_that_went_while_a_recording_arrived_removes_it(gw: Any) -> None:
    encounter = await gw.visit()
    begun = asyncio.Event()
    withdrawn = asyncio.Event()

    async def pieces() -> Any:
        yield b"RIFF" + b"0" * 300_000
        begun.set()
        await withdrawn.wait()
        yield b"0" * 300_000

    upload = asyncio.create_task(gw.upload(encounter, pieces(), status=403))
    await begun.wait()
    await gw.consent(encounter, "patient", kind="withdrawn")
    withdrawn.set()
    assert code(await upload) == "consent-withdrawn"
    assert gw.recordings(encounter) == []
    assert states(gw) == ["deleted"]


async def test_a_damaged_recording_is_told_as_such(gw: Any) -> None:
    encounter = await gw.visit()
    recording = await gw.upload(encounter)
    (file,) = gw.recordings(encounter)
    path = f"/v1/encounters/{encounter}/recordings/{recording}"
    data = bytearray(file.read_bytes())
    data[40] ^= 1
    file.write_bytes(data)
    answer = await gw.ask("GET", path)
    assert (answer.status_code, code(answer)) == (500, "integrity")
    file.unlink()
    answer = await gw.ask("GET", path)
    assert (answer.status_code, code(answer)) == (500, "integrity")


async def test_files_of_deleted_recordings_go_at_the_next_start(start: Any) -> None:
    async with start() as gw:
        encounter = await gw.visit()
        recording = await gw.upload(encounter)
        (kept,) = gw.recordings(encounter)
        stray = kept.with_name("11111111-2222-3333-4444-555555555555.sealed")
        stray.write_bytes(b"left by a crash")
        lonely = kept.parent.parent / "gone" / "x.sealed"
        lonely.parent.mkdir()
        lonely.write_bytes(b"of a destroyed encounter")
    async with start() as gw:
        assert [file.stem for file in gw.recordings(encounter)] == [recording]
        assert not lonely.parent.exists()

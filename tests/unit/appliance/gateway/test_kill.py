"""A gateway killed in the middle of a visit and a draft: the next one has what was said, and no half document."""

from __future__ import annotations

import asyncio
import sys
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
import websockets.asyncio.client as client

from appliance.gateway.auth.principal import Role
from tests.fakes.clinical import StubEngine, listening

pytestmark = [pytest.mark.anyio, pytest.mark.slow]
FRAME = b"\x01\x00" * 32_000


@pytest.mark.both_stores
async def test_a_kill_in_the_middle_of_a_visit_keeps_its_sound(start: Any, make_settings: Any, place: Path) -> None:
    """And the next one closes the draft that was in work: what a client saw of it was no document."""
    async with start() as gw:
        encounter = await gw.visit()
        transcript = await gw.transcribed(encounter)
        before = sum(file.stat().st_size for file in gw.recordings(encounter))
    settings, engine = make_settings(), StubEngine()
    engine.hold_after = 8
    config = place / "gateway.json"
    config.write_text(settings.model_dump_json())
    with (place / "log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "appliance.gateway", str(config), stdout=log, stderr=log
        )
    try:
        async with asyncio.timeout(60):
            while b"ready:" not in (place / "log").read_bytes():
                assert process.returncode is None, (place / "log").read_text()
                await asyncio.sleep(0.05)
        headers = gw.headers()
        transport = httpx.AsyncHTTPTransport(uds=str(gw.socket))
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(listening(engine.app, settings.drafting_socket))
            asked = httpx.AsyncClient(transport=transport, base_url="http://gateway", headers=headers, timeout=60)
            await stack.enter_async_context(asked)
            assert (await asked.get(f"/v1/encounters/{encounter}")).status_code == 200
            given = {"kind": "visit_note", "sources": [transcript]}
            drafting = asyncio.create_task(asked.post(f"/v1/encounters/{encounter}/drafts", json=given))
            await asyncio.wait_for(engine.held.wait(), 60)
            async with asyncio.timeout(30):
                while not (await asked.get(f"/v1/encounters/{encounter}/documents")).json()["documents"]:
                    await asyncio.sleep(0.01)
            uri = f"ws://gateway/v1/encounters/{encounter}/live"
            async with client.unix_connect(str(gw.socket), uri=uri, additional_headers=headers) as socket:
                await socket.send('{"type":"start"}')
                while '"started"' not in str(await socket.recv()):
                    pass
                for _ in range(10):  # 640,000 bytes: two whole frames and a part
                    await socket.send(FRAME)
                async with asyncio.timeout(30):
                    while sum(file.stat().st_size for file in gw.recordings(encounter)) < before + 2 * 256 * 1024:
                        await asyncio.sleep(0.01)
                process.kill()
                await process.wait()
            engine.release.set()
            with pytest.raises(httpx.HTTPError):
                await drafting
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    async with start() as gw:
        ((recording, state),) = gw.rows("SELECT id, state FROM recording WHERE state <> 'stored'")
        assert state == "interrupted"
        heard = await gw.ask("GET", f"/v1/encounters/{encounter}/recordings/{recording}", status=200)
        assert heard.content == (FRAME * 10)[: 2 * 256 * 1024]
        entry = next(one for one in gw.entries() if one["event"] == "recording.interrupted")
        assert (entry["reason"], entry["actor"]["subject"]) == ("restart", "appliance")
        assert gw.rows("SELECT state, problem, sealed FROM document") == [("failed", "lost", None)]
        lost = next(one for one in gw.entries() if one["event"] == "draft.lost")
        assert (lost["reason"], lost["actor"]["subject"]) == ("restart", "appliance")
        found = await gw.ask("GET", f"/v1/transcripts/{await gw.order(encounter, recording)}?wait_s=20")
        assert found.json()["state"] == "done"


async def test_a_store_without_its_master_key_does_not_start(start: Any, place: Path) -> None:
    from appliance.errors import UnknownStateError

    async with start() as gw:
        await gw.encounter()
    (place / "state/keys/master.key").unlink()
    with pytest.raises(UnknownStateError, match="is missing"):
        async with start():
            pass


async def test_the_wrong_master_key_opens_nothing(start: Any, place: Path) -> None:
    async with start() as gw:
        encounter = await gw.encounter()
    (place / "state/keys/master.key").write_bytes(b"x" * 32)
    async with start() as gw:
        answer = await gw.base.get(f"/v1/encounters/{encounter}", headers=gw.headers("doc-1", Role.CLINICIAN))
        assert (answer.status_code, answer.json()["type"]) == (500, "urn:fleetctl:problem:integrity")

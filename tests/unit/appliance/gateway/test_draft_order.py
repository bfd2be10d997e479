"""In which order a draft is asked for, logged and released: the engine first, and nothing before the log."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from appliance.gateway.trail import Trail

pytestmark = pytest.mark.anyio


async def order(gw: Any) -> tuple[str, dict[str, Any]]:
    encounter = await gw.visit()
    return f"/v1/encounters/{encounter}/drafts", {"kind": "visit_note", "sources": [await gw.transcribed(encounter)]}


async def test_the_engine_reads_while_the_entry_is_written_and_nothing_is_released_before(
    gw: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, given = await order(gw)
    gw.engine.hold_after = 8
    writing, may_write = threading.Event(), threading.Event()
    append = Trail.append

    def slow(trail: Trail, actor: Any, act: Any) -> int:
        if act.event == "draft.begun":
            writing.set()
            assert may_write.wait(60)
        return append(trail, actor, act)

    monkeypatch.setattr(Trail, "append", slow)
    asked = asyncio.create_task(gw.ask("POST", path, json=given, headers={"accept": "text/event-stream"}))
    try:
        # The engine wrote its first pieces although the entry is not on the disk.
        await asyncio.wait_for(gw.engine.held.wait(), 60)
        assert await asyncio.to_thread(writing.wait, 60)
        # Already there for the next start, should this one end now.
        assert gw.row("SELECT state FROM document") == ("drafting",)
        assert not asked.done()
        assert "draft.begun" not in gw.happened()
    finally:
        may_write.set()
        gw.engine.release.set()
    assert (await asked).status_code == 200
    happened = gw.happened()
    assert happened.index("draft.begun") < happened.index("draft.completed")


async def test_a_draft_that_never_began_is_stored_as_failed(start: Any) -> None:
    async with start() as gw:
        path, given = await order(gw)
        gw.core.drafts._health, gw.core.drafts._asked = None, 0.0

        async def nobody() -> None:
            return None

        gw.core.drafts._ask = nobody
        assert (await gw.ask("POST", path, json=given)).status_code == 503
        assert gw.row("SELECT state, problem, version FROM document") == ("failed", "engine-unavailable", 1)
        assert gw.happened()[-1] == "draft.failed"
        assert "draft.begun" not in gw.happened()


async def test_a_begun_that_cannot_be_logged_releases_nothing(gw: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    path, given = await order(gw)
    append = Trail.append

    def broken(trail: Trail, actor: Any, act: Any) -> int:
        if act.event == "draft.begun":
            gw.break_log()
        return append(trail, actor, act)

    monkeypatch.setattr(Trail, "append", broken)
    answer = await gw.ask("POST", path, json=given, headers={"accept": "text/event-stream"})
    assert answer.status_code == 503
    assert answer.json()["type"].endswith("audit-unavailable")
    assert "text" not in answer.json()


async def test_a_short_visit_is_not_counted_by_the_engine(gw: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    path, given = await order(gw)
    engine, _ = await gw.core.drafts.engine()

    async def counted(_: str) -> int:
        raise AssertionError("the engine was asked to count")

    monkeypatch.setattr(engine, "count_tokens", counted)
    assert (await gw.ask("POST", path, json=given)).status_code == 201

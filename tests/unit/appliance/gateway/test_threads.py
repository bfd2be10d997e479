"""Stopping waits for what a thread has in work."""

from __future__ import annotations

import asyncio
import threading

import pytest

from appliance.gateway.threads import to_its_end

pytestmark = pytest.mark.anyio


async def test_who_is_cancelled_waits_for_the_thread() -> None:
    begun, may_end, ended = threading.Event(), threading.Event(), threading.Event()

    def work() -> None:
        begun.set()
        assert may_end.wait(60)
        ended.set()

    task = asyncio.create_task(to_its_end(work))
    assert await asyncio.to_thread(begun.wait, 60)
    task.cancel()
    done, _ = await asyncio.wait([task], timeout=0.05)
    assert not done
    may_end.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended.is_set()


async def test_what_it_returns_and_raises_is_passed_on() -> None:
    assert await to_its_end(pow, 2, 5) == 32
    with pytest.raises(ZeroDivisionError):
        await to_its_end(divmod, 1, 0)

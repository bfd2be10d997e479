"""An answer that is asked for now and read later: the engine reads the prompt while we look at the sources."""

import asyncio
from collections.abc import AsyncGenerator

from appliance.drafting.engine import Chunk, End


class Ahead:
    """Begins at once to wait for the first piece of `answer`. Close it in any case, read or not."""

    def __init__(self, answer: AsyncGenerator[Chunk | End, None]) -> None:
        self._answer = answer
        self._first: asyncio.Future[Chunk | End] = asyncio.ensure_future(anext(answer))

    async def pieces(self) -> AsyncGenerator[Chunk | End, None]:
        """Yield all pieces. Raises what the engine's client raises."""
        try:
            first = await self._first
        except StopAsyncIteration:
            return
        yield first
        async for piece in self._answer:
            yield piece

    async def aclose(self) -> None:
        """End the engine's work."""
        self._first.cancel()
        cancelled = False
        while not self._first.done():
            try:
                await asyncio.wait([self._first])
            except asyncio.CancelledError:
                cancelled = True  # the generator must have ended before it can be closed
        if not self._first.cancelled():
            self._first.exception()  # whoever reads it gets the failure; here it is only taken note of
        await self._answer.aclose()
        if cancelled:
            raise asyncio.CancelledError

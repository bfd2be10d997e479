"""Reads a stream of server-sent events, as the OpenAI API sends it, within bounds."""

from collections.abc import AsyncGenerator, AsyncIterator

from appliance.drafting.errors import EngineFailedError

# One event holds a few tokens; a whole answer in one event is below this, too.
MAX_LINE_BYTES = 1024 * 1024
_HINT = "look at the engine's own journal; the draft can be asked for again"


async def data_lines(stream: AsyncIterator[bytes], *, max_bytes: int) -> AsyncGenerator[list[str], None]:
    """Yield the data of the events that arrived together. Comments, ids and event names are passed over.

    Raises EngineFailedError for a line or a stream beyond its bound, and for bytes that are not UTF-8.
    """
    rest = b""
    total = 0
    async for piece in stream:
        total += len(piece)
        if total > max_bytes:
            raise EngineFailedError(
                f"the engine sent more than {max_bytes:,} bytes", hint=_HINT, code="engine_oversized"
            )
        lines = (rest + piece).split(b"\n")
        rest = lines.pop()
        if max(map(len, [rest, *lines])) > MAX_LINE_BYTES:
            raise EngineFailedError(
                f"the engine sent an event of more than {MAX_LINE_BYTES:,} bytes", hint=_HINT, code="engine_oversized"
            )
        try:
            found = [line[5:].strip().decode("utf-8") for line in lines if line.startswith(b"data:")]
        except UnicodeDecodeError:
            raise EngineFailedError(
                "the engine sent bytes that are not UTF-8", hint=_HINT, code="engine_garbage"
            ) from None
        if found:
            yield found

"""A stub of the drafting engine: a fixed answer at a fixed pace, over the routes that the gateway asks. No model.

As the real service does, it serves one request a connection. `POST /pace` sets how fast it is; see `Pace`.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

import uvloop

from appliance.contract.drafting_health import DraftingHealth

MODEL = "stub"
# Sentences of the visit that this bench drafts from, so that grounding has something to find. The first of each section
# make the short answer, all of them the one that has the length of a note.
ANSWER = {
    "history": [
        "Cough for six days with yellow sputum.", "No fever since Monday.", "A temperature on Sunday.", "No blood.",
        "Sore on the right when coughing.", "A little short of breath on stairs, but manages two floors.",
        "Stopped smoking eight years ago.",
    ],
    "exam": [
        "Blood pressure 128 over 76.", "Pulse 84.", "Oxygen 97 percent.",
        "Some rhonchi at the right base that clear with coughing.", "No crackles.",
    ],
    "assessment": ["Acute bronchitis.", "An antibiotic is not needed now."],
    "plan": [
        "Take guaifenesin 400 mg every six hours.", "Come back in ten days.", "Drink plenty of water.",
        "Call at once if the fever returns or if you cannot catch your breath.",
    ],
}  # fmt: skip
_TOKEN_CHARS = 5


@dataclass(frozen=True)
class Pace:
    """`prefill_s` before the first token, `interval_s` between tokens; `spread` varies the interval of whole streams.

    The spread counts from the tenth token on, so that it keeps streams from running in step and leaves the first word
    alone.
    """

    prefill_s: float = 0.05
    interval_s: float = 0.001
    spread: float = 0.2
    long: bool = False


def pieces(*, long: bool) -> list[str]:
    """The answer in what stands for tokens."""
    text = json.dumps(ANSWER if long else {name: said[:2] for name, said in ANSWER.items()})
    return [text[at : at + _TOKEN_CHARS] for at in range(0, len(text), _TOKEN_CHARS)]


def _chunk(delta: dict[str, str] | None, *, reason: str | None = None, usage: dict[str, int] | None = None) -> bytes:
    choices = [] if delta is None else [{"index": 0, "delta": delta, "finish_reason": reason}]
    event = {"id": "stub", "object": "chat.completion.chunk", "created": 0, "model": MODEL, "choices": choices}
    data = f"data: {json.dumps(event | ({'usage': usage} if usage else {}))}\n\n".encode()
    return b"%x\r\n%b\r\n" % (len(data), data)


_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n"
_TOKENS = {long: [_chunk({"content": piece}) for piece in pieces(long=long)] for long in (False, True)}
_FIRST = _chunk({"role": "assistant", "content": ""})
_LAST = (
    _chunk({}, reason="stop")
    + _chunk(None, usage={"prompt_tokens": 900, "completion_tokens": 100, "total_tokens": 1000})
    + b"e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n"
)
HEALTH = DraftingHealth(
    status="ok", engine="llama.cpp", model=MODEL, root_hash=None, root_hash_source="a stub has no weights",
    context_tokens=16_384, adapters=(), requests_running=0, requests_waiting=0, requests_done=0, requests_refused=0,
    requests_failed=0, requests_left=0,
)  # fmt: skip


class Stub:
    """Serves until it is ended. `asked` counts requests by path."""

    def __init__(self) -> None:
        self.pace = Pace()
        self.asked: dict[str, int] = {}
        self._random = random.Random(1)  # noqa: S311 (a pace is no secret)

    async def connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request, one answer."""
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
            length = int(head.partition("content-length:")[2].partition("\r")[0] or 0)
            body = await reader.readexactly(length)
            path = head.split(" ", 2)[1]
            self.asked[path] = self.asked.get(path, 0) + 1
            if path == "/v1/chat/completions":
                await self._chat(writer)
            else:
                answer = self._plain(path, body)
                writer.write(
                    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: %d"
                    b"\r\n\r\n%b" % (len(answer), answer)
                )
                await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    def _plain(self, path: str, body: bytes) -> bytes:
        if path == "/health":
            return HEALTH.model_dump_json().encode()
        if path == "/tokenize":
            return json.dumps({"count": len(body) // 4, "max_model_len": HEALTH.context_tokens}).encode()
        if path == "/pace":
            self.pace = Pace(**json.loads(body))
        return json.dumps({"pace": asdict(self.pace), "asked": self.asked}).encode()

    async def _chat(self, writer: asyncio.StreamWriter) -> None:
        loop, pace = asyncio.get_running_loop(), self.pace
        factor = 1 + pace.spread * (2 * self._random.random() - 1)
        writer.write(_HEAD)
        due = loop.time() + pace.prefill_s
        await asyncio.sleep(pace.prefill_s)
        writer.write(_FIRST)
        for number, token in enumerate(_TOKENS[pace.long]):
            due += pace.interval_s * (factor if number >= 10 else 1)
            # A stub that is late catches up: its pace is of the clock, as a GPU's is, not of this machine's load.
            if (left := due - loop.time()) > 0:
                await asyncio.sleep(left)
            writer.write(token)
            await writer.drain()
        writer.write(_LAST)
        await writer.drain()


async def _serve(path: Path) -> None:
    server = await asyncio.start_unix_server(Stub().connection, str(path), backlog=512)
    print("ready:", flush=True)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(_serve(Path(sys.argv[1])))

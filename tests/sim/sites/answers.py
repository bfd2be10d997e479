"""What the simulated engines and the simulated gateway answer over HTTP. The words are made up; the forms are those of
the contract, so that whoever asks reads them with the product's own models."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from appliance.clinical.source import Speaker
from appliance.contract.seal import ModelTask
from tests.fakes.clinical import answer_of
from tests.fakes.evaluation import INVENTED, SAID, SUPPORTED
from tests.sim.sites.faults import Faults
from tests.sim.sites.places import Places

# What the probe's sample says, and what its source supports (appliance/evaluation/probe.py).
HEARD = "ask not what your country can do for you"
WRITTEN = "The left knee is swollen."
# What is said in the clips of the evaluation set, and how long they are.
CLIPS = {"e1": (" ".join(text for _, text in SAID), 12.0), "s1": ("", 30.0)}
SOURCE = "computed from the image's blocks by a simulated engine"
_MAX_BODY = 32 << 20


@dataclass(frozen=True)
class Loaded:
    """What an engine has loaded."""

    root_hash: str
    name: str


class Engine:
    """A simulated engine that serves."""

    def __init__(self, task: ModelTask, loaded: Loaded, fault: str) -> None:
        self.task, self.loaded, self.fault = task, loaded, fault
        self.done = 0
        self.alive = True

    def cut(self) -> None:
        """End; connections that are open get no more answers."""
        self.alive = False

    def answer(self, method: str, route: str, body: bytes) -> tuple[int, Any]:
        """Status and JSON body."""
        if not self.alive:
            return 503, {"title": "ended"}
        if (method, route) == ("GET", "/health"):
            return 200, self._health()
        if method == "GET" and route == "/v1/models":
            return 200, {"object": "list", "data": [{"id": self.loaded.name, "object": "model"}]}
        if method != "POST":
            return 404, {"title": "No such route"}
        self.done += 1
        if self.fault == "bad-probe":
            return 500, {"title": "simulated fault: bad-probe"}
        if (self.task, route) == ("drafting", "/v1/chat/completions"):
            return 200, Stream(_drafted(json.loads(body), self.fault == "worse"))
        if (self.task, route) == ("drafting", "/tokenize"):
            return 200, {"count": max(1, len(body) // 4), "tokens": []}
        if (self.task, route) == ("transcription", "/v1/transcripts"):
            return 200, self._heard(body)
        return 404, {"title": "No such route"}

    def _heard(self, body: bytes) -> dict[str, Any]:
        """The probe's sample, or a clip of the evaluation set of `tests.fakes.evaluation`."""
        said = next((clip for clip in CLIPS if f"RIFF-{clip}".encode() in body), None)
        text = HEARD if said is None else CLIPS[said][0]
        if self.fault == "worse" and said is not None:
            text = text.replace("400 mg", "40 mg")
        answer = answer_of((Speaker.CLINICIAN, text)) if text else answer_of()
        found = answer.model_dump(mode="json")
        if said is not None:
            found["transcript"]["duration_s"] = CLIPS[said][1]
        found["engine"] |= {"model": self.loaded.name, "root_hash": self.loaded.root_hash}
        return found

    def _health(self) -> dict[str, Any]:
        hash_said = "f" * 64 if self.fault == "wrong-hash" else self.loaded.root_hash
        common = {
            "status": "ok", "engine_version": "simulated", "model": self.loaded.name, "root_hash": hash_said,
            "root_hash_source": SOURCE, "requests_done": self.done, "requests_refused": 0, "requests_failed": 0,
        }  # fmt: skip
        if self.task == "drafting":
            own = {
                "schema_version": "drafting-health/v2", "engine": "llama.cpp", "context_tokens": 4096, "adapters": [],
                "requests_running": 0, "requests_waiting": 0, "running_limit": 4, "waiting_limit": 8,
                "requests_left": 0,
            }  # fmt: skip
        else:
            own = {
                "schema_version": "transcription-health/v2", "engine": "simulated", "queue_length": 0, "queue_limit": 8,
                "live_streams": 0, "live_limit": 4,
            }  # fmt: skip
        return common | own


@dataclass(frozen=True)
class Stream:
    """Text that is sent as OpenAI's server-sent events."""

    text: str

    def content(self) -> bytes:
        """The whole of the stream."""
        events = [{"choices": [{"delta": {"content": self.text}, "finish_reason": None}]},
                  {"choices": [{"delta": {}, "finish_reason": "stop"}]}]  # fmt: skip
        return b"".join(b"data: " + json.dumps(each).encode() + b"\n\n" for each in events) + b"data: [DONE]\n\n"


def _drafted(request: dict[str, Any], worse: bool) -> str:
    """A document in the form that was asked for, whose one statement stands in the probe's source, or in the visit of
    the evaluation set, where a worse engine invents one."""
    sections = list(request["response_format"]["json_schema"]["schema"]["properties"])
    written = WRITTEN
    if "hurt for two weeks" in json.dumps(request["messages"]):
        written = INVENTED if worse else SUPPORTED
    return json.dumps({name: [written] if name == sections[0] else [] for name in sections})


def draining(places: Places, clock_s: float) -> bool:
    """Whether an order to drain is in force, as the gateway judges it by the site's clock: one that is not understood
    drains too."""
    try:
        order = json.loads(places.drain.read_bytes())
        return datetime.now(UTC) + timedelta(seconds=clock_s) < datetime.fromisoformat(order["until"])
    except FileNotFoundError:
        return False
    except (OSError, ValueError, KeyError, TypeError):
        return True


def gateway_health(places: Places, faults: Faults, engines: dict[str, bool]) -> tuple[int, dict[str, Any]]:
    """What the simulated gateway says of itself."""
    audit = {"size": 1000, "root_hash": "a1" * 32, "checkpoint_age_s": 20.0, "writable": True}
    return 200, {
        "schema_version": "gateway-health/v2", "status": "ok" if all(engines.values()) else "degraded", "audit": audit,
        "database": {"ok": True}, "engines": engines, "open_transcripts": 0, "failed_transcripts": 0,
        "draining": draining(places, faults.clock_s),
        "in_flight": {"visits": faults.visits, "uploads": 0, "transcripts": 0, "drafts": 0},
    }  # fmt: skip


async def handle(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    answer: Callable[[str, str, bytes], tuple[int, Any]],
) -> None:
    """One request of HTTP/1.1 with a known length or in chunks; one answer; then the connection ends."""
    with suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError):
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *lines = head.split("\r\n")
        method, target, _ = first.split(" ", 2)
        fields = {key.strip().lower(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
        if fields.get("expect", "").lower() == "100-continue":
            writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        status, said = answer(method, target.partition("?")[0], await _body(reader, fields))
        kind, body = (
            ("text/event-stream", said.content())
            if isinstance(said, Stream)
            else ("application/json", json.dumps(said).encode())
        )
        writer.write(
            f"HTTP/1.1 {status} Simulated\r\ncontent-type: {kind}\r\ncontent-length: {len(body)}\r\n"
            "connection: close\r\n\r\n".encode()
            + body
        )
        await writer.drain()
    writer.close()


async def _body(reader: asyncio.StreamReader, fields: dict[str, str]) -> bytes:
    if "chunked" not in fields.get("transfer-encoding", ""):
        return await reader.readexactly(min(int(fields.get("content-length", "0")), _MAX_BODY))
    parts = []
    while size := int(await reader.readline(), 16):
        parts.append(await reader.readexactly(size))
        await reader.readline()
    await reader.readline()
    return b"".join(parts)

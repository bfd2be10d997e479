"""A simulated machine around the real `appliancectl release`: a `systemctl` for PATH, and the services behind it.

Simulated: loading weights, hearing and drafting. Real: the engine of a task serves what its link leads to when it is
started, and refuses what is not sealed; the sockets, the answers' forms, the program itself.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import threading
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

from appliance.evaluation.probe import SAID
from tests.fakes.clinical import listening
from tests.fakes.evaluation import Model

from .conftest import TASKS, Box

SYSTEMCTL = """#!{python} -I
# A simulated systemctl: what runs stands in a folder.
import json, os, re, sys
from pathlib import Path
root = Path({root!r})
verb, *units = sys.argv[1:]
for task in [unit.removeprefix("appliance-").removesuffix(".service") for unit in units]:
    state = root / "sim" / task
    with (root / "sim/events").open("a") as events:
        print(verb, task, file=events)
    if verb == "stop":
        state.unlink(missing_ok=True)
    elif verb == "start" and not state.exists():
        image = (root / f"var/lib/appliance/models/{{task}}.raw").resolve(strict=True)
        loaded = re.search(rb'"rootHash": "([0-9a-f]{{64}})"', image.read_bytes())[1].decode()
        seal = json.loads((root / "var/lib/fleetctl/seal.json").read_text())
        sealed = {{each["task"]: each["root_hash"] for each in seal["models"]}}
        if loaded != sealed[task] or loaded in (root / "sim/bad").read_text():
            print(f"Job for appliance-{{task}}.service failed (simulated).", file=sys.stderr)
            sys.exit(1)
        new = state.with_suffix(".new")
        new.write_text(loaded)
        new.replace(state)
"""


@dataclass
class Machine:
    """`appliancectl` on a box in a folder, and what answers there."""

    box: Box
    visits: int = 0
    thread: threading.Thread = field(init=False)
    _ended: asyncio.Event = field(init=False)
    _loop: asyncio.AbstractEventLoop = field(init=False)

    def __post_init__(self) -> None:
        root = self.box.places.root
        (root / "sim").mkdir()
        (root / "sim/bad").write_text("")
        program = root / "sim/systemctl"
        program.write_text(SYSTEMCTL.format(python=sys.executable, root=str(root)))
        program.chmod(0o755)
        self.boot_services()

    @property
    def environment(self) -> dict[str, str]:
        root = self.box.places.root
        return {**os.environ, "PATH": f"{root}/sim:{os.environ['PATH']}", "APPLIANCE_RELEASE_ROOT": str(root)}

    def argv(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "appliance.ctl", "release", *words]

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.argv(*words), env=self.environment, capture_output=True, text=True, check=False, timeout=120
        )

    def status(self) -> Any:
        done = self.run("status", "-o", "json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout.splitlines()[-1])

    def running(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for task in TASKS:
            with suppress(FileNotFoundError):  # it is stopped just now
                found[task] = (self.box.places.root / "sim" / task).read_text()
        return found

    def events(self) -> list[str]:
        path = self.box.places.root / "sim/events"
        return path.read_text().splitlines() if path.exists() else []

    def power_off(self) -> None:
        for task in TASKS:
            (self.box.places.root / "sim" / task).unlink(missing_ok=True)
        self.box.places.drain.unlink(missing_ok=True)
        self.box.places.boot_id.write_text(os.urandom(8).hex())

    def boot_services(self) -> None:
        units = [f"appliance-{task}.service" for task in TASKS]
        subprocess.run([self.box.places.root / "sim/systemctl", "start", *units], check=True)

    def __enter__(self) -> Machine:
        started = threading.Event()
        self.thread = threading.Thread(target=lambda: asyncio.run(self._serve(started)))
        self.thread.start()
        assert started.wait(120)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._ended.set)
        self.thread.join(120)

    async def _serve(self, started: threading.Event) -> None:
        self._loop, self._ended = asyncio.get_running_loop(), asyncio.Event()
        gateway = Starlette(routes=[Route("/health", lambda _: JSONResponse(self._gateway()))])
        async with AsyncExitStack() as stack:
            for name, app in (
                ("transcription", self._engine("transcription", _transcription)),
                ("drafting", self._engine("drafting", lambda found: Model().drafting(found))),
                ("gateway", gateway),
            ):
                socket = self.box.places.socket(name)
                socket.parent.mkdir(parents=True, exist_ok=True)
                await stack.enter_async_context(listening(app, socket))
            started.set()
            await self._ended.wait()

    def _gateway(self) -> dict[str, Any]:
        in_flight = {"visits": self.visits, "uploads": 0, "transcripts": 0, "drafts": 0}
        return {"draining": self.box.places.drain.exists(), "in_flight": in_flight}

    def _engine(self, task: str, make: Callable[[str], Any]) -> Any:
        made: dict[str, Any] = {}

        async def app(scope: Any, receive: Any, send: Callable[[Any], Awaitable[None]]) -> None:
            loaded = self.running().get(task)
            if scope["type"] == "lifespan" or loaded is None:
                await JSONResponse({"title": "does not run"}, 503)(scope, receive, send)
                return
            await made.setdefault(loaded, make(loaded))(scope, receive, send)

        return app


def _transcription(loaded: str) -> Any:
    app = Model(heard={"s1": SAID}).transcription(loaded)
    health = {
        "schema_version": "transcription-health/v2", "status": "ok", "engine": "simulated", "engine_version": "1",
        "model": "tiny-speech", "root_hash": loaded, "root_hash_source": "simulated", "queue_length": 0,
        "queue_limit": 4, "requests_done": 0, "requests_refused": 0, "requests_failed": 0,
    }  # fmt: skip
    app.routes[1] = Route("/health", lambda _: JSONResponse(health))
    return app

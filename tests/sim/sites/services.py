"""Simulated services of many sites in one thread: SimulatedSystemd, which `systemctl` of a site asks, the simulated
engines and the simulated gateway on their unix sockets.

Simulated: loading, transcribing, drafting, and the kernel's dm-verity. Real: the engine serves what the link of its
task points to at its start, its root hash is computed from the image's blocks, and a seal that names another stops it.
"""

from __future__ import annotations

import asyncio
import json
import sys
import threading
from collections.abc import Callable, Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from appliance.contract.seal import ModelTask
from tests.sim.sites.answers import Engine, Loaded, gateway_health, handle
from tests.sim.sites.events import tell
from tests.sim.sites.faults import read_faults
from tests.sim.sites.images import CorruptImageError, verified_root_hash
from tests.sim.sites.places import Places
from tests.sim.sites.programs import environment

TASKS: tuple[ModelTask, ...] = ("transcription", "drafting")
ENGINES = {f"appliance-{task}": task for task in TASKS}
EVALUATE: dict[str, ModelTask] = {f"appliance-evaluate-{task}": task for task in TASKS}
GATEWAY, SEAL_CHECK = "appliance-gateway", "appliance-seal-check"
_T = TypeVar("_T")


class SimulatedSystemd:
    """The units of one site. Every method runs in the loop of `Services`."""

    def __init__(self, places: Places) -> None:
        self.places = places
        self.state = dict.fromkeys((*ENGINES, *EVALUATE, GATEWAY, SEAL_CHECK), "inactive")
        self.engines: dict[ModelTask, Engine] = {}
        self._servers: dict[str, asyncio.Server] = {}
        self._later: set[asyncio.Task[None]] = set()
        self._control: asyncio.Server | None = None

    async def power_on(self) -> None:
        """The machine runs; no unit does yet."""
        self._control = await asyncio.start_unix_server(self._ordered, self.places.systemd_socket)

    async def power_off(self) -> None:
        """Everything ends at once. Nothing is stopped in order, and /run is memory."""
        for task in tuple(self._later):
            task.cancel()
        for server in (*self._servers.values(), *([self._control] if self._control else [])):
            server.close()
        for engine in self.engines.values():
            engine.cut()
        self._servers.clear()
        self.engines.clear()
        self._control = None
        self.state = dict.fromkeys(self.state, "inactive")

    # --- systemctl

    async def _ordered(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError, ValueError):
            argv = json.loads(await reader.readline())
            code, text = await self.order(argv)
            writer.write(json.dumps([code, text]).encode() + b"\n")
            await writer.drain()
        writer.close()

    async def order(self, argv: list[str]) -> tuple[int, str]:
        """What systemctl would do, and its exit code and output. What is not simulated is refused aloud."""
        options = [word for word in argv if word.startswith("-")]
        verb, *units = [word for word in argv if not word.startswith("-")] or [""]
        names = [unit.removesuffix(".service") for unit in units]
        if verb == "daemon-reload":
            return 0, ""
        if not names and verb in ("start", "restart", "stop"):
            return 1, "Too few arguments.\n"
        if names == ["reboot.target"]:
            # Ordered; it happens when the scenario lets it (SimulatedSite.restart).
            tell(self.places.events, "systemctl", "reboot", "")
            return 0, ""
        if verb == "start" and len(names) == 1 and (found := names[0].partition("@")[2]) and "boot-order" in names[0]:
            return await self._boot_order(found)
        if unknown := [name for name in names if name not in self.state]:
            return 5, f"Unit {unknown[0]}.service not found (simulated systemctl).\n"
        if verb in ("start", "restart", "stop"):
            tell(self.places.events, "systemctl", verb, " ".join(names))
            if verb != "start":
                for name in names:
                    await self.stop(name)
            failed = [] if verb == "stop" else [name for name in names if not await self.start(name)]
            said = "".join(f"Job for {name}.service failed (simulated).\n" for name in failed)
            return (1, said) if failed else (0, "")
        if verb in ("is-active", "is-failed"):
            states = [self.state[name] for name in names]
            wanted = "active" if verb == "is-active" else "failed"
            hit = all(state == wanted for state in states) if verb == "is-active" else wanted in states
            return (0 if hit else 3), "" if {"-q", "--quiet"} & set(options) else "".join(f"{s}\n" for s in states)
        if verb == "reset-failed":
            for name in names:
                self.state[name] = "inactive" if self.state[name] == "failed" else self.state[name]
            return 0, ""
        if verb == "show":
            return 0, "\n".join(self._shown(name, options) for name in names)
        return 1, f"simulated systemctl has no verb {verb!r}\n"

    async def _boot_order(self, order: str) -> tuple[int, str]:
        """What appliance-boot-order@.service runs; the real program, on the site's files."""
        program = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "appliance.release.boot_order", order, env=environment(self.places),
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        _, said = await program.communicate()
        tell(self.places.events, "boot-order", order, str(program.returncode))
        return program.returncode or 0, said.decode(errors="replace")

    def _shown(self, name: str, options: list[str]) -> str:
        state = self.state[name]
        known = {
            "Id": f"{name}.service", "LoadState": "loaded", "ActiveState": state,
            "SubState": {"active": "running", "failed": "failed"}.get(state, "dead"),
            "Result": "exit-code" if state == "failed" else "success", "NRestarts": "0", "MainPID": "0",
        }  # fmt: skip
        asked = [word.partition("=")[2] for word in options if word.startswith(("--property=", "-p="))]
        names = [key for text in asked for key in text.split(",")] or list(known)
        if "--value" in options:
            return "".join(f"{known.get(key, '')}\n" for key in names)
        return "".join(f"{key}={known[key]}\n" for key in names if key in known)

    # --- units

    async def start(self, name: str) -> bool:
        """Start a unit; True when it is active then."""
        if self.state[name] == "active":
            return True
        self.state[name] = "activating"
        if name in ENGINES:
            good = await self._load(ENGINES[name])
        elif name in EVALUATE:
            good = await self._evaluate(name, EVALUATE[name])
        else:
            good = True
            if name == GATEWAY:
                await self._listen(name, self.places.socket("gateway"), self._gateway)
        # A stop may have come in the meantime.
        if self.state[name] == "activating":
            self.state[name] = "active" if good else "failed"
        return self.state[name] == "active"

    async def stop(self, name: str) -> None:
        """Stop a unit; what it serves ends."""
        if (server := self._servers.pop(name, None)) is not None:
            server.close()
        if name in ENGINES and (engine := self.engines.pop(ENGINES[name], None)) is not None:
            engine.cut()
            tell(self.places.events, "unloaded", ENGINES[name], engine.loaded.root_hash)
        self.state[name] = "inactive"

    async def _load(self, task: ModelTask) -> bool:
        """Do as an engine does at its start: mount, compare with the seal, warm up, serve."""
        link = self.places.link(task)
        if task == "drafting" and not link.exists():
            return True  # ConditionPathExists: the unit rests without an error
        try:
            root_hash = verified_root_hash(link.resolve(strict=True))
            sealed = {
                model["task"]: model["root_hash"] for model in json.loads(self.places.seal.read_bytes())["models"]
            }
        except (OSError, CorruptImageError, ValueError, KeyError) as problem:
            tell(self.places.events, "load-failed", task, str(problem))
            return False
        faults = read_faults(self.places.faults)
        fault = faults.engine(task, root_hash)
        if faults.start_s:
            await asyncio.sleep(faults.start_s)
        if root_hash != sealed.get(task):
            tell(self.places.events, "load-failed", task, f"not sealed: {root_hash}")
            return False
        if fault == "dead":
            tell(self.places.events, "load-failed", task, "simulated fault: dead")
            return False
        engine = Engine(task, Loaded(root_hash, link.resolve().name), fault)
        self.engines[task] = engine
        tell(self.places.events, "loaded", task, root_hash)
        await self._listen(f"appliance-{task}", self.places.socket(task), engine.answer)
        if fault == "crashes":
            later = asyncio.ensure_future(self._crash(task, engine, faults.crash_after_s))
            self._later.add(later)
            later.add_done_callback(self._later.discard)
        return True

    async def _evaluate(self, name: str, task: ModelTask) -> bool:
        """The engine of an evaluation: no seal, the image that is linked for it, a socket of its own."""
        link = self.places.below(f"/run/appliance-evaluate/{task}.raw")
        try:
            root_hash = verified_root_hash(link.resolve(strict=True))
        except (OSError, CorruptImageError) as problem:
            tell(self.places.events, "evaluation-failed", task, str(problem))
            return False
        fault = read_faults(self.places.faults).engine(task, root_hash)
        if fault == "dead":
            tell(self.places.events, "evaluation-failed", task, "simulated fault: dead")
            return False
        engine = Engine(task, Loaded(root_hash, link.resolve().name), fault)
        tell(self.places.events, "evaluating", task, root_hash)
        await self._listen(name, self.places.below(f"/run/{name}/http.sock"), engine.answer)
        return True

    async def _crash(self, task: ModelTask, engine: Engine, after_s: float) -> None:
        await asyncio.sleep(after_s)
        if self.engines.get(task) is engine:
            await self.stop(f"appliance-{task}")
            self.state[f"appliance-{task}"] = "failed"

    async def _listen(self, name: str, path: Path, answer: Callable[[str, str, bytes], tuple[int, Any]]) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        self._servers[name] = await asyncio.start_unix_server(lambda r, w: handle(r, w, answer), path)

    def _gateway(self, method: str, route: str, body: bytes) -> tuple[int, Any]:
        return gateway_health(
            self.places, read_faults(self.places.faults), {task: task in self.engines for task in TASKS}
        )


class Services:
    """The thread in which the simulated services of all sites run."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self.of: dict[str, SimulatedSystemd] = {}

    def start(self) -> None:
        """Run the thread."""
        self._thread.start()

    def run(self, doing: Coroutine[Any, Any, _T], timeout_s: float = 120) -> _T:
        """Have something done in the thread, and wait for it."""
        return asyncio.run_coroutine_threadsafe(doing, self._loop).result(timeout_s)

    def stop(self) -> None:
        """Cut the power of all sites, and end."""
        if self._thread.is_alive():
            for systemd in self.of.values():
                self.run(systemd.power_off())
            self.run(_drained())
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(30)
        self._loop.close()


async def _drained() -> None:
    """Let connections that are being served end, so that none is left behind unclosed."""
    others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)

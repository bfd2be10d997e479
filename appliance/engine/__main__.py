"""Starts the drafting service: checks the weights, starts the engine on them, warms it up, serves, and ends with it."""

import asyncio
import logging
import os
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

import uvloop

from appliance import engine_image
from appliance import weights as weights_module
from appliance.engine import adapters as adapters_module
from appliance.engine import dialect, llama, vllm
from appliance.engine import settings as settings_module
from appliance.engine.adapters import Adapter
from appliance.engine.backend import Backend
from appliance.engine.child import Child
from appliance.engine.front import Front
from appliance.engine.launch import Command
from appliance.engine.settings import LLAMA, VLLM, Settings
from appliance.engine.warmup import answers, warm_up
from appliance.sdnotify import notify, watchdog_interval_s
from appliance.service import run
from appliance.weights import Weights

log = logging.getLogger("appliance.engine")
# Without a watchdog the engine is still asked: a hung one must be seen in the log.
_PROBE_INTERVAL_S = 30.0


def _seal_path() -> Path | None:
    folder = os.environ.get("CREDENTIALS_DIRECTORY")
    return Path(folder) / "seal.json" if folder else None


def private_folder(public: Path) -> Path:
    """Make the folder beside the public socket in which the engine listens: nobody else may enter it."""
    folder = public.parent / "engine"
    folder.mkdir(mode=0o700, exist_ok=True)
    folder.chmod(0o700)
    (folder / "e.sock").unlink(missing_ok=True)
    return folder


def command(settings: Settings, weights: Weights, adapters: tuple[Adapter, ...], socket: Path) -> Command:
    """Return how to start the engine that the settings name."""
    if settings.engine == LLAMA:
        return llama.command(settings, weights, socket, adapters)
    return vllm.command(settings, weights, socket, adapters)


async def _watch(backend: Backend, interval_s: float | None) -> None:
    """Give systemd its sign of life as long as the engine gives us one."""
    while True:
        if await answers(backend):
            notify("WATCHDOG=1")
        else:
            log.warning("the engine does not answer")
        await asyncio.sleep(interval_s or _PROBE_INTERVAL_S)


async def serve(settings: Settings, weights: Weights, adapters: tuple[Adapter, ...]) -> None:
    """Serve until systemd says stop. Raises EngineEndedError when the engine ends before that."""
    started = time.monotonic()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    public = Path(settings.socket)
    socket = private_folder(public) / "e.sock"
    child, backend = Child(command(settings, weights, adapters, socket)), Backend(socket)
    tasks: list[asyncio.Task[object]] = []
    try:
        notify(f"STATUS=starting {settings.engine}")
        await child.start()
        stopping, ended = asyncio.create_task(stop.wait()), asyncio.create_task(child.wait())
        front = Front(settings, weights, adapters, backend)
        prepare = asyncio.create_task(_prepare(settings, child, backend, front))
        tasks += [stopping, ended, prepare]
        await asyncio.wait((prepare, stopping), return_when=asyncio.FIRST_COMPLETED)
        if not prepare.done():
            return
        server = prepare.result()
        log.info(
            "ready: engine=%s model=%s root_hash=%s start_s=%.1f engine_pid=%s",
            settings.engine, weights.name, weights.root_hash, time.monotonic() - started, child.pid,
        )  # fmt: skip
        notify("READY=1", f"STATUS=serving {weights.name} with {settings.engine}")
        tasks.append(asyncio.create_task(_watch(backend, watchdog_interval_s())))
        await asyncio.wait((stopping, ended), return_when=asyncio.FIRST_COMPLETED)
        server.close()
        if not stopping.done():
            raise ended.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        with suppress(OSError):
            public.unlink(missing_ok=True)
        await child.end()


async def _prepare(settings: Settings, child: Child, backend: Backend, front: Front) -> asyncio.Server:
    await child.ready(lambda: answers(backend), settings.start_timeout_s)
    await dialect.of(settings.engine).confirm(backend, settings)
    notify("STATUS=warming up")
    await warm_up(backend, front.models, settings.start_timeout_s)
    child.forget()
    return await front.listen(Path(settings.socket))


def start(path: Path) -> None:
    """Serve with the settings of a file. Raises ApplianceError."""
    settings = settings_module.load(path)
    bundle = weights_module.GGUF if settings.engine == LLAMA else weights_module.SAFETENSORS
    weights = weights_module.check(
        Path(settings.model_dir), _seal_path(), task="drafting", bundle=bundle,
        require_verity=settings.require_verity,
    )  # fmt: skip
    if settings.engine == VLLM:
        engine_image.check(
            Path(settings.engine_dir), Path(settings.program), _seal_path(), require_verity=settings.require_verity
        )
    adapters = adapters_module.check(settings, _seal_path())
    # uvloop halves what the front adds to a request (docs/design/engines.md).
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(settings, weights, adapters))


def main() -> int:
    """Return the exit code."""
    return run(start, settings_module.CONFIG_PATH)


if __name__ == "__main__":
    sys.exit(main())

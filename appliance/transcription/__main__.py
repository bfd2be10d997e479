"""Starts the transcription service: checks the weights, loads and warms the model, then serves on a unix socket."""

import asyncio
import logging
import os
import sys
import time
from pathlib import Path

from appliance import engine_image
from appliance import weights as weights_module
from appliance.listening import listen
from appliance.sdnotify import notify, watchdog_interval_s
from appliance.service import run
from appliance.transcription import settings as settings_module
from appliance.transcription.settings import Settings

# Longer than a request of the short route may take and the step after it, and far longer than any step of the long one:
# then the worker's thread hangs, and systemd restarts us.
_HANG_MARGIN_S = 300.0


def _seal_path() -> Path | None:
    folder = os.environ.get("CREDENTIALS_DIRECTORY")
    return Path(folder) / "seal.json" if folder else None


def serve(settings: Settings) -> None:
    """Run until systemd says stop."""
    started = time.monotonic()
    weights = weights_module.check(
        Path(settings.model_dir),
        _seal_path(),
        task="transcription",
        bundle=weights_module.WHISPER,
        require_verity=settings.require_verity,
    )
    # The speaker model's matrices are small: more threads would only wait for each other. Read when numpy is imported.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    # Threads of a decoding that wait by spinning keep others from a core, first of all the one that they wait for: on a
    # busy emulated box 11 s of speech took 22 minutes. Read when CTranslate2 is imported.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    if settings.device == "cuda":
        # CUDA's libraries come from the engine's image; which libraries those are is the seal's to say.
        engine_image.check(
            engine_image.DIRECTORY, engine_image.DIRECTORY / "bin/vllm", _seal_path(),
            require_verity=settings.require_verity,
        )  # fmt: skip
    notify("STATUS=loading the model")
    from appliance.transcription.engine import WhisperEngine

    engine = WhisperEngine(
        weights.directory, device=settings.device, compute_type=settings.compute_type, threads=settings.threads
    )
    notify("STATUS=warming up")
    engine.warm_up()

    import uvicorn

    from appliance.transcription.app import Service

    service = Service(settings, weights, engine)
    listener = listen(Path(settings.socket))
    server = uvicorn.Server(
        uvicorn.Config(
            service.app(), log_config=None, access_log=False, server_header=False, lifespan="on", http="h11",
            # A compressed frame could be a bomb; the queue is what waits unread of one stream, before its sender must.
            ws="websockets-sansio", ws_max_size=256 * 1024, ws_max_queue=4, ws_per_message_deflate=False,
            ws_ping_interval=20.0, ws_ping_timeout=20.0, timeout_keep_alive=30, timeout_graceful_shutdown=30,
            backlog=64,
        )
    )  # fmt: skip

    async def until_stopped() -> None:
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        while not server.started and not serving.done():
            await asyncio.sleep(0.02)
        logging.info(
            "ready: model=%s root_hash=%s start_s=%.1f", weights.name, weights.root_hash, time.monotonic() - started
        )
        notify("READY=1", f"STATUS=serving {weights.name}")
        interval_s = watchdog_interval_s()
        while not serving.done():
            if service.worker.silent_for_s() < settings.request_timeout_s + _HANG_MARGIN_S:
                notify("WATCHDOG=1")
            await asyncio.wait([serving], timeout=interval_s)
        await serving

    asyncio.run(until_stopped())


def main() -> int:
    """Return the exit code."""
    return run(lambda path: serve(settings_module.load(path)), settings_module.CONFIG_PATH)


if __name__ == "__main__":
    sys.exit(main())

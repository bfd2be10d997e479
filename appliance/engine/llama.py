"""llama.cpp: how it is started, and the program that runs its server on a unix socket in a process of its own.

A process of its own, because llama.cpp aborts where another program would raise: the front must live to see it.
"""

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

from appliance.contract.adapter import ADAPTER_FILES
from appliance.engine.adapters import Adapter
from appliance.engine.launch import OFFLINE, Command
from appliance.engine.settings import Settings
from appliance.weights import Weights

# Isolated (-I), so that no folder of a caller shadows a module; told where our packages are.
_START = "import json, sys; sys.path[:0] = json.loads(sys.argv[1]); from appliance.engine import llama; llama.main()"


def command(settings: Settings, weights: Weights, socket: Path, adapters: tuple[Adapter, ...] = ()) -> Command:
    """Return how to start llama.cpp. The argument is a JSON object for `serve`: paths and numbers only."""
    threads = settings.threads or len(os.sched_getaffinity(0))
    options = {
        "model": str(weights.directory / "model.gguf"),
        "name": weights.name,
        "socket": str(socket),
        "context_tokens": settings.context_tokens,
        "parallel": settings.parallel,
        "threads": threads,
        # What llama.cpp keeps there of a prompt it gives to any later one that begins alike, whichever adapter it was
        # read with: with adapters, nothing is kept. What a slot holds is thrown away when its adapter changes.
        "prompt_cache_mib": 0 if adapters else settings.prompt_cache_mib,
        "adapters": [str(adapter.directory / ADAPTER_FILES["gguf"][0]) for adapter in adapters],
    }
    ours = [path for path in sys.path if path]
    argv = (sys.executable, "-I", "-c", _START, json.dumps(ours), json.dumps(options))
    return Command(argv, {**OFFLINE, "OMP_NUM_THREADS": str(threads)}, socket)


def parameters(options: dict[str, Any]) -> Any:
    """Return llama.cpp's own parameters (CommonParams of xllamacpp)."""
    import xllamacpp  # type: ignore[import-untyped]

    params = xllamacpp.CommonParams()
    params.model.path = options["model"]
    params.model_alias = {options["name"]}
    params.hostnames = [options["socket"]]
    # Each slot has its full context: what one request needs is never taken away by another.
    params.n_ctx = options["context_tokens"] * options["parallel"]
    params.kv_unified = False
    params.n_parallel = options["parallel"]
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = options["threads"]
    # A stream holds its HTTP thread; two more answer /health and /tokenize meanwhile.
    params.n_threads_http = options["parallel"] + 2
    params.cache_ram_mib = options["prompt_cache_mib"]
    # Loaded, and none applied: each request says which (`dialect`), and one that says nothing gets the model alone.
    params.lora_init_without_apply = True
    params.lora_adapters = [_lora(path) for path in options["adapters"]]
    params.offline = True
    params.ctx_shift = False  # dropping the oldest part of a prompt silently is what it would do
    params.ui = params.endpoint_slots = params.endpoint_props = params.endpoint_metrics = False
    # Nothing below an error, so no prompt; what it writes later is not kept either (see child.py).
    params.verbosity = 1
    return params


def _lora(path: str) -> Any:
    import xllamacpp

    found = xllamacpp.CommonAdapterLoraInfo()
    found.path, found.scale = path, 1.0
    return found


def serve(options: dict[str, Any]) -> None:
    """Run llama.cpp's server until SIGTERM."""
    import xllamacpp

    # Blocked before the server starts its threads, so that only sigwait below receives them.
    ends = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, ends)
    server = xllamacpp.Server(parameters(options))
    signal.sigwait(ends)
    del server


def main() -> None:
    """Entry of the child process; sys.argv[2] is the JSON of `command`."""
    os.umask(0o077)
    serve(json.loads(sys.argv[2]))

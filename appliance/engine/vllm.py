"""vLLM: the command that starts its OpenAI-compatible server on a unix socket, built from settings alone."""

import json
import os
import re
from pathlib import Path

from appliance.engine.adapters import Adapter
from appliance.engine.launch import OFFLINE, Command
from appliance.engine.settings import Settings
from appliance.errors import UsageError
from appliance.weights import Weights

# What vLLM takes for --max-lora-rank (vllm/config/lora.py); memory is set aside for it, so the least that will do.
_RANKS = (1, 8, 16, 32, 64, 128, 256, 320, 512)
_QUANTIZATION = re.compile(r"^[a-z0-9_-]{1,40}$")


def gpu_share(settings: Settings) -> float:
    """Return the share of each card's memory that vLLM may take: what Whisper needs beside it is not in it.

    Whisper lies on one card, but vLLM knows one share for all of its cards. Rounded down to a thousandth.
    Raises UsageError when less than a tenth would be left: no useful model fits.
    """
    left_mib = settings.card_memory_mib * settings.memory_share - settings.transcription_mib
    share = int(1000 * left_mib / settings.card_memory_mib) / 1000
    if share < 0.1:
        raise UsageError(
            f"{settings.transcription_mib} MiB for transcription leave {share:.0%} of a card of "
            f"{settings.card_memory_mib} MiB for drafting; at least 10% is wanted",
            hint="correct transcription_mib or card_memory_mib in the drafting settings",
        )
    return share


def argv(settings: Settings, weights: Weights, socket: Path, adapters: tuple[Adapter, ...] = ()) -> tuple[str, ...]:
    """Return the command line of `vllm serve`."""
    words = [settings.program, "serve", str(weights.directory), "--uds", str(socket)]
    words += ["--served-model-name", weights.name, "--max-model-len", str(settings.context_tokens)]
    words += [
        "--max-num-seqs",
        str(settings.parallel),
        "--enable-prefix-caching",
        "--enable-prompt-tokens-details",
        "--seed",
        "0",
    ]
    # The request decides about sampling; a publisher's defaults in generation_config.json do not change drafts.
    words += ["--generation-config", "vllm", "--load-format", "safetensors", "--no-trust-remote-code"]
    words += ["--no-trust-request-chat-template", "--no-enable-prompt-embeds"]
    words += ["--structured-outputs-config", json.dumps({"backend": "xgrammar", "disable_any_whitespace": True})]
    # No request and no output in a log, no statistics, no pages for browsers.
    words += ["--no-enable-log-requests", "--no-enable-log-outputs", "--no-log-error-stack", "--disable-log-stats"]
    words += ["--disable-uvicorn-access-log", "--uvicorn-log-level", "warning", "--disable-fastapi-docs"]
    if settings.cards:
        words += ["--tensor-parallel-size", str(settings.cards), "--gpu-memory-utilization", str(gpu_share(settings))]
        words += ["--distributed-executor-backend", "mp"] if settings.cards > 1 else []
        # torch.compile would compile anew at every start, for what is written is gone with the service. Without it vLLM
        # takes the kernels of its wheel, and graphs of the decoding steps still spare the launches one by one.
        words += ["--compilation-config", json.dumps({"mode": 0, "cudagraph_mode": "FULL_DECODE_ONLY"})]
    else:
        words += ["--dtype", "bfloat16", "--enforce-eager"]
    if settings.quantization:
        if not _QUANTIZATION.match(settings.quantization):
            raise UsageError("quantization is not the name of a method", hint="see vllm serve --help=quantization")
        words += ["--quantization", settings.quantization]
    if adapters:
        rank = next(each for each in _RANKS if each >= max(adapter.rank for adapter in adapters))
        words += ["--enable-lora", "--max-loras", str(len(adapters)), "--max-lora-rank", str(rank)]
        words += ["--lora-modules", *(f"{adapter.name}={adapter.directory}" for adapter in adapters)]
    return tuple(words)


def environment(settings: Settings) -> dict[str, str]:
    """Return what vLLM reads from its environment: no telemetry, no hub, no log of its own configuration."""
    found = {**OFFLINE, "VLLM_NO_USAGE_STATS": "1", "VLLM_LOGGING_LEVEL": "WARNING"}
    # An adapter is chosen by the release. Loading one by a request stays off.
    found |= {"VLLM_ALLOW_RUNTIME_LORA_UPDATING": "0", "VLLM_SERVER_DEV_MODE": "0"}
    if settings.cards:
        # Triton compiles its kernels for the card when it first meets them. That needs a compiler, which the engine's
        # image has, and a place to write what is then executed: in memory, of this service alone, gone when it stops.
        cache = Path(settings.socket).parent / "cache"
        found |= {"CC": f"{settings.engine_dir}/bin/cc", "TRITON_CACHE_DIR": f"{cache}/triton"}
        found |= {"VLLM_CACHE_ROOT": f"{cache}/vllm", "XDG_CACHE_HOME": str(cache), "CUDA_CACHE_PATH": f"{cache}/cuda"}
        # Functions of vLLM that ask for torch.compile by themselves run as they are written.
        found["TORCHDYNAMO_DISABLE"] = "1"
        # The workers of several cards meet on the loopback interface, the only one there is.
        found |= {"VLLM_HOST_IP": "127.0.0.1", "NCCL_SOCKET_IFNAME": "lo", "GLOO_SOCKET_IFNAME": "lo"}
    else:
        threads = settings.threads or len(os.sched_getaffinity(0))
        found |= {"VLLM_CPU_KVCACHE_SPACE": str(settings.cpu_cache_gib), "OMP_NUM_THREADS": str(threads)}
        found |= {"VLLM_CPU_OMP_THREADS_BIND": "nobind"}
    return found


def command(settings: Settings, weights: Weights, socket: Path, adapters: tuple[Adapter, ...]) -> Command:
    """Return how to start vLLM."""
    return Command(argv(settings, weights, socket, adapters), environment(settings), socket)

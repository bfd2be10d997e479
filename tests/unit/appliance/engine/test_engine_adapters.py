"""Adapters of an engine: which the seal names, where they are mounted, and how each engine is told of them."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from appliance.contract.adapter import ADAPTER_FILES
from appliance.engine import adapters, dialect, llama, vllm
from appliance.engine.adapters import Adapter
from appliance.engine.settings import Settings
from appliance.errors import SealBrokenError, UnknownStateError, UsageError
from appliance.weights import Weights

WEIGHTS = Weights(Path("/run/model"), "draft-test", None, "test")
SOCKET = Path("/run/appliance-drafting/engine/e.sock")
ROOT_HASH = "d" * 64
FIRST, SECOND = "1" * 64, "2" * 64


def made(folder: Path, place: int = 0, text: str = "", form: str = "safetensors") -> str:
    """Files of an adapter where the unit mounts it; their digest as sha256sum says it."""
    target = folder / str(place)
    target.mkdir(parents=True)
    names = ADAPTER_FILES[form]  # type: ignore[index]
    for name in names:
        (target / name).write_text(name + text)
    command = f"sha256sum {' '.join(names)} | sha256sum"
    said = subprocess.run(["sh", "-c", command], cwd=target, capture_output=True, text=True, check=True).stdout
    return said.split()[0]


def option(argv: tuple[str, ...], name: str) -> str:
    assert argv.count(name) == 1
    return argv[argv.index(name) + 1]


def seal(folder: Path, *sealed: dict[str, Any]) -> Path:
    document: dict[str, Any] = {
        "schema_version": "seal/v2", "site": "clinic-1", "sealed_at": "2026-11-01T00:00:00Z",
        "usr_root_hash": "a" * 64, "ruleset_digest": "b" * 64,
        "state_volume": {"luks_uuid": "00000000-0000-4000-8000-000000000000"},
        "models": [
            {"task": "transcription", "name": "speech", "root_hash": "c" * 64},
            {"task": "drafting", "name": "notes", "root_hash": "e" * 64},
        ],
    }  # fmt: skip
    path = folder / "seal.json"
    path.write_text(json.dumps(document | ({"adapters": list(sealed)} if sealed else {})))
    return path


def entry(digest: str, **changes: Any) -> dict[str, Any]:
    return {"name": "style", "digest": digest, "root_hash": ROOT_HASH, "rank": 8, "kinds": ["visit_note"]} | changes


@pytest.fixture
def mounted(monkeypatch: pytest.MonkeyPatch) -> dict[str, str | None]:
    """What the kernel says of a folder: by its name."""
    found: dict[str, str | None] = {"0": ROOT_HASH}
    monkeypatch.setattr(
        adapters, "root_hash", lambda directory, sysfs: (found.get(directory.name), "no device-mapper device")
    )
    return found


@pytest.mark.parametrize(("engine", "form"), [("vllm", "safetensors"), ("llama.cpp", "gguf")])
def test_the_seal_names_them(engine: str, form: str, tmp_path: Path, mounted: dict[str, str | None]) -> None:
    digest = made(tmp_path, form=form)
    wanted = Settings(engine=engine, adapter_dir=str(tmp_path))
    (found,) = adapters.check(wanted, seal(tmp_path, entry(digest)))
    assert found == Adapter(digest, tmp_path / "0", 8, ("visit_note",))
    # What is mounted and not sealed is not served.
    assert adapters.check(wanted, seal(tmp_path)) == ()


def test_another_one_is_refused_by_its_files_and_by_its_device(tmp_path: Path, mounted: dict[str, str | None]) -> None:
    digest, wanted = made(tmp_path), Settings(engine="vllm", adapter_dir=str(tmp_path))
    mounted["0"] = "f" * 64
    with pytest.raises(SealBrokenError, match="has root hash f"):
        adapters.check(wanted, seal(tmp_path, entry(digest)))
    mounted["0"] = None
    with pytest.raises(UnknownStateError, match="style is not verified by the kernel: no device-mapper"):
        adapters.check(wanted, seal(tmp_path, entry(digest)))
    mounted["0"] = ROOT_HASH
    with pytest.raises(SealBrokenError, match=f"holds the adapter {digest}"):
        adapters.check(wanted, seal(tmp_path, entry(FIRST)))
    with pytest.raises(UsageError, match="style has rank 128; adapter_rank is 64"):
        adapters.check(wanted, seal(tmp_path, entry(digest, rank=128)))
    (tmp_path / "0" / "adapter_config.json").unlink()
    with pytest.raises(UnknownStateError, match="cannot be read"):
        adapters.check(wanted, seal(tmp_path, entry(digest)))


@pytest.mark.parametrize("seals", [None, "gone", "broken", "two for a kind"])
def test_without_a_sound_seal_nothing_is_served(seals: str | None, tmp_path: Path) -> None:
    path = seal(tmp_path, entry(FIRST), entry(SECOND, name="other"))
    if seals == "gone":
        path.unlink()
    elif seals == "broken":
        path.write_text("{")
    with pytest.raises(UnknownStateError):
        adapters.check(Settings(adapter_dir=str(tmp_path)), None if seals is None else path)


def test_an_evaluation_names_its_own(tmp_path: Path) -> None:
    first, second = made(tmp_path), made(tmp_path, 1, "other")
    named = {first: ("visit_note",), second: ("patient_letter",)}
    wanted = Settings(engine="vllm", adapter_dir=str(tmp_path), require_verity=False, adapters=named)
    assert [(each.name, each.kinds) for each in adapters.check(wanted, None)] == list(named.items())
    turned = Settings(
        engine="vllm", adapter_dir=str(tmp_path), require_verity=False, adapters=dict(reversed(named.items()))
    )
    with pytest.raises(SealBrokenError, match="holds the adapter"):
        adapters.check(turned, None)


def test_vllm_serves_them_as_models_with_the_least_rank_that_will_do() -> None:
    cpu = Settings(engine="vllm")
    assert "--enable-lora" not in vllm.argv(cpu, WEIGHTS, SOCKET)
    found = (Adapter(FIRST, Path("/run/adapters/0"), 8), Adapter(SECOND, Path("/run/adapters/1"), 9))
    argv = vllm.argv(cpu, WEIGHTS, SOCKET, found)
    at = argv.index("--lora-modules")
    assert argv[at + 1 : at + 3] == (f"{FIRST}=/run/adapters/0", f"{SECOND}=/run/adapters/1")
    assert (option(argv, "--max-loras"), option(argv, "--max-lora-rank")) == ("2", "16")
    assert option(vllm.argv(cpu, WEIGHTS, SOCKET, found[:1]), "--max-lora-rank") == "8"


def test_llama_loads_them_and_keeps_no_prompt_across_them() -> None:
    found = (Adapter(FIRST, Path("/run/adapters/0")), Adapter(SECOND, Path("/run/adapters/1")))
    plain = llama.parameters(json.loads(llama.command(Settings(), WEIGHTS, SOCKET).argv[-1]))
    assert (list(plain.lora_adapters), plain.cache_ram_mib) == ([], 256)
    params = llama.parameters(json.loads(llama.command(Settings(), WEIGHTS, SOCKET, found).argv[-1]))
    assert [each.path for each in params.lora_adapters] == [f"/run/adapters/{place}/adapter.gguf" for place in (0, 1)]
    assert (params.lora_init_without_apply, params.cache_ram_mib) == (True, 0)


def test_a_request_says_every_scale_to_llama_and_the_name_to_vllm() -> None:
    models = ("draft-test", FIRST, SECOND)
    for name, scales in (("draft-test", [0, 0]), (FIRST, [1, 0]), (SECOND, [0, 1])):
        said = dialect.Llama().chosen({"model": name, "messages": []}, models)
        assert said["model"] == "draft-test"
        assert [(each["id"], each["scale"]) for each in said["lora"]] == list(enumerate(scales))
        assert dialect.Vllm().chosen({"model": name}, models) == {"model": name}
    assert dialect.Llama().chosen({"model": "draft-test"}, ("draft-test",)) == {"model": "draft-test"}

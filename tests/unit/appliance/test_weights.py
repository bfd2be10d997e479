"""A folder of weights: complete, verified by the kernel, and the one that the seal approves for the task."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from appliance import weights
from appliance.errors import SealBrokenError, UnknownStateError
from appliance.weights import GGUF, SAFETENSORS, WHISPER, Bundle

A, B = "a" * 64, "b" * 64
FILES = {
    WHISPER: ("model.bin", "config.json", "tokenizer.json", "vocabulary.txt"),
    GGUF: ("model.gguf",),
    SAFETENSORS: ("config.json", "tokenizer.json", "model.safetensors"),
}


def make(folder: Path, bundle: Bundle) -> Path:
    target = folder / "model"
    target.mkdir()
    for name in FILES[bundle]:
        (target / name).write_text("x")
    return target


def sysfs(folder: Path, model: Path, root_hash: str) -> Path:
    device = model.stat().st_dev
    node = folder / f"sys-{root_hash[:1]}/dev/block" / f"{os.major(device)}:{os.minor(device)}" / "dm"
    node.mkdir(parents=True)
    (node / "uuid").write_text("CRYPT-VERITY-0-x\n")
    (node / "name").write_text(f"{root_hash}-verity\n")
    return folder / f"sys-{root_hash[:1]}"


def seal(folder: Path, *models: tuple[str, str, str]) -> Path:
    path = folder / "seal.json"
    listed = models or (("transcription", "whisper-test", A), ("drafting", "draft-test", B))
    content = {"models": [{"task": task, "name": name, "root_hash": found} for task, name, found in listed]}
    path.write_text(json.dumps(content))
    return path


@pytest.mark.parametrize(("bundle", "name"), [(bundle, name) for bundle, names in FILES.items() for name in names])
def test_an_incomplete_folder_is_refused(tmp_path: Path, bundle: Bundle, name: str) -> None:
    model = make(tmp_path, bundle)
    assert weights.missing_files(model, bundle) == []
    (model / name).write_text("")
    with pytest.raises(UnknownStateError, match=name.split(".")[0] if bundle != SAFETENSORS else "lacks"):
        weights.check(model, None, task="drafting", bundle=bundle, require_verity=False)


def test_every_shard_of_a_model_in_pieces_must_be_there(tmp_path: Path) -> None:
    model = make(tmp_path, SAFETENSORS)
    index = {"weight_map": {"a": "model-1.safetensors", "b": "../../model-2.safetensors"}}
    (model / weights.SHARDS).write_text(json.dumps(index))
    (model / "model-1.safetensors").write_text("x")
    assert weights.missing_files(model, SAFETENSORS) == ["model-2.safetensors"]
    (model / weights.SHARDS).write_text("[]")
    assert weights.missing_files(model, SAFETENSORS) == ["a readable model.safetensors.index.json"]


def test_each_task_has_its_own_sealed_weights(tmp_path: Path) -> None:
    model = make(tmp_path, GGUF)
    where = sysfs(tmp_path, model, B)
    found = weights.check(model, seal(tmp_path), task="drafting", bundle=GGUF, sysfs=where)
    assert (found.name, found.root_hash) == ("draft-test", B)
    with pytest.raises(SealBrokenError, match="sealed for transcription was"):
        weights.check(model, seal(tmp_path), task="transcription", bundle=GGUF, sysfs=where)


@pytest.mark.parametrize(
    "text", [None, "", "{}", '{"models": {}}', '{"models": [{"task": "drafting", "name": "x"}]}', '{"models": [5]}',
             '{"model": {"name": "draft-test", "root_hash": "' + A + '"}}'],
)  # fmt: skip
def test_without_a_readable_seal_nothing_starts(tmp_path: Path, text: str | None) -> None:
    model, path = make(tmp_path, GGUF), tmp_path / "seal.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(UnknownStateError):
        weights.check(model, path, task="drafting", bundle=GGUF, sysfs=sysfs(tmp_path, model, A))


@pytest.mark.parametrize("models", [[("transcription", "w", A)], [("drafting", "x", A), ("drafting", "y", A)]])
def test_the_seal_names_exactly_one_model_for_a_task(tmp_path: Path, models: list[tuple[str, str, str]]) -> None:
    model = make(tmp_path, GGUF)
    with pytest.raises(UnknownStateError, match="models for drafting; wanted is one"):
        weights.check(model, seal(tmp_path, *models), task="drafting", bundle=GGUF, sysfs=sysfs(tmp_path, model, A))


def test_weights_on_a_plain_file_system_are_refused(tmp_path: Path) -> None:
    model = make(tmp_path, GGUF)
    with pytest.raises(UnknownStateError, match="not verified by the kernel"):
        weights.check(model, seal(tmp_path), task="drafting", bundle=GGUF, sysfs=tmp_path / "none")


def test_no_seal_no_service(tmp_path: Path) -> None:
    model = make(tmp_path, GGUF)
    with pytest.raises(UnknownStateError, match="no seal was given"):
        weights.check(model, None, task="drafting", bundle=GGUF, sysfs=sysfs(tmp_path, model, A))


def test_a_folder_that_is_not_there_has_no_hash(tmp_path: Path) -> None:
    found, why = weights.root_hash(tmp_path / "gone")
    assert found is None
    assert "0 devices" in why or "No such" in why

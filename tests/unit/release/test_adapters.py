"""LoRA adapters from a folder to a release: what may go in, what fits which model, and what the release says of it."""

from __future__ import annotations

import hashlib
import io
import json
import struct
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from fleetctl.errors import RefusedError, UsageError
from fleetctl.image.manifest import ModelFile, ModelManifest
from fleetctl.release.adapters import Base, OwnAdapter, import_adapter, look_adapter
from fleetctl.release.weights import OwnBuild
from fleetctl.report.progress import Progress
from tests.fakes.lora import gguf_file, gguf_lora, peft_lora, safetensors

QUIET = Progress(Console(file=io.StringIO()))
OWN = OwnAdapter(name="style", kinds=("visit_note",), licence="MIT", origin="a test")
MODULES = {"model.layers.0.self_attn.q_proj": (32, 64), "model.layers.0.mlp.up_proj": (128, 64)}


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def base_in(folder: Path, *names: str) -> Base:
    """The model whose weights lie in `folder`."""

    @contextmanager
    def weights() -> Iterator[Path]:
        yield folder

    files = [ModelFile(path=name, sha256=sha256(folder / name)) for name in names]
    manifest = ModelManifest(
        name="notes", root_hash="a" * 64, sha256="b" * 64, size_bytes=1, files=files, licence="MIT", origin="a test",
        input_digest="c" * 64,
    )  # fmt: skip
    return Base(manifest, weights)


@pytest.fixture
def peft_base(tmp_path: Path) -> Base:
    folder = tmp_path / "base"
    folder.mkdir()
    tensors = {f"{name}.weight": np.zeros(shape, "<f4") for name, shape in MODULES.items()}
    (folder / "model.safetensors").write_bytes(safetensors(tensors))
    return base_in(folder, "model.safetensors")


@pytest.fixture
def gguf_base(tmp_path: Path) -> Base:
    folder = tmp_path / "gguf-base"
    folder.mkdir()
    tensors = {f"blk.{number}.attn_output.weight": np.zeros((32, 64), "<f4") for number in range(2)}
    (folder / "model.gguf").write_bytes(gguf_file({"general.architecture": "llama"}, {}, tensors))
    return base_in(folder, "model.gguf")


def model_of(base: Base) -> Path:
    with base.weights() as folder:
        return folder / base.manifest.files[0].path


def test_both_forms_are_read(peft_base: Base, tmp_path: Path) -> None:
    shown, found = look_adapter(OWN, peft_lora(tmp_path / "a", MODULES, rank=8), peft_base)
    assert (shown.form, shown.rank, shown.matrices, shown.base) == ("safetensors", 8, 2, "notes")
    assert dict(found.shapes) == {f"{name}.weight": shape[::-1] for name, shape in MODULES.items()}


def test_a_gguf_adapter_is_read(gguf_base: Base, tmp_path: Path) -> None:
    gguf_lora(tmp_path / "a", model_of(gguf_base), rank=2).rename(tmp_path / "a" / "clinic-lora.gguf")
    shown, found = look_adapter(OWN, tmp_path / "a", gguf_base)
    assert (shown.form, shown.rank, shown.matrices) == ("gguf", 2, 2)
    assert [file.name for file in found.files] == ["adapter.gguf"]


Change = Callable[[Path], object]


def config(**changes: Any) -> Change:
    def change(folder: Path) -> None:
        path = folder / "adapter_config.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | changes))

    return change


def tensors(change: Callable[[dict[str, np.ndarray]], object]) -> Change:
    def changed(folder: Path) -> None:
        path = folder / "adapter_model.safetensors"
        content = path.read_bytes()
        (length,) = struct.unpack("<Q", content[:8])
        header, body = json.loads(content[8 : 8 + length]), content[8 + length :]
        found = {
            name: np.frombuffer(body[slice(*entry["data_offsets"])], "<f4").reshape(entry["shape"])
            for name, entry in header.items()
        }
        change(found)
        path.write_bytes(safetensors(found))

    return changed


PREFIX = "base_model.model.model.layers.0.self_attn.q_proj.lora_"
HOSTILE: dict[str, tuple[Change, str]] = {
    "no LoRA": (config(peft_type="IA3"), "peft_type is 'IA3'"),
    "DoRA": (config(use_dora=True), "use_dora is 'True'"),
    "a bias": (config(bias="all"), "bias is 'all'"),
    "other modules": (config(modules_to_save=["lm_head"]), "modules_to_save is not empty"),
    "several ranks": (config(rank_pattern={"q_proj": 2}), "rank_pattern is not empty"),
    "another rank": (config(r=16), "factors of rank 4"),
    "no rank": (config(r="4"), "r or lora_alpha is no number"),
    "no JSON": (lambda folder: (folder / "adapter_config.json").write_text("{"), "no JSON"),
    "a pickle": (lambda folder: (folder / "adapter_model.safetensors").write_bytes(b"\x80\x02}q\x00."), "a pickle"),
    "a second file": (lambda folder: (folder / "adapter_model.bin").write_bytes(b"x"), "it has adapter_config.json"),
    "one file": (lambda folder: (folder / "adapter_config.json").unlink(), "it has adapter_model.safetensors"),
    "half a pair": (tensors(lambda found: found.pop(f"{PREFIX}B.weight")), "that is no half of a pair"),
    "a matrix more": (
        tensors(lambda found: found.update({"base_model.model.lm_head.weight": np.zeros((4, 4))})),
        "that is no half of a pair",
    ),
    "no adapter": (tensors(lambda found: found.update({"model.norm.weight": np.zeros(4)})), "a tensor 'model.norm"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_what_no_engine_serves_is_refused(case: str, peft_base: Base, tmp_path: Path) -> None:
    folder = peft_lora(tmp_path / "a", MODULES)
    change, words = HOSTILE[case]
    change(folder)
    with pytest.raises(RefusedError, match="wanted") as caught:
        look_adapter(OWN, folder, peft_base)
    assert words in caught.value.message


def test_another_base_is_refused_by_digest_by_matrix_and_by_form(
    peft_base: Base, gguf_base: Base, tmp_path: Path
) -> None:
    folder = peft_lora(tmp_path / "a", MODULES)
    with pytest.raises(RefusedError, match="the base is gguf, the adapter safetensors"):
        look_adapter(OWN, folder, gguf_base)
    wide = peft_lora(tmp_path / "b", {**MODULES, "model.layers.0.mlp.up_proj": (128, 32)})
    with pytest.raises(RefusedError, match=r"notes has one of 64 × 128 \(model.layers.0.mlp.up_proj.weight\)"):
        look_adapter(OWN, wide, peft_base)
    deep = peft_lora(tmp_path / "c", {"model.layers.9.self_attn.q_proj": (32, 64)})
    with pytest.raises(RefusedError, match="no such matrix"):
        look_adapter(OWN, deep, peft_base)
    model_of(peft_base).write_bytes(model_of(peft_base).read_bytes()[:-4] + b"zzzz")
    with pytest.raises(RefusedError, match="as notes has it"):
        look_adapter(OWN, folder, peft_base)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"general__architecture": "gemma"}, "an adapter for gemma; wanted: one for"),
        ({"general__type": "model"}, "general.type is 'model'"),
        ({"adapter__type": "ia3"}, "adapter.type is 'ia3'"),
    ],
)
def test_a_gguf_file_that_is_no_adapter_of_the_base_is_refused(
    wrong: dict[str, str], words: str, gguf_base: Base, tmp_path: Path
) -> None:
    gguf_lora(tmp_path / "a", model_of(gguf_base), **wrong)  # type: ignore[arg-type]
    with pytest.raises(RefusedError) as caught:
        look_adapter(OWN, tmp_path / "a", gguf_base)
    assert words in caught.value.message


@pytest.mark.parametrize(
    "change", [{"name": "No Name"}, {"kinds": ()}, {"kinds": ("visit_note", "visit_note")}, {"kinds": ("../x",)}]
)
def test_what_cannot_stand_in_a_release_is_wrong_usage(change: dict[str, Any], peft_base: Base, tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        look_adapter(OWN.model_copy(update=change), peft_lora(tmp_path / "a", MODULES), peft_base)


@pytest.mark.slow
def test_an_adapter_becomes_a_signed_image_with_the_digest_of_its_files(
    peft_base: Base, own_build: OwnBuild, tmp_path: Path
) -> None:
    folder = peft_lora(tmp_path / "a", MODULES)
    made = import_adapter(OWN, folder, peft_base, own_build, QUIET)
    command = "sha256sum adapter_config.json adapter_model.safetensors | sha256sum"
    said = subprocess.run(["sh", "-c", command], cwd=folder, capture_output=True, text=True, check=True).stdout
    assert made.digest == said.split()[0]
    assert (made.base_root_hash, made.rank, made.kinds) == ("a" * 64, 4, ["visit_note"])
    image = own_build.output_dir / "style.raw"
    assert (sha256(image), image.stat().st_size) == (made.sha256, made.size_bytes)
    before = image.stat().st_ino
    assert import_adapter(OWN, folder, peft_base, own_build, QUIET) == made
    assert image.stat().st_ino == before
    other = peft_lora(tmp_path / "b", MODULES, seed=2)
    with pytest.raises(RefusedError, match="holds another adapter"):
        import_adapter(OWN, other, peft_base, own_build, QUIET)

"""A folder with a LoRA adapter: what may be in it, and whether it fits the weights that it was trained on.

Two forms: adapter_config.json and adapter_model.safetensors as PEFT writes them, for vLLM; one GGUF file as llama.cpp's
convert_lora_to_gguf.py writes it. An engine adds lora_B·lora_A to a matrix of the model, so both have to be there, of
one rank, and of the matrix's size: compared with the weights themselves, whose digest says that they are the model's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from appliance.contract.adapter import ADAPTER_FILES, MAX_RANK, AdapterForm, digest_of
from fleetctl.errors import RefusedError
from fleetctl.image.manifest import ModelFile
from fleetctl.release.weights_folder import OwnFile, digest_of_file, opened, survey
from fleetctl.release.weights_gguf import GgufHeader, read_gguf
from fleetctl.release.weights_reading import WeightsError, bounded_json
from fleetctl.release.weights_safetensors import read_safetensors
from fleetctl.release.weights_sniff import kind_of

_MAX_CONFIG_BYTES = 1 << 20
_PREFIX = "base_model.model."
_ACTION = "take the files as the training wrote them, with the base that it began with"
Shapes = Mapping[str, tuple[int, int]]
"""Matrix of the model → inputs, outputs."""


@dataclass(frozen=True)
class FoundAdapter:
    """An adapter that was looked at. `shapes`: the matrices that it changes, as its own factors say them."""

    form: AdapterForm
    rank: int
    files: tuple[OwnFile, ...]
    shapes: Shapes
    architecture: str = ""

    @property
    def size_bytes(self) -> int:
        """Of all its files."""
        return sum(file.size_bytes for file in self.files)


def examine_adapter(folder: Path) -> FoundAdapter:
    """Look at every file. Raises RefusedError at the first that may not go in, or for what is missing."""
    files = {_image_name(file.name): file for file in survey(folder)}
    form: AdapterForm = "gguf" if ADAPTER_FILES["gguf"][0] in files else "safetensors"
    if set(files) != set(ADAPTER_FILES[form]):
        wanted = "; or ".join(" and ".join(names) for names in (ADAPTER_FILES["safetensors"], ("one *.gguf",)))
        raise _refused(
            folder, f"it has {', '.join(sorted(files))[:200] or 'nothing'}", wanted, "give these files alone"
        )
    laid = tuple(OwnFile(files[name].source, name, files[name].size_bytes) for name in ADAPTER_FILES[form])
    if form == "gguf":
        return _gguf(folder / laid[0].source, laid)
    return _peft(folder / laid[0].source, folder / laid[1].source, laid)


def demand_base(found: FoundAdapter, base: Path, files: list[ModelFile], name: str) -> None:
    """Raise RefusedError unless the weights in `base` are those of the image `name`, and the adapter fits them."""
    shapes: dict[str, tuple[int, ...]] = {}
    weights = [each for each in files if each.path.endswith((".gguf", ".safetensors"))]
    for each in weights:
        path = base / each.path
        with opened(path) as file:
            if (seen := digest_of_file(file)) != each.sha256:
                raise _refused(
                    path, f"SHA-256 {seen}", f"{each.sha256}, as {name} has it", "give the weights of this base"
                )
            file.seek(0)
            with _readable(path):
                if each.path.endswith(".gguf"):
                    header = read_gguf(file)
                    shapes |= header.shapes
                    _demand_architecture(found, header, path)
                else:
                    shapes |= {key: shape[::-1] for key, shape in read_safetensors(file).items()}
    is_gguf = any(each.path.endswith(".gguf") for each in weights)
    if is_gguf != (found.form == "gguf"):
        reads = "gguf" if is_gguf else "safetensors"
        raise _refused(base, f"the base is {reads}, the adapter {found.form}", "one form", "convert the adapter")
    for matrix, size in found.shapes.items():
        seen_shape = shapes.get(matrix)
        if seen_shape != size:
            has = "no such matrix" if seen_shape is None else f"one of {' × '.join(map(str, seen_shape))}"
            raise _refused(base, f"{name} has {has} ({matrix[:100]})", f"one of {size[0]} × {size[1]}", _ACTION)


def adapter_digest(files: list[ModelFile]) -> str:
    """What requests call it by."""
    return digest_of((each.sha256, each.path) for each in files)


def _image_name(name: str) -> str:
    """The name in the image: the engine opens a GGUF file under one name."""
    return ADAPTER_FILES["gguf"][0] if name.endswith(".gguf") else name


def _gguf(path: Path, files: tuple[OwnFile, ...]) -> FoundAdapter:
    with opened(path) as file, _readable(path, file):
        header = read_gguf(file)
    for key, value in (("general.type", "adapter"), ("adapter.type", "lora")):
        if (seen := header.text(key)) != value:
            raise _refused(path, f"{key} is {seen[:40]!r}", repr(value), "convert it with convert_lora_to_gguf.py")
    if not header.has_number("adapter.lora.alpha") or not header.text("general.architecture"):
        wanted = "adapter.lora.alpha and general.architecture"
        raise _refused(path, "its metadata lacks one of them", wanted, "convert it with convert_lora_to_gguf.py")
    shapes, rank = _paired(path, header.shapes, ".lora_a", ".lora_b")
    return FoundAdapter("gguf", rank, files, shapes, header.text("general.architecture"))


def _peft(config: Path, weights: Path, files: tuple[OwnFile, ...]) -> FoundAdapter:
    with opened(config) as file:
        content = file.read(_MAX_CONFIG_BYTES + 1)
    with _readable(config):
        said = bounded_json(content, max_bytes=_MAX_CONFIG_BYTES, max_brackets=1 << 12)
    if not isinstance(said, dict):
        raise _refused(config, "no JSON object", "PEFT's adapter_config.json", _ACTION)
    _demand_plain(config, said)
    with opened(weights) as file, _readable(weights, file):
        tensors = {name: shape[::-1] for name, shape in read_safetensors(file).items()}
    if foreign := next((name for name in tensors if not name.startswith(_PREFIX)), None):
        raise _refused(weights, f"a tensor {foreign[:80]!r}", f"{_PREFIX}…", _ACTION)
    named = {name.removeprefix(_PREFIX): shape for name, shape in tensors.items()}
    shapes, rank = _paired(weights, named, ".lora_A.weight", ".lora_B.weight")
    if rank != said["r"]:
        raise _refused(weights, f"factors of rank {rank}", f"{said['r']}, as {config.name} says", _ACTION)
    return FoundAdapter("safetensors", rank, files, {f"{name}.weight": shape for name, shape in shapes.items()})


def _demand_plain(config: Path, said: dict[str, Any]) -> None:
    """What vLLM serves (vllm/lora/peft_helper.py): one rank, no bias, no DoRA, no other modules in full."""
    wanted = {"peft_type": ("LORA",), "bias": ("none", None), "use_dora": (False, None)}
    for key, values in wanted.items():
        if (seen := said.get(key)) not in values:
            raise _refused(config, f"{key} is {str(seen)[:40]!r}", repr(values[0]), "train it without")
    for key in ("modules_to_save", "rank_pattern", "alpha_pattern"):
        if said.get(key):
            raise _refused(config, f"{key} is not empty", "one rank for all, and no other weights", "train it without")
    if type(said.get("r")) is not int or type(said.get("lora_alpha")) not in (int, float):
        raise _refused(config, "r or lora_alpha is no number", "the rank, and its scale", _ACTION)


def _paired(path: Path, tensors: Mapping[str, tuple[int, ...]], down: str, up: str) -> tuple[Shapes, int]:
    """The matrices that pairs of factors are for, and their one rank. Shapes are inputs first."""
    shapes: dict[str, tuple[int, int]] = {}
    ranks = set()
    for name in sorted(tensors):
        matrix, at, _ = name.rpartition(down if name.endswith(down) else up)
        first, second = tensors.get(f"{matrix}{down}", ()), tensors.get(f"{matrix}{up}", ())
        if not at or len(first) != 2 or len(second) != 2 or first[1] != second[0]:
            raise _refused(path, f"a tensor {name[:80]!r} that is no half of a pair", f"…{down} and …{up}", _ACTION)
        ranks.add(first[1])
        shapes[matrix] = (first[0], second[1])
    if len(ranks) != 1 or not 1 <= (rank := ranks.pop()) <= MAX_RANK:
        raise _refused(path, f"ranks {sorted(ranks) or 'out of bounds'}", f"one rank from 1 to {MAX_RANK}", _ACTION)
    return shapes, rank


def _demand_architecture(found: FoundAdapter, header: GgufHeader, path: Path) -> None:
    of = header.text("general.architecture")
    if found.architecture and found.architecture != of:
        raise _refused(path, f"an adapter for {found.architecture[:40]}", f"one for {of[:40]}", _ACTION)


@contextmanager
def _readable(path: Path, file: Any = None) -> Iterator[None]:
    try:
        yield
    except WeightsError as problem:
        seen = (kind_of(file) if file is not None else None) or problem.seen
        raise _refused(path, seen, problem.wanted, "convert it, or take it out of the folder") from None


def _refused(path: Path, seen: str, wanted: str, action: str) -> RefusedError:
    return RefusedError(f"{path}: {seen}; wanted: {wanted}", hint=action)

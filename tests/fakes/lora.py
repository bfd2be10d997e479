"""LoRA adapters made by tests: random factors, in the two forms that engines read. No training, and no claim of any."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from fleetctl.release.weights_gguf import read_gguf

_STRING, _FLOAT32, _F32 = 8, 6, 0
_ALIGNMENT = 32


def gguf_lora(
    folder: Path, base: Path, *, rank: int = 4, size: float = 0.5, alpha: float = 8.0, seed: int = 1, targets: int = 8,
    **wrong: str,
) -> Path:  # fmt: skip
    """Write `folder/adapter.gguf` for the attention outputs of a GGUF base. `size` is the standard deviation of its
    factors: 0.5 changes what is said, 0 changes nothing. `wrong` replaces metadata, its dots as two underscores."""
    with base.open("rb") as file:
        header = read_gguf(file)
    named = sorted(name for name in header.shapes if name.endswith("attn_output.weight"))[:targets]
    random = np.random.default_rng(seed)
    tensors: dict[str, np.ndarray] = {}
    for name in named:
        inputs, outputs = header.shapes[name]
        # ggml writes the fastest dimension first, numpy last.
        tensors[f"{name}.lora_a"] = (random.standard_normal((rank, inputs)) * size / inputs**0.5).astype("<f4")
        tensors[f"{name}.lora_b"] = (random.standard_normal((outputs, rank)) * size).astype("<f4")
    said = {
        "general.type": "adapter",
        "adapter.type": "lora",
        "general.architecture": header.text("general.architecture"),
    }
    said |= {key.replace("__", "."): value for key, value in wrong.items()}
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "adapter.gguf"
    path.write_bytes(gguf_file(said, {"adapter.lora.alpha": alpha}, tensors))
    return path


def peft_lora(
    folder: Path, shapes: Mapping[str, tuple[int, int]], *, rank: int = 4, seed: int = 1, **config: object
) -> Path:
    """Write adapter_config.json and adapter_model.safetensors for modules of the base: name → outputs, inputs."""
    random = np.random.default_rng(seed)
    tensors = {}
    for name, (outputs, inputs) in sorted(shapes.items()):
        tensors[f"base_model.model.{name}.lora_A.weight"] = random.standard_normal((rank, inputs)).astype("<f4")
        tensors[f"base_model.model.{name}.lora_B.weight"] = random.standard_normal((outputs, rank)).astype("<f4")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "adapter_model.safetensors").write_bytes(safetensors(tensors))
    said = {
        "peft_type": "LORA", "r": rank, "lora_alpha": 2 * rank, "bias": "none", "base_model_name_or_path": "tiny",
        "target_modules": sorted({name.rpartition(".")[2] for name in shapes}), "task_type": "CAUSAL_LM",
    }  # fmt: skip
    (folder / "adapter_config.json").write_text(json.dumps(said | config))
    return folder


def safetensors(tensors: Mapping[str, np.ndarray]) -> bytes:
    """A safetensors file of 32-bit numbers."""
    header, body = {}, b""
    for name, array in tensors.items():
        content = array.astype("<f4").tobytes()
        places = [len(body), len(body) + len(content)]
        header[name] = {"dtype": "F32", "shape": list(array.shape), "data_offsets": places}
        body += content
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + body


def _text(value: str) -> bytes:
    return struct.pack("<Q", len(value)) + value.encode()


def gguf_file(texts: Mapping[str, str], numbers: Mapping[str, float], tensors: Mapping[str, np.ndarray]) -> bytes:
    """A GGUF file of 32-bit numbers with this metadata."""
    whole = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(texts) + len(numbers))
    for key, value in texts.items():
        whole += _text(key) + struct.pack("<I", _STRING) + _text(value)
    for key, number in numbers.items():
        whole += _text(key) + struct.pack("<If", _FLOAT32, number)
    body = b""
    for name, array in tensors.items():
        shape = array.shape[::-1]
        whole += _text(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, _F32, len(body))
        body += array.tobytes() + bytes(-array.nbytes % _ALIGNMENT)
    return whole + bytes(-len(whole) % _ALIGNMENT) + body

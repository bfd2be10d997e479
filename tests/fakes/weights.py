"""Small weights files in their real forms, byte for byte as the publishers' tools write them, and folders of them."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

from fleetctl.release.weights_ctranslate2 import WHISPER_SPEC


def safetensors(header: Any = None, data: bytes = bytes(24), *, length: int | None = None) -> bytes:
    """Two tensors: 4 numbers of 4 bytes, and 8 of 1 byte."""
    if header is None:
        header = {
            "__metadata__": {"format": "pt"},
            "a": {"dtype": "F32", "shape": [2, 2], "data_offsets": [0, 16]},
            "b": {"dtype": "I8", "shape": [8], "data_offsets": [16, 24]},
        }
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + data


def text(value: str) -> bytes:
    """A string as GGUF has it."""
    return struct.pack("<Q", len(value.encode())) + value.encode()


def key(name: str, kind: int, value: bytes) -> bytes:
    return text(name) + struct.pack("<I", kind) + value


GGUF_KEYS = {
    "general.architecture": key("general.architecture", 8, text("llama")),
    "llama.block_count": key("llama.block_count", 4, struct.pack("<I", 1)),
    "tokenizer.ggml.model": key("tokenizer.ggml.model", 8, text("gpt2")),
    "tokenizer.ggml.tokens": key("tokenizer.ggml.tokens", 9, struct.pack("<IQ", 8, 2) + text("hello") + text("world")),
    "tokenizer.chat_template": key("tokenizer.chat_template", 8, text("{{ messages }}")),
}


def tensor(name: str, shape: tuple[int, ...], kind: int, offset: int) -> bytes:
    return (
        text(name)
        + struct.pack("<I", len(shape))
        + b"".join(struct.pack("<Q", each) for each in shape)
        + struct.pack("<IQ", kind, offset)
    )


GGUF_TENSORS = (tensor("token_embd.weight", (8, 2), 0, 0), tensor("output.weight", (32,), 8, 64))


def gguf(
    keys: dict[str, bytes] | None = None,
    tensors: tuple[bytes, ...] = GGUF_TENSORS,
    *,
    magic: bytes = b"GGUF",
    version: int = 3,
    counts: tuple[int, int] | None = None,
    data: bytes = bytes(range(98)),
) -> bytes:
    """A float tensor of 16 numbers and a q8_0 tensor of one block of 34 bytes."""
    found = list((GGUF_KEYS if keys is None else keys).values())
    head = magic + struct.pack("<IQQ", version, *(counts or (len(tensors), len(found))))
    body = head + b"".join(found) + b"".join(tensors)
    return body + bytes(-len(body) % 32) + data


def ct2_text(value: str) -> bytes:
    return struct.pack("<H", len(value.encode()) + 1) + value.encode() + b"\0"


def ct2_variable(name: str, shape: tuple[int, ...], kind: int, data: bytes, size: int | None = None) -> bytes:
    return (
        ct2_text(name)
        + struct.pack("<B", len(shape))
        + b"".join(struct.pack("<I", each) for each in shape)
        + struct.pack("<BI", kind, len(data) if size is None else size)
        + data
    )


CT2_VARIABLES = (ct2_variable("encoder/a", (2, 3), 4, bytes(12)), ct2_variable("decoder/b", (), 2, bytes(2)))


def ctranslate2(
    variables: tuple[bytes, ...] = CT2_VARIABLES,
    *,
    version: int = 6,
    spec: str = WHISPER_SPEC,
    count: int | None = None,
    aliases: tuple[tuple[str, str], ...] = (("encoder/c", "encoder/a"),),
    behind: bytes = b"",
) -> bytes:
    head = struct.pack("<I", version) + ct2_text(spec) + struct.pack("<I", 3)
    head += struct.pack("<I", len(variables) if count is None else count)
    tail = struct.pack("<I", len(aliases)) + b"".join(ct2_text(a) + ct2_text(b) for a, b in aliases)
    return head + b"".join(variables) + tail + behind


def drafting_gguf(folder: Path, seed: bytes = b"") -> Path:
    """A folder with a GGUF model; `seed` makes another one of it."""
    folder.mkdir(parents=True)
    data = (seed + bytes(range(98)))[:98]
    (folder / "tiny-q8.gguf").write_bytes(gguf(data=data))
    return folder


def drafting_safetensors(folder: Path) -> Path:
    folder.mkdir(parents=True)
    (folder / "model.safetensors").write_bytes(safetensors())
    (folder / "config.json").write_text('{"model_type": "llama"}')
    (folder / "tokenizer.json").write_text('{"model": {"vocab": {"a": 0}}}')
    (folder / "merges.txt").write_text("a b\n")
    return folder


def whisper(folder: Path) -> Path:
    folder.mkdir(parents=True)
    (folder / "model.bin").write_bytes(ctranslate2())
    (folder / "config.json").write_text("{}")
    (folder / "tokenizer.json").write_text("{}")
    (folder / "vocabulary.txt").write_text("a\nb\n")
    return folder

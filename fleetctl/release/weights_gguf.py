"""Checks a GGUF file by its header (ggml, docs/gguf.md; types and sizes of ggml.h): metadata, tensors, their places.

The engine reads the file with C code, so every count, length and offset is compared with the file before that. A file
without tokenizer, size of the network or chat template is refused: the engine would guess.
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from typing import BinaryIO

from fleetctl.release.weights_reading import HeaderReader, WeightsError

MAGIC = b"GGUF"
VERSIONS = (2, 3)
# A vocabulary of 262,144 tokens with its merges is 14 MB.
MAX_HEADER_BYTES = 64 << 20
_MAX_KEYS, _MAX_TENSORS, _MAX_ELEMENTS = 1 << 14, 1 << 17, 1 << 22
_MAX_KEY_BYTES, _MAX_TEXT_BYTES = (1 << 16) - 1, 4 << 20
# ggml's own limits: GGML_MAX_NAME, GGML_MAX_DIMS.
_MAX_NAME_BYTES, _MAX_DIMENSIONS = 63, 4
_STRING, _ARRAY, _UINT32, _BOOL = 8, 9, 4, 7
# Bytes of the values of fixed size, by the format's type numbers.
_FIXED = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
_WHOLE = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 10: "Q", 11: "q"}
# ggml's types of tensors: elements a block, bytes a block. Types that ggml has removed are not here.
_TENSOR_TYPES = {
    0: (1, 4), 1: (1, 2), 2: (32, 18), 3: (32, 20), 6: (32, 22), 7: (32, 24), 8: (32, 34), 9: (32, 36),
    10: (256, 84), 11: (256, 110), 12: (256, 144), 13: (256, 176), 14: (256, 210), 15: (256, 292),
    16: (256, 66), 17: (256, 74), 18: (256, 98), 19: (256, 50), 20: (32, 18), 21: (256, 110), 22: (256, 82),
    23: (256, 136), 24: (1, 1), 25: (1, 2), 26: (1, 4), 27: (1, 8), 28: (1, 8), 29: (256, 56), 30: (1, 2),
    34: (256, 54), 35: (256, 66), 39: (32, 17),
}  # fmt: skip


@dataclass(frozen=True)
class _Value:
    """What is kept of a metadata value: its type, a whole number or text where it is one, its number of elements."""

    kind: int
    number: int | None = None
    text: str | None = None
    elements: int = 1


@dataclass(frozen=True)
class GgufHeader:
    """What a sound file says: its metadata, and the shape of each tensor, the fastest dimension first."""

    metadata: dict[str, _Value]
    shapes: dict[str, tuple[int, ...]]

    def text(self, key: str) -> str:
        """A text of the metadata; empty where there is none."""
        value = self.metadata.get(key)
        return value.text or "" if value is not None else ""

    def has_number(self, key: str) -> bool:
        """Whether the metadata has a number under this key."""
        return key in self.metadata and self.metadata[key].kind in _FIXED


def check_gguf(file: BinaryIO) -> int:
    """Return how many tensors a model's file has. Raises WeightsError."""
    header = read_gguf(file)
    _check_mandatory(header.metadata)
    return len(header.shapes)


def read_gguf(file: BinaryIO) -> GgufHeader:
    """Return the header of a file of which every byte is accounted for. Raises WeightsError."""
    reader = HeaderReader(file, MAX_HEADER_BYTES)
    if (magic := reader.take(4, "the magic")) != MAGIC:
        raise WeightsError(f"a file that begins with {magic!r}", "GGUF")
    version = reader.number("I", "the version")
    if version not in VERSIONS:
        raise WeightsError(f"GGUF version {version}", "2 or 3, little-endian")
    tensors = reader.number("Q", "the number of tensors")
    keys = reader.number("Q", "the number of metadata keys")
    if not 1 <= tensors <= _MAX_TENSORS or keys > _MAX_KEYS:
        raise WeightsError(f"{tensors:,} tensors and {keys:,} keys", f"1 to {_MAX_TENSORS:,} and up to {_MAX_KEYS:,}")
    metadata: dict[str, _Value] = {}
    for _ in range(keys):
        key = _text(reader, "a metadata key", _MAX_KEY_BYTES)
        if key in metadata:
            raise WeightsError(f"the key {key[:80]!r} twice", "each key once")
        metadata[key] = _value(reader, key)
    alignment = _alignment(metadata)
    shapes: dict[str, tuple[int, ...]] = {}
    places = [_tensor(reader, alignment, shapes) for _ in range(tensors)]
    if len(shapes) != len(places):
        raise WeightsError("two tensors of the same name", "each name once")
    begin = _aligned(reader.at, alignment)
    end = 0
    for start, size, name in sorted(places):
        shown = f"tensor {name[:80]!r}"
        # ggml wants them end to end as well: what no tensor owns could be anything.
        if start != _aligned(end, alignment):
            fault = "overlaps the one before" if start < end else "leaves a hole before it"
            raise WeightsError(f"{shown} {fault} ({start:,}, after {end:,})", "tensors end to end")
        end = start + size
        if begin + end > reader.length:
            raise WeightsError(
                f"{shown} ends at byte {begin + end:,} of a file of {reader.length:,}", "a whole file: copy it again"
            )
    if reader.length > begin + _aligned(end, alignment):
        raise WeightsError(f"{reader.length - begin - end:,} bytes behind the last tensor", "none")
    return GgufHeader(metadata, shapes)


def _aligned(at: int, alignment: int) -> int:
    return -(-at // alignment) * alignment


def _check_mandatory(metadata: dict[str, _Value]) -> None:
    architecture = metadata.get("general.architecture")
    if architecture is None or not architecture.text:
        raise WeightsError("no general.architecture", "the name of the network's architecture")
    wanted = {
        f"{architecture.text[:80]}.block_count": "the size of the network",
        "tokenizer.ggml.model": "the kind of tokenizer",
        "tokenizer.ggml.tokens": "the vocabulary",
        "tokenizer.chat_template": "the chat template; without it the engine would guess one",
    }
    for key, meaning in wanted.items():
        if key not in metadata or not metadata[key].elements or metadata[key].text == "":
            raise WeightsError(f"no {key}", f"{key}: {meaning}")
    if "split.count" in metadata and metadata["split.count"].number != 1:
        raise WeightsError("one piece of a model in several", "one file: llama-gguf-split --merge")


def _alignment(metadata: dict[str, _Value]) -> int:
    value = metadata.get("general.alignment")
    if value is None:
        return 32
    number = value.number if value.kind == _UINT32 else None
    if not number or number > 1 << 16 or number & (number - 1) or number % 8:
        raise WeightsError(f"general.alignment {value.number}", "a power of two from 8 to 65,536")
    return number


def _value(reader: HeaderReader, key: str) -> _Value:
    what = f"the value of {key[:80]!r}"
    kind = reader.number("I", what)
    if kind == _ARRAY:
        return _Value(kind, elements=_array(reader, what))
    if kind == _STRING:
        return _Value(kind, text=_text(reader, what, _MAX_TEXT_BYTES))
    if kind not in _FIXED:
        raise WeightsError(f"{what} of type {kind}", "types 0 to 12")
    content = reader.take(_FIXED[kind], what)
    if kind == _BOOL and content[0] > 1:
        raise WeightsError(f"{what}: a truth value of {content[0]}", "0 or 1")
    number = struct.unpack(f"<{_WHOLE[kind]}", content)[0] if kind in _WHOLE else None
    return _Value(kind, number=number)


def _array(reader: HeaderReader, what: str) -> int:
    kind = reader.number("I", what)
    count = reader.number("Q", what)
    if count > _MAX_ELEMENTS:
        raise WeightsError(f"{what}: {count:,} elements", f"at most {_MAX_ELEMENTS:,}")
    if kind == _STRING:
        for _ in range(count):
            reader.take(_length(reader, what, _MAX_TEXT_BYTES), what)
    elif kind in _FIXED:
        reader.take(count * _FIXED[kind], what)
    else:
        # ggml reads no arrays of arrays either.
        raise WeightsError(f"{what}: an array of type {kind}", "numbers or texts")
    return count


def _tensor(reader: HeaderReader, alignment: int, shapes: dict[str, tuple[int, ...]]) -> tuple[int, int, str]:
    """Return where a tensor's numbers begin (behind the header), their bytes, and its name; note its shape."""
    name = _text(reader, "the name of a tensor", _MAX_NAME_BYTES)
    shown = f"tensor {name[:80]!r}"
    rank = reader.number("I", shown)
    if rank > _MAX_DIMENSIONS:
        raise WeightsError(f"{shown} with {rank} dimensions", f"at most {_MAX_DIMENSIONS}")
    shape = [reader.number("Q", shown) for _ in range(rank)]
    kind = reader.number("I", shown)
    if kind not in _TENSOR_TYPES:
        raise WeightsError(f"{shown} of type {kind}", "a type of ggml that is still read")
    offset = reader.number("Q", shown)
    elements = math.prod(shape)
    per_block, block_bytes = _TENSOR_TYPES[kind]
    first = shape[0] if shape else 1
    if not 0 < elements < 1 << 63 or first % per_block:
        raise WeightsError(f"{shown} of shape {shape}", f"rows of a multiple of {per_block}, and not empty")
    if offset % alignment:
        raise WeightsError(f"{shown} at {offset:,}", f"a multiple of {alignment}")
    shapes[name] = tuple(shape)
    return offset, elements // per_block * block_bytes, name


def _length(reader: HeaderReader, what: str, most: int) -> int:
    length = reader.number("Q", what)
    if length > most:
        raise WeightsError(f"{what} of {length:,} bytes", f"at most {most:,}")
    return length


def _text(reader: HeaderReader, what: str, most: int) -> str:
    content = reader.take(_length(reader, what, most), what)
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        raise WeightsError(f"{what} that is no UTF-8", "UTF-8") from None

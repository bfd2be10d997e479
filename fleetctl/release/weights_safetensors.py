"""Checks a safetensors file by its header (huggingface/safetensors, README "Format"; rules of its Rust reader).

The header's length as 8 little-endian bytes, a JSON object name → dtype, shape, data_offsets, then the numbers. As the
reference does, holes and overlaps are refused: bytes that no tensor owns could be anything.
"""

from __future__ import annotations

import math
from typing import Any, BinaryIO

from fleetctl.release.weights_reading import HeaderReader, WeightsError, bounded_json

# The reference reads up to 100 MB; the largest published models have headers under 1 MB a file.
MAX_HEADER_BYTES = 8 << 20
_MAX_BRACKETS = 1 << 20
_MAX_DIMENSIONS = 32
# Bits an element.
_BITS = {
    "BOOL": 8, "U8": 8, "I8": 8, "F8_E5M2": 8, "F8_E4M3": 8, "F8_E8M0": 8, "I16": 16, "U16": 16, "F16": 16, "BF16": 16,
    "I32": 32, "U32": 32, "F32": 32, "C64": 64, "F64": 64, "I64": 64, "U64": 64,
    "F4": 4, "F6_E2M3": 6, "F6_E3M2": 6,
}  # fmt: skip


def check_safetensors(file: BinaryIO) -> int:
    """Return how many tensors the file has. Raises WeightsError."""
    return len(read_safetensors(file))


def read_safetensors(file: BinaryIO) -> dict[str, tuple[int, ...]]:
    """Return the shape of each tensor of a file of which every byte is accounted for. Raises WeightsError."""
    reader = HeaderReader(file, MAX_HEADER_BYTES + 8)
    length = reader.number("Q", "the length of the header")
    if not 2 <= length <= MAX_HEADER_BYTES:
        raise WeightsError(f"a header of {length:,} bytes", f"2 to {MAX_HEADER_BYTES:,} bytes")
    content = reader.take(length, "the header")
    if content[:1] != b"{":
        raise WeightsError(f"a header that begins with {content[:8]!r}", "a JSON object")
    header = bounded_json(content, max_bytes=MAX_HEADER_BYTES, max_brackets=_MAX_BRACKETS)
    if not isinstance(header, dict):
        raise WeightsError("a header that is no JSON object", "a JSON object")
    _check_notes(header.pop("__metadata__", {}))
    if not header:
        raise WeightsError("no tensor", "at least one")
    places = sorted(_place(name, entry) for name, entry in header.items())
    end = 0
    for start, stop, name in places:
        if start != end:
            fault = "overlaps the one before" if start < end else "leaves a hole before it"
            raise WeightsError(f"tensor {name[:80]!r} {fault} ({start:,}, after {end:,})", "tensors end to end")
        end = stop
    rest = reader.length - reader.at
    if end != rest:
        raise WeightsError(f"tensors of {end:,} bytes in a file with {rest:,} behind the header", "the same number")
    return {name: tuple(entry["shape"]) for name, entry in header.items()}


def _check_notes(notes: Any) -> None:
    if not isinstance(notes, dict) or not all(isinstance(value, str) for value in notes.values()):
        raise WeightsError("__metadata__ that is no table of texts", "text → text")


def _place(name: str, entry: Any) -> tuple[int, int, str]:
    """Return begin and end of a tensor behind the header, and its name."""
    shown = f"tensor {name[:80]!r}"
    if not isinstance(entry, dict) or entry.keys() != {"dtype", "shape", "data_offsets"}:
        raise WeightsError(f"{shown} with other members", "dtype, shape and data_offsets")
    dtype, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
    if not isinstance(dtype, str) or dtype not in _BITS:
        raise WeightsError(f"{shown} of type {str(dtype)[:20]!r}", f"one of {', '.join(sorted(_BITS))}")
    if not _counts(shape, _MAX_DIMENSIONS):
        raise WeightsError(f"{shown} with a shape that is none", f"at most {_MAX_DIMENSIONS} numbers from 0")
    if not _counts(offsets, 2) or len(offsets) != 2 or offsets[0] > offsets[1]:
        raise WeightsError(f"{shown} with data_offsets that are none", "[begin, end]")
    bits = math.prod(shape) * _BITS[dtype]
    if bits != (offsets[1] - offsets[0]) * 8:
        raise WeightsError(f"{shown} of {bits:,} bits in {offsets[1] - offsets[0]:,} bytes", "as many as it takes")
    return offsets[0], offsets[1], name


def _counts(value: Any, most: int) -> bool:
    """Whether it is a list of at most `most` whole numbers from 0 (of 63 bits)."""
    return (
        isinstance(value, list)
        and len(value) <= most
        and all(type(each) is int and 0 <= each < 1 << 63 for each in value)
    )

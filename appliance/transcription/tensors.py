"""Reads a safetensors file into arrays. The format holds names, shapes and numbers only; nothing in it can run."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from appliance.errors import UnknownStateError

_TYPES: dict[str, np.dtype[Any]] = {"F32": np.dtype("<f4"), "I64": np.dtype("<i8")}
_LENGTH_BYTES = 8
_MAX_HEADER_BYTES = 4 * 1024 * 1024


def read(path: Path) -> dict[str, np.ndarray[Any, Any]]:
    """Return the tensors by name, copied into memory. Raises UnknownStateError where the file is not whole."""
    try:
        content = path.read_bytes()
        length = int.from_bytes(content[:_LENGTH_BYTES], "little")
        if not 0 < length <= min(_MAX_HEADER_BYTES, len(content) - _LENGTH_BYTES):
            raise ValueError(f"a header of {length} bytes in a file of {len(content)}")
        header = json.loads(content[_LENGTH_BYTES : _LENGTH_BYTES + length])
        header.pop("__metadata__", None)
        numbers = memoryview(content)[_LENGTH_BYTES + length :]
        return {name: _tensor(entry, numbers) for name, entry in header.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UnknownStateError(
            f"{path} cannot be read as safetensors: {type(error).__name__}: {error}"[:400],
            hint="install a complete model image: fleetctl image model NAME",
        ) from None


def _tensor(entry: dict[str, Any], numbers: memoryview) -> np.ndarray[Any, Any]:
    start, end = entry["data_offsets"]
    if not 0 <= start <= end <= len(numbers):
        raise ValueError(f"numbers [{start}, {end}) of {len(numbers)}")
    # reshape refuses numbers that are not as many as the shape says.
    return np.frombuffer(numbers[start:end], dtype=_TYPES[entry["dtype"]]).reshape(entry["shape"]).copy()

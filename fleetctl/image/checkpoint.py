"""A PyTorch checkpoint's tensors as a safetensors file, without PyTorch and without running what the checkpoint says.

A checkpoint is a ZIP archive with a pickle of the tensors' names and shapes and one file of numbers for each. A pickle
is a program: this reader knows the four names that a plain table of tensors needs and refuses any other. The numbers
themselves are copied byte for byte.
"""

from __future__ import annotations

import io
import json
import math
import pickle
import zipfile
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fleetctl.errors import VerificationError

# PyTorch's storage types in safetensors' words, with bytes an element; a model of sealed weights holds no others.
_TYPES = {"FloatStorage": ("F32", 4), "LongStorage": ("I64", 8)}
_HINT = "do not use this file; wanted is a plain table of named tensors as torch.save writes it"


@dataclass(frozen=True)
class _Tensor:
    """A tensor as the pickle describes it: where its numbers lie, and how they are read."""

    dtype: str
    element_bytes: int
    key: str
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    @property
    def size_bytes(self) -> int:
        return math.prod(self.shape) * self.element_bytes


def _rebuilt(storage: Any, offset: Any, shape: Any, strides: Any, *_: Any) -> _Tensor:
    return _Tensor(storage[0], storage[1], storage[2], int(offset), tuple(map(int, shape)), tuple(map(int, strides)))


class _Reader(pickle.Unpickler):
    """Resolves the names of a table of tensors and nothing else: no other code can be reached from the file."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _rebuilt
        if module == "torch" and name in _TYPES:
            return name
        raise VerificationError(f"the checkpoint asks for {module}.{name}", hint=_HINT)

    def persistent_load(self, pid: Any) -> Any:
        kind, storage, key, *_ = pid
        if kind != "storage" or not isinstance(storage, str) or not str(key).isdigit():
            raise VerificationError("the checkpoint's numbers are not named as expected", hint=_HINT)
        return (*_TYPES[storage], str(key))


def _contiguous(tensor: _Tensor) -> bool:
    wanted, step = [], 1
    for length in reversed(tensor.shape):
        wanted.append(step)
        step *= length
    return tensor.strides == tuple(reversed(wanted))


def to_safetensors(checkpoint: Path) -> bytes:
    """Return the tensors of a checkpoint as a safetensors file. Equal checkpoints give equal bytes.

    The format: the header's length as 8 little-endian bytes, a JSON header, the numbers. Raises VerificationError.
    """
    try:
        with zipfile.ZipFile(checkpoint) as archive:
            root = next(name for name in archive.namelist() if name.endswith("/data.pkl")).removesuffix("data.pkl")
            if archive.read(f"{root}byteorder") != b"little" if f"{root}byteorder" in archive.namelist() else False:
                raise VerificationError("the checkpoint's numbers are not little-endian", hint=_HINT)
            table = _Reader(io.BytesIO(archive.read(f"{root}data.pkl"))).load()
            if not isinstance(table, dict) or not all(isinstance(each, _Tensor) for each in table.values()):
                raise VerificationError("the checkpoint is not a table of tensors", hint=_HINT)
            return _packed({name: (each, archive.read(f"{root}data/{each.key}")) for name, each in table.items()})
    except VerificationError:
        raise
    except (OSError, zipfile.BadZipFile, StopIteration, pickle.UnpicklingError, ValueError, TypeError, KeyError,
            IndexError, AttributeError, EOFError) as error:  # fmt: skip
        raise VerificationError(f"{checkpoint.name} cannot be read: {type(error).__name__}", hint=_HINT) from None


def _packed(tensors: dict[str, tuple[_Tensor, bytes]]) -> bytes:
    header: dict[str, Any] = {}
    numbers = bytearray()
    for name in sorted(tensors):
        tensor, stored = tensors[name]
        start = tensor.offset * tensor.element_bytes
        taken = stored[start : start + tensor.size_bytes]
        if not _contiguous(tensor) or len(taken) != tensor.size_bytes:
            raise VerificationError(f"{name} is not laid out plainly in the checkpoint", hint=_HINT)
        place = [len(numbers), len(numbers) + len(taken)]
        header[name] = {"dtype": tensor.dtype, "shape": list(tensor.shape), "data_offsets": place}
        numbers += taken
    text = json.dumps(header, separators=(",", ":")).encode()
    # Padded with blanks, as the format allows, so that the numbers begin at a multiple of eight.
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + bytes(numbers)

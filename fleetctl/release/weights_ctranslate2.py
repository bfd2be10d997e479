"""Checks a CTranslate2 `model.bin` from its first to its last byte (CTranslate2, specs/model_spec.py, `_serialize`):
version, the specification's name, each variable with its shape and type, aliases, and nothing behind.
"""

from __future__ import annotations

import math
from typing import BinaryIO

from fleetctl.release.weights_reading import HeaderReader, WeightsError

# Version 6 is written since CTranslate2 2.0; 4 and 5 have the same fields.
VERSIONS = (4, 5, 6)
WHISPER_SPEC = "WhisperSpec"
_MAX_VARIABLES = 1 << 17
_MAX_DIMENSIONS = 8
_BUDGET = 32 << 20
# Type identifiers: float32, int8, int16, int32, float16, bfloat16.
_BYTES = {0: 4, 1: 1, 2: 2, 3: 4, 4: 2, 5: 2}


def check_ctranslate2(file: BinaryIO, spec: str = WHISPER_SPEC) -> int:
    """Return how many variables the model has. Raises WeightsError."""
    reader = HeaderReader(file, _BUDGET)
    version = reader.number("I", "the version")
    if version not in VERSIONS:
        raise WeightsError(
            f"a first number of {version} where CTranslate2 has its version", "version 4, 5 or 6: a CTranslate2 model"
        )
    found = _text(reader, "the name of the specification")
    if found != spec:
        raise WeightsError(f"a CTranslate2 model of kind {found[:60]!r}", spec)
    reader.number("I", "the revision")
    count = reader.number("I", "the number of variables")
    if not 1 <= count <= _MAX_VARIABLES:
        raise WeightsError(f"{count:,} variables", f"1 to {_MAX_VARIABLES:,}")
    names = set()
    for _ in range(count):
        names.add(_variable(reader))
    if len(names) != count:
        raise WeightsError("two variables of the same name", "each name once")
    aliases = reader.number("I", "the number of aliases")
    if aliases > _MAX_VARIABLES:
        raise WeightsError(f"{aliases:,} aliases", f"at most {_MAX_VARIABLES:,}")
    for _ in range(aliases):
        _text(reader, "an alias")
        if (target := _text(reader, "the target of an alias")) not in names:
            raise WeightsError(f"an alias of {target[:80]!r}, which is no variable", "names of variables")
    if reader.at != reader.length:
        raise WeightsError(f"{reader.length - reader.at:,} bytes behind the model", "none")
    return count


def _variable(reader: HeaderReader) -> str:
    name = _text(reader, "the name of a variable")
    shown = f"variable {name[:80]!r}"
    rank = reader.number("B", f"the rank of {shown}")
    if rank > _MAX_DIMENSIONS:
        raise WeightsError(f"{shown} with {rank} dimensions", f"at most {_MAX_DIMENSIONS}")
    shape = [reader.number("I", f"the shape of {shown}") for _ in range(rank)]
    kind = reader.number("B", f"the type of {shown}")
    if kind not in _BYTES:
        raise WeightsError(f"{shown} of type {kind}", f"0 to {max(_BYTES)}")
    size = reader.number("I", f"the size of {shown}")
    if size != math.prod(shape) * _BYTES[kind]:
        raise WeightsError(f"{shown} of shape {shape} in {size:,} bytes", f"{math.prod(shape) * _BYTES[kind]:,} bytes")
    reader.skip(size, shown)
    return name


def _text(reader: HeaderReader, what: str) -> str:
    """Read a string: 2 bytes of length, the last byte is 0."""
    content = reader.take(reader.number("H", f"the length of {what}"), what)
    try:
        text = content[:-1].decode("utf-8")
    except UnicodeDecodeError:
        text = "\0"
    if content[-1:] != b"\0" or "\0" in text or not text:
        raise WeightsError(f"{what} that is no text", "UTF-8 with a 0 behind it")
    return text

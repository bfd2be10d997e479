"""The readers of the three forms: what is whole goes in, and every fault is refused in words."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import pytest

from fleetctl.release.weights_ctranslate2 import check_ctranslate2
from fleetctl.release.weights_gguf import check_gguf
from fleetctl.release.weights_reading import WeightsError
from fleetctl.release.weights_safetensors import check_safetensors
from tests.fakes.weights import (
    CT2_VARIABLES,
    GGUF_KEYS,
    GGUF_TENSORS,
    ct2_text,
    ct2_variable,
    ctranslate2,
    gguf,
    key,
    safetensors,
    tensor,
    text,
)

Check = Callable[[BinaryIO], int]


def checked(check: Check, content: bytes, folder: Path) -> int:
    path = folder / "file"
    path.write_bytes(content)
    with path.open("rb") as file:
        return check(file)


def a(**changed: object) -> dict[str, object]:
    return {"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]} | changed}


@pytest.mark.parametrize(
    ("check", "content", "count"),
    [
        (check_safetensors, safetensors(), 2),
        (check_safetensors, safetensors(json.dumps(a()).encode() + b"   ", bytes(8)), 1),
        (check_safetensors, safetensors(a(shape=[], data_offsets=[0, 4]), bytes(4)), 1),
        (check_safetensors, safetensors(a(dtype="F4", data_offsets=[0, 1]), bytes(1)), 1),
        (check_gguf, gguf(), 2),
        (check_gguf, gguf(version=2), 2),
        (check_gguf, gguf(data=bytes(128)), 2),
        (check_ctranslate2, ctranslate2(), 2),
        (check_ctranslate2, ctranslate2(aliases=()), 2),
    ],
)  # fmt: skip
def test_whole_files_are_read(tmp_path: Path, check: Check, content: bytes, count: int) -> None:
    assert checked(check, content, tmp_path) == count


DEEP = b'{"a": ' + b"[" * 40 + b"]" * 40 + b"}"
ONE = b'"a": {"dtype": "I8", "shape": [8], "data_offsets": [0, 8]}'
TWO = b"{%s, %s}" % (ONE, ONE)


@pytest.mark.parametrize(
    ("content", "seen"),
    [
        (b"", "the length of the header"),
        (safetensors(length=1 << 63), "a header of 9,223,372,036,854,775,808 bytes"),
        (safetensors(length=5000), "the header of 5,000 bytes"),
        (safetensors(b"[" * 40, b""), "begins with"),
        (safetensors(b'{"a": 1', b""), "no JSON"),
        (safetensors(DEEP, b""), "nested deeper"),
        (safetensors(TWO, bytes(8)), "the same key twice"),
        (safetensors({}, b""), "no tensor"),
        (safetensors({"__metadata__": {"a": 1}} | a(), bytes(8)), "__metadata__"),
        (safetensors(a(more=1), bytes(8)), "other members"),
        (safetensors({"a": []}, bytes(8)), "other members"),
        (safetensors(a(dtype="OBJECT"), bytes(8)), "of type 'OBJECT'"),
        (safetensors(a(shape=[2, -1]), bytes(8)), "with a shape that is none"),
        (safetensors(a(shape=[True, 2]), bytes(8)), "with a shape that is none"),
        (safetensors(a(shape=[1] * 40), bytes(8)), "with a shape that is none"),
        (safetensors(a(data_offsets=[8, 0]), bytes(8)), "data_offsets"),
        (safetensors(a(data_offsets=[0, 7]), bytes(7)), "64 bits in 7 bytes"),
        (safetensors(a(), bytes(7)), "tensors of 8 bytes in a file with 7"),
        (safetensors(a(), bytes(9)), "tensors of 8 bytes in a file with 9"),
        (safetensors(a(data_offsets=[4, 12]), bytes(12)), "leaves a hole"),
        (
            safetensors(a() | {"b": {"dtype": "I8", "shape": [4], "data_offsets": [6, 10]}}, bytes(10)),
            "overlaps the one before",
        ),
        (safetensors(b'{"a": {"dtype": "I8", "shape": [' + b"9" * 4000 + b'], "data_offsets": [0, 1]}}'), "digits"),
        (safetensors(b'{"a": {"dtype": "I8", "shape": [NaN], "data_offsets": [0, 1]}}'), "NaN"),
    ],
)  # fmt: skip
def test_faults_of_safetensors(tmp_path: Path, content: bytes, seen: str) -> None:
    with pytest.raises(WeightsError) as refused:
        checked(check_safetensors, content, tmp_path)
    assert seen in refused.value.seen
    assert refused.value.wanted


def keys(x: bytes) -> dict[str, bytes]:
    return GGUF_KEYS | {"x": x}


def alignment(value: int) -> bytes:
    return key("general.alignment", 4, struct.pack("<I", value))


@pytest.mark.parametrize(
    ("content", "seen"),
    [
        (gguf(magic=b"GGML"), "begins with b'GGML'"),
        (gguf(version=1), "version 1"),
        (gguf(version=0x03000000), "version 50331648"),
        (gguf(counts=(1 << 60, 5)), "tensors"),
        (gguf(counts=(2, 1 << 40)), "keys"),
        (gguf(counts=(0, 5)), "0 tensors"),
        (gguf()[:40], "at byte"),
        (gguf(keys(x=text("x") + struct.pack("<I", 99))), "type 99"),
        (gguf(keys(x=key("x", 8, struct.pack("<Q", 1 << 62)))), "4,611,686,018,427,387,904 bytes"),
        (gguf(keys(x=key("x", 9, struct.pack("<IQ", 8, 1 << 60)))), "1,152,921,504,606,846,976 elements"),
        (gguf(keys(x=key("x", 9, struct.pack("<IQ", 12, 1 << 22)))), "of a file of"),
        (gguf(keys(x=key("x", 9, struct.pack("<IQ", 9, 1)))), "an array of type 9"),
        (gguf(keys(x=key("x", 7, b"\2"))), "a truth value of 2"),
        (gguf(keys(x=GGUF_KEYS["llama.block_count"])), "twice"),
        (gguf(keys(x=struct.pack("<Q", 2) + b"\xff\xff")), "no UTF-8"),
        *((gguf({name: v for name, v in GGUF_KEYS.items() if name != left}), f"no {left}") for left in GGUF_KEYS),
        (gguf(keys(x=key("split.count", 2, struct.pack("<H", 2)))), "one piece"),
        (gguf(keys(x=alignment(0))), "general.alignment 0"),
        (gguf(keys(x=alignment(24))), "general.alignment 24"),
        (gguf(tensors=(tensor("a", (8,) * 5, 0, 0),)), "5 dimensions"),
        (gguf(tensors=(tensor("a", (1 << 40, 1 << 40), 0, 0),)), "of shape"),
        (gguf(tensors=(tensor("a", (0,), 0, 0),)), "of shape"),
        (gguf(tensors=(tensor("a", (31,), 8, 0),)), "of shape [31]"),
        (gguf(tensors=(tensor("a", (8,), 4, 0),)), "of type 4"),
        (gguf(tensors=(tensor("a", (8,), 0, 5),)), "at 5"),
        (gguf(tensors=(tensor("n" * 64, (8,), 0, 0),)), "of 64 bytes"),
        (gguf(tensors=(GGUF_TENSORS[0], tensor("output.weight", (32,), 8, 32))), "overlaps"),
        (gguf(tensors=(GGUF_TENSORS[0], tensor("output.weight", (32,), 8, 96)), data=bytes(130)), "hole"),
        (gguf(tensors=(GGUF_TENSORS[0], tensor("token_embd.weight", (32,), 8, 64))), "same name"),
        (gguf(data=bytes(97)), "ends at byte"),
        (gguf(data=bytes(129)), "behind the last tensor"),
    ],
)  # fmt: skip
def test_faults_of_gguf(tmp_path: Path, content: bytes, seen: str) -> None:
    with pytest.raises(WeightsError) as refused:
        checked(check_gguf, content, tmp_path)
    assert seen in refused.value.seen
    assert refused.value.wanted


@pytest.mark.parametrize(
    ("content", "seen"),
    [
        (b"\x80\x02}q\x00.", "where CTranslate2 has its version"),
        (ctranslate2(version=7), "7"),
        (ctranslate2(spec="TransformerSpec"), "'TransformerSpec'"),
        (ctranslate2(count=0), "0 variables"),
        (ctranslate2(count=1 << 31), "2,147,483,648 variables"),
        (ctranslate2(count=3), "variable"),
        (ctranslate2((*CT2_VARIABLES, CT2_VARIABLES[0])), "the same name"),
        (ctranslate2((ct2_variable("a", (2,), 9, b""),)), "of type 9"),
        (ctranslate2((ct2_variable("a", (2,), 0, bytes(7)),)), "in 7 bytes"),
        (ctranslate2((ct2_variable("a", (1,) * 9, 0, bytes(4)),)), "9 dimensions"),
        (ctranslate2((ct2_variable("a", (1 << 20,), 0, b"", 1 << 22),)), "of a file of"),
        (ctranslate2((struct.pack("<H", 2) + b"ab",)), "no text"),
        (ctranslate2((struct.pack("<H", 0),)), "no text"),
        (ctranslate2(aliases=(("x", "nothing"),)), "'nothing'"),
        (ctranslate2(behind=b"PK\x05\x06"), "4 bytes behind the model"),
        (struct.pack("<I", 6) + ct2_text("WhisperSpec"), "the revision"),
    ],
)  # fmt: skip
def test_faults_of_ctranslate2(tmp_path: Path, content: bytes, seen: str) -> None:
    with pytest.raises(WeightsError) as refused:
        checked(check_ctranslate2, content, tmp_path)
    assert seen in refused.value.seen
    assert refused.value.wanted

"""Whatever bytes a file holds, a reader says a number or WeightsError, in bounded memory and time."""

from __future__ import annotations

import io
import json
import struct
import time
import tracemalloc
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fleetctl.release.weights_ctranslate2 import check_ctranslate2
from fleetctl.release.weights_gguf import check_gguf
from fleetctl.release.weights_reading import WeightsError
from fleetctl.release.weights_safetensors import MAX_HEADER_BYTES, check_safetensors
from fleetctl.release.weights_sniff import kind_of
from tests.fakes.weights import GGUF_KEYS, ctranslate2, gguf, key, safetensors, text

READERS: dict[str, tuple[Callable[[BinaryIO], int], bytes]] = {
    "safetensors": (check_safetensors, safetensors()),
    "gguf": (check_gguf, gguf()),
    "ctranslate2": (check_ctranslate2, ctranslate2()),
}
# Numbers at which length checks break: nothing, signs, powers, the most.
EDGES = [0, 1, 2, 31, 127, 128, 255, 256, (1 << 16) - 1, 1 << 16, (1 << 31) - 1, 1 << 31, (1 << 32) - 1, 1 << 62,
         (1 << 63) - 1, 1 << 63, (1 << 64) - 1]  # fmt: skip


def read(check: Callable[[BinaryIO], int], content: bytes, path: Path) -> None:
    path.write_bytes(content)
    with path.open("rb") as file, suppress(WeightsError):
        assert check(file) > 0


@st.composite
def damaged(draw: st.DrawFn, whole: bytes) -> bytes:
    """A whole file with up to four changes: a number put over it, a cut, bytes put in."""
    content = bytearray(whole)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, max(0, len(content) - 1)))
        match draw(st.sampled_from(["number", "cut", "insert", "byte"])):
            case "number":
                form = draw(st.sampled_from(["<B", "<H", "<I", "<Q"]))
                value = draw(st.sampled_from(EDGES)) % (1 << 8 * struct.calcsize(form))
                content[at : at + struct.calcsize(form)] = struct.pack(form, value)
            case "cut":
                del content[at:]
            case "insert":
                content[at:at] = draw(st.binary(max_size=16))
            case _:
                content[at : at + 1] = draw(st.binary(min_size=1, max_size=1))
    return bytes(content)


@pytest.mark.parametrize("name", READERS)
def test_damaged_files(name: str, tmp_path: Path) -> None:
    check, whole = READERS[name]

    @settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(damaged(whole))
    def run(content: bytes) -> None:
        read(check, content, tmp_path / "file")

    run()


@pytest.mark.parametrize("name", READERS)
def test_any_bytes(name: str, tmp_path: Path) -> None:
    check, _ = READERS[name]

    @settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(st.binary(max_size=512))
    def run(content: bytes) -> None:
        read(check, content, tmp_path / "file")
        kind_of(io.BytesIO(content))

    run()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
ENTRY = st.fixed_dictionaries(
    {
        "dtype": st.sampled_from(["F32", "I8", "F4", "x"]) | JSON,
        "shape": st.lists(st.integers(-1, 1 << 65), max_size=4) | JSON,
        "data_offsets": st.lists(st.integers(-1, 1 << 65), min_size=2, max_size=2) | JSON,
    }
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(header=st.dictionaries(st.text(max_size=6), ENTRY | JSON, max_size=4) | JSON, data=st.binary(max_size=64))
def test_any_header_of_safetensors(header: object, data: bytes, tmp_path: Path) -> None:
    read(check_safetensors, safetensors(json.dumps(header).encode(), data), tmp_path / "file")


VALUE = st.builds(
    lambda kind, body: struct.pack("<I", kind) + body,
    st.integers(0, 13),
    st.builds(lambda n, rest: struct.pack("<Q", n) + rest, st.sampled_from(EDGES), st.binary(max_size=40)),
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values=st.dictionaries(st.text(min_size=1, max_size=6), VALUE, max_size=4))
def test_any_metadata_of_gguf(values: dict[str, bytes], tmp_path: Path) -> None:
    extra = {name: text(name) + value for name, value in values.items()}
    read(check_gguf, gguf(GGUF_KEYS | extra), tmp_path / "file")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("check", "content"),
    [
        (check_safetensors, safetensors(b'{"a":[' + b"[]," * (MAX_HEADER_BYTES // 3 - 10) + b"[]]}", b"")),
        (check_safetensors, safetensors(b'{"a":[' + b"1e9," * (MAX_HEADER_BYTES // 4 - 10) + b"1]}", b"")),
        (check_gguf, gguf(GGUF_KEYS | {"x": key("x", 9, struct.pack("<IQ", 8, 1 << 20) + bytes(8 << 20))})),
        (check_gguf, gguf(GGUF_KEYS | {"x": key("x", 9, struct.pack("<IQ", 0, 1 << 22) + bytes(1 << 22))})),
    ],
    ids=["lists", "numbers", "texts", "bytes"],
)
def test_the_worst_header_takes_bounded_memory_and_time(
    check: Callable[[BinaryIO], int], content: bytes, tmp_path: Path
) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    started_s = time.process_time()
    tracemalloc.start()
    try:
        read(check, content, path)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 300 << 20
    assert time.process_time() - started_s < 60

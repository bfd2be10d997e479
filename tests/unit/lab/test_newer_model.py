"""The model that an update is rehearsed with: one letter of its name is another, and nothing else."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from fleetctl.errors import ChangeError
from fleetctl.lab.newer_model import rename


def text(value: bytes) -> bytes:
    return struct.pack("<Q", len(value)) + value


def gguf(name: bytes, kind: int = 8) -> bytes:
    head = b"GGUF" + struct.pack("<IQQ", 3, 0, 2)
    pairs = text(b"general.architecture") + struct.pack("<I", 8) + text(b"llama")
    return head + pairs + text(b"general.name") + struct.pack("<I", kind) + text(name) + b"weights" * 100


@pytest.mark.parametrize(("name", "new"), [(b"Small Ep1", "Small Ep2"), (b"Small Ep2", "Small Ep3"), (b"x", "2")])
def test_only_the_last_letter_of_the_name_changes(tmp_path: Path, name: bytes, new: str) -> None:
    path = tmp_path / "model.gguf"
    path.write_bytes(gguf(name))
    assert rename(path) == new
    assert path.read_bytes() == gguf(new.encode())


@pytest.mark.parametrize(
    "content",
    [b"", b"PK" + gguf(b"x")[2:], gguf(b"x").replace(b"general.name", b"general.nome"), gguf(b"x", kind=4), gguf(b"")],
)
def test_a_file_that_is_none_is_left_as_it_is(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "model.gguf"
    path.write_bytes(content)
    with pytest.raises(ChangeError, match=r"model\.gguf"):
        rename(path)
    assert path.read_bytes() == content

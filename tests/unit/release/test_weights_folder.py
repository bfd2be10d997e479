"""A folder of own weights: what goes in, and every refusal with file, what was seen, what is wanted, what to do."""

from __future__ import annotations

import os
import pickle
import socket
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from appliance.contract.bundles import BUNDLES
from appliance.contract.seal import ModelTask
from fleetctl.errors import RefusedError, describe
from fleetctl.image.digest import file_sha256
from fleetctl.release.weights_folder import examine, lay
from tests.fakes.weights import ctranslate2, drafting_gguf, drafting_safetensors, gguf, safetensors, whisper


def made(folder: Path, form: str) -> tuple[Path, ModelTask]:
    match form:
        case "gguf":
            return drafting_gguf(folder), "drafting"
        case "safetensors":
            return drafting_safetensors(folder), "drafting"
        case _:
            return whisper(folder), "transcription"


@pytest.mark.parametrize("form", ["gguf", "safetensors", "ctranslate2"])
def test_each_form_goes_in_whole(tmp_path: Path, form: str) -> None:
    folder, task = made(tmp_path / "own", form)
    found = examine(folder, task)
    assert found.form == form
    laid = lay(found, tmp_path / "files")
    names = {file.path for file in laid}
    assert BUNDLES[task][found.form].lacking(names) == []
    for file, source in zip(laid, found.files, strict=True):
        assert file.sha256 == file_sha256(folder / source.source) == file_sha256(tmp_path / "files" / file.path)


def test_the_only_gguf_file_gets_the_name_that_the_engine_opens(tmp_path: Path) -> None:
    found = examine(drafting_gguf(tmp_path / "own"), "drafting")
    assert [(file.source, file.name) for file in found.files] == [("tiny-q8.gguf", "model.gguf")]


class Runs:
    """What a pickle can do."""

    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        return os.system, ("touch /tmp/never",)


def checkpoint(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps(Runs()))


PICKLES: dict[str, Callable[[Path], object]] = {
    "pytorch_model.bin": checkpoint,
    "model.pt": checkpoint,
    "model.pth": lambda path: path.write_bytes(pickle.dumps(Runs(), protocol=2)),
    "weights.pkl": lambda path: path.write_bytes(pickle.dumps(Runs(), protocol=4)),
    "array.npy": lambda path: path.write_bytes(b"\x93NUMPY\x01\x00"),
    # By content, not by name: the same under the names of what goes in.
    "model.safetensors": checkpoint,
    "tokenizer.json": lambda path: path.write_bytes(pickle.dumps(Runs(), protocol=2)),
    "merges.txt": lambda path: path.write_bytes(pickle.dumps(Runs(), protocol=0)),
    "config.json": lambda path: path.write_bytes(pickle.dumps({"a": 1}, protocol=0)),
    "state.bin": lambda path: path.write_bytes(pickle.dumps(Runs(), protocol=0)),
}


@pytest.mark.parametrize("name", PICKLES)
def test_pickles_are_refused_by_content(tmp_path: Path, name: str) -> None:
    folder = drafting_safetensors(tmp_path / "own")
    PICKLES[name](folder / name)
    with pytest.raises(RefusedError) as refused:
        examine(folder, "drafting")
    assert refused.value.message.startswith(f"{folder / name}: ")
    assert "pickle" in refused.value.message
    assert "wanted" in refused.value.message
    assert refused.value.hint


def test_a_pickle_as_model_bin_is_refused(tmp_path: Path) -> None:
    folder = whisper(tmp_path / "own")
    checkpoint(folder / "model.bin")
    with pytest.raises(RefusedError, match=r"model\.bin: a ZIP archive; PyTorch"):
        examine(folder, "transcription")


STRANGE: dict[str, tuple[Callable[[Path], object], str]] = {
    "link.json": (lambda path: path.symlink_to("config.json"), "a symbolic link"),
    "out.json": (lambda path: path.symlink_to("/etc/passwd"), "a symbolic link"),
    "pipe.json": (os.mkfifo, "no plain file"),
    ".hidden.json": (lambda path: path.write_text("{}"), "a hidden file"),
    "sub": (lambda path: path.mkdir(), "a folder"),
    "run.json": (lambda path: (path.write_text("{}"), path.chmod(0o755)), "an executable file"),
    "empty.json": (lambda path: path.write_text(""), "an empty file"),
    "a b.json": (lambda path: path.write_text("{}"), "a name of other characters"),
    "modeling.py": (lambda path: path.write_text("import os"), "does not belong to weights"),
    "README.md": (lambda path: path.write_text("hello"), "does not belong to weights"),
    "script.json": (lambda path: path.write_text("#!/bin/sh\n"), "a script"),
    "lfs.safetensors": (lambda path: path.write_text("version https://git-lfs.example/spec/v1\n"), "git-lfs"),
    "nul.txt": (lambda path: path.write_bytes(b"a\0b"), "no text"),
    "latin.txt": (lambda path: path.write_bytes(b"\xe9t\xe9"), "no text"),
    "twice.json": (lambda path: path.write_text('{"a": 1, "a": 2}'), "same key twice"),
    "deep.json": (lambda path: path.write_text("[" * 99_999), "nested deeper"),
    "model.bin": (lambda path: path.write_bytes(ctranslate2()), "does not belong to weights"),
}


@pytest.mark.parametrize("name", STRANGE)
def test_what_does_not_belong_there_is_refused(tmp_path: Path, name: str) -> None:
    folder = drafting_safetensors(tmp_path / "own")
    make, seen = STRANGE[name]
    make(folder / name)
    with pytest.raises(RefusedError) as refused:
        examine(folder, "drafting")
    assert str(folder / name) in refused.value.message
    assert seen in refused.value.message
    assert "hint" in describe(refused.value)


def test_weights_of_another_form_beside_them_are_refused(tmp_path: Path) -> None:
    folder = drafting_gguf(tmp_path / "own")
    (folder / "stray.safetensors").write_bytes(safetensors())
    with pytest.raises(
        RefusedError, match=r"stray\.safetensors: a file that does not belong to weights of the form gguf"
    ):
        examine(folder, "drafting")


def test_a_socket_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = drafting_gguf(tmp_path / "own")
    monkeypatch.chdir(folder)  # a socket's path is short
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("s.json")
        with pytest.raises(RefusedError, match="no plain file"):
            examine(folder, "drafting")


@pytest.mark.parametrize(
    ("form", "lost", "words"),
    [
        ("safetensors", "tokenizer.json", "it lacks tokenizer.json"),
        ("safetensors", "config.json", "it lacks config.json"),
        ("safetensors", "model.safetensors", "no weights for drafting"),
        ("ctranslate2", "tokenizer.json", "it lacks tokenizer.json"),
        ("ctranslate2", "vocabulary.txt", "it lacks vocabulary.txt or vocabulary.json"),
        ("ctranslate2", "config.json", "it lacks config.json"),
        ("ctranslate2", "model.bin", "no weights for transcription"),
        ("gguf", "tiny-q8.gguf", "no weights for drafting"),
    ],
)
def test_tokenizer_and_configuration_are_mandatory(tmp_path: Path, form: str, lost: str, words: str) -> None:
    folder, task = made(tmp_path / "own", form)
    (folder / lost).unlink()
    with pytest.raises(RefusedError, match=words):
        examine(folder, task)


def test_weights_of_another_task_are_refused(tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match="no weights for transcription"):
        examine(drafting_gguf(tmp_path / "own"), "transcription")
    with pytest.raises(RefusedError, match="no weights for drafting"):
        examine(whisper(tmp_path / "speech"), "drafting")


def test_a_model_in_pieces_is_complete_or_refused(tmp_path: Path) -> None:
    folder = drafting_safetensors(tmp_path / "own")
    (folder / "model.safetensors").rename(folder / "model-1.safetensors")
    (folder / "model-2.safetensors").write_bytes(safetensors())
    with pytest.raises(RefusedError, match=r"it lacks model\.safetensors\.index\.json"):
        examine(folder, "drafting")
    index = folder / "model.safetensors.index.json"
    index.write_text('{"weight_map": {"a": "model-1.safetensors", "b": "model-3.safetensors"}}')
    with pytest.raises(RefusedError, match=r"model-2\.safetensors: model\.safetensors\.index\.json does not name it"):
        examine(folder, "drafting")
    index.write_text('{"weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors", "c": "../x"}}')
    with pytest.raises(RefusedError, match=r"it lacks \.\./x"):
        examine(folder, "drafting")
    index.write_text('{"weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors"}}')
    assert examine(folder, "drafting").form == "safetensors"


def test_two_gguf_files_are_refused(tmp_path: Path) -> None:
    folder = drafting_gguf(tmp_path / "own")
    (folder / "second.gguf").write_bytes(gguf())
    with pytest.raises(RefusedError, match="2 GGUF files"):
        examine(folder, "drafting")


def test_a_file_that_changes_after_the_look_is_refused(tmp_path: Path) -> None:
    folder = drafting_safetensors(tmp_path / "own")
    found = examine(folder, "drafting")
    (folder / "merges.txt").write_text("a b\nc d\n")
    with pytest.raises(RefusedError, match="changed while it was read"):
        lay(found, tmp_path / "one")
    found = examine(folder, "drafting")
    size = (folder / "model.safetensors").stat().st_size
    (folder / "model.safetensors").write_bytes(b"PK\x03\x04".ljust(size, b"\0"))
    with pytest.raises(RefusedError, match="ZIP archive"):
        lay(found, tmp_path / "two")
    (folder / "model.safetensors").unlink()
    (folder / "model.safetensors").symlink_to("/dev/zero")
    with pytest.raises(RefusedError, match="a symbolic link"):
        lay(found, tmp_path / "three")

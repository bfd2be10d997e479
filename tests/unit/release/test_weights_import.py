"""Own weights become an image like a catalogue model's: really packed, in user space verified, told apart by name."""

from __future__ import annotations

import io
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from fleetctl.errors import ChangeError, RefusedError, UsageError
from fleetctl.image import gpt
from fleetctl.image.digest import file_sha256
from fleetctl.image.manifest import ModelManifest, read_manifest
from fleetctl.release import weights
from fleetctl.release.weights import OwnBuild, OwnModel, import_model, look
from fleetctl.report.progress import Progress
from tests.fakes.weights import drafting_gguf, whisper

OWN = OwnModel(task="drafting", name="clinic-notes", licence="Apache-2.0", origin="trained by the clinic, 2026-11")
QUIET = Progress(Console(file=io.StringIO()))


def verified(image: Path, root_hash: str, folder: Path) -> bool:
    """Whether data and hash tree fit the root hash, by veritysetup: not by what made them."""
    parts = {part.kind: part for part in gpt.read_partitions(image)}
    content = image.read_bytes()
    paths = []
    for kind in (gpt.ROOT, gpt.ROOT_VERITY):
        part = parts[kind]
        paths.append(folder / str(kind))
        paths[-1].write_bytes(content[part.offset_bytes : part.offset_bytes + part.size_bytes])
    done = subprocess.run(["veritysetup", "verify", *map(str, paths), root_hash], capture_output=True, check=False)
    return done.returncode == 0


@pytest.mark.slow
def test_own_weights_become_a_verified_image(tmp_path: Path, own_build: OwnBuild) -> None:
    folder = drafting_gguf(tmp_path / "own")
    manifest = import_model(OWN, folder, own_build, QUIET)
    image = own_build.output_dir / "clinic-notes.raw"
    assert manifest == read_manifest(own_build.output_dir / "clinic-notes.json", ModelManifest)
    assert manifest.own_for == "drafting"
    assert (manifest.licence, manifest.origin) == (OWN.licence, OWN.origin)
    assert [(file.path, file.sha256) for file in manifest.files] == [
        ("model.gguf", file_sha256(folder / "tiny-q8.gguf"))
    ]
    assert (manifest.sha256, manifest.size_bytes) == (file_sha256(image), image.stat().st_size)
    assert verified(image, manifest.root_hash, tmp_path)
    assert not verified(image, manifest.root_hash[::-1], tmp_path)
    assert list(own_build.build.iterdir()) == []


@pytest.mark.slow
def test_the_same_weights_again_change_nothing_and_others_need_another_name(
    tmp_path: Path, own_build: OwnBuild
) -> None:
    first = import_model(OWN, drafting_gguf(tmp_path / "own"), own_build, QUIET)
    node = (own_build.output_dir / "clinic-notes.raw").stat().st_ino
    assert import_model(OWN, tmp_path / "own", own_build, QUIET) == first
    assert (own_build.output_dir / "clinic-notes.raw").stat().st_ino == node
    other = drafting_gguf(tmp_path / "other", b"another")
    with pytest.raises(RefusedError, match="holds other weights"):
        import_model(OWN, other, own_build, QUIET)
    second = import_model(OWN.model_copy(update={"name": "clinic-notes-2"}), other, own_build, QUIET)
    assert second.root_hash != first.root_hash
    # Another licence is another statement about the same bytes.
    relicensed = import_model(OWN.model_copy(update={"licence": "MIT"}), tmp_path / "own", own_build, QUIET)
    assert (relicensed.root_hash, relicensed.licence) == (first.root_hash, "MIT")


def test_a_refused_folder_leaves_nothing(tmp_path: Path) -> None:
    folder = drafting_gguf(tmp_path / "own")
    (folder / "x.pkl").write_bytes(b"\x80\x04N.")

    def packer() -> object:
        raise AssertionError("keys were asked for")

    job = OwnBuild(tmp_path / "models", tmp_path / "build", tmp_path / "crt", packer)  # type: ignore[arg-type]
    with pytest.raises(RefusedError, match="pickle"):
        import_model(OWN, folder, job, QUIET)
    assert not job.output_dir.exists()
    assert not job.build.exists()


def test_too_little_room_is_said_before_a_key_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def packer() -> object:
        raise AssertionError("keys were asked for")

    job = OwnBuild(tmp_path / "models", tmp_path / "build", tmp_path / "crt", packer)  # type: ignore[arg-type]
    monkeypatch.setattr(weights, "_COPIES", 1 << 50)
    with pytest.raises(ChangeError, match=r"bytes are needed to pack clinic-notes, [0-9,]+ are free"):
        import_model(OWN, drafting_gguf(tmp_path / "own"), job, QUIET)


@pytest.mark.parametrize(
    ("changed", "option"),
    [({"licence": "  "}, "--licence"), ({"origin": ""}, "--origin"), ({"name": "../x"}, "--name"),
     ({"name": "Big"}, "--name"), ({"origin": "a\nb"}, "--origin")],
)  # fmt: skip
def test_what_is_said_of_it_is_mandatory(tmp_path: Path, changed: dict[str, str], option: str) -> None:
    with pytest.raises(UsageError, match=option):
        look(OWN.model_copy(update=changed), drafting_gguf(tmp_path / "own"))


def test_a_name_of_the_catalogue_is_refused(tmp_path: Path) -> None:
    own = replace_name(OWN, "whisper-base")
    with pytest.raises(RefusedError, match="is a model of the catalogue"):
        look(own, whisper(tmp_path / "own"))


def replace_name(own: OwnModel, name: str) -> OwnModel:
    return own.model_copy(update={"name": name, "task": "transcription"})


def test_looking_says_what_would_go_in(tmp_path: Path) -> None:
    shown, found = look(OWN, drafting_gguf(tmp_path / "own"))
    assert (shown.form, shown.files, shown.size_bytes) == ("gguf", ["model.gguf"], found.size_bytes)
    assert replace(found, files=()).size_bytes == 0

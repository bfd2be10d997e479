"""The code tables of an OS image: made while it is built, of the box's tabular list, with the pinned digests."""

from __future__ import annotations

import importlib.util
import json
import shutil
from hashlib import sha256
from pathlib import Path

import pytest

from fleetctl.errors import ChangeError
from fleetctl.image.pythontree import CODES_IN_IMAGE, SITE_IN_IMAGE, code_packs

PACKAGE = Path(__file__).resolve().parents[3] / "appliance"


@pytest.fixture
def third_party(tmp_path: Path) -> Path:
    """A tree with the package that has the tabular list, as the image gets it."""
    found = importlib.util.find_spec("simple_icd_10_cm")
    assert found is not None
    site = tmp_path / "third" / SITE_IN_IMAGE
    site.mkdir(parents=True)
    shutil.copytree(next(iter(found.submodule_search_locations or ())), site / "simple_icd_10_cm")
    return tmp_path / "third"


@pytest.mark.slow
def test_an_image_gets_the_pinned_tables(tmp_path: Path, third_party: Path) -> None:
    code_packs(PACKAGE, third_party, tmp_path / "own", log_path=tmp_path / "log")
    pinned = {each["sha256"] for each in json.loads((PACKAGE / "coding/data/built_in.json").read_text())}
    made = {path.stem: path for path in (tmp_path / "own" / CODES_IN_IMAGE).iterdir()}
    assert made.keys() == pinned
    assert all(sha256(path.read_bytes()).hexdigest() == name for name, path in made.items())


def test_another_table_than_the_pinned_one_ends_the_build(tmp_path: Path, third_party: Path) -> None:
    package = tmp_path / "changed" / "appliance"
    shutil.copytree(PACKAGE, package, ignore=shutil.ignore_patterns("__pycache__"))
    path = package / "coding/data/built_in.json"
    listed = [each | {"sha256": "0" * 64} for each in json.loads(path.read_text()) if each["system"] == "hcpcs"]
    path.write_text(json.dumps(listed))
    with pytest.raises(ChangeError, match="making the code tables"):
        code_packs(package, third_party, tmp_path / "own", log_path=tmp_path / "log")
    assert not list((tmp_path / "own" / CODES_IN_IMAGE).iterdir())
    assert "0000000000000000" in (tmp_path / "log").read_text()

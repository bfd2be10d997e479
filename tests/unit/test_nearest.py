"""Hints for names that there are not."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import fleetctl
from fleetctl.nearest import close, listed, nearest, nearest_or_all

PACKAGE = Path(fleetctl.__file__).parent


@pytest.mark.parametrize(
    ("seen", "known", "meant"),
    [
        ("nroth", ["south", "north"], ["north"]),
        ("NORTH", ["south", "north"], ["north"]),  # capitals do not count
        ("L40S", ["NVIDIA RTX 6000 Ada", "NVIDIA L40S"], ["NVIDIA L40S"]),  # stands whole in a longer one
        ("s", ["sites-of-the-south"], []),  # one letter stands in nearly every name
        ("whatever", ["north", "south"], []),
        ("north", [], []),
    ],
)
def test_what_was_meant(seen: str, known: list[str], meant: list[str]) -> None:
    assert close(seen, known) == meant


def test_the_most_similar_stands_first_and_of_equal_ones_the_first_given() -> None:
    assert close("gpu_rwos", ["gpu_row", "gpu_rows", "disk"], most=2) == ["gpu_rows", "gpu_row"]
    assert close("site-0", ["site-1", "site-2"], most=1) == ["site-1"]


def test_the_hint() -> None:
    assert nearest("nroth", ["north"], "fleetctl site list") == "did you mean north?"
    assert nearest("x", ["north"], "fleetctl site list") == "fleetctl site list"
    assert nearest("site-0", ["site-1", "site-2"], "", most=2) == "did you mean site-1 or site-2?"
    assert nearest_or_all("x", iter(["a", "b"]), "waves") == "waves: a, b"
    assert nearest_or_all("x", [], "drafts", "none; fleetctl release build") == "drafts: none; fleetctl release build"
    assert listed(f"s{number}" for number in range(22)).endswith("s19, and 2 more")


def test_there_is_one_way_to_find_it() -> None:
    others = []
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_bytes())):
            names = [each.name for each in node.names] if isinstance(node, ast.Import) else []
            if "difflib" in names or (isinstance(node, ast.ImportFrom) and node.module == "difflib"):
                others.append(str(path.relative_to(PACKAGE)))
    assert others == ["nearest.py"]

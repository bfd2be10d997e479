"""The modules of the benchmark's written sets, which lie beside the benchmark and in no package."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

BENCH = Path(__file__).parents[3] / "bench"
MODULES = (
    "second", "second_values", "second_people", "second_pools", "second_numbers",
    "sets", "halved", "third", "third_values", "third_people", "third_names", "third_numbers",
    "fourth", "fourth_values", "fourth_people", "fourth_names", "fourth_places",
    "sixth", "sixth_values", "sixth_people", "sixth_names", "sixth_places",
)  # fmt: skip


@pytest.fixture(scope="package")
def parts() -> Iterator[SimpleNamespace]:
    """Each module of `deidcases` by its name."""
    sys.path.insert(0, str(BENCH))
    try:
        yield SimpleNamespace(**{name: importlib.import_module(f"deidcases.{name}") for name in MODULES})
    finally:
        sys.path.remove(str(BENCH))

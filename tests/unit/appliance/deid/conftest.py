"""One detector for all tests: loading the entity model takes seconds."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from appliance.deid.detector import ClinicalDetector

Find = Callable[..., list[tuple[str, str]]]


@pytest.fixture(scope="session")
def detector() -> ClinicalDetector:
    return ClinicalDetector()


@pytest.fixture(scope="session")
def find(detector: ClinicalDetector) -> Find:
    """Returns (kind, text) of each identifier."""

    def found(text: str, known_names: Sequence[str] = ()) -> list[tuple[str, str]]:
        return [(item.kind.value, text[item.start : item.end]) for item in detector.find(text, known_names=known_names)]

    return found

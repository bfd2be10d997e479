"""A catalogue entry for tests: one file in two parts."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import pytest

from fleetctl.image.catalogue import CatalogueEntry


@pytest.fixture
def make_entry() -> Callable[..., CatalogueEntry]:
    digest = hashlib.sha256(b"weights in two parts").hexdigest()

    def make(sha256: str = digest, second: str = "pkg/part2") -> CatalogueEntry:
        part = {"carrier": "carrier"}
        return CatalogueEntry.model_validate(
            {
                "task": "transcription",
                "licence": "MIT",
                "origin": {"repository": "publisher/model", "revision": "abc"},
                "carriers": [{"package": "carrier", "version": "1.0", "sha256": "0" * 64}],
                "files": [
                    {
                        "name": "model.bin",
                        "sha256": sha256,
                        "parts": [part | {"path": "pkg/part1"}, part | {"path": second}],
                    }
                ],
            }
        )

    return make

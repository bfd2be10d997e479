"""The published OpenAPI document is the one that the routes make now."""

from __future__ import annotations

import json
from pathlib import Path

from appliance.gateway.reference import openapi

FILE = Path(__file__).resolve().parents[3] / "docs/reference/openapi.json"


def test_the_openapi_document_is_current() -> None:
    assert FILE.read_text(encoding="utf-8") == openapi(), "run: make docs"


def test_every_refusal_is_described_as_a_problem() -> None:
    document = json.loads(openapi())
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            content = operation["responses"]["default"]["content"]
            assert "application/problem+json" in content, (method, path)
            assert operation["summary"], (method, path)

"""Answers about codes as bytes: JSON in which a program reads blanks, and which is known again in a note."""

from __future__ import annotations

from typing import Any

from fastapi.responses import JSONResponse

from appliance.coding.own_json import dumped


class OwnJsonResponse(JSONResponse):
    """JSON whose strings write each blank as an escape; see `appliance.coding.own_json`."""

    def render(self, content: Any) -> bytes:
        """Return the body."""
        return dumped(content).encode("ascii")

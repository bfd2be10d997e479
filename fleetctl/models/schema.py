"""Generates hardware/schema.json (JSON Schema of hardware profiles, for editors) from the model."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from fleetctl.models.profile import HardwareProfile


def profile_schema() -> str:
    """The file's content."""
    schema = HardwareProfile.model_json_schema(by_alias=True)
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(profile_schema(), encoding="utf-8")

"""Writes the OpenAPI document of the gateway: `python -m appliance.gateway.reference PATH`. It needs no store."""

import json
import sys
from pathlib import Path
from typing import cast

from appliance.gateway.app import make_app
from appliance.gateway.core import Core


def openapi() -> str:
    """Return the document as it is published: sorted, one value a line, so that a change is a small difference."""
    # Routes are described from types; nothing of a running gateway is asked.
    document = make_app(cast(Core, None)).openapi()
    document["info"]["version"] = "1"  # of the API; the program's version changes with each release
    return json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def main() -> int:
    """Write it; return the exit code."""
    Path(sys.argv[1]).write_text(openapi(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())

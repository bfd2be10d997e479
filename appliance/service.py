"""How a service of the box starts: a log without what it works on, files that are its own, errors as exit codes."""

import logging
import os
import sys
from collections.abc import Callable
from pathlib import Path

from appliance.errors import ApplianceError


def run(start: Callable[[Path], None], config: Path) -> int:
    """Run `start` with the settings file (the first argument, or `config`) and return the exit code."""
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    os.umask(0o077)
    try:
        start(Path(sys.argv[1]) if len(sys.argv) > 1 else config)
    except ApplianceError as error:
        logging.error("error: %s", error)
        logging.error("  hint: %s", error.hint)
        return error.exit_code
    return 0

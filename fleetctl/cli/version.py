"""`fleetctl version`: what runs here."""

from __future__ import annotations

import platform
import sys
from importlib.metadata import version as installed

from fleetctl.cli.options import OutputFormat, OutputOption
from fleetctl.version import __version__

# The packages whose behaviour a bug report needs to know.
SHOWN = ("ansible-core", "ansible-runner", "fabric", "cryptography", "pydantic", "typer")


def version(output: OutputOption = OutputFormat.table) -> None:
    """Show the versions of fleetctl, Python, the system and the packages that do the work."""
    data = {
        "fleetctl": __version__,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        **{name: installed(name) for name in SHOWN},
    }
    if output is OutputFormat.table:
        # No table library for six lines: this command has to work on the most broken installation.
        width = max(map(len, data))
        sys.stdout.write("".join(f"{name:<{width}}  {value}\n" for name, value in data.items()))
        return
    from fleetctl.report.emit import emit

    emit(data, output)

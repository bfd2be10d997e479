"""Options that several commands share, so that a name means the same everywhere.

Use them as annotations with a default: `output: OutputOption = OutputFormat.table`.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class OutputFormat(StrEnum):
    """How a command writes its data to stdout. The exit code never depends on it."""

    table = "table"
    json = "json"
    yaml = "yaml"


SiteArgument = Annotated[str, typer.Argument(metavar="SITE", help="Name of the site.")]

OutputOption = Annotated[OutputFormat, typer.Option("--output", "-o", help="Form of the data on stdout.")]

# Default None: the current directory, or the nearest one above it that has a fleet.yaml (FleetDir.find).
FleetOption = Annotated[
    Path | None,
    typer.Option(
        "--fleet",
        envvar="FLEETCTL_FLEET",
        help="Fleet directory. Default: this one, or the nearest above it with a fleet.yaml.",
        show_default=False,
    ),
]

SelectorOption = Annotated[
    list[str] | None,
    typer.Option("--selector", "-l", metavar="KEY=VALUE", help="Only sites with this label; repeat to narrow."),
]

YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Answer yes to what would be asked.")]

DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Show what would change; change nothing.")]

PassphraseFdOption = Annotated[
    int | None,
    typer.Option("--passphrase-fd", metavar="N", min=0, help="Read the passphrase of the keys from file descriptor N."),
]

PassphraseFileOption = Annotated[
    Path | None,
    typer.Option(
        "--passphrase-file", envvar="FLEETCTL_PASSPHRASE_FILE", help="Read the passphrase of the keys from this file."
    ),
]

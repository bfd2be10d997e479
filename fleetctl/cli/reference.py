"""Generates docs/reference/cli.md from the command tree: `python -m fleetctl.cli.reference FILE`."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fleetctl.cli.app import load
from fleetctl.cli.registry import COMMANDS
from fleetctl.errors import EXIT_CODES

HEADER = """\
# Command reference

Generated from the commands themselves by `make docs`; a test fails when it drifts.

Data goes to stdout, everything else to stderr. Long work shows a spinner on a terminal and plain lines in a pipe.
Nothing prompts when stdin is not a terminal: it refuses instead, and says which option to give.

## Exit codes

| Code | Meaning |
|---|---|
"""


def reference() -> str:
    """The whole page."""
    lines = [HEADER + "\n".join(f"| {code} | {meaning} |" for code, meaning in EXIT_CODES.items()), ""]
    for row in COMMANDS:
        lines += _section(load(row), f"fleetctl {row.name}", 2)
    return "\n".join(lines).rstrip() + "\n"


def _section(command: Any, path: str, depth: int) -> Iterator[str]:
    yield from ["#" * depth + " " + path, ""]
    children = getattr(command, "commands", None)
    if children is None:
        yield from _describe(command, path)
        return
    yield from [command.help or "", ""]
    for name, child in children.items():
        yield from _section(child, f"{path} {name}", depth + 1)


def _describe(command: Any, path: str) -> Iterator[str]:
    context = command.make_context(path, [], resilient_parsing=True)
    yield from ["```", " ".join([path, *command.collect_usage_pieces(context)]), "```", ""]
    yield from [inspect.cleandoc(command.help or ""), ""]
    records = [record for parameter in command.get_params(context) if (record := parameter.get_help_record(context))]
    # Every command has --help; saying so each time would bury the rest.
    rows = [(left, right) for left, right in records if "--help" not in left]
    if rows:
        yield from ["| Argument or option | Meaning |", "|---|---|"]
        yield from (f"| `{_cell(left)}` | {_cell(right)} |" for left, right in rows)
        yield ""


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(reference(), encoding="utf-8")

"""Writes a command's data to stdout as a table, JSON or YAML."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, TypeAdapter
from rich.console import RenderableType

from fleetctl.cli.options import OutputFormat
from fleetctl.report.console import out

T = TypeVar("T", bound=BaseModel | Sequence[Any] | Mapping[str, Any])

_ANY: TypeAdapter[Any] = TypeAdapter(Any)


def plain(data: Any) -> Any:
    """`data` as JSON types: models, dates, paths and enums inside it included."""
    return _ANY.dump_python(data, mode="json", by_alias=True)


def as_json(data: Any) -> str:
    """JSON in ASCII: what a box said must not steer the terminal that shows it.

    Infinity and NaN are not JSON: `ValueError`. Whoever computes a number keeps it finite.
    """
    return json.dumps(plain(data), indent=2, ensure_ascii=True, allow_nan=False)


def as_yaml(data: Any) -> str:
    """YAML as people read it, or all in ASCII when something in it could steer a terminal."""
    text = _yaml(data, unicode=True)
    harmless = all(character.isprintable() or character == "\n" for character in text)
    return text if harmless else _yaml(data, unicode=False)


def _yaml(data: Any, *, unicode: bool) -> str:
    return yaml.safe_dump(plain(data), sort_keys=False, allow_unicode=unicode, width=120)


def emit_lines(items: Sequence[Any]) -> None:
    """Write each item to stdout as one line of JSON, as events are: for commands whose events went there before."""
    for item in items:
        sys.stdout.write(json.dumps(plain(item), ensure_ascii=True) + "\n")
    sys.stdout.flush()


def emit(data: T, output: OutputFormat, table: Callable[[T], RenderableType] | None = None) -> None:
    """Write `data` to stdout. `table` makes what a person sees; without it a person sees YAML."""
    if output is OutputFormat.json:
        sys.stdout.write(as_json(data) + "\n")
    elif output is OutputFormat.yaml or table is None:
        sys.stdout.write(as_yaml(data))
    else:
        out.print(table(data))
    sys.stdout.flush()

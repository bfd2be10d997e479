"""A table of titles and values, a line each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.table import Table


def rows(given: Sequence[tuple[str, Any]]) -> Table:
    """Long values are folded, never cut: a digest that is not whole is of no use."""
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for title, value in given:
        table.add_row(title, str(value))
    return table

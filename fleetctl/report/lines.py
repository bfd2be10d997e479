"""Lines with a style each: what a screen is made of, whether rich paints it or a pipe takes it as it is."""

from __future__ import annotations

import os
import re
import sys
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from fleetctl.cli.options import OutputFormat
from fleetctl.errors import printable
from fleetctl.report.verdicts import shown

T = TypeVar("T", bound=Any)

_NARROWEST = 40
_SGR = {"green": "32", "bold": "1", "bold red": "1;31", "bold magenta": "1;35", "dim": "2", "reverse": "7", "": ""}


@dataclass(frozen=True)
class Line:
    """One line. `head` is how many of its first characters carry the style; None: all of them."""

    text: str
    style: str = ""
    head: int | None = None


def wrapped(first: str, text: str, width: int | None, style: str = "", hang: int = 0) -> list[Line]:
    """`first` and `text` in lines of `width`, the following ones indented by `hang`; `first` carries the style."""
    whole = printable(shown(text)).replace("\n", " ")
    if width is None:
        return [Line(f"{shown(first)}{whole}", style, len(first))]
    parts = textwrap.wrap(
        shown(first) + whole, max(width, _NARROWEST), subsequent_indent=" " * hang, break_on_hyphens=False,
        drop_whitespace=True,
    )  # fmt: skip
    return [Line(part, style, len(first) if number == 0 else 0) for number, part in enumerate(parts)]


def counted(sites: int) -> str:
    return f"{sites} site{'' if sites == 1 else 's'}"


def width_of_screen() -> int | None:
    """Columns of the terminal, or None in a pipe, where a line is as long as what it says."""
    if not sys.stdout.isatty():
        return None
    try:
        return max(os.get_terminal_size(sys.stdout.fileno()).columns, _NARROWEST)
    except OSError:
        return 80


def coloured() -> bool:
    """Whether stdout wants colours: https://no-color.org, and never in a pipe."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def painted(lines: Sequence[Line], *, colour: bool) -> str:
    """The lines as text for a terminal or a pipe."""
    return "".join(f"{_paint(line) if colour else line.text.rstrip()}\n" for line in lines)


def _paint(line: Line) -> str:
    code = _SGR[line.style]
    head = len(line.text) if line.head is None else line.head
    if not code or not head:
        return line.text.rstrip()
    return f"\x1b[{code}m{line.text[:head]}\x1b[0m{line.text[head:]}".rstrip()


def write_lines(
    data: T, output: OutputFormat, lines: Callable[[T, int | None], Sequence[Line]], nothing: str = ""
) -> None:
    """Write `data` to stdout: as lines for a person, `nothing` where there are none, or as JSON or YAML."""
    if output is OutputFormat.table:
        found = lines(data, width_of_screen()) or [Line(nothing)]
        sys.stdout.write(painted(found, colour=coloured()))
        sys.stdout.flush()
        return
    from fleetctl.report.emit import emit

    emit(data, output)


def plain(text: str) -> str:
    """Painted text without its paint, for tests and for widths."""
    return re.sub(r"\x1b\[[0-9;]*m", "", text)

"""What importers say about a wrong file: where it is wrong, what stood there, what was wanted."""

from __future__ import annotations

from pathlib import Path

from appliance.errors import ApplianceError, UsageError

_MAX_SEEN = 60


class TableFileError(ApplianceError):
    """A file is not the table that it was given as. `line`: where, from 1; 0 for the file as a whole."""

    exit_code = 9
    line = 0


def wrong(name: str, line: int, problem: str, *, column: int | str | None = None, seen: str | None = None) -> Exception:
    """The error for one place of a file.

    Args:
        name: The file.
        line: From 1; 0 for the file as a whole.
        problem: What was wanted there, in words.
        column: A character's place from 1, or a column's name.
        seen: What stood there; shortened, and made printable.
    """
    place = name if line == 0 else f"{name}: line {line}"
    if column is not None:
        place += f", column {column}"
    tail = "" if seen is None else f" (seen: {shown(seen)})"
    error = TableFileError(
        f"{place}: {problem}{tail}", hint="nothing was imported; bring the publisher's file as it was published"
    )
    error.line = line
    return error


def shown(text: str) -> str:
    """A piece of a file for an error message: one line of printable ASCII."""
    clean = ascii(text)
    return clean if len(clean) <= _MAX_SEEN else clean[:_MAX_SEEN] + "…"


def read_bounded(path: Path, limit: int) -> bytes:
    """A whole file of at most `limit` bytes.

    Raises:
        UsageError: it cannot be read, is no ordinary file or is larger.
    """
    try:
        if not path.is_file():
            there = "is a folder" if path.is_dir() else "is no ordinary file" if path.exists() else "no such file"
            raise UsageError(f"{path}: {there}", hint="give the file that the publisher distributes")
        with path.open("rb") as file:
            content = file.read(limit + 1)
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}", hint="give a file that can be read") from None
    if len(content) > limit:
        raise UsageError(
            f"{path}: is larger than {limit >> 20} MiB, the most that such a table has",
            hint="give the publisher's file of this one table",
        )
    return content

"""`appliancectl coding`: what a note supports, and how suggestions agree with a practice's own coders."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from appliance.ctl.codes import service_day
from appliance.ctl.coding_validate import validate
from appliance.errors import UsageError

app = typer.Typer(
    help="Judge documentation and suggestions; nothing here sets a code.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    add_completion=False,
)

app.command("validate")(validate)

_MAX_NOTE_BYTES = 1_000_000


@app.command()
def em(
    file: Annotated[
        str, typer.Argument(metavar="FILE", help="The signed note as text (UTF-8); - reads standard input.")
    ],
    visit: Annotated[str, typer.Option(help="The kind of visit, such as established-office.")],
    on: Annotated[str, typer.Option(metavar="DATE", help="Date of service.")],
    claimed: Annotated[
        str | None, typer.Option(metavar="CODE", help="The code that is claimed; nothing above it is judged.")
    ] = None,
    output: Annotated[
        Literal["text", "table", "json"], typer.Option("--output", "-o", help="text (table is the same) or json.")
    ] = "text",
) -> None:
    """Say what E/M code a note supports, by time or decision making, with the places it rests on.

    It lowers or questions a claimed code and never raises it.

    Exit code: 0 judged, whatever the verdict; 2 wrong usage; 5 the file cannot be read; 6 the date is before the rules.
    """
    from appliance.coding.em import support
    from appliance.coding.em_report import report
    from appliance.coding.own_json import dumped

    day = service_day("--on", on)
    found = support(_note(file), visit=visit, on=day, claimed=claimed.strip() if claimed else None)
    typer.echo(dumped(found.model_dump(mode="json"), indent=2) if output == "json" else report(found))


def _note(file: str) -> str:
    from appliance.errors import UnknownStateError

    shown = "standard input" if file == "-" else file
    try:
        if file == "-":
            data = sys.stdin.buffer.read(_MAX_NOTE_BYTES + 1)
        else:
            with Path(file).open("rb") as stream:
                data = stream.read(_MAX_NOTE_BYTES + 1)
    except OSError as error:
        raise UnknownStateError(
            f"{shown}: {error.strerror}", hint="name a file with the note, or - for input"
        ) from None
    if len(data) > _MAX_NOTE_BYTES:
        raise UsageError(f"{shown}: more than {_MAX_NOTE_BYTES} bytes", hint="give the note of one visit")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise UsageError(f"{shown}: line {line}: not UTF-8", hint="save the note as plain text in UTF-8") from None
    if not text.strip():
        raise UsageError(f"{shown}: is empty", hint="give the text of the signed note")
    if "\x00" in text:
        line = text[: text.index("\x00")].count("\n") + 1
        raise UsageError(f"{shown}: line {line}: no text (a zero byte)", hint="save the note as plain text in UTF-8")
    return text

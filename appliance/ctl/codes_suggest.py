"""`appliancectl codes suggest`: codes for a text from a file or the standard input, with their evidence."""

from __future__ import annotations

import datetime
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from appliance.ctl.codes import DIRECTORY, DirectoryOption, service_day
from appliance.errors import UsageError

if TYPE_CHECKING:
    from appliance.coding.suggestion import Suggestion

# The longest source that the box takes, as UTF-8 (up to four bytes a character).
_MAX_CHARS = 2_500_000
_MAX_BYTES = 4 * _MAX_CHARS
_QUOTE_CHARS = 60


def suggest(
    source: Annotated[str, typer.Argument(metavar="FILE|-", help="A text, UTF-8; - reads the standard input.")],
    on: Annotated[str, typer.Option(metavar="DATE", help="Date of service. Default: today.")] = "",
    minimum_confidence: Annotated[
        float | None,
        typer.Option(min=0.0, max=1.0, help="Show what is at least as sure. Default: where training had the best F1."),
    ] = None,
    mentioned: Annotated[
        bool, typer.Option("--mentioned", help="Whatever is mentioned, denied and past too, without the coding rules.")
    ] = False,
    directory: DirectoryOption = DIRECTORY,
    output: Annotated[
        Literal["table", "text", "json"],
        typer.Option("--output", "-o", help="table (text is the same), or json: one document."),
    ] = "table",
) -> None:
    """Suggest ICD-10-CM codes for a text: questions for a coder, never answers.

    Only what the text holds as present is suggested (status and history codes also for what is past), each with the
    words that it rests on. Nothing is written and nothing leaves the machine.

    What is shown is no documentation: the mark of reports stands for its blanks (in JSON an escape, which a program
    reads as a blank), so that `coding em` knows it again where somebody pasted it into a note.

    Exit code: 0 whether or not there are suggestions, 2 the text cannot be read, 9 table or ranker are damaged.
    """
    day = service_day("--on", on) if on else datetime.datetime.now(datetime.UTC).date()
    text = _text(source)

    from appliance.coding.own_json import dumped
    from appliance.coding.suggester import CodeSuggester
    from appliance.coding.suggestion import CodeSystem
    from appliance.coding.tables.library import Library
    from appliance.coding.tables.outdated import outdated

    table = Library(directory).table(CodeSystem.ICD_10_CM, day)
    if table is None:
        raise UsageError(
            f"there is no ICD-10-CM table here for {day}",
            hint="bring the publisher's file in with `appliancectl codes import icd-10-cm FILE --effective DATE`",
        )
    suggester = CodeSuggester(table, minimum_confidence=minimum_confidence)
    found = suggester.mentioned(text) if mentioned else suggester.suggest(text, on=day)
    why = outdated(table, day)
    if output == "json":
        document = {
            "on": day.isoformat(),
            "system": table.system.value,
            "table_version": table.version,
            "table_digest": table.digest,
            "outdated": why,
            "minimum_confidence": round(suggester.minimum_confidence, 4),
            "suggestions": [each.model_dump(mode="json") for each in found],
        }
        typer.echo(dumped(document, indent=1))
        return
    shown = [_line(f"{table.system.value} {table.version}", f"date of service {day}")]
    shown += [] if why is None else [_line(why)]
    shown += lines(found) or [_line(f"no suggestion of at least {suggester.minimum_confidence:.0%}")]
    typer.echo("\n".join(map(readable, shown) if _is_terminal() else shown))


def _is_terminal() -> bool:
    plain = bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM", "dumb") == "dumb"
    return sys.stdout.isatty() and not plain


def readable(line: str) -> str:
    """A line for a screen: its marks faint, so that words stand out. What is copied from it has every mark as before.

    Faint is ECMA-48's SGR 2; not its concealed (8), because what a terminal copies of concealed characters differs.
    """
    from appliance.coding.em_words import BLANK

    return re.sub(f"{BLANK}+", lambda marks: f"\x1b[2m{marks.group()}\x1b[22m", line)


def _text(source: str) -> str:
    shown = "standard input" if source == "-" else source
    try:
        if source == "-":
            content = sys.stdin.buffer.read(_MAX_BYTES + 1)
        else:
            with Path(source).open("rb") as file:
                content = file.read(_MAX_BYTES + 1)
    except OSError as error:
        raise UsageError(f"{shown}: {error.strerror}", hint="name a readable text file, or - for the input") from None
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if len(content) <= _MAX_BYTES:
            raise UsageError(f"{shown}: byte {error.start} is not UTF-8", hint="give plain text in UTF-8") from None
        text = ""
    if len(content) > _MAX_BYTES or len(text) > _MAX_CHARS:
        raise UsageError(f"{shown}: longer than {_MAX_CHARS} characters", hint="give one encounter at a time")
    if "\0" in text:
        raise UsageError(f"{shown}: has null characters", hint="give plain text, not a document of an office program")
    if not text.strip():
        raise UsageError(f"{shown}: is empty", hint="give the text of a note or a transcript")
    return text


def lines(found: Sequence[Suggestion]) -> list[str]:
    """Suggestions for a terminal, the mark of reports in place of each blank, so that none passes for documentation."""
    shown: list[str] = []
    for each in found:
        quote = " ".join(each.evidence[0].quote.split())
        cut = quote if len(quote) <= _QUOTE_CHARS else quote[: _QUOTE_CHARS - 1] + "…"
        more = f" (+{len(each.evidence) - 1})" if len(each.evidence) > 1 else ""
        held = "" if each.assertion == "present" else f" [{each.assertion}]"
        shown.append(_line(f"{each.confidence:4.0%}", f"{each.code:<8}", f'{each.title}{held} "{cut}"{more}'))
        if each.question:
            shown.append(_line("    ", f"? {each.question}"))
    return shown


def _line(*columns: str) -> str:
    from appliance.coding.em_words import BLANK

    # A text may hold characters that steer a terminal.
    safe = ["".join(one if one.isprintable() else "?" for one in column) for column in columns]
    *ahead, last = safe
    return " ".join([BLANK, *(f"{column} {BLANK}" for column in ahead), last.replace(" ", BLANK)])

"""`appliancectl health faults` and `health ack`: the journal of the GPU watch, shown, and a fault acknowledged.

Acknowledging is a change: only who may log in here as root can do it, never who reads the health snapshot.
"""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from appliance.errors import ApplianceError, RefusedError, UnknownStateError, UsageError

if TYPE_CHECKING:
    from appliance.contract.faults import Fault
    from appliance.watch.fault_book import FaultBook

_MAX_NOTE = 500

DirectoryOption = Annotated[
    Path | None, typer.Option("--directory", help="The journal's directory.", show_default="that of the GPU watch")
]


def _book(directory: Path | None) -> "FaultBook":
    from appliance.watch.fault_book import FaultBook
    from appliance.watch.journal import DIRECTORY, Journal

    folder = directory or DIRECTORY
    if not folder.is_dir():
        raise UnknownStateError(f"{folder} is not there", hint="only a box with GPUs keeps a journal of faults")
    book = FaultBook(Journal(folder))
    try:
        book.refresh()
    except OSError as error:
        raise UnknownStateError(f"the journal in {folder}: {error.strerror or error}", hint="run as root") from None
    if book.damaged:
        print(f"note: {book.damaged} records of the journal are damaged; faults may be missing", file=sys.stderr)
    return book


def _shown(book: "FaultBook") -> tuple["Fault", ...]:
    """The faults; Xid 154 by the newest reading of field 230, where the watch has one."""
    from pydantic import ValidationError

    from appliance.contract.gpu_watch import PATH, GpuWatch
    from appliance.watch.conditions import gpus_by_subject, recoveries

    try:
        watch = GpuWatch.model_validate_json(PATH.read_bytes())
    except (OSError, ValidationError):
        return book.shown({}, None)
    return book.shown(recoveries(gpus_by_subject(watch.report.gpus)), watch.read_at)


def show_faults(
    output: Annotated[Literal["table", "json"], typer.Option("--output", "-o", help="How it is printed.")] = "table",
    directory: DirectoryOption = None,
) -> None:
    """List the faults of the GPUs: those that wait for somebody first, those that were cleared for a week.

    Exit code: 0 nothing waits, 3 degraded, 4 critical, 5 unknown.
    """
    from appliance.contract.faults import FaultList
    from appliance.contract.health import Verdict, worst

    faults = _shown(_book(directory))
    if output == "json":
        typer.echo(FaultList(faults=faults).model_dump_json(indent=2))
    else:
        typer.echo("\n\n".join(map(_words, faults)) or "no faults")
    waiting = [fault.verdict for fault in faults if fault.state == "open"]
    codes = {Verdict.OK: 0, Verdict.DEGRADED: 3, Verdict.CRITICAL: 4, Verdict.UNKNOWN: 5}
    raise typer.Exit(codes[worst(waiting)] if waiting else 0)


def _words(fault: "Fault") -> str:
    times = "once" if fault.count == 1 else f"{fault.count} times"
    lines = [
        f"{fault.id}  {fault.verdict.value}, {fault.state}  {fault.subject}",
        f"  {fault.reason}",
        f"  {times} since {fault.first_seen:%Y-%m-%d %H:%M:%SZ}, last {fault.last_seen:%Y-%m-%d %H:%M:%SZ}, "
        f"{fault.count_24h} in 24 h",
    ]
    if fault.next_action and fault.state != "cleared":
        lines.append(f"  next: {fault.next_action}")
    if fault.acknowledged_at:
        lines.append(
            f"  acknowledged by {fault.acknowledged_by}, {fault.acknowledged_at:%Y-%m-%d %H:%MZ}: "
            f"{fault.acknowledged_note}"
        )
    if fault.cleared_at:
        lines.append(f"  cleared {fault.cleared_at:%Y-%m-%d %H:%MZ}: {fault.cleared_because}")
    return "\n".join(lines)


def _who(given: str | None) -> str:
    """Who acknowledges: whoever is named, else who is logged in at this terminal."""
    if given is None and sys.stdin.isatty():
        try:
            return os.getlogin()
        except OSError:
            pass
    if given is None:
        raise UsageError("nobody is named", hint="--by NAME: who acknowledges; there is no login at a terminal here")
    return given


def acknowledge_fault(
    fault: Annotated[str, typer.Argument(metavar="ID", help="The fault's id, as `health faults` shows it.")],
    note: Annotated[str, typer.Option("--note", help="What is done about it.")],
    by: Annotated[
        str | None, typer.Option("--by", metavar="NAME", help="Who acknowledges it.", show_default="who is logged in")
    ] = None,
    directory: DirectoryOption = None,
) -> None:
    """Acknowledge a fault: it is known, and somebody deals with it. It opens again when it comes again."""
    who = _who(by)
    for name, text, limit in (("--by", who, 100), ("--note", note, _MAX_NOTE)):
        if not text.strip() or len(text) > limit or not text.isprintable():
            raise UsageError(f"{name} is empty, too long or not printable", hint=f"one line of at most {limit} letters")
    from appliance.watch.fault_book import acknowledged

    book = _book(directory)
    known = book.faults.get(fault)
    if known is None:
        raise UsageError(f"there is no fault {fault}", hint="appliancectl health faults lists them")
    if known.state != "open":
        raise RefusedError(f"{fault} is {known.state} already", hint="appliancectl health faults says by whom or why")
    try:
        book.write([acknowledged(fault, who.strip(), note.strip())])
    except OSError as error:
        raise ApplianceError(f"the journal: {error.strerror or error}", hint="run as root") from None
    typer.echo(f"{fault}: acknowledged by {who.strip()}")

"""`appliancectl codes`: code tables on the box: bring in, list, look up, compare."""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from appliance.errors import UsageError

if TYPE_CHECKING:
    from appliance.coding.tables.codes import PackedTable
    from appliance.coding.tables.layout import PackHead
    from appliance.coding.tables.library import Library
    from appliance.release.codes_held import CodesHeld

# What may stand in a claim: letters and figures, a dot, modifiers, units. Whether it is a code, the tables say.
_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9.]{0,15}(-[A-Za-z0-9]{2}){0,4}([xX][0-9]{1,6})?")
DIRECTORY = Path("/var/lib/appliance/codes")

app = typer.Typer(
    help="Code tables: bring in, list, look up, compare.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    add_completion=False,
)

Form = Literal["text", "table", "json"]
System = Literal["icd-10-cm", "icd-11-mms", "hcpcs", "cpt"]
Kind = Literal["icd-10-cm", "icd-11-mms", "hcpcs", "cpt", "ncci-ptp", "ncci-mue", "favourites"]
OutputOption = Annotated[Form, typer.Option("--output", "-o", help="text (table is the same), or json: one document.")]
DirectoryOption = Annotated[Path, typer.Option("--directory", help="Where the box keeps its tables.")]


def given_day(option: str, text: str) -> datetime.date:
    """The day of an option. UsageError when it is none."""
    try:
        return datetime.date.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{option}: {text!r} is no day", hint="write it as 2026-04-01") from None


def service_day(option: str, text: str) -> datetime.date:
    """The date of service of an option. UsageError when the text is no day, or none on which anybody can be served."""
    from appliance.coding.service_day import WANTED, can_be_served

    day = given_day(option, text)
    if not can_be_served(day):
        raise UsageError(f"{option}: {day} cannot be a date of service", hint=f"give {WANTED}")
    return day


@app.command("import")
def bring_in(
    kind: Annotated[Kind, typer.Argument(help="What the file is.")],
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE...",
            help="The publisher's file. ncci-ptp: all files of the table; icd-10-cm: the XML, then Medicare's edits.",
        ),
    ],
    effective: Annotated[str, typer.Option(metavar="DATE", help="First day of service that it was published for.")],
    until: Annotated[str, typer.Option(metavar="DATE", help="The last, if it is known.")] = "",
    version: Annotated[str, typer.Option(help="As its publisher names it. Default: the first day.")] = "",
    setting: Annotated[
        Literal["practitioner", "hospital"], typer.Option(help="Of ncci-ptp: which of CMS's two tables it is.")
    ] = "practitioner",
    directory: DirectoryOption = DIRECTORY,
    output: OutputOption = "text",
) -> None:
    """Read a table's files, check every line, and put them in use as one pack; all of it or nothing.

    Exit code: 0 in use, 9 a file is not what it was given as (file, line, column), 2 wrong usage, 6 another import
    is at work.
    """
    from appliance.coding.tables.kinds import ImportKind, read_files
    from appliance.coding.tables.stamp import Stamp
    from appliance.coding.tables.store import PackStore

    first = given_day("--effective", effective)
    last = given_day("--until", until) if until else None
    if last is not None and last < first:
        raise UsageError("--until: is before --effective", hint="give the table's first and last day of service")
    named = version or first.isoformat()
    if not named.isprintable() or len(named) > 40:
        raise UsageError("--version: at most 40 printable characters", hint="as the publisher names it")
    content = read_files(ImportKind(kind), files, Stamp(named, first, last, setting))
    digest, replaced = PackStore(directory).add(content)
    listed = next(each for each in _library(directory).listed() if each.digest == digest)
    document = {**_listed(listed), "replaced": [*replaced]}
    counts = ", ".join(f"{count} {name}" for name, count in document["counts"].items() if count)
    lines = [f"{document['system']} {document['version']}: {counts}", f"in use from {effective}, SHA-256 {digest}"]
    lines += [f"in place of {each}" for each in replaced]
    if kind == "favourites":
        document["unknown"] = _unknown(_library(directory), first)
        lines += [f"look again: {code} is in no table that is here" for code in document["unknown"]]
    _show(document, "\n".join(lines), output)


@app.command("list")
def show_list(directory: DirectoryOption = DIRECTORY, output: OutputOption = "text") -> None:
    """List every pack: system, version, days, digest, counts, bytes, and what holds it on this box.

    One that nothing holds goes with `codes prune`. Exit code: 0, or 9 when one is damaged.
    """
    held = {each.pack.digest: each for each in _held(directory).listed()}
    packs: list[dict[str, Any]] = []
    for found in _library(directory).listed():
        mine = held.get(found.digest)  # none: built in, a part of the OS image
        more: dict[str, Any] = {"held_by": ["OS image"]}
        if mine is not None:
            more = {"size_bytes": mine.pack.size_bytes, "held_by": [*mine.by]}
        packs.append(_listed(found) | more)
    rows = [("SYSTEM", "VERSION", "FROM", "TO", "ORIGIN", "CODES", "DIGEST", "BYTES", "HELD BY")]
    for each in packs:
        counts = each["counts"]
        count = counts.get("codes", counts.get("pairs", counts.get("units", "")))
        cells = (each["system"], each["version"], each["effective_from"], each["effective_to"], each["origin"])
        kept = (str(each.get("size_bytes", "-")), "; ".join(each["held_by"]) or "nothing")
        rows.append((*(str(cell or "-") for cell in cells), str(count), each["digest"][:16], *kept))
    _show({"packs": packs}, _columns(rows), output)
    raise typer.Exit(9 if any(each["origin"] == "damaged" for each in packs) else 0)


@app.command()
def prune(
    yes: Annotated[bool, typer.Option("--yes", help="Remove them. Without it nothing is changed.")] = False,
    directory: DirectoryOption = DIRECTORY,
    output: OutputOption = "text",
) -> None:
    """Remove packs that nothing holds: no list, no set of a release, and no entry of the audit log names them.

    The whole log is read and verified for it. Exit code: 0 done, or shown without --yes; 6 a release is being changed
    or an import is at work; 9 the log or a list is not what was written; 5 something cannot be read. Then all stay.
    """
    from appliance.release.disk import Disk

    held = _held(directory)
    gone = held.remove_unheld(Disk()) if yes else [each.pack for each in held.listed() if not each.by]
    done = "removed" if yes else "would be removed, with --yes"
    lines = [f"{each.digest[:16]} {_words(each.head)}: {each.size_bytes} bytes {done}" for each in gone]
    packs = [{"digest": each.digest, "size_bytes": each.size_bytes} for each in gone]
    nothing = "every pack is held: `appliancectl codes list` says by what"
    _show({"removed": yes, "packs": packs}, "\n".join(lines) or nothing, output)


@app.command()
def lookup(
    words: Annotated[list[str], typer.Argument(metavar="CODE|WORDS", help="A code, or words of a title.")],
    on: Annotated[str, typer.Option(metavar="DATE", help="Date of service. Default: today.")] = "",
    system: Annotated[System, typer.Option(help="Where to look.")] = "icd-10-cm",
    limit: Annotated[int, typer.Option(min=1, max=500, help="The most codes that words may find.")] = 20,
    directory: DirectoryOption = DIRECTORY,
    output: OutputOption = "text",
) -> None:
    """Show a code with notes, hierarchy and edits on a date of service; or find codes by words.

    Exit code: 0 found, 1 nothing like it in the table, 2 there is no such table here.
    """
    from appliance.coding.tables.lookup import listed, told
    from appliance.coding.tables.outdated import outdated
    from appliance.coding.tables.search import found_by_words
    from appliance.ctl.codes_shown import entry_lines

    day = given_day("--on", on) if on else datetime.datetime.now(datetime.UTC).date()
    query = " ".join(words).strip()
    if not query:
        raise UsageError("there is nothing to look up", hint="give a code, as E11.9, or words of a title")
    table = _table(_library(directory), system, day)
    entry = table.lookup(query)
    if entry is not None:
        document = told(table, entry, day)
        _show(document, "\n".join(entry_lines(document)), output)
        return
    why = outdated(table, day)
    rows = listed(table, found_by_words(table, query, limit), day)
    lines = [f"{each['code']:<9} {' ' if each['billable'] else '-'} {each['title']}" for each in rows]
    words_of_none = f"{system} {table.version} has no such code and no title with these words{_nearest(table, query)}"
    told_of_age = [] if why is None else [f"look again: {why}"]
    found = {"query": query, "on": day.isoformat(), "outdated": why, "found": rows}
    _show(found, "\n".join((*(lines or [words_of_none]), *told_of_age)), output)
    raise typer.Exit(0 if rows else 1)


@app.command()
def check(
    codes: Annotated[
        list[str],
        typer.Argument(
            metavar="CODE...", help="In the claim's order, as E11.9, 99213-25 or J1100x4 (modifiers, units of service)."
        ),
    ],
    on: Annotated[str, typer.Option(metavar="DATE", help="Date of service.")],
    age: Annotated[int | None, typer.Option(min=0, max=124, help="Age on that day, in whole years.")] = None,
    sex: Annotated[
        Literal["female", "male"] | None, typer.Option(help="As registered; gives advice for days before 2024-10-01.")
    ] = None,
    setting: Annotated[Literal["practitioner", "hospital"], typer.Option(help="Whose claim it is.")] = "practitioner",
    directory: DirectoryOption = DIRECTORY,
    output: OutputOption = "text",
) -> None:
    """Check a claim's codes: validity, age, sequence, Excludes 1, and NCCI's edits where they were imported.

    Exit code: 0 no error was found (warnings may stand), 3 at least one error.
    """
    from appliance.coding.edits import MOST_CODES, Editor

    if len(codes) > MOST_CODES:
        raise UsageError(f"{len(codes)} codes", hint=f"give the codes of one claim, at most {MOST_CODES}")
    for number, each in enumerate(codes, 1):
        if not _CODE.fullmatch(each.strip()):
            hint = "write codes apart, with blanks between them, as E11.9 I10 99213-25 J1100x4"
            raise UsageError(f"code {number} ({each[:20]!a}) has not the form of a code", hint=hint)
    findings = Editor(_library(directory), setting).check(codes, service_day("--on", on), age, sex)
    lines = [f"{each.severity:<9}{each.rule}: {each.sentence}\n         {each.source}" for each in findings]
    document = {"on": on, "findings": [each.model_dump(mode="json") for each in findings]}
    _show(document, "\n".join(lines) or "nothing was found", output)
    raise typer.Exit(3 if any(each.severity == "error" for each in findings) else 0)


@app.command()
def diff(
    old: Annotated[str, typer.Argument(metavar="OLD", help="SYSTEM@VERSION, or a digest or its beginning.")],
    new: Annotated[str, typer.Argument(metavar="NEW", help="The same.")],
    favourites: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The practice's favourites (CSV): say which died. Default: those imported."),
    ] = None,
    directory: DirectoryOption = DIRECTORY,
    output: OutputOption = "text",
) -> None:
    """Say what changed between two packs: added, deleted, retitled, changed billability.

    Exit code: 0 whatever changed, 2 a pack is not here or the two are of different systems, 9 damaged.
    """
    from appliance.coding.tables.difference import dead_favourites, difference
    from appliance.coding.tables.favourites import read_favourites
    from appliance.coding.tables.refusal import read_bounded
    from appliance.ctl.codes_shown import difference_document, difference_lines

    library = _library(directory)
    before, after = library.named(old), library.named(new)
    if before.system is not after.system:
        raise UsageError(f"{before.system} and {after.system} cannot be compared", hint="name two packs of one system")
    if favourites is not None:
        listed = read_favourites(read_bounded(favourites, 4 << 20), favourites.name)
    else:
        listed = library.favourites()
    document = difference_document(difference(before, after), dead_favourites(listed, before, after), before, after)
    _show(document, "\n".join(difference_lines(document)), output)


def _nearest(table: PackedTable, query: str) -> str:
    """What to do next, as the end of the sentence that nothing was found."""
    plain = query.replace(".", "").upper()
    if not _CODE.fullmatch(plain) or not any(one.isdigit() for one in plain):
        return "\ntry fewer or other words, or `codes suggest` with a sentence of a note"
    for length in range(len(plain) - 1, 2, -1):
        above = table.lookup(plain[:length])
        if above is not None:
            return f"\nthe nearest above it is {above.code} {above.title}: see `codes lookup {above.code}`"
    return "\nnothing of the table begins like it: was another --system meant?"


def _unknown(library: Library, day: datetime.date) -> list[str]:
    """Favourites that no table of their system has, where there is one."""
    tables = {each.system: library.table(each.system, day) for each in library.favourites()}
    found = ((each.code, tables[each.system]) for each in library.favourites())
    return [code for code, table in found if table is not None and table.lookup(code) is None]


def _held(directory: Path) -> CodesHeld:
    from appliance.release.codes_held import CodesHeld
    from appliance.release.places import Places

    return CodesHeld.of(Places.from_environment(), directory)


def _library(directory: Path) -> Library:
    from appliance.coding.tables.library import Library

    return Library(directory)


def _table(library: Library, system: str, day: datetime.date) -> PackedTable:
    from appliance.coding.suggestion import CodeSystem

    table = library.table(CodeSystem(system), day)
    if table is None:
        hint = f"bring the publisher's file in with `appliancectl codes import {system} FILE --effective DATE`"
        raise UsageError(f"there is no table of {system} here", hint=hint)
    return table


def _words(head: PackHead | None) -> str:
    return f"{head.system} {head.version}" if head is not None else "damaged"


def _listed(listed: Any) -> dict[str, Any]:
    head = listed.head
    if head is None:
        empty = dict.fromkeys(("system", "version", "effective_from", "effective_to"))
        return {**empty, "origin": listed.origin, "digest": listed.digest, "counts": {}, "sources": []}
    return {
        "system": head.system,
        "version": head.version,
        "effective_from": head.effective_from.isoformat(),
        "effective_to": head.effective_to.isoformat() if head.effective_to else None,
        "origin": listed.origin,
        "digest": listed.digest,
        "counts": dict(head.counts),
        "licence": head.licence,
        "sources": [{"name": each.name, "sha256": each.sha256} for each in head.sources],
    }


def _columns(rows: Sequence[tuple[str, ...]]) -> str:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def _show(document: dict[str, Any], text: str, output: Form) -> None:
    typer.echo(json.dumps(document, indent=1, ensure_ascii=True) if output == "json" else text)

"""`appliancectl coding validate`: suggestions against a practice's own coders."""

from __future__ import annotations

import datetime
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from appliance.ctl.codes import DIRECTORY
from appliance.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from appliance.coding.tables.library import Library
    from appliance.coding.validation.answers import Answer
    from appliance.coding.validation.records import CodedRecord
    from appliance.coding.validation.result import ValidationReport

_EVERY = 25
_LEAST_CONFIDENCE = 0.1
"""What is asked for: less than counts, so that the calibration sees also what is left out of everything else."""


def validate(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="The practice's coded records: CSV; with --fhir bundles.")
    ],
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="New folder for the page, its data and the misses.")],
    fhir: Annotated[
        bool, typer.Option("--fhir", help="FILE is a FHIR bundle, one a line, or a folder of them.")
    ] = False,
    suggestions: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Judge these (one JSON object a line) instead of the box's own.")
    ] = None,
    threshold: Annotated[float, typer.Option("--from", min=0, max=1, help="Confidence that a suggestion needs.")] = 0.5,
    seed: Annotated[int, typer.Option(min=0, max=2**31, help="Of the draws for intervals.")] = 7,
    rounds: Annotated[int, typer.Option(min=100, max=10_000, help="Draws for intervals.")] = 1000,
    state: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Keep answers there as they come; a second run goes on from them."),
    ] = None,
    skip_wrong: Annotated[bool, typer.Option("--skip-wrong", help="Leave out records that cannot be read.")] = False,
    names: Annotated[
        bool, typer.Option("--names", help="Name records in misses.csv as the practice does (may identify patients).")
    ] = False,
    output: Annotated[
        Literal["text", "table", "json"], typer.Option("--output", "-o", help="text (table is the same) or json.")
    ] = "text",
    directory: Annotated[Path, typer.Option("--directory", help="Where the box keeps its tables.")] = DIRECTORY,
) -> None:
    """Compare suggestions with the codes of a practice's coders and write a report. No text leaves the box.

    Exit code: 0 done, 1 the report cannot be written, 2 wrong usage, 5 a file cannot be read, 9 the file or rows of it
    are not what was wanted (each with its line; nothing is written).
    """
    from appliance.coding.edits import Editor
    from appliance.coding.tables.library import Library
    from appliance.coding.validation.page import FILES, write_report
    from appliance.coding.validation.run import read_records
    from appliance.coding.validation.run import validate as judge

    if out.exists():
        raise UsageError(f"--out: {out}: is there already", hint="name a new folder; no report is overwritten")
    if not out.absolute().parent.is_dir():
        raise UsageError(f"--out: {out.parent}: is no folder", hint="name a new folder in one that is there")
    records, wrong = read_records(file, fhir=fhir, skip_wrong=skip_wrong)
    library = Library(directory)
    answered, engine = _answers(records, library, suggestions, state)
    report, tally = judge(
        records, answered, Editor(library), source=file, engine=engine, made_at=datetime.datetime.now(datetime.UTC),
        threshold=threshold, seed=seed, rounds=rounds, skipped=len(wrong), names=names,
    )  # fmt: skip
    write_report(report, tally, out.absolute())
    if output == "json":
        typer.echo(report.model_dump_json(indent=2))
    else:
        typer.echo("\n".join((*_summary(report), *(f"wrote {out / name}" for name in FILES))))


def _answers(
    records: Sequence[CodedRecord], library: Library, given: Path | None, state: Path | None
) -> tuple[list[Answer], str]:
    from appliance.coding.validation.run import given_answers

    if given is not None:
        if state is not None:
            raise UsageError("--state: --suggestions are answers already", hint="give one of the two")
        return given_answers(given, records), f"suggestions of a file ({given.name})"
    return _asked(records, library, state)


def _asked(records: Sequence[CodedRecord], library: Library, state: Path | None) -> tuple[list[Answer], str]:
    from appliance.coding.ranking.model import SHIPPED_SHA256
    from appliance.coding.suggester import CodeSuggester
    from appliance.coding.validation.answers import answers
    from appliance.coding.validation.dated import DatedSuggester
    from appliance.version import appliance_version

    begun = time.monotonic()
    engine = f"appliance {appliance_version()}, ranker {SHIPPED_SHA256[:16]}, confidence from {_LEAST_CONFIDENCE}"
    suggester = DatedSuggester(library, lambda table: CodeSuggester(table, minimum_confidence=_LEAST_CONFIDENCE))
    # Tables and ranker are read before the clock of the first record runs.
    suggester.suggest("Cough.", on=records[0].on)
    found = answers(
        records, suggester, time.perf_counter, state=state, engine=engine,
        progress=lambda count: _progress(count, len(records), begun),
    )  # fmt: skip
    return found, engine


def _progress(count: int, of: int, begun: float) -> None:
    if count % _EVERY == 0 or count == of:
        typer.echo(f"{count} of {of} records, {time.monotonic() - begun:.0f} s", err=True)


def _summary(report: ValidationReport) -> list[str]:
    lines = [f"{report.records} records, {report.skipped} left out; confidence from {report.threshold:.2f}"]
    for each in report.agreement:
        shown = [
            f"{name} {value.value:.3f} ({value.low:.3f} to {value.high:.3f})"
            for name, value in (("precision", each.precision), ("recall", each.recall), ("F1", each.f1))
            if value.value is not None and value.low is not None and value.high is not None
        ]
        lines.append(f"{each.level}: {', '.join(shown) or 'nothing to compare'}")
    pooled = report.kappa.pooled.value
    lines.append(f"kappa: {'none' if pooled is None else f'{pooled:.3f}'} over {report.kappa.codes} codes")
    for name, value in (("suggested", report.not_billable_suggested), ("coded", report.not_billable_coded)):
        if value.value is not None:
            lines.append(f"not billable on the date, {name}: {value.value:.1%} of {value.of}")
    if report.calibration_error is not None:
        lines.append(
            f"calibration error {report.calibration_error:.3f}; at 0.95 and more: {report.sure.of} suggestions"
        )
    if report.times is not None:
        lines.append(f"seconds a record: median {report.times.median:.3f}, longest {report.times.longest:.3f}")
    return lines

"""Validation from the records to the report."""

from __future__ import annotations

import csv
import datetime
import hashlib
import io
import json
from collections.abc import Sequence
from pathlib import Path

from appliance.coding.edits import Editor
from appliance.coding.suggestion import Assertion, CodeSystem
from appliance.coding.validation.answers import Answer, counts
from appliance.coding.validation.compare import (
    Tally,
    agreements,
    chapter_rows,
    compare,
    crossings,
    edit_rows,
    kappas,
    times,
)
from appliance.coding.validation.csv_file import read_csv
from appliance.coding.validation.fhir_file import read_fhir
from appliance.coding.validation.records import MAX_FILE_BYTES, CodedRecord, RecordsError, Wrong, refuse
from appliance.coding.validation.result import ValidationReport
from appliance.coding.validation.statistics import calibration, wilson
from appliance.errors import UnknownStateError

SURE = 0.95
_MISS_COLUMNS = ("record", "coded", "suggested", "confidence", "outcome", "loss", "edits")


def read_records(file: Path, *, fhir: bool, skip_wrong: bool) -> tuple[list[CodedRecord], list[Wrong]]:
    """Read a practice's records.

    Raises:
        RecordsError: The file is not what was wanted, or a row of it (unless left out), or no record is left.
        UnknownStateError: It cannot be read.
    """
    records, wrong = read_fhir(file) if fhir else read_csv(file)
    if wrong and (not skip_wrong or not records):
        raise refuse(str(file), wrong)
    return records, wrong


def given_answers(file: Path, records: Sequence[CodedRecord]) -> list[Answer]:
    """Answers made elsewhere: one JSON object a line, {"id": ..., "suggestions": [{"code": ..., "confidence": ...}]}.

    Raises:
        RecordsError: A line is no such object, or a record has no answer.
        UnknownStateError: The file cannot be read.
    """
    found: dict[str, Answer] = {}
    try:
        with file.open("rb") as stream:
            if file.stat().st_size > MAX_FILE_BYTES:
                raise RecordsError(f"{file}: over {MAX_FILE_BYTES} bytes", hint="split the file")
            for number, line in enumerate(stream, 1):
                if not line.strip():
                    continue
                try:
                    held = json.loads(line)
                    codes: dict[str, float] = {}
                    for each in held["suggestions"]:
                        other = each.get("system", CodeSystem.ICD_10_CM) != CodeSystem.ICD_10_CM
                        if other or not counts(str(each["code"]), str(each.get("assertion", Assertion.PRESENT))):
                            continue
                        sure = float(each["confidence"])
                        if not 0 <= sure <= 1:
                            raise ValueError
                        codes[str(each["code"])] = max(sure, codes.get(str(each["code"]), 0.0))
                    ranked = sorted(codes.items(), key=lambda one: -one[1])
                    found[str(held["id"])] = Answer(tuple(ranked), float(held.get("seconds", 0.0)))
                except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
                    raise RecordsError(
                        f"{file}: line {number}: no answer to a record",
                        hint='wanted: {"id": ..., "suggestions": [{"code": ..., "confidence": 0 to 1}]}',
                    ) from None
    except OSError as error:
        raise UnknownStateError(f"{file}: {error.strerror}", hint="name a file that can be read") from None
    missing = [record.place for record in records if record.id not in found]
    if missing:
        places = ", ".join(missing[:5]) + (f" and {len(missing) - 5} more" if len(missing) > 5 else "")
        raise RecordsError(f"{file}: no answer for the record at {places}", hint="an empty list says that nothing fits")
    return [found[record.id] for record in records]


def validate(
    records: Sequence[CodedRecord], answered: Sequence[Answer], editor: Editor, *, source: Path, engine: str,
    made_at: datetime.datetime, threshold: float, seed: int, rounds: int, skipped: int = 0, names: bool = False,
) -> tuple[ValidationReport, Tally]:  # fmt: skip
    """Compare answers with the coders and make the report.

    Args:
        records: At least one.
        answered: One a record, in the same order.
        editor: The edits by date of service.
        source: The practice's file.
        engine: What answered.
        made_at: Now, with a time zone.
        threshold: Suggestions below this confidence are left out.
        seed: Of the bootstrap.
        rounds: How often it draws.
        skipped: Records that could not be read.
        names: Whether misses carry the practice's names.
    """
    tally = compare(records, answered, editor, threshold=threshold, sure=SURE, names=names)
    bins, error = calibration(tally.judged)
    sure = [right for value, right in tally.judged if value >= SURE]
    coded = sum(len(record.codes) for record in records)
    report = ValidationReport(
        made_at=made_at.astimezone(datetime.UTC).isoformat(timespec="seconds"), source=_named(source),
        source_sha256=_sha256(source), engine=engine, tables=tuple(sorted(tally.tables)), threshold=threshold,
        seed=seed, rounds=rounds, records=len(records), skipped=skipped, years=_years(records),
        not_compared=sum(record.others for record in records), agreement=agreements(tally, seed=seed, rounds=rounds),
        exact_records=wilson(tally.exact, len(records)), kappa=kappas(tally, len(records), seed=seed, rounds=rounds),
        chapters=chapter_rows(tally), crossings=crossings(tally), losses=dict(sorted(tally.losses.items())),
        not_billable_suggested=wilson(tally.billable["not suggested"], tally.billable["suggested"]),
        not_billable_coded=wilson(tally.billable["not coded"], tally.billable["coded"]), edits=edit_rows(tally),
        calibration=bins, calibration_error=error, sure=wilson(sum(sure), len(sure)),
        sure_coverage=wilson(tally.sure_right, coded), times=times(answered),
    )  # fmt: skip
    return report, tally


def _years(records: Sequence[CodedRecord]) -> str:
    years = sorted({record.on.year for record in records})
    return str(years[0]) if len(years) == 1 else f"{years[0]} to {years[-1]}"


def _named(source: Path) -> str:
    if source.is_dir():
        return f"{len(list(source.glob('*.json')))} FHIR files"
    return source.name if source.suffix.casefold() == ".csv" else "one FHIR file"


def _sha256(source: Path) -> str:
    """Of the file, or of the files of a folder in order."""
    digest = hashlib.sha256()
    for file in sorted(source.glob("*.json")) if source.is_dir() else [source]:
        with file.open("rb") as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()


def misses_csv(tally: Tally) -> str:
    """The misses as CSV. A cell that a spreadsheet would run as a formula is written as text."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(_MISS_COLUMNS)
    for miss in tally.misses:
        held = miss.model_dump()
        writer.writerow([_cell(held[name]) for name in _MISS_COLUMNS])
    return out.getvalue()


def _cell(value: object) -> str:
    text = "" if value is None else f"{value:.3f}" if isinstance(value, float) else str(value)
    return f"'{text}" if text[:1] in "=+-@\t\r" and text else text

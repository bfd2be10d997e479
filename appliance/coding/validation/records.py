"""A practice's coded records as validation reads them, and what is wrong with those that cannot be read."""

from __future__ import annotations

import datetime
import re
from dataclasses import dataclass

from appliance.coding.service_day import WANTED, can_be_served
from appliance.errors import ApplianceError

MAX_FILE_BYTES = 512 * 1024 * 1024
MAX_RECORDS = 100_000
MAX_TEXT_CHARS = 200_000
MAX_CODES = 200
MAX_ID_CHARS = 128
EARLIEST = datetime.date(2015, 10, 1)
"""Since then US claims carry ICD-10-CM; an older date of service has codes of another system."""

_SHOWN = 20
_DIAGNOSIS = re.compile(r"[A-TV-Z][0-9][0-9A-Z](?:\.?[0-9A-Z]{1,4})?")
_PROCEDURE = re.compile(r"[0-9]{4}[0-9A-Z](?:-[0-9A-Z]{2})*|[A-V][0-9]{4}(?:-[0-9A-Z]{2})+|[0-9A-HJ-NP-Z]{7}")


@dataclass(frozen=True, slots=True)
class CodedRecord:
    """One encounter with the codes of a practice's coders.

    Args:
        id: The practice's own name of it.
        text: What was documented.
        on: Date of service.
        codes: ICD-10-CM in the coders' order, upper case with the dot, each once.
        place: Where it stands in the file ("line 12").
        age_years: Age on the date of service; None when the file does not say.
        others: How many codes of other systems it carries; they are not compared.
    """

    id: str
    text: str
    on: datetime.date
    codes: tuple[str, ...]
    place: str
    age_years: int | None = None
    others: int = 0


@dataclass(frozen=True, slots=True)
class Wrong:
    """A record that cannot be read: where, and what was seen and wanted. Never a text of the record."""

    place: str
    problem: str


class RecordsError(ApplianceError):
    """The file, or rows of it, is not what was wanted; nothing was validated."""

    exit_code = 9


def refuse(name: str, wrong: list[Wrong]) -> RecordsError:
    """One error for all wrong records, the first twenty in full."""
    lines = [f"{each.place}: {each.problem}" for each in wrong[:_SHOWN]]
    if len(wrong) > _SHOWN:
        lines.append(f"and {len(wrong) - _SHOWN} more")
    count = f"{len(wrong)} record{'s' * (len(wrong) != 1)} cannot be read"
    return RecordsError(
        f"{name}: {count}; nothing was validated\n  " + "\n  ".join(lines),
        hint="correct them, or leave them out with --skip-wrong (the report then says how many)",
    )


class WrongRecordError(ValueError):
    """A part of a record is not what was wanted; the message says what was seen and wanted, never the text."""


def day_of(text: str, column: str) -> datetime.date:
    """A date of service. Raises WrongRecordError."""
    try:
        day = datetime.date.fromisoformat(text.strip()[:10])
    except ValueError:
        raise WrongRecordError(f"{column}: {len(text)} characters that are no date, wanted 2026-04-01") from None
    if day < EARLIEST:
        raise WrongRecordError(f"{column}: {day.isoformat()}, wanted {EARLIEST.isoformat()} or later (ICD-10-CM)")
    if not can_be_served(day):
        raise WrongRecordError(f"{column}: {day.isoformat()}, wanted {WANTED}")
    return day


def diagnoses(texts: list[str], column: str) -> tuple[tuple[str, ...], int]:
    """(ICD-10-CM codes with the dot, each once; how many of other systems). Raises WrongRecordError."""
    if len(texts) > MAX_CODES:
        raise WrongRecordError(f"{column}: {len(texts)} codes, at most {MAX_CODES}")
    codes: dict[str, None] = {}
    others = 0
    for number, text in enumerate(texts, 1):
        code = text.strip().upper()
        if _DIAGNOSIS.fullmatch(code):
            plain = code.replace(".", "")
            codes[plain if len(plain) == 3 else f"{plain[:3]}.{plain[3:]}"] = None
        elif _PROCEDURE.fullmatch(code):
            others += 1
        else:
            raise WrongRecordError(f"{column}: the {number}. of its codes is none of ICD-10-CM, CPT or HCPCS")
    return tuple(codes), others


def text_of(text: str, column: str) -> str:
    """A documented text within bounds. Raises WrongRecordError."""
    if not text.strip():
        raise WrongRecordError(f"{column}: empty, wanted what was documented")
    if len(text) > MAX_TEXT_CHARS:
        raise WrongRecordError(f"{column}: {len(text)} characters, at most {MAX_TEXT_CHARS}")
    if "\x00" in text:
        raise WrongRecordError(f"{column}: a zero byte, wanted text")
    return text


def id_of(text: str, column: str) -> str:
    """A record's name. Raises WrongRecordError."""
    name = text.strip()
    if not name or len(name) > MAX_ID_CHARS or not name.isprintable():
        raise WrongRecordError(f"{column}: wanted 1 to {MAX_ID_CHARS} printable characters")
    return name


def age_on(born: datetime.date, day: datetime.date) -> int:
    """Whole years."""
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))

"""A clinical fact of a record: one line with its kind and date, and nothing that identifies the patient."""

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

# FHIR R4 dateTime; what follows the day (time, zone) is left out: the day as the record's author wrote it.
_DATE = re.compile(r"^(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?(?:T.*)?$")
MAX_WORDS_CHARS = 1_000


@dataclass(frozen=True)
class Fact:
    """`kind`: the FHIR resource type; `date`: ISO day, month or year, "" when the record has none; `text`: no line end.

    `open`: a problem that is not resolved, a medicine that is not stopped; None where the question makes no sense.
    """

    kind: str
    date: str
    text: str
    open: bool | None = None

    @property
    def line(self) -> str:
        """The fact as the source has it."""
        return f"{self.date or 'undated'} {self.label}: {self.text}"

    @property
    def label(self) -> str:
        """The kind in words: Medication request."""
        words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", self.kind).split()
        return " ".join([words[0], *(word.lower() for word in words[1:])])


def day(value: Any) -> str:
    """Return the date of a dateTime, "" for anything else."""
    if not isinstance(value, str):
        return ""
    match = _DATE.match(value)
    return "-".join(part for part in match.groups() if part) if match else ""


def words(value: Any) -> str:
    """Return a text as one line; "" for what is no text."""
    return " ".join(value.split()) if isinstance(value, str) else ""


def number(value: Any) -> str:
    """Return a measured number as text.

    As it was written up to four decimals. Beyond that no instrument measures: two decimals from 10 on, four significant
    digits below.
    """
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        return ""
    exact = Decimal(value)
    exponent = exact.as_tuple().exponent
    if isinstance(exponent, int) and exponent < -4:
        step = Decimal("0.01") if abs(exact) >= 10 else Decimal(1).scaleb(exact.adjusted() - 3)
        exact = exact.quantize(step)
        text = f"{exact:f}"
        return text.rstrip("0").rstrip(".") if "." in text else text
    return f"{exact:f}"

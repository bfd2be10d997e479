"""Values in columns: the label stands above them, in the table's first line, with a line per person or sample below."""

from __future__ import annotations

import re
from collections.abc import Iterator

from appliance.deid.identifier import IdentifierKind as Kind
from appliance.deid.reading import Reading
from appliance.deid.recognisers.base import LIKELY, Found, ReadingRecogniser

_CELLS = re.compile(r"[^\s|][^\t|\n]*?(?=[ ]{2,}|[ ]*[\t|]|[ ]*$)")
_COMMAS = re.compile(r"(?:(?<=[,;])|^)(?:\"[^\"\n]*\"|[^,;\n]*)", re.M)
_HEADER = re.compile(r"[\"\w ()#]{1,24}(?:[,;][\"\w ()#]{1,24}){2,40}\s*")
_MOST_LINES = 200  # of a table; what follows is read by the other rules alone
_COLUMNS: tuple[tuple[Kind, re.Pattern[str]], ...] = tuple(
    (kind, re.compile(rf"(?:{words})(?:\s*(?:#|no\.?|numbers?|id))?[:.]?", re.I))
    for kind, words in (
        (Kind.AGE, r"(?:(?:pt|patient)[_ ])?age(?:[_ ]?(?:in[_ ])?\(?(?:y|yrs?|years)\)?|[_ ]at[_ ]\w{4,12})?"),
        (Kind.RECORD, r"mrn?|med(?:ical)? rec(?:ord)?|chart|record|accession|acc|specimen|sample|case|csn|fin|encounter"
        r"|visit|pt id|patient id|patient no\.?|req(?:uisition)?|order|study id|barcode|unit no\.?|hosp(?:ital)?"),
        (Kind.ACCOUNT, r"acct|account|invoice|claim"),
        (Kind.PLAN, r"member|member id|policy|subscriber|plan id|group"),
        (Kind.DEVICE, r"serial|s/n|sn|lot|device|udi"),
        (Kind.OTHER, r"id|badge|pager|ext|locker|ticket|ref|reference|employee|staff id|subject|participant|pin"),
        (Kind.NAME, r"(?:(?:pt|patient|client|member|resident|guarantor|employee|subscriber|insured|full)(?:'s)? )?name"
        r"|pt|patient|client|resident|guarantor|provider|physician|prescriber|attending|surgeon|nurse|tech|caller"
        r"|contact|(?:requested|ordered|entered|signed|seen) by"),
    )
)  # fmt: skip
_NUMBER = re.compile(r"#?[A-Za-z]{0,4}[-/]?\d[\w./-]{2,24}")
# Two words or more: one alone may be anything ("Inpatient").
_PERSON = re.compile(r"[^\W\d_a-z][^\W\d_]*(?:['’-][^\W\d_]+)?,?(?:[ ][^\W\d_][\w'’-]*\.?){1,3}")
_OLD = re.compile(r"(?:9\d|1[0-2]\d)(?:\s?(?:y|yo|yrs?|y/?o|[MF]))?", re.I)
_VALUES = {Kind.AGE: _OLD, Kind.NAME: _PERSON}


class TableRecogniser(ReadingRecogniser):
    """Ages, people and numbers below the label of their column."""

    kinds = tuple(kind for kind, _ in _COLUMNS)

    def find(self, reading: Reading) -> Iterator[Found]:
        """Lines below one that names columns, as long as they have as many cells."""
        text = reading.text
        if "\n" not in text:
            return
        if "  " in text or "\t" in text or "|" in text:
            yield from self._columns(text, _CELLS)
        if any(_HEADER.fullmatch(line) for line in text.split("\n")):
            yield from self._columns(text, _COMMAS)

    def _columns(self, text: str, cell_form: re.Pattern[str]) -> Iterator[Found]:
        columns: list[Kind | None] = []
        left, start = 0, 0
        for line in text.split("\n"):
            end = start + len(line)
            cells = list(cell_form.finditer(text, start, end)) if len(line) < 1000 else []
            if columns and left and len(cells) == len(columns):
                left -= 1
                for kind, cell in zip(columns, cells, strict=True):
                    if kind is not None and _VALUES.get(kind, _NUMBER).fullmatch(cell.group()):
                        yield Found(cell.start(), cell.end(), kind, LIKELY)
            else:
                named = [self._column(cell.group()) for cell in cells]
                columns, left = (named, _MOST_LINES) if len(cells) > 1 and any(named) else ([], 0)
            start = end + 1

    @staticmethod
    def _column(cell: str) -> Kind | None:
        return next((kind for kind, label in _COLUMNS if label.fullmatch(cell)), None)

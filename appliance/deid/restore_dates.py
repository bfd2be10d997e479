"""Brings dates and ages back in a text that a model wrote anew: by their day, in whatever form they stand now."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date

from appliance.deid import ages, dates
from appliance.deid.date_order import Surroundings, Usage
from appliance.deid.identifier import IdentifierKind as Kind
from appliance.deid.mapping import Mapping
from appliance.deid.restored import Edit, Edits, Reason

# A month without a day is a date only behind one of these: may is a verb, and so is march.
_MONTH_BEFORE = re.compile(
    r"(?:\b(?:in|since|until|till|by|last|this|next|early|mid|late|from|to|during|of|through|between|and)[\s-]+)$",
    re.IGNORECASE,
)
_Seen = tuple[int | None, int, int | None]


def _seen(value: date, fields: str) -> _Seen:
    return (value.year if "y" in fields else None, value.month, value.day if "d" in fields else None)


class DatesBack:
    """The dates and ages of a mapping, found by what they became."""

    def __init__(self, mapping: Mapping) -> None:
        self._dates = mapping.dates
        self._ages = mapping.ages
        plain = [one for text in mapping.plain for one in dates.find(text, bare=True)]
        self._plain = {_seen(one.value, one.fields) for one in plain}
        self._plain_years = {text for text in mapping.plain if re.fullmatch(r"\d{4}", text)}

    def mark(self, edits: Edits) -> None:
        """Put back what can be, and note what cannot."""
        if self._dates:
            around = Surroundings(edits.text)
            for written in dates.find(edits.text, bare=True, usage=Usage(languages=around.languages)):
                if edits.is_free(written.start, written.end):
                    self._date(edits, written, around)
            for match in dates.year_places(edits.text):
                if edits.is_free(match.start(), match.end()):
                    self._year(edits, match)
        if self._ages:
            self._age(edits)

    def _date(self, edits: Edits, written: dates.Written, around: Surroundings) -> None:
        is_month = written.fields == "m"
        if is_month and not _MONTH_BEFORE.search(edits.text[max(0, written.start - 12) : written.start]):
            return None
        if written.is_turnable:
            other = dates.turned(written)
            if self._originals(_seen(other.value, other.fields), other.fields, bare_only=other.is_bare, turned=True):
                if self._originals(_seen(written.value, written.fields), written.fields, bare_only=written.is_bare):
                    return edits.add(Edit(written.start, written.end, Kind.DATE, reason=Reason.AMBIGUOUS))
                written = other
        values = [(written.value, False), *([(written.last, True)] if written.last else [])]
        back: list[date] = []
        for value, _ in values:
            seen = _seen(value, written.fields)
            found = self._originals(seen, written.fields, bare_only=written.is_bare and not is_month)
            if not found:
                if written.is_bare and not is_month and not self._originals(seen, written.fields, bare_only=False):
                    return None  # 5/5 is a strength
                if seen in self._plain:
                    return None
                return edits.add(Edit(written.start, written.end, Kind.DATE, reason=Reason.DATE))
            if len(found) > 1 or seen in self._plain:
                return edits.add(Edit(written.start, written.end, Kind.DATE, reason=Reason.AMBIGUOUS))
            year, month, day = found.pop()
            back.append(date(year or value.year, month, day or 15) if year or (month, day) != (2, 29) else
                        date(dates.REFERENCE_YEAR, 2, 29))  # fmt: skip
        if len(back) == 2 and (back[0].year, back[0].month) != (back[1].year, back[1].month):
            return edits.add(Edit(written.start, written.end, Kind.DATE, reason=Reason.AMBIGUOUS))
        shown = around.usage(written.start, written.end).languages
        try:
            new = dates.write(replace(written, languages=shown), back[0], back[-1])
        except ValueError:
            return edits.add(Edit(written.start, written.end, Kind.DATE, reason=Reason.AMBIGUOUS))
        return edits.add(Edit(written.start, written.end, Kind.DATE, new))

    def _originals(self, seen: _Seen, fields: str, *, bare_only: bool, turned: bool = False) -> set[_Seen]:
        """Return what a date may have been, as far as it is written now; more than was written is never made up.

        `turned`: only what was written with the day first counts.
        """
        return {
            _seen(one.original, fields)
            for one in self._dates
            if set(fields) <= set(one.fields)
            and (one.bare or not bare_only)
            and (one.day_first or not turned)
            and _seen(one.surrogate, fields) == seen
        }  # fmt: skip

    def _year(self, edits: Edits, match: re.Match[str]) -> None:
        years = {one.original.year for one in self._dates if "y" in one.fields and str(one.surrogate.year) == match[0]}
        if not years or years == {int(match[0])}:
            return
        if len(years) > 1 or match[0] in self._plain_years:
            edits.add(Edit(match.start(), match.end(), Kind.DATE, reason=Reason.AMBIGUOUS))
        else:
            edits.add(Edit(match.start(), match.end(), Kind.DATE, str(years.pop())))

    def _age(self, edits: Edits) -> None:
        numbers = {ages.number_of(one) for one in self._ages}
        for match in ages.WRITTEN.finditer(edits.text):
            number = next(iter(numbers)) if len(numbers) == 1 else None
            edits.add(Edit(match.start(), match.end(), Kind.AGE, number))

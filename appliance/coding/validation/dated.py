"""The box's own suggester for records of any date: each is asked with the table that held on its date of service."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence

from appliance.coding.suggestion import CodeSystem, CodeTable, Suggester, Suggestion
from appliance.coding.tables.library import Library


class DatedSuggester:
    """A `Suggester` over all tables of a box. One made suggester is kept: records mostly come in order of their dates.

    Args:
        library: The tables.
        make: Makes the suggester of a table; takes seconds.
    """

    def __init__(self, library: Library, make: Callable[[CodeTable], Suggester]) -> None:
        self._library = library
        self._make = make
        self._made: tuple[str, Suggester] | None = None

    def suggest(self, text: str, *, on: datetime.date) -> Sequence[Suggestion]:
        """Suggestions by the table of that day."""
        table = self._library.table(CodeSystem.ICD_10_CM, on)
        if table is None:
            raise AssertionError("ICD-10-CM is built in")
        if self._made is None or self._made[0] != table.digest:
            self._made = table.digest, self._make(table)
        return self._made[1].suggest(text, on=on)

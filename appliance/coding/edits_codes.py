"""Edits of single diagnoses: validity on the day, completeness, duplicates, age and sex."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Sequence

from appliance.coding.edits_finding import Finding, Severity
from appliance.coding.tables.codes import PackedTable
from appliance.coding.tables.icd10cm import written
from appliance.coding.tables.layout import normal
from appliance.coding.tables.outdated import outdated
from appliance.coding.tables.records import Period
from appliance.coding.tables.search import below

SEX_EDITS_ENDED = datetime.date(2024, 10, 1)
"""CMS ended the sex conflict edit for ICD-10-CM diagnoses with discharges of this day (Medicare Code Editor v42)."""
_MATERNITY_WIDENED = datetime.date(2019, 10, 1)
_AGES = {"newborn": (0, 0), "pediatric": (0, 17), "adult": (15, 124)}
"""Ages in years, both ends included (Definitions of Medicare Code Edits, age conflict)."""
_MATERNITY = (9, 64)
_MATERNITY_BEFORE = (12, 55)
_OLDEST = 124
_NAMED = 6
_LONGEST = 12


def source(table: PackedTable, what: str = "") -> str:
    """The table as a source, with the place in it."""
    name = f"{table.system.value} {table.version} ({table.digest[:12]})"
    return f"{name}, {what}" if what else name


def edits_on(table: PackedTable, code: str, on: datetime.date) -> Period | None:
    """The row of Medicare's edits that holds for a code on a day; None when the code was not valid then."""
    return next(
        (each for each in table.periods(code) if each.start <= on and (each.end is None or on <= each.end)), None
    )


def code_findings(table: PackedTable, codes: Sequence[str], on: datetime.date) -> Iterator[Finding]:
    """Validity, billability, duplicates, and a table that is too old for the day."""
    if codes and (why := outdated(table, on)) is not None:
        yield Finding(rule="table-outdated", codes=(), severity="warning", sentence=why, source=source(table), on=on)
    if codes and not table.dated:
        sentence = "The table came without Medicare's edits: age and first-listed codes were not checked."
        yield Finding(
            rule="edits-missing", codes=(), severity="advisory", sentence=sentence, source=source(table), on=on
        )
    seen: set[str] = set()
    for code in codes:
        key = normal(code)
        if key in seen:
            sentence = f"{_named(code)} stands on the claim twice."
            yield Finding(
                rule="duplicate", codes=(_named(code),), severity="error", sentence=sentence,
                source="Medicare Code Editor, duplicate of a diagnosis", on=on,
            )  # fmt: skip
            continue
        seen.add(key)
        if not table.billable_on(code, on):
            yield _not_billable(table, code, on)


def _named(code: str) -> str:
    """A code as it is written; what cannot be one is shortened and made printable."""
    name = written(code)
    return name if len(name) <= _LONGEST and name.isascii() and name.isprintable() else ascii(name)[:_LONGEST] + "…"


def _not_billable(table: PackedTable, code: str, on: datetime.date) -> Finding:
    entry = table.lookup(code)
    periods = table.periods(code)
    name = _named(code)
    rule, place = "invalid-code", "validity"
    if entry is not None and not entry.billable and (not periods or not _ends_before(periods, on)):
        rule = "incomplete-code"
        complete = [each.code for each in below(table, code) if each.billable]
        listed = ", ".join(complete[:_NAMED]) + (", …" if len(complete) > _NAMED else "")
        sentence = f"{name} is a header and cannot be billed; complete codes under it: {listed}."
    elif periods and on < periods[0].start:
        sentence = f"{name} is valid from {periods[0].start} on, not yet on {on}."
    elif periods and _ends_before(periods, on):
        last = max(each.end for each in periods if each.end is not None)
        complete = [each.code for each in below(table, code) if each.billable]
        sentence = f"{name} was valid until {last}, no longer on {on}."
        if complete:
            sentence = sentence[:-1] + f"; it was divided into {', '.join(complete[:_NAMED])}."
    elif entry is not None and not table.dated:
        sentence = f"{name} is in the table, but the table holds from {table.head.effective_from} on, not on {on}."
    else:
        sentence = f"{name} is no code of ICD-10-CM on {on}."
    return Finding(rule=rule, codes=(name,), severity="error", sentence=sentence, source=source(table, place), on=on)


def _ends_before(periods: Sequence[Period], on: datetime.date) -> bool:
    return all(each.end is not None and each.end < on for each in periods)


def age_findings(
    table: PackedTable, codes: Sequence[str], on: datetime.date, age_years: int | None
) -> Iterator[Finding]:
    """Codes for newborns, children, mothers and adults against the patient's age on the day."""
    maternity = _MATERNITY if on >= _MATERNITY_WIDENED else _MATERNITY_BEFORE
    ranges = {**_AGES, "maternity": maternity}
    if age_years is not None and not 0 <= age_years <= _OLDEST:
        sentence = f"An age of {age_years} years cannot be; {0} to {_OLDEST} was wanted."
        yield _of_age("invalid-age", (), "error", sentence, table, on)
        return
    unchecked = []
    for code in dict.fromkeys(codes):
        period = edits_on(table, code, on)
        for kind in (each for each in (period.flags if period else ()) if each in ranges):
            low, high = ranges[kind]
            if age_years is None:
                unchecked.append(written(code))
            elif not low <= age_years <= high:
                span = f"{low}" if low == high else f"{low} to {high}"
                sentence = f"{written(code)} is a {kind} code for ages of {span}; the patient is {age_years}."
                yield _of_age("age-conflict", (written(code),), "error", sentence, table, on)
    if unchecked:
        sentence = f"{', '.join(unchecked)}: has an age edit, and no age was given."
        yield _of_age("age-not-given", tuple(unchecked), "advisory", sentence, table, on)


def _of_age(
    rule: str, codes: tuple[str, ...], severity: Severity, sentence: str, table: PackedTable, on: datetime.date
) -> Finding:
    where = source(table, "Medicare Code Editor, age conflict")
    return Finding(rule=rule, codes=codes, severity=severity, sentence=sentence, source=where, on=on)


def sex_findings(table: PackedTable, codes: Sequence[str], on: datetime.date, sex: str | None) -> Iterator[Finding]:
    """What Medicare's ended sex edit would have said, for days on which it held; never more than advice."""
    if sex is None or on >= SEX_EDITS_ENDED:
        return
    for code in dict.fromkeys(codes):
        period = edits_on(table, code, on)
        flags = {"female", "male"}.intersection(period.flags) if period else set()
        if flags and sex not in flags:
            last = SEX_EDITS_ENDED - datetime.timedelta(days=1)
            sentence = (
                f"{written(code)} was listed for {min(flags)} patients on {on}; the sex registered is {sex}. CMS ended "
                f"this edit on {last}; what is registered may differ from anatomy."
            )
            yield Finding(
                rule="sex-advisory", codes=(written(code),), severity="advisory", sentence=sentence,
                source=source(table, "Medicare Code Editor, sex conflict"), on=on,
            )  # fmt: skip

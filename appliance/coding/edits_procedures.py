"""Edits of procedures: whether HCPCS and CPT codes exist; NCCI's pairs and units, where they were imported."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Sequence
from itertools import permutations

from appliance.coding.edits_codes import source
from appliance.coding.edits_finding import Coded, Finding, Severity
from appliance.coding.suggestion import CodeSystem
from appliance.coding.tables.layout import PackHead
from appliance.coding.tables.library import Library
from appliance.coding.tables.outdated import outdated

NCCI_MODIFIERS = frozenset(
    [
        *("24", "25", "27", "57", "58", "59", "78", "79", "91", "XE", "XP", "XS", "XU"),
        *("E1", "E2", "E3", "E4", "FA", *(f"F{finger}" for finger in range(1, 10))),
        *("LC", "LD", "LM", "LT", "RC", "RI", "RT", "TA", *(f"T{toe}" for toe in range(1, 10))),
    ]
)
"""Modifiers that may lift a pair with indicator 1 (NCCI Policy Manual, chapter I, E); on either code of the pair."""


def procedure_findings(
    library: Library, procedures: Sequence[Coded], on: datetime.date, setting: str
) -> Iterator[Finding]:
    """Everything about the procedures of one patient on one day."""
    yield from _existence(library, procedures, on)
    yield from _pairs(library, procedures, on, setting)
    yield from _units(library, procedures, on, setting)


def _existence(library: Library, procedures: Sequence[Coded], on: datetime.date) -> Iterator[Finding]:
    for system in (CodeSystem.HCPCS, CodeSystem.CPT):
        codes = list(dict.fromkeys(each.code for each in procedures if each.system is system))
        if not codes:
            continue
        table = library.table(system, on)
        if table is None:
            sentence = f"No table of {system.value} was imported: {', '.join(codes)} could not be checked."
            yield _finding("table-missing", codes, "advisory", sentence, system.value, on)
            continue
        why = outdated(table, on)
        old = why is not None and on > table.head.effective_from
        if why is not None:
            yield _finding("table-outdated", (), "warning", why, source(table), on)
        for code in codes:
            known = table.lookup(code) is not None
            if known and (not table.dated or table.billable_on(code, on)):
                continue
            severity: Severity = "warning" if old else "error"
            periods = table.periods(code)
            sentence = f"{code} is no code of {system.value} in the table of {table.head.effective_from}."
            if periods:
                last = periods[-1]
                sentence = f"{code} was valid {last.start} to {last.end or 'now'}, not on {on}."
            yield _finding("invalid-code", (code,), severity, sentence, source(table, "validity"), on)


def _pairs(library: Library, procedures: Sequence[Coded], on: datetime.date, setting: str) -> Iterator[Finding]:
    lines = list({each.code: each for each in reversed(procedures)}.values())
    if len(lines) < 2:
        return
    table = library.pairs(setting, on)
    if table is None:
        codes = [each.code for each in procedures]
        sentence = "NCCI's table of pairs was not imported: whether these procedures go together was not checked."
        yield _finding("table-missing", codes, "advisory", sentence, f"ncci-ptp-{setting}", on)
        return
    modifiers = {
        code: {m for each in procedures if each.code == code for m in each.modifiers} for code in _codes(lines)
    }
    for first, second in permutations(sorted(lines, key=lambda each: each.code), 2):
        record = table.find(first.code, second.code, on)
        if record is None:
            continue
        why = table.rationale(record)
        words = f" ({why})" if why else ""
        where = _named(table.head, f"{first.code}/{second.code}, from {record.start}")
        pair = (first.code, second.code)
        given = NCCI_MODIFIERS & (modifiers[first.code] | modifiers[second.code])
        if record.modifier == 0:
            sentence = f"{second.code} is not paid beside {first.code}, and no modifier changes that{words}."
            yield _finding("ncci-pair", pair, "error", sentence, where, on)
        elif given:
            sentence = (
                f"{second.code} is paid beside {first.code} only because of the modifier "
                f"{', '.join(sorted(given))}{words}: the record has to bear it out."
            )
            yield _finding("ncci-pair-modifier", pair, "advisory", sentence, where, on)
        else:
            sentence = f"{second.code} is not paid beside {first.code} without a modifier that fits{words}."
            yield _finding("ncci-pair", pair, "error", sentence, where, on)


def _units(library: Library, procedures: Sequence[Coded], on: datetime.date, setting: str) -> Iterator[Finding]:
    if not procedures:
        return
    table = library.units(setting, on)
    if table is None:
        if any(each.units > 1 for each in procedures):
            codes = [each.code for each in procedures if each.units > 1]
            sentence = "NCCI's table of units was not imported: the number of units was not checked."
            yield _finding("table-missing", codes, "advisory", sentence, f"ncci-mue-{setting}", on)
        return
    for code in dict.fromkeys(_codes(procedures)):
        record = table.find(code)
        if record is None:
            continue
        lines = [each.units for each in procedures if each.code == code]
        # 1 is an edit of a claim line; 2 and 3 are of the day. Where it is not stated: by the line, as Medicaid does.
        by_line = record.adjudication in (0, 1)
        units = max(lines) if by_line else sum(lines)
        if units <= record.units:
            continue
        span = "on a line" if by_line else "on a day"
        why = table.rationale(record)
        sentence = f"{code}: {units} units {span}, at most {record.units} are paid{f' ({why})' if why else ''}."
        severity: Severity = "error" if record.adjudication == 2 else "warning"
        yield _finding("ncci-units", (code,), severity, sentence, _named(table.head, f"MUE of {code}"), on)


def _codes(lines: Sequence[Coded]) -> list[str]:
    return [each.code for each in lines]


def _named(head: PackHead, what: str) -> str:
    return f"{head.system} {head.version}, {what}"


def _finding(
    rule: str, codes: Sequence[str], severity: Severity, sentence: str, where: str, on: datetime.date
) -> Finding:
    return Finding(rule=rule, codes=tuple(codes), severity=severity, sentence=sentence, source=where, on=on)

"""Edits of the diagnosis that stands first: manifestations, external causes, unacceptable principal diagnoses."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Sequence

from appliance.coding.edits_codes import edits_on, source
from appliance.coding.edits_finding import Finding, Severity
from appliance.coding.tables.codes import PackedTable
from appliance.coding.tables.icd10cm import written

_WHERE = "Medicare Code Editor"


def unspecified_findings(
    table: PackedTable, codes: Sequence[str], on: datetime.date, setting: str
) -> Iterator[Finding]:
    """Codes that leave the side open where there is one to name: Medicare's edit for inpatients, since 2022-04-01."""
    for code in dict.fromkeys(codes if setting == "hospital" else ()):
        period = edits_on(table, code, on)
        if period is not None and "unspecified" in period.flags:
            name = written(code)
            sentence = f"{name} does not say which side; Medicare asks for it, or for why it cannot be known."
            where = source(table, f"{_WHERE}, unspecified code")
            yield Finding(
                rule="unspecified-side", codes=(name,), severity="warning", sentence=sentence, source=where, on=on
            )


def principal_findings(table: PackedTable, codes: Sequence[str], on: datetime.date, setting: str) -> Iterator[Finding]:
    """What is wrong with the first code as the first.

    Manifestations and external causes may come first nowhere (conventions of the tabular list). The lists of
    unacceptable principal diagnoses and of questionable admissions are Medicare's for inpatients: elsewhere advice.
    """
    if not codes:
        return
    code = codes[0]
    period = edits_on(table, code, on)
    flags = set(period.flags) if period else set()
    name = written(code)

    def of(rule: str, severity: Severity, sentence: str, what: str) -> Finding:
        where = source(table, f"{_WHERE}, {what}")
        return Finding(rule=rule, codes=(name,), severity=severity, sentence=sentence, source=where, on=on)

    if "manifestation" in flags:
        sentence = f"{name} is a manifestation: the disease that causes it stands first."
        yield of("manifestation-first", "error", sentence, "manifestation code as principal diagnosis")
    if "ecodepdx" in flags:
        sentence = f"{name} says how an injury came about; it cannot stand first."
        yield of("external-cause-first", "error", sentence, "external causes of morbidity as principal diagnosis")
    inpatient = setting == "hospital"
    severity: Severity
    if "unacceptable" in flags and not ("reqsdx" in flags and len(codes) > 1):
        sentence = (
            f"{name} says what bears on a patient's health, and no illness: not a principal diagnosis of an inpatient."
        )
        severity = "error" if inpatient else "advisory"
        yield of("unacceptable-principal", severity, sentence, "unacceptable principal diagnosis")
    elif "reqsdx" in flags and len(codes) < 2:
        sentence = f"{name} can stand first only with a second diagnosis."
        severity = "error" if inpatient else "warning"
        yield of("second-diagnosis-missing", severity, sentence, "requires a secondary diagnosis")
    if inpatient and "qadm" in flags:
        sentence = f"{name} alone seldom justifies an admission to hospital."
        yield of("questionable-admission", "advisory", sentence, "questionable admission")

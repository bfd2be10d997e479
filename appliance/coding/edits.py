"""Edits of a claim's codes by date of service: what would be refused, what has to be asked, and where that is written.

    findings = Editor(Library()).check(["E11.9", "E10.9"], datetime.date(2026, 5, 1), age_years=54)

Nothing is changed and nothing is added: a finding is a sentence with its rule, its codes, its source and its date. What
cannot be checked because a table is missing or too old is a finding as well.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable, Sequence
from typing import Literal

from appliance.coding.edits_codes import age_findings, code_findings, sex_findings
from appliance.coding.edits_finding import Coded, Finding, Severity
from appliance.coding.edits_notes import additional_findings, excludes_findings, sequence_findings
from appliance.coding.edits_principal import principal_findings, unspecified_findings
from appliance.coding.edits_procedures import procedure_findings
from appliance.coding.suggestion import CodeSystem
from appliance.coding.tables.library import Library

__all__ = ["Coded", "Editor", "Finding", "Severity", "coded"]

Setting = Literal["practitioner", "hospital"]
MOST_CODES = 200
"""Of one claim; professional claims carry 12 diagnoses, institutional ones 25, with procedures some dozens more."""
_CPT = re.compile(r"[0-9]{4}[0-9A-Z]")
_HCPCS = re.compile(r"[A-Z][0-9]{4}")
_RANK = {"error": 0, "warning": 1, "advisory": 2}


class Editor:
    """Checks codes against the tables of a box. For any number of threads.

    Args:
        library: The tables; which one holds is decided by the date of service.
        setting: Whose claim it is: "practitioner" (professional and outpatient), or "hospital" (inpatient), for which
            Medicare's edits of the principal diagnosis are errors and not warnings, and NCCI's hospital tables hold.
    """

    def __init__(self, library: Library, setting: Setting = "practitioner") -> None:
        self.library = library
        self.setting: Setting = setting

    def check(
        self,
        codes: Sequence[str | Coded],
        on: datetime.date,
        age_years: int | None = None,
        sex: Literal["female", "male"] | None = None,
    ) -> tuple[Finding, ...]:
        """What is wrong with a claim's codes.

        Args:
            codes: In the claim's order, the first diagnosis being the principal or first-listed one; how a text is
                read says `coded`.
            on: Date of service.
            age_years: Age on that date, in whole years (0 in the first year); None: age edits cannot be checked.
            sex: As registered; None: not looked at.

        Returns:
            The worst first.

        Raises:
            ValueError: more than 200 codes.
            NotVerifiedError: a table in use is damaged.
            UnknownStateError: a table cannot be read.
        """
        if len(codes) > MOST_CODES:
            raise ValueError(f"{len(codes)} codes; a claim has at most {MOST_CODES}")
        table = self.library.table(CodeSystem.ICD_10_CM, on)
        if table is None:
            raise AssertionError("ICD-10-CM is built in")
        given = [each if isinstance(each, Coded) else coded(each) for each in codes]
        diagnoses = [each for each in given if each.system is CodeSystem.ICD_10_CM]
        procedures = [each for each in given if each.system in (CodeSystem.CPT, CodeSystem.HCPCS)]
        names = [each.code for each in diagnoses]
        findings = [
            *code_findings(table, names, on),
            *age_findings(table, names, on, age_years),
            *sex_findings(table, names, on, sex),
            *principal_findings(table, names, on, self.setting),
            *unspecified_findings(table, names, on, self.setting),
            *excludes_findings(table, names, on),
            *sequence_findings(table, names, on),
            *additional_findings(table, names, on),
            *procedure_findings(self.library, procedures, on, self.setting),
        ]
        return tuple(sorted(findings, key=lambda each: _RANK[each.severity]))

    def of_code(self, code: str, on: datetime.date, age_years: int | None = None) -> tuple[Finding, ...]:
        """What is wrong with one diagnosis by itself, whatever else is on the claim: what a suggestion is told with."""
        table = self.library.table(CodeSystem.ICD_10_CM, on)
        if table is None:
            raise AssertionError("ICD-10-CM is built in")
        return (*code_findings(table, [code], on), *age_findings(table, [code], on, age_years))


def coded(text: str) -> Coded:
    """A code of a text: "99213-25" is CPT with a modifier, "J1100x4" HCPCS with four units; anything else a diagnosis.

    "E0840" has the form of HCPCS and, without its dot, of ICD-10-CM: diagnoses of five characters need their dot.
    """
    found = re.fullmatch(r"([0-9A-Z]{5})((?:-[0-9A-Z]{2})*)(?:[xX]([0-9]{1,6}))?", text.strip().upper())
    if found:
        name, modifiers, units = found.groups()
        system = CodeSystem.CPT if _CPT.fullmatch(name) else CodeSystem.HCPCS if _HCPCS.fullmatch(name) else None
        if system is not None:
            return Coded(name, system, int(units or 1), tuple(modifiers.split("-")[1:]))
    return Coded(text.strip().upper(), CodeSystem.ICD_10_CM)


def sentences(findings: Iterable[Finding]) -> tuple[str, ...]:
    """The sentences of findings, as `Suggestion.findings` carries them."""
    return tuple(each.sentence for each in findings)

"""A code on a claim, and what is found wrong with it."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from appliance.coding.suggestion import CodeSystem

Severity = Literal["error", "warning", "advisory"]

RULES = {
    "age-conflict": "the code is for another age than the patient's",
    "age-not-given": "the code has an age edit, and no age was given",
    "code-first-missing": "the code needs another one before it (code first)",
    "code-first-order": "a code stands before the one that the table puts first (code first)",
    "duplicate": "a diagnosis stands twice",
    "edits-missing": "the table has no edits for the date of service",
    "excludes-1": "two codes that are not coded together (Excludes 1), unless the conditions are unrelated",
    "external-cause-first": "an external cause stands first",
    "incomplete-code": "the code lacks characters",
    "invalid-age": "the age cannot be",
    "invalid-code": "the code does not exist, or not on the date of service",
    "manifestation-first": "a manifestation stands before the disease that causes it",
    "ncci-pair": "two procedures that are not paid together (NCCI)",
    "ncci-pair-modifier": "two procedures that are paid together only with a modifier, which stands there (NCCI)",
    "ncci-units": "more units of service than NCCI lets stand",
    "questionable-admission": "the first diagnosis alone seldom justifies an admission",
    "second-diagnosis-missing": "the first diagnosis stands only with a second one",
    "sex-advisory": "the code was listed for the other sex (CMS ended this edit on 2024-09-30)",
    "table-missing": "there is no table to check by",
    "table-outdated": "the table is of another time than the date of service",
    "unacceptable-principal": "the first diagnosis is no illness (Medicare, inpatients)",
    "unspecified-side": "the side is left open",
    "use-additional-order": "an additional code stands before the one that it adds to (use additional)",
}
"""Each rule of a finding in words, for who does not know our names of rules."""


@dataclass(frozen=True, slots=True)
class Coded:
    """A code on a claim line.

    Args:
        code: As written.
        system: Its system.
        units: Units of service; of a diagnosis always 1.
        modifiers: Of a procedure, in order ("25").
    """

    code: str
    system: CodeSystem
    units: int = 1
    modifiers: tuple[str, ...] = ()


class Finding(BaseModel):
    """One thing that is wrong with a claim's codes, or that could not be checked."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rule: str = Field(description="Which edit, for instance excludes-1.")
    codes: tuple[str, ...] = Field(description="The codes that it is about; empty: the claim as a whole.")
    severity: Severity = Field(description="error: would be refused; warning: look again; advisory: good to know.")
    sentence: str = Field(description="What is wrong, for a coder.")
    source: str = Field(description="Where that is written: table, version, the note's level.")
    on: datetime.date = Field(description="The date of service that it was judged for.")

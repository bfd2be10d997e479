"""A code on a claim, and what is found wrong with it."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from appliance.coding.suggestion import CodeSystem

Severity = Literal["error", "warning", "advisory"]


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

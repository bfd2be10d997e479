"""What the routes of codes take and give."""

from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from appliance.coding.edits import Finding
from appliance.coding.suggestion import Evidence
from appliance.gateway.api import Answer, Given, Uuid
from appliance.gateway.code_set import Decided, Reason


class CodesWanted(Given):
    """For which date of service codes are suggested, and what age and sex edits need."""

    date_of_service: date
    age_years: Annotated[int | None, Field(ge=0, le=130, description="On that date; in the first year 0.")] = None
    sex: Annotated[Literal["female", "male"] | None, Field(description="As registered. Its edits only advise.")] = None


class CodeDecision(Given):
    """What a coder decides about one suggestion."""

    decision: Decided
    reason: Annotated[Reason | None, Field(description="Wanted to reject and to replace.")] = None
    code: Annotated[
        Annotated[str, StringConstraints(pattern=r"^[A-Za-z][0-9][0-9A-Za-z](\.?[0-9A-Za-z]{1,4})?$")] | None,
        Field(description="To replace: the code that counts instead, with or without its dot."),
    ] = None


class CodeAnswer(Answer):
    """One suggestion with its evidence and what was decided. Offsets point into the document's `text`."""

    number: int
    suggested: str
    title: str
    evidence: tuple[Evidence, ...]
    assertion: str
    confidence: float
    question: str
    findings: tuple[str, ...]
    decision: Decided | None
    reason: Reason | None
    code: Annotated[str | None, Field(description="The code that counts; null while none does.")]
    code_title: str | None
    decided_by: str | None
    decided_at: datetime | None


class CodesAnswer(Answer):
    """The codes of a document. `final`: nothing can change any more."""

    document: Uuid
    encounter: Uuid
    state: Literal["open", "final"]
    version: int
    current: Annotated[bool, Field(description="Whether the document still has the text that they were suggested for.")]
    date_of_service: date
    system: str
    table_version: str
    table_digest: str
    ordered_by: Literal["model", "statistics"]
    order_problem: Annotated[str, Field(description="Why no model ordered them; empty when one did.")]
    model: str | None
    codes: tuple[CodeAnswer, ...]
    accepted: tuple[str, ...]
    findings: Annotated[tuple[Finding, ...], Field(description="Of the codes that count, on the date of service.")]
    created_at: datetime
    created_by: str
    finalised_at: datetime | None
    finalised_by: str | None
    audit_index: int

"""The codes of a document as they are kept: suggestions, and what a coder decided on each. Pure; sealed elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from appliance.coding.edits import Finding
from appliance.coding.suggestion import CodeSystem, Suggestion
from appliance.problems import ProblemError

Decided = Literal["accept", "reject", "replace"]
Reason = Literal[
    "supported", "not_documented", "denied", "not_current", "other_person", "wrong_code", "too_unspecific", "duplicate",
    "not_reportable", "other",
]  # fmt: skip


class Item(BaseModel):
    """One suggestion and its decision.

    `code` is what counts after it: the suggested code, or the one that a coder put in its place.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    suggestion: Suggestion
    decision: Decided | None = None
    reason: Reason | None = None
    code: str = ""
    title: str = ""
    by: str = ""
    at: datetime | None = None

    @property
    def counts(self) -> bool:
        """Whether its code is one of the document's codes."""
        return self.decision in ("accept", "replace")


class CodeSet(BaseModel):
    """All of a document, with what they rest on."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    date_of_service: date
    age_years: int | None = None
    sex: Literal["female", "male"] | None = None
    system: CodeSystem = CodeSystem.ICD_10_CM
    table_version: str
    table_digest: str
    text_commitment: Annotated[str, Field(description="Of the text that the evidence points into.")]
    ordered_by: Literal["model", "statistics"]
    order_problem: str = ""
    model: str = ""
    model_digest: str | None = None
    items: tuple[Item, ...]
    findings: tuple[Finding, ...] = ()

    @property
    def accepted(self) -> list[str]:
        """The codes that count, in order, each once."""
        return list(dict.fromkeys(item.code for item in self.items if item.counts))

    @property
    def decided(self) -> int:
        """How many a coder has decided about."""
        return sum(item.decision is not None for item in self.items)

    def item(self, number: int) -> Item:
        """Return an item by its number, from 1. Raises ProblemError 404."""
        if not 1 <= number <= len(self.items):
            raise ProblemError(404, "not-found", "Not found", f"there is no suggestion {number} of {len(self.items)}")
        return self.items[number - 1]

    def with_item(self, number: int, item: Item) -> CodeSet:
        """Return the set with an item in place of its `number`th."""
        items = list(self.items)
        items[number - 1] = item
        return self.model_copy(update={"items": tuple(items)})

    def with_findings(self, findings: Sequence[Finding]) -> CodeSet:
        """Return the set with what the edits find of the codes that count."""
        return self.model_copy(update={"findings": tuple(findings)})


def require_reason(decision: Decided, reason: Reason | None, code: str | None) -> None:
    """Raise ProblemError 422 for a decision that is not complete, or that says two things."""
    if decision != "accept" and reason is None:
        raise ProblemError(
            422,
            "reason-missing",
            "A reason is wanted",
            "say why a suggestion is rejected or replaced",
            parameter="reason",
        )
    if (decision == "replace") != (code is not None):
        raise ProblemError(
            422, "code-and-decision", "Code and decision do not fit",
            "name a code to replace a suggestion with, and none for another decision", parameter="code",
        )  # fmt: skip


def require_complete(content: CodeSet) -> None:
    """Raise ProblemError 409 while something is undecided, or an edit would have the claim refused."""
    left = len(content.items) - content.decided
    if left:
        raise ProblemError(
            409, "codes-undecided", "There are suggestions without a decision", f"{left} are left", undecided=left
        )
    wrong = sorted({one.rule for one in content.findings if one.severity == "error"})
    if wrong:
        raise ProblemError(
            409, "codes-refused-by-edits", "An edit refuses the codes", f"see the findings: {', '.join(wrong)[:300]}",
            rules=wrong[:20],
        )  # fmt: skip

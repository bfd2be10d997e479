"""The codes of a document as they are kept: suggestions with decisions, and a coder's own. Pure; sealed elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from appliance.coding.edits import Finding
from appliance.coding.suggestion import CodeSystem, Evidence, Suggestion
from appliance.gateway.code_order import in_order, kept_order, whole_order
from appliance.problems import ProblemError

Decided = Literal["accept", "reject", "replace"]
Reason = Literal[
    "supported", "not_documented", "denied", "not_current", "other_person", "wrong_code", "too_unspecific", "duplicate",
    "not_reportable", "other",
]  # fmt: skip
OrderedBy = Literal["model", "statistics", "nobody"]
"""What put the suggestions into their order; `nobody`: there are none, a coder finds the codes by hand."""
AddReason = Literal["guideline", "clinician_confirmed", "documented_elsewhere", "registered", "other"]
"""Why a code was added without words of this document: a convention asks for it (code first, use additional), a
clinician confirmed it when asked, another signed document of the visit says it, it is registered (a status), or
something else."""
FORM = 2
"""The form of a stored set. A later addition raises it, and is written with the least form that holds it: 2 has codes
of another table than the set's. What could be stored before there were forms carries none, so that releases of
before read it."""
MAX_ADDED = 60
"""As many as are suggested at most; what was withdrawn counts."""


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
    table_version: Annotated[str, Field(description="That `code` is of; empty: the set's own.")] = ""
    by: str = ""
    at: datetime | None = None

    @property
    def counts(self) -> bool:
        """Whether its code is one of the document's codes."""
        return self.decision in ("accept", "replace")


class Added(BaseModel):
    """A code that a coder found; no model and no statistics had a part in it.

    It rests on quoted words of the document, or on a reason. Withdrawn, it stays here and counts no more.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    code: str
    title: str
    table_version: str
    table_digest: str
    evidence: tuple[Evidence, ...] = ()
    reason: AddReason | None = None
    by: str
    at: datetime
    withdrawn_by: str = ""
    withdrawn_at: datetime | None = None

    @property
    def counts(self) -> bool:
        """Whether its code is one of the document's codes."""
        return self.withdrawn_at is None


class CodeSet(BaseModel):
    """All of a document, with what they rest on."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    form: Annotated[int, Field(ge=1, le=FORM, description="As it was stored; `plain` says which is written.")] = 1
    date_of_service: date
    age_years: int | None = None
    sex: Literal["female", "male"] | None = None
    system: CodeSystem = CodeSystem.ICD_10_CM
    table_version: str
    table_digest: str
    text_commitment: Annotated[str, Field(description="Of the text that the evidence points into.")]
    ordered_by: OrderedBy
    order_problem: str = ""
    model: str = ""
    model_digest: str | None = None
    items: tuple[Item, ...]
    added: tuple[Added, ...] = ()
    order: Annotated[tuple[str, ...], Field(description="Codes as a coder has put them; new ones stand behind.")] = ()
    findings: tuple[Finding, ...] = ()

    @property
    def accepted(self) -> list[str]:
        """The codes that count, each once: in a coder's order; then of the suggestions, then those that were added."""
        suggested = [item.code for item in self.items if item.counts]
        return in_order(self.order, [*suggested, *(one.code for one in self.added if one.counts)])

    @property
    def counted(self) -> list[tuple[str, str, str]]:
        """The codes that count, in the order of `accepted`: each with its title and the version of its table."""
        known = {one.code: (one.title, one.table_version) for one in self.added if one.counts}
        known |= {one.code: (one.title, one.table_version or self.table_version) for one in self.items if one.counts}
        return [(code, *known[code]) for code in self.accepted]

    @property
    def sequenced(self) -> bool:
        """Whether a coder has put all codes that count into their order."""
        return bool(self.order) and len(self.order) == len(self.accepted)

    @property
    def decided(self) -> int:
        """How many a coder has decided about."""
        return sum(item.decision is not None for item in self.items)

    @property
    def worked_on(self) -> bool:
        """Whether a coder's work would be lost with it."""
        return bool(self.decided) or any(one.counts for one in self.added)

    def plain(self) -> bytes:
        """Return it as it is sealed.

        Without added codes, an order, or a code of another table as before there were any: a release that does not know
        them can read such a set.
        """
        absent: dict[str, Any] = {name: True for name in ("added", "order") if not getattr(self, name)}
        own = {at: {"table_version"} for at, item in enumerate(self.items) if not item.table_version}
        form = 2 if len(own) < len(self.items) else 1
        absent |= {"form": True} if form == 1 else {}
        written = self.model_copy(update={"form": form})
        return written.model_dump_json(exclude={**absent, "items": own}).encode()

    def item(self, number: int) -> Item:
        """Return an item by its number, from 1. Raises ProblemError 404."""
        if not 1 <= number <= len(self.items):
            raise ProblemError(404, "not-found", "Not found", f"there is no suggestion {number} of {len(self.items)}")
        return self.items[number - 1]

    def with_item(self, number: int, item: Item) -> CodeSet:
        """Return the set with an item in place of its `number`th."""
        items, before = list(self.items), self.items[number - 1]
        items[number - 1] = item
        return self.model_copy(update={"items": tuple(items)})._settled(
            before.code if before.counts else "", item.code if item.counts else ""
        )

    def _settled(self, before: str, after: str = "") -> CodeSet:
        order = kept_order(self.order, before, after, self.accepted)
        return self.model_copy(update={"order": order})

    def with_order(self, codes: Sequence[str]) -> CodeSet:
        """Return the set with its codes in another order.

        Raises ProblemError 409 when none counts, 422 unless each code that counts is named once and no other.
        """
        if not self.accepted:
            raise no_codes("accept or add codes first")
        return self.model_copy(update={"order": whole_order(codes, self.accepted)})

    def one_added(self, number: int) -> Added:
        """Return an added code that counts, by its number, from 1. Raises ProblemError 404."""
        if not 1 <= number <= len(self.added) or not self.added[number - 1].counts:
            raise ProblemError(404, "not-found", "Not found", f"no added code {number} counts")
        return self.added[number - 1]

    def with_withdrawn(self, number: int, by: str, at: datetime) -> CodeSet:
        """Return the set with its `number`th added code withdrawn. Raises ProblemError 404."""
        gone = self.one_added(number).model_copy(update={"withdrawn_by": by, "withdrawn_at": at})
        left = self.model_copy(update={"added": (*self.added[: number - 1], gone, *self.added[number:])})
        return left._settled(gone.code)

    def with_added(self, added: Added) -> CodeSet:
        """Return the set with one more code.

        Raises ProblemError 409: it counts already, it was suggested (the decision is made there, so that what a coder
        found stays apart from what was suggested), or there are too many.
        """
        suggested = [number for number, item in enumerate(self.items, 1) if item.suggestion.code == added.code]
        if suggested and not self.items[suggested[0] - 1].counts:
            raise ProblemError(
                409, "code-was-suggested", "The code was suggested", f"decide about suggestion {suggested[0]} instead",
                number=suggested[0],
            )  # fmt: skip
        if added.code in self.accepted:
            raise ProblemError(409, "code-counts-already", "The code counts already", "each code counts once")
        if len(self.added) >= MAX_ADDED:
            raise ProblemError(409, "too-many-codes", "Too many added codes", f"a document has {MAX_ADDED} at most")
        return self.model_copy(update={"added": (*self.added, added)})

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


def require_basis(evidence: Sequence[Evidence], reason: AddReason | None, text: str) -> None:
    """Raise ProblemError 422 unless an added code rests on words that the document has, or on a reason."""
    for number, one in enumerate(evidence, 1):
        if text[one.start : one.end] != one.quote or not one.quote.strip():
            raise ProblemError(
                422, "evidence-not-in-text", "The evidence is not in the document",
                f"quote {number} is not what stands at its offsets of the document's text, character for character",
                parameter="evidence", number=number,
            )  # fmt: skip
    if not evidence and reason is None:
        raise ProblemError(
            422, "evidence-missing", "Evidence or a reason is wanted",
            "quote the words that the code rests on, or say why the document does not have them", parameter="evidence",
        )  # fmt: skip


def no_codes(what: str) -> ProblemError:
    """Return the refusal of an act on codes where there are none. `what`: what to do instead."""
    return ProblemError(409, "no-codes", "No code counts", what)


def require_complete(content: CodeSet) -> None:
    """Raise ProblemError 409 while something is undecided, or an edit would have the claim refused.

    Without suggestions nobody has decided that there are no codes: such an empty set is not finished, it was not begun.
    """
    if not content.items and not content.accepted:
        raise no_codes("nothing was suggested and nothing was added: add the codes, or leave the set open")
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

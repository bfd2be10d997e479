"""What the routes of codes take and give."""

from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from appliance.clinical.document import DocumentKind
from appliance.coding.edits import Finding
from appliance.coding.suggestion import Evidence
from appliance.gateway.api import Answer, Given, Uuid
from appliance.gateway.code_set import MAX_ADDED, AddReason, Decided, OrderedBy, Reason
from appliance.gateway.codes import MAX_SUGGESTIONS
from appliance.gateway.service_day import ServiceDay

_CodeText = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][0-9][0-9A-Za-z](\.?[0-9A-Za-z]{1,4})?$")]
MAX_QUOTES = 8
MAX_QUOTE_CHARS = 2_000


class CodesWanted(Given):
    """For which date of service a document is coded, what age and sex edits need, and whether the box suggests."""

    date_of_service: ServiceDay
    age_years: Annotated[int | None, Field(ge=0, le=130, description="On that date; in the first year 0.")] = None
    sex: Annotated[Literal["female", "male"] | None, Field(description="As registered. Its edits only advise.")] = None
    suggestions: Annotated[
        bool,
        Field(description="`false`: the set is opened empty, and a coder finds the codes; no suggester is needed."),
    ] = True
    deidentified: Annotated[
        bool | None,
        Field(
            description="Should a model that orders suggestions read the note without identifiers? "
            "Absent: as the practice's policy says."
        ),
    ] = None


class CodeDecision(Given):
    """What a coder decides about one suggestion."""

    decision: Decided
    reason: Annotated[Reason | None, Field(description="Wanted to reject and to replace.")] = None
    code: Annotated[
        _CodeText | None,
        Field(description="To replace: the code that counts instead, with or without its dot."),
    ] = None


class Quoted(Given):
    """Words of the document that a code rests on."""

    start: Annotated[int, Field(ge=0, description="Offset of the first character in the document's `text`.")]
    end: Annotated[int, Field(ge=1, description="Offset behind the last character.")]
    quote: Annotated[str, Field(min_length=1, max_length=MAX_QUOTE_CHARS, description="What stands there, unchanged.")]


class CodeAddition(Given):
    """A code that was not suggested, and what it rests on: quoted words, a reason, or both."""

    code: Annotated[_CodeText, Field(description="With or without its dot; billable on the date of service.")]
    evidence: Annotated[tuple[Quoted, ...], Field(max_length=MAX_QUOTES)] = ()
    reason: Annotated[
        AddReason | None, Field(description="Wanted where the document does not have the words that the code rests on.")
    ] = None


class CodeOrder(Given):
    """All codes that count, as they stand on the claim: the first is the principal or first-listed diagnosis."""

    codes: Annotated[
        tuple[_CodeText, ...],
        Field(
            min_length=1, max_length=MAX_SUGGESTIONS + MAX_ADDED,
            description="Every code of `accepted` once and no other, with or without dots.",
        ),
    ]  # fmt: skip


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


class AddedAnswer(Answer):
    """A code that a coder added. It was not suggested, so it has no confidence."""

    number: Annotated[int, Field(description="Among the added codes, from 1; it stays when one is withdrawn.")]
    origin: Annotated[Literal["coder"], Field(description="Who found it. Suggestions stand in `codes`.")] = "coder"
    code: str
    title: str
    evidence: tuple[Evidence, ...]
    reason: AddReason | None
    added_by: str
    added_at: datetime
    withdrawn_by: Annotated[str | None, Field(description="Null while it counts.")]
    withdrawn_at: datetime | None


class CodesAnswer(Answer):
    """The codes of a document. `final`: nothing can change any more."""

    document: Uuid
    encounter: Uuid
    kind: Annotated[
        DocumentKind, Field(description="What the codes are of: a visit is claimed with those of its visit note.")
    ]
    state: Literal["open", "final"]
    version: int
    current: Annotated[bool, Field(description="Whether the document still has the text that they were suggested for.")]
    date_of_service: date
    system: str
    table_version: str
    table_digest: str
    ordered_by: Annotated[
        OrderedBy, Field(description="What ordered the suggestions; `nobody`: the codes are found by hand.")
    ]
    order_problem: Annotated[str, Field(description="Why no model ordered them; empty when one did.")]
    model: str | None
    codes: Annotated[tuple[CodeAnswer, ...], Field(description="What was suggested, with what was decided.")]
    added: Annotated[tuple[AddedAnswer, ...], Field(description="What a coder found beside the suggestions.")]
    accepted: Annotated[
        tuple[str, ...],
        Field(
            description="Every code that counts, suggested or added, each once, in the claim's order: the first is the "
            "principal or first-listed diagnosis, and a service points to a diagnosis by its place."
        ),
    ]
    sequenced: Annotated[
        bool,
        Field(
            description="Whether a coder has put all of them into this order. Else suggestions stand in front by their "
            "confidence, and what was added last stands behind."
        ),
    ]
    findings: Annotated[tuple[Finding, ...], Field(description="Of the codes that count, on the date of service.")]
    created_at: datetime
    created_by: str
    finalised_at: datetime | None
    finalised_by: str | None
    audit_index: int


CodeAct = Literal["suggest", "open", "accept", "reject", "replace", "add", "withdraw", "order", "finalise"]


class CodeRevisionAnswer(Answer):
    """One state of a document's codes: who made it, when, and what became another."""

    version: int
    at: datetime
    by: str
    act: CodeAct
    number: Annotated[
        int | None, Field(description="Of the suggestion decided about, or of the code added or withdrawn; else null.")
    ]
    suggested: Annotated[str | None, Field(description="The suggestion that was decided about.")]
    reason: Reason | AddReason | None
    evidence: Annotated[tuple[Evidence, ...], Field(description="Of a code that was added. Offsets of its day's text.")]
    began: Annotated[tuple[str, ...], Field(description="Codes that count since this act.")]
    ended: Annotated[tuple[str, ...], Field(description="Codes that counted before it, and no more.")]
    accepted: Annotated[tuple[str, ...], Field(description="All that count after it, in the claim's order.")]
    suggestions: Annotated[int, Field(description="How many suggestions the set has after it.")]
    findings: Annotated[tuple[str, ...], Field(description="Rules of the edits that found something, each once.")]
    date_of_service: date
    table_version: str
    audit_index: Annotated[int, Field(description="The act's entry in the audit log.")]


class CodeHistory(Answer):
    """How the codes of a document became what they are, oldest first."""

    document: Uuid
    encounter: Uuid
    revisions: tuple[CodeRevisionAnswer, ...]

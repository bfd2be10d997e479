"""The life of a document: draft → in review → corrected → signed, or rejected. Pure rules, no storage.

drafting ─► draft ─► in_review ─► corrected ─► signed ─► (addenda)
    │         │          │   └────────┴─► rejected
    └► failed            (after the review window only a rejection is possible; it is drafted anew)
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from itertools import count

from rapidfuzz.distance import Levenshtein

from appliance.clinical.document import Document, Statement
from appliance.problems import ProblemError


class State(StrEnum):
    """Where a document stands. Only `signed` is a document of record."""

    DRAFTING = "drafting"
    DRAFT = "draft"
    IN_REVIEW = "in_review"
    CORRECTED = "corrected"
    SIGNED = "signed"
    REJECTED = "rejected"
    FAILED = "failed"


class Act(StrEnum):
    """What a person does to it."""

    REVIEW = "review"
    CORRECT = "correct"
    ACKNOWLEDGE = "acknowledge"
    SIGN = "sign"
    REJECT = "reject"
    ADD = "add"


_NEXT: dict[tuple[State, Act], State] = {
    (State.DRAFT, Act.REVIEW): State.IN_REVIEW,
    (State.IN_REVIEW, Act.CORRECT): State.CORRECTED,
    (State.IN_REVIEW, Act.ACKNOWLEDGE): State.IN_REVIEW,
    (State.IN_REVIEW, Act.SIGN): State.SIGNED,
    (State.IN_REVIEW, Act.REJECT): State.REJECTED,
    (State.CORRECTED, Act.CORRECT): State.CORRECTED,
    (State.CORRECTED, Act.ACKNOWLEDGE): State.CORRECTED,
    (State.CORRECTED, Act.SIGN): State.SIGNED,
    (State.CORRECTED, Act.REJECT): State.REJECTED,
    (State.DRAFT, Act.REJECT): State.REJECTED,
    (State.SIGNED, Act.ADD): State.SIGNED,
}
_WINDOWED = frozenset({Act.REVIEW, Act.CORRECT, Act.ACKNOWLEDGE, Act.SIGN})


def follow(state: State, act: Act) -> State:
    """Return the state after an act. Raises ProblemError 409 when the act does not belong there."""
    after = _NEXT.get((state, act))
    if after is None:
        possible = sorted(str(allowed) for (at, allowed) in _NEXT if at is state)
        raise ProblemError(
            409, "wrong-state", "Not possible in this state",
            f"the document is {state}; {act} is not possible. Possible: {', '.join(possible) or 'nothing'}",
            state=str(state),
        )  # fmt: skip
    return after


def is_over(act: Act, completed_at: datetime, now: datetime, window_h: float) -> bool:
    """Return whether the review window forbids an act."""
    return act in _WINDOWED and now - completed_at > timedelta(hours=window_h)


def unsupported(document: Document) -> tuple[Statement, ...]:
    """Return the model's statements that their sources do not support, in reading order.

    A statement of the model that was never checked counts: nobody has shown that it is supported.
    """
    return tuple(
        statement
        for statement in document.statements()
        if statement.author == "model" and (statement.grounding is None or statement.grounding.status != "supported")
    )


@dataclass(frozen=True)
class Edit:
    """How far a person moved the text from what the model wrote."""

    words: int
    """Words inserted, removed or replaced (Levenshtein over words)."""
    of: int
    """Words of the longer text."""

    @property
    def share(self) -> float:
        """0: as drafted, 1: nothing is left of it."""
        return self.words / self.of if self.of else 0.0


def edit(before: Document, after: Document) -> Edit:
    """Return the edit distance of two states of a document, in words."""
    first, second = before.text().split(), after.text().split()
    return Edit(Levenshtein.distance(first, second), max(len(first), len(second)))


def corrected(before: Document, texts: dict[str, list[tuple[str | None, str]]]) -> Document:
    """Return the document with a person's text. `texts`: per section name, (statement id or None for a new one, text).

    A statement that was left as it is keeps its author and its grounding; one that a person changed or added is theirs.
    Sections cannot be added, removed or reordered: they are the template's. Raises ProblemError 422.
    """
    names = [section.name for section in before.sections]
    if sorted(texts) != sorted(names):
        raise ProblemError(
            422, "sections-differ", "The sections are the template's",
            f"wanted are exactly: {', '.join(names)}", parameter="sections",
        )  # fmt: skip
    used: set[str] = set()
    taken = {statement.id for statement in before.statements()}
    fresh = (name for number in count(1) if (name := f"added.{number}") not in taken)
    sections = []
    for section in before.sections:
        known = {statement.id: statement for statement in section.statements}
        statements = []
        for identifier, text in texts[section.name]:
            old = known.get(identifier) if identifier else None
            if identifier and (old is None or identifier in used):
                raise ProblemError(
                    422, "unknown-statement", "No such statement",
                    f"section {section.name} has no statement {identifier}, or it is named twice",
                    parameter="statements",
                )  # fmt: skip
            if old is not None and identifier:
                used.add(identifier)
                statements.append(
                    old if old.text == text else Statement(id=old.id, text=text, author="clinician", grounding=None)
                )
            else:
                statements.append(Statement(id=next(fresh), text=text, author="clinician"))
        sections.append(section.model_copy(update={"statements": tuple(statements)}))
    return before.model_copy(update={"sections": tuple(sections)})


def text_digest(text: str) -> str:
    """Return what a signature binds: SHA-256 of the text in UTF-8, in hexadecimal."""
    return sha256(text.encode()).hexdigest()

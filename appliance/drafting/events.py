"""What a draft tells while it comes to be: Begun, (Text | StatementDone | Dropped)*, Finished, in this order.

Answering comes once between Begun and Finished.
"""

from dataclasses import dataclass

from appliance.clinical.document import Document, DocumentKind, Statement
from appliance.clinical.model import Identifier
from appliance.drafting.order import Series
from appliance.drafting.settings import ModelIdentity


@dataclass(frozen=True)
class Piece:
    """Characters [start, end) of a source."""

    source: Identifier
    start: int
    end: int


@dataclass(frozen=True)
class PartPlan:
    """What one request to the engine reads. `exact`: the engine counted the tokens; otherwise an upper estimate."""

    index: int
    pieces: tuple[Piece, ...]
    tokens: int
    exact: bool

    @property
    def characters(self) -> int:
        """How many characters of the sources it holds."""
        return sum(piece.end - piece.start for piece in self.pieces)


@dataclass(frozen=True)
class InputDigest:
    """A source's identity. The digest identifies content: into a log only as a commitment."""

    source: Identifier
    kind: str
    sha256: str
    characters: int


@dataclass(frozen=True)
class Suspect:
    """A place of a source that reads like an instruction to software. `rule` names the pattern that matched."""

    source: Identifier
    start: int
    end: int
    rule: str


@dataclass(frozen=True)
class Begun:
    """The plan, before the engine says anything. `template_sha256` and `prompt_sha256` are of ours and no secret."""

    kind: DocumentKind
    template: Identifier
    template_sha256: str
    prompt_sha256: str
    model: ModelIdentity
    language: str
    temperature: float
    seed: int
    inputs: tuple[InputDigest, ...]
    parts: tuple[PartPlan, ...]
    suspects: tuple[Suspect, ...]
    neutralised: int
    series: Series


@dataclass(frozen=True)
class Answering:
    """The engine has begun to answer: what follows is moments away, and nothing of it can be shown yet."""


@dataclass(frozen=True)
class Text:
    """Text of a sentence that is being written: a preview, no statement yet."""

    section: str
    delta: str
    part: int


@dataclass(frozen=True)
class StatementDone:
    """A sentence is complete, checked and, where a grounder was given, held against the sources."""

    section: str
    statement: Statement
    part: int


@dataclass(frozen=True)
class Dropped:
    """The sentence that was shown is no statement: take the preview back. `reason`: consent, prompt, duplicate."""

    section: str
    reason: str
    part: int


@dataclass(frozen=True)
class PartDone:
    """What one part came to."""

    index: int
    statements: int
    prompt_tokens: int | None
    cached_tokens: int | None
    output_tokens: int | None


@dataclass(frozen=True)
class Finished:
    """The document, and what it took. `parts` has an entry for each planned part: none is left out silently."""

    document: Document
    parts: tuple[PartDone, ...]
    duplicates_removed: int
    consent_removed: int
    unsupported: int | None
    first_text_s: float | None
    total_s: float


Event = Begun | Answering | Text | StatementDone | Dropped | Finished

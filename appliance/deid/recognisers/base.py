"""What the recognisers share: a result, their base class over Presidio's, and the artifacts that carry a reading."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from presidio_analyzer import EntityRecognizer, RecognizerResult
from presidio_analyzer.nlp_engine import NlpArtifacts

from appliance.deid.identifier import IdentifierKind
from appliance.deid.reading import Reading

CERTAIN, LIKELY, POSSIBLE = 0.95, 0.8, 0.6
"""Confidence by evidence: a label or check digit says it; the shape says it; the shape allows it."""


@dataclass(frozen=True, slots=True)
class Found:
    """A span that a recogniser holds for an identifier."""

    start: int
    end: int
    kind: IdentifierKind
    confidence: float


class ReadingArtifacts(NlpArtifacts):
    """Presidio's artifacts without a parsed document: our recognisers read `reading`.

    Presidio's own pattern recognisers read the text alone.
    """

    def __init__(self, reading: Reading) -> None:
        super().__init__([], None, [], [], None, "en")  # type: ignore[arg-type]  # no document is parsed
        self.reading = reading


class ReadingRecogniser(EntityRecognizer, ABC):
    """A recogniser of ours. Subclasses yield spans from `find`."""

    kinds: tuple[IdentifierKind, ...] = ()

    def __init__(self) -> None:
        super().__init__(supported_entities=[kind.value for kind in self.kinds], name=type(self).__name__)

    def load(self) -> None:
        """Nothing to load: word lists come with the constructor."""

    @abstractmethod
    def find(self, reading: Reading) -> Iterable[Found]:
        """The identifiers of a text, in any order; they may overlap."""

    def analyze(
        self, text: str, entities: list[str], nlp_artifacts: NlpArtifacts | None = None
    ) -> list[RecognizerResult]:
        """Presidio's entry: the spans as its results."""
        reading = nlp_artifacts.reading if isinstance(nlp_artifacts, ReadingArtifacts) else Reading(text)
        return list(self._results(reading, set(entities)))

    def _results(self, reading: Reading, entities: set[str]) -> Iterator[RecognizerResult]:
        for found in self.find(reading):
            if found.kind.value in entities and found.end > found.start:
                yield RecognizerResult(found.kind.value, found.start, found.end, found.confidence)

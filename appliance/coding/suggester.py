"""Code suggestions without a model of language: candidates, learned order, calibrated confidence, then the rules.

The learned part follows the convention of its training set, whose coders coded everything that a text mentions. What
leaves here follows the product's rule instead: a diagnosis is suggested only where the text holds it as present; a
status or history code (Z77 to Z99) also where the text holds it as past or of the family.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from appliance.coding.assertion import StatusReader
from appliance.coding.ranking import model
from appliance.coding.ranking.candidates import Candidates, candidates
from appliance.coding.ranking.lexicon import Lexicon
from appliance.coding.ranking.places import places
from appliance.coding.ranking.reading import Reading, read
from appliance.coding.rules.complete import Candidate, StructureRules
from appliance.coding.suggestion import Assertion, CodeTable, Evidence, Suggestion
from appliance.coding.tables.builtin import built_in_table

# Persons with potential health hazards related to family and personal history and certain conditions influencing
# health status: ICD-10-CM's own block for what is not a present disease.
_STATUS_BLOCK = ("Z77", "Z99")
_PRESENT = frozenset({Assertion.PRESENT})
_PAST = frozenset({Assertion.PRESENT, Assertion.HISTORICAL, Assertion.FAMILY})


@dataclass(frozen=True, slots=True)
class Ranked:
    """Every candidate of a text with its confidence, before any rule.

    Args:
        reading: The text.
        found: The candidates.
        confidence: Of each, calibrated in the convention of the training set.
    """

    reading: Reading
    found: Candidates
    confidence: NDArray[np.float64]


class CodeSuggester:
    """Suggests ICD-10-CM codes; built in some seconds, then safe to use from several threads.

    Args:
        table: The table to suggest from.
        minimum_confidence: What lies below is not suggested; by default the confidence that gave the best F1 in
            training.

    Raises:
        NotVerifiedError: the shipped ranker is missing or not the one that was released.
    """

    def __init__(self, table: CodeTable, *, minimum_confidence: float | None = None) -> None:
        self._table = table
        self._lexicon = Lexicon(table)
        self._ranker = model.load(model.shipped(), self._lexicon, model.SHIPPED_SHA256)
        self._rules = StructureRules(table)
        self.minimum_confidence = self._ranker.best_code if minimum_confidence is None else minimum_confidence

    def ranked(self, text: str, reader: StatusReader | None = None) -> Ranked:
        """All candidates of a text.

        Raises:
            ValueError: the text is longer than `appliance.clinical.source.MAX_SOURCE_CHARS`.
        """
        reading = read(text, self._lexicon)
        held = held_as_present(reading, reader or StatusReader(text))
        found = candidates(reading, self._lexicon, self._ranker.learned, held)
        return Ranked(reading, found, self._ranker.calibration.confidence(self._ranker.trees.odds(found.features)))

    def suggest(self, text: str, *, on: datetime.date) -> Sequence[Suggestion]:
        """Suggestions for a text and a date of service, the most confident first; each billable on that day.

        Raises:
            ValueError: the text is longer than `appliance.clinical.source.MAX_SOURCE_CHARS`.
        """
        reader = StatusReader(text)
        chosen: tuple[list[Candidate], list[Candidate]] = ([], [])
        for one in self._quoted(self.ranked(text, reader)):
            chosen[_STATUS_BLOCK[0] <= one.code[:3] <= _STATUS_BLOCK[1]].append(one)
        suggestions: dict[str, Suggestion] = {}
        for these, keep in zip(chosen, (_PRESENT, _PAST), strict=True):
            for each in self._rules.complete(reader, these, keep):
                known = suggestions.get(each.code)
                if known is None or known.confidence < each.confidence:
                    suggestions[each.code] = each
        return sorted(
            (each for each in suggestions.values() if self._table.billable_on(each.code, on)),
            key=lambda each: (-each.confidence, each.code),
        )

    def mentioned(self, text: str) -> Sequence[Suggestion]:
        """Everything that a text mentions, in the convention of the training set: no rule is applied.

        For research and for comparison with coders who code every mention: what is denied, past, possible or of the
        family is here too (`assertion` says which), and a code may be one that no claim can carry.

        Raises:
            ValueError: the text is longer than `appliance.clinical.source.MAX_SOURCE_CHARS`.
        """
        reader = StatusReader(text)
        return [
            Suggestion(
                code=one.code, title=self._lexicon.titles[self._lexicon.place[one.code]], system=self._table.system,
                table_version=self._table.version, table_digest=self._table.digest, confidence=one.confidence,
                evidence=tuple(Evidence(start=start, end=end, quote=text[start:end]) for start, end in one.places),
                assertion=_strongest(reader.assertion(*place) for place in one.places),
            )
            for one in self._quoted(self.ranked(text, reader))
        ]  # fmt: skip

    def _quoted(self, ranked: Ranked) -> list[Candidate]:
        """Candidates that are sure enough and have words to quote, the most confident first."""
        chosen = []
        for at in np.argsort(-ranked.confidence, kind="stable"):
            confidence = float(ranked.confidence[at])
            if confidence < self.minimum_confidence:
                break
            # Without words to quote there is no suggestion, however alike the text is to others.
            spans = places(ranked.reading, self._lexicon, ranked.found, int(at))
            if spans:
                chosen.append(Candidate(self._lexicon.codes[ranked.found.codes[at]], spans, confidence))
        return chosen


def _strongest(found: Iterable[Assertion]) -> Assertion:
    """Of several mentions the one that a code rests on: what is present comes first."""
    return min(found, key=list(Assertion).index)


def held_as_present(reading: Reading, reader: StatusReader) -> NDArray[np.float32]:
    """For each stem 1 where the text holds its word as present, else 0."""
    known: dict[tuple[int, int], float] = {}
    for each in reading.stems:
        place = (each.start, each.end)
        if place not in known:
            known[place] = float(reader.assertion(*place) is Assertion.PRESENT)
    return np.array([known[each.start, each.end] for each in reading.stems], np.float32)


@lru_cache(maxsize=1)
def built_in_suggester() -> CodeSuggester:
    """The suggester of the built-in table; made once a process.

    Raises:
        NotVerifiedError: table or ranker are not those that were released.
        UnknownStateError: the table's package is not installed.
    """
    return CodeSuggester(built_in_table())

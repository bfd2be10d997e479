"""Holds statements against their sources: reads, looks up, and says what is not there."""

from collections.abc import Sequence

from appliance.clinical.document import MAX_STATEMENT_CHARS, Evidence, Finding, FindingKind, Grounding
from appliance.clinical.source import Source
from appliance.grounding import acts, causes, content, denials, evidence, figures, people, quotes, said, sides
from appliance.grounding.index import SourceIndex
from appliance.grounding.people import Sex
from appliance.grounding.statement import Reading, read

MAX_FINDINGS = 50
# The longest sentence of the development notes has 27 things to look up. The time is quadratic in them.
MAX_THINGS = 200


class Grounder:
    """Sources, indexed once. Not safe for use by several threads while `extend` runs."""

    def __init__(self, sources: Sequence[Source]) -> None:
        self._indexes: list[SourceIndex] = []
        self._people: people.People | None = None
        for source in sources:
            if any(index.source.id == source.id for index in self._indexes):
                raise ValueError(f"two sources are called {source.id}; give each its own id")
            self._indexes.append(SourceIndex(source))

    @classmethod
    def of(cls, indexes: Sequence[SourceIndex]) -> "Grounder":
        """Return one on sources that were indexed before. It must not `extend` them: others may share them."""
        made = cls(())
        made._indexes = list(indexes)
        return made

    def extend(self, source: Source) -> int:
        """Take a new source, or a newer version of one by its id: only what changed is read.

        Returns how many of its passages were kept. A live transcript that grew at its end costs what it grew by.
        """
        self._people = None
        for index in self._indexes:
            if index.source.id == source.id:
                return index.extend(source)
        self._indexes.append(SourceIndex(source))
        return 0

    @property
    def sex(self) -> Sex | None:
        """The patient's sex as the sources have it; None: they do not say, so no pronoun of a draft can be verified."""
        return self._who().sex

    def check(self, text: str) -> Grounding:
        """Hold one statement against the sources. Never raises on its text; what cannot be judged is unsupported."""
        if len(text) > MAX_STATEMENT_CHARS:
            return _unjudged(text, f"not judged: longer than {MAX_STATEMENT_CHARS} characters")
        reading = read(text)
        quoted = quotes.quoted(reading, self._indexes) if reading.tokens else None
        if quoted is not None:
            return _judged(
                reading,
                acts.check(reading, (), self._indexes),
                evidence.collect((), [quoted], self._indexes),
            )
        if not reading.units and not reading.numbers:
            return _unjudged(text, "not judged: nothing in it can be looked up in a source")
        if len(reading.units) + len(reading.numbers) > MAX_THINGS:
            return _unjudged(text, f"not judged: more than {MAX_THINGS} things to look up; split it into sentences")
        carried = content.carry(reading, self._indexes)
        figure_findings, figure_places = figures.check(reading, carried, self._indexes)
        denial_findings, denial_places = denials.check(reading, carried, self._indexes)
        findings = [
            *figure_findings,
            *sides.check(reading, carried, self._indexes),
            *people.check(reading, self._who()),
            *denial_findings,
            *content.check(reading, carried, self._indexes),
            *acts.check(reading, carried, self._indexes),
            *causes.check(reading, carried, self._indexes),
        ]
        # Only where nothing else was found: a clinician is told of a word before he is told of a whole sentence.
        findings = findings or said.check(reading, carried, self._indexes)
        found = evidence.collect(carried, [*figure_places, *denial_places], self._indexes)
        return _judged(reading, findings, found)

    def _who(self) -> people.People:
        if self._people is None:
            self._people = people.People(self._indexes)
        return self._people


def _judged(reading: Reading, findings: Sequence[Finding], found: tuple[Evidence, ...]) -> Grounding:
    if not findings and not found:
        return _unjudged(reading.text, "not judged: no place of a source carries it")
    ordered = sorted(set(findings), key=lambda finding: (finding.start, finding.end, finding.kind))
    return Grounding(
        status="unsupported" if ordered else "supported", evidence=found, findings=tuple(ordered[:MAX_FINDINGS])
    )


def _unjudged(text: str, reason: str) -> Grounding:
    """A whole statement that is unsupported, with the reason in place of what the sources say."""
    if not text:
        return Grounding(status="unsupported")
    end = min(len(text), 10_000_000)
    finding = Finding(start=0, end=end, kind=FindingKind.UNSUPPORTED, seen=text[:200], wanted=reason)
    return Grounding(status="unsupported", findings=(finding,))

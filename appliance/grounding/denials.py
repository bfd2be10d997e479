"""Negation and its likes: what a statement affirms or denies against what the sources say of the same thing."""

from collections.abc import Sequence

from appliance.clinical.document import Finding, FindingKind
from appliance.grounding.content import Carried, Place
from appliance.grounding.index import SourceIndex, near
from appliance.grounding.polarity import REACH, Polarity, in_source, sentence, spoken_of
from appliance.grounding.statement import Reading
from appliance.grounding.tables import tables
from appliance.grounding.tokens import words

# Places looked at for one thing. The rest of a long transcript repeats them.
_MAX_LOOKED = 40
# Tokens around a place that count as its context: some three turns of a visit.
_CONTEXT = 40
# Ordinary words are denied by what stands right before them only.
_DIRECT = 6
_GROUPS = frozenset({"clinical", "drug", "family", "plain", "general"})
_ORDINARY = frozenset({"family", "plain", "general"})
# What was given up is neither affirmed nor denied: "quit smoking" and "does not smoke" agree.
_GIVEN_UP = frozenset(words("quit quitting stopped former formerly ex previously discontinued resolved off"))


def closest(found: Carried, carried: Sequence[Carried], indexes: Sequence[SourceIndex]) -> list[Place]:
    """Return the places of a thing around which most of the statement's other things stand."""
    if len(found.places) == 1:
        return found.places
    places = {
        number: [
            sorted(at for source, at in other.places if source == number) for other in carried if other is not found
        ]
        for number in {number for number, _ in found.places}
    }
    scored = [
        (sum(near(other, at, _CONTEXT) for other in places[number]), (number, at))
        for number, at in found.places[:_MAX_LOOKED]
    ]
    best = max(score for score, _ in scored)
    return [place for score, place in scored if score == best]


def check(
    reading: Reading, carried: Sequence[Carried], indexes: Sequence[SourceIndex]
) -> tuple[list[Finding], list[Place]]:
    """Return what is affirmed where the sources deny it, or the reverse, and the places that settle the others."""
    findings: list[Finding] = []
    evidence: list[Place] = []
    tokens = reading.tokens
    for found in carried:
        unit = found.unit
        if not found.places:
            findings += _opposed(reading, found, indexes)
            continue
        if unit.group not in _GROUPS:
            continue
        low, high = sentence(tokens, unit.first, 0, len(tokens))
        ordinary = unit.group in _ORDINARY
        stated = spoken_of(tokens, unit.first, unit.last, low, high, _DIRECT if ordinary else len(tokens))
        if _GIVEN_UP & {token.text for token in tokens[max(low, unit.first - 3) : unit.last + 3]}:
            continue
        said: set[Polarity] = set()
        for number, at in closest(found, carried, indexes):
            polarity, passage = in_source(indexes[number], at, _DIRECT if ordinary else REACH)
            said.add(polarity)
            if polarity is stated:
                evidence.append(
                    (number, indexes[number].bounds(passage)[0] if passage != indexes[number].passage_at(at) else at)
                )
        wrong = _verdict(stated, said)
        if wrong and not (ordinary and said & {Polarity.OPEN, Polarity.HEDGED}):
            findings.append(reading.finding(FindingKind.NEGATION, unit.first, unit.last, wrong))
    return findings, evidence


def _verdict(stated: Polarity, said: set[Polarity]) -> str:
    """Return what the sources say instead, or nothing when they agree."""
    if stated in said:
        return ""
    if stated is Polarity.DENIED:
        return Polarity.OPEN.value if Polarity.OPEN in said else "affirmed"
    if stated is Polarity.HEDGED:
        return "" if said & {Polarity.AFFIRMED, Polarity.OPEN} else "denied"
    if Polarity.OPEN in said:
        return ""
    return Polarity.HEDGED.value if said == {Polarity.HEDGED} else "denied"


def _opposed(reading: Reading, found: Carried, indexes: Sequence[SourceIndex]) -> list[Finding]:
    """Return a finding when the sources have the opposite of a word and not the word."""
    opposites = {name for meaning in found.unit.names for name in tables().opposites.get(meaning, ())}
    if not opposites:
        return []
    for index in indexes:
        places = index.places(sorted(opposites))
        if places:
            return [
                reading.finding(FindingKind.NEGATION, found.unit.first, found.unit.last, index.tokens[places[0]].text)
            ]
    return []

"""Negation and its likes: what a statement affirms or denies against what the sources say of the same thing."""

from collections.abc import Sequence

from appliance.clinical.document import Finding, FindingKind
from appliance.grounding.content import Carried, Place
from appliance.grounding.context import MAX_LOOKED, closest
from appliance.grounding.index import SourceIndex
from appliance.grounding.polarity import REACH, Polarity, in_source, sentence, spoken_of
from appliance.grounding.statement import Reading
from appliance.grounding.tables import tables
from appliance.grounding.tokens import Token, stem, words

# Ordinary words are denied by what stands right before them only.
_DIRECT = 6
# How close to another word of the statement its opposite must stand: the same turn.
_OPPOSED = 12
_TROUBLES = frozenset(map(stem, words("difficulty difficulties trouble problem issue concern")))
_TROUBLE_REACH = 4
# What is called "his leg" is there, whatever is denied of it.
_OWNERS = frozenset(words("the his her their your my its"))
_GROUPS = frozenset(words("clinical anatomy drug family plain general thin name frequency date"))
_ORDINARY = frozenset(words("family plain general name frequency date"))


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
            findings += _opposed(reading, found, carried, indexes)
            continue
        if unit.group not in _GROUPS:
            continue
        low, high = sentence(tokens, unit.first, 0, len(tokens))
        ordinary = unit.group in _ORDINARY
        stated = spoken_of(tokens, unit.first, unit.last, low, high, _DIRECT if ordinary else len(tokens), ordinary)
        before = [token.text for token in tokens[max(0, unit.first - 3) : unit.first]]
        owned = stated is Polarity.DENIED and unit.group == "anatomy" and not _OWNERS.isdisjoint(before)
        if stated is Polarity.NEITHER or owned:
            continue
        said: set[Polarity] = set()
        # "Takes Tylenol for the pain" tells of Tylenol; that there is pain it takes from anywhere.
        known = stated is Polarity.AFFIRMED and before[-2:-1] == ["for"] and before[-1] in _OWNERS
        meant = found.places[:MAX_LOOKED] if known else closest(found, carried, indexes, reading)
        for number, at in meant:
            polarity, passage = in_source(indexes[number], at, _DIRECT if ordinary else REACH, ordinary)
            if (
                polarity is Polarity.DENIED
                and _troubled(indexes[number].tokens, at)
                and not _troubled(tokens, unit.first)
            ):
                polarity = Polarity.NEITHER
            said.add(polarity)
            if polarity is stated:
                evidence.append(
                    (number, indexes[number].bounds(passage)[0] if passage != indexes[number].passage_at(at) else at)
                )
        wrong = _verdict(stated, said)
        if wrong and not (ordinary and said & {Polarity.OPEN, Polarity.HEDGED}):
            findings.append(reading.finding(FindingKind.NEGATION, unit.first, unit.last, wrong))
    return findings, evidence


def _troubled(tokens: Sequence[Token], at: int) -> bool:
    """Whether a thing stands behind a trouble with it: who has no difficulty urinating urinates."""
    return any(token.stem in _TROUBLES for token in tokens[max(0, at - _TROUBLE_REACH) : at])


def _verdict(stated: Polarity, said: set[Polarity]) -> str:
    """Return what the sources say instead, or nothing when they agree."""
    if stated in said or Polarity.NEITHER in said:
        return ""
    if stated is Polarity.DENIED:
        return Polarity.OPEN.value if Polarity.OPEN in said else "affirmed"
    if stated is Polarity.HEDGED:
        return "" if said & {Polarity.AFFIRMED, Polarity.OPEN} else "denied"
    if Polarity.OPEN in said:
        return ""
    return Polarity.HEDGED.value if said == {Polarity.HEDGED} else "denied"


def _opposed(
    reading: Reading, found: Carried, carried: Sequence[Carried], indexes: Sequence[SourceIndex]
) -> list[Finding]:
    """Return a finding when the sources have the opposite of a word, not the word, where the statement's others are."""
    opposites = {name for meaning in found.unit.names for name in tables().opposites.get(meaning, ())}
    if not opposites:
        return []
    others = [other for other in carried if other.places]
    for number, index in enumerate(indexes):
        for at in index.places(sorted(opposites))[:MAX_LOOKED]:
            if not others or any(
                source == number and abs(place - at) <= _OPPOSED for other in others for source, place in other.places
            ):
                seen = index.tokens[at].text
                return [reading.finding(FindingKind.NEGATION, found.unit.first, found.unit.last, seen)]
    return []

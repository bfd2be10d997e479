"""Which words of a statement the sources carry, and which they do not."""

from collections.abc import Sequence
from dataclasses import dataclass

from appliance.clinical.document import Finding, FindingKind
from appliance.grounding.index import SourceIndex, near
from appliance.grounding.statement import Reading, Unit
from appliance.grounding.tables import tables

Place = tuple[int, int]
"""(number of the source, token)."""

# A phrase whose words stand apart ("my chest really hurts") is the phrase within this many tokens.
_PHRASE_WINDOW = 20
# Share of a statement's ordinary words that the sources must carry. A draft says things in other words, so not all.
# Chosen on the odd rows of MTS-Dialog: see docs/design/grounding.md.
CARRIED_SHARE = 0.4
STRONG_WEIGHT = 2
MAX_PLACES = 200
# Who names a medicine speaks of medicines.
_ANY_MEDICINE = "clinical:medicine"


@dataclass(slots=True)
class Carried:
    """What was found for one unit of a statement."""

    unit: Unit
    places: list[Place]


def _phrase(index: SourceIndex, parts: Sequence[Sequence[str]]) -> list[int]:
    """Return places where all parts of a phrase stand close together."""
    lists = [index.places(part) for part in parts]
    if not lists or not all(lists):
        return []
    lists.sort(key=len)
    return [at for at in lists[0] if all(near(other, at, _PHRASE_WINDOW) for other in lists[1:])]


def carry(reading: Reading, indexes: Sequence[SourceIndex]) -> list[Carried]:
    """Find the places of every unit of a statement."""
    found = []
    for unit in reading.units:
        places: list[Place] = []
        for number, index in enumerate(indexes):
            hits = index.places(unit.names)
            if not hits and unit.parts:
                hits = _phrase(index, unit.parts)
            if not hits and _ANY_MEDICINE in unit.names:
                hits = index.places([name for name in index.postings if name.startswith("drug:")] or ["drug:"])
            places += [(number, at) for at in hits[:MAX_PLACES]]
        found.append(Carried(unit, places))
    return found


def _distance(one: str, other: str, bound: int) -> int:
    """Edit distance, or bound + 1 when it is larger."""
    if abs(len(one) - len(other)) > bound:
        return bound + 1
    row = list(range(len(other) + 1))
    for i, letter in enumerate(one, start=1):
        above, row = row, [i]
        for j, wanted in enumerate(other, start=1):
            row.append(min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (letter != wanted)))
        if min(row) > bound:
            return bound + 1
    return row[-1]


def near_miss(word: str, indexes: Sequence[SourceIndex]) -> tuple[str, int, int] | None:
    """Return (spelling, source, token) of a source's word that a drug's name was likely heard as."""
    bound = 2 if len(word) >= 7 else 1 if len(word) >= 5 else 0
    known = tables().drug_words
    best: tuple[int, str, int, int] | None = None
    for number, index in enumerate(indexes):
        for name, places in index.postings.items():
            if not name.startswith("w:") or abs(len(name) - 2 - len(word)) > 3 or name[2:4] != word[:2]:
                continue
            spelled = index.tokens[places[0]].text
            if spelled in known or not spelled.isalpha():
                continue
            distance = _distance(word, spelled, bound)
            if distance <= bound and (best is None or distance < best[0]):
                best = (distance, spelled, number, places[0])
    return best[1:] if best else None


def check(reading: Reading, carried: Sequence[Carried], indexes: Sequence[SourceIndex]) -> list[Finding]:
    """Return what no source carries: each medical word, and ordinary words when too few of them are carried."""
    findings = []
    plain = [found for found in carried if not found.unit.strong and found.unit.group != "heading"]
    for found in carried:
        unit = found.unit
        if not unit.strong:
            continue
        if not found.places:
            word = reading.tokens[unit.first].text
            close = near_miss(word, indexes) if unit.group == "drug" else None
            if close is not None:
                findings.append(reading.finding(FindingKind.DOUBTFUL_SOURCE, unit.first, unit.last, close[0]))
            else:
                findings.append(reading.finding(unit.kind, unit.first, unit.last))
        elif unit.group != "general" and all(indexes[number].doubtful(at, at + 1) for number, at in found.places):
            findings.append(reading.finding(FindingKind.DOUBTFUL_SOURCE, unit.first, unit.last))
    missing = [found.unit for found in plain if not found.places]
    strong = [found for found in carried if found.unit.strong]
    have = STRONG_WEIGHT * sum(bool(found.places) for found in strong) + len(plain) - len(missing)
    if missing and have < CARRIED_SHARE * (STRONG_WEIGHT * len(strong) + len(plain)):
        findings += [reading.finding(FindingKind.UNSUPPORTED, unit.first, unit.last) for unit in missing]
    return findings

"""Which place of a thing a statement means: the one with most of the statement's other words close around it."""

import math
from bisect import bisect_left
from collections.abc import Sequence

from appliance.grounding.content import Carried, Place
from appliance.grounding.index import SourceIndex
from appliance.grounding.statement import Reading

# Places looked at for one thing. The rest of a long transcript repeats them.
MAX_LOOKED = 40
# How much another word of the statement counts at a distance in tokens: beside it, its own clause, a question and its
# answer, some three turns. Chosen on the odd MTS-Dialog rows, like the weights below.
_NEARNESS = ((3, 1.3), (8, 1.0), (20, 0.6), (40, 0.3))
# Words that stand side by side in the statement are one thing: "knee pain" is not any pain.
_SAME_CLAUSE, _CLAUSE_TOKENS = 2.0, 4
# A place that has the very word, or the same word before it ("other medicines"), is meant before a synonym's.
_SAME_WORD, _SAME_BEFORE = 0.3, 0.5
# A place is meant as well when it has nearly as much around it as the best one.
NEARLY = 0.8


def closest(
    found: Carried, carried: Sequence[Carried], indexes: Sequence[SourceIndex], reading: Reading,
    nearly: float = NEARLY,
) -> list[Place]:  # fmt: skip
    """Return the places of a thing that a statement may mean, in order."""
    if len(found.places) == 1:
        return found.places
    around = [(_weight(found, other), _by_source(other)) for other in carried if other is not found and other.places]
    tokens, first = reading.tokens, found.unit.first
    word, before = tokens[first].stem, tokens[first - 1].stem if first else ""
    # Which side is meant is what is asked: a side does not choose its own place.
    before = "" if before in ("left", "right") else before
    scored = []
    for number, at in found.places[:MAX_LOOKED]:
        score = sum(weight * _nearness(places.get(number, ()), at) for weight, places in around)
        source = indexes[number].tokens
        score += _SAME_WORD * (source[at].stem == word)
        score += _SAME_BEFORE * (at > 0 and source[at - 1].kind == "w" and source[at - 1].stem == before)
        scored.append((score, (number, at)))
    best = max(score for score, _ in scored)
    return [place for score, place in scored if score >= best * nearly]


def _weight(found: Carried, other: Carried) -> float:
    """A rare word tells more than one that stands everywhere, a neighbour more than the rest of the sentence."""
    one, two = sorted((found.unit, other.unit), key=lambda unit: unit.first)
    beside = two.first - one.last <= _CLAUSE_TOKENS
    return (_SAME_CLAUSE if beside else 1.0) / (1 + math.log(len(other.places)))


def _by_source(found: Carried) -> dict[int, list[int]]:
    places: dict[int, list[int]] = {}
    for number, at in found.places:
        places.setdefault(number, []).append(at)
    return {number: sorted(spots) for number, spots in places.items()}


def _nearness(places: Sequence[int], at: int) -> float:
    if not places:
        return 0.0
    right = bisect_left(places, at)
    gap = min(abs(place - at) for place in places[max(0, right - 1) : right + 1])
    return next((worth for reach, worth in _NEARNESS if gap <= reach), 0.0)

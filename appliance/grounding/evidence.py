"""The places a reader is shown: the fewest pieces of the sources that carry the most of a statement."""

import math
from collections.abc import Sequence

from appliance.clinical.document import Evidence
from appliance.grounding.content import Carried, Place
from appliance.grounding.index import SourceIndex

MAX_EVIDENCE = 8
# Within a long turn, the piece shown is what lies between the matched words; a larger gap begins another piece.
_GAP = 30


def collect(carried: Sequence[Carried], extra: Sequence[Place], indexes: Sequence[SourceIndex]) -> tuple[Evidence, ...]:
    """Choose passages greedily by how much they add, rare words first. `extra`: places of numbers and of answers."""
    weights: dict[int, float] = {}
    holds: dict[tuple[int, int], dict[int, list[int]]] = {}
    things = [found.places for found in carried if found.places] + [[place] for place in extra]
    for thing, spots in enumerate(things):
        weights[thing] = 1 / (1 + math.log1p(len(spots)))
        for number, at in spots:
            holds.setdefault((number, indexes[number].passage_at(at)), {}).setdefault(thing, []).append(at)
    total = sum(weights.values()) or 1.0
    left = set(weights)
    chosen: list[Evidence] = []
    while left and len(chosen) < MAX_EVIDENCE and holds:
        key = max(holds, key=lambda key: (sum(weights[thing] for thing in holds[key] if thing in left), -key[1]))
        gained = [thing for thing in holds[key] if thing in left]
        if not gained:
            break
        places = sorted(at for thing in gained for at in holds[key][thing][:20])
        chosen.append(_piece(indexes[key[0]], key[1], places, sum(weights[thing] for thing in gained) / total))
        left.difference_update(gained)
        del holds[key]
    return tuple(chosen)


def _piece(index: SourceIndex, passage: int, places: Sequence[int], score: float) -> Evidence:
    """Return the densest stretch of matched words of a passage; a short passage is shown whole."""
    low, high = index.bounds(passage)
    if high - low <= _GAP:
        return Evidence(
            source=index.source.id, start=index.passages[passage].start, end=index.passages[passage].end,
            score=min(1.0, score),
        )  # fmt: skip
    runs: list[list[int]] = [[places[0]]]
    for at in places[1:]:
        if at - runs[-1][-1] > _GAP:
            runs.append([])
        runs[-1].append(at)
    best = max(runs, key=len)
    first, last = max(low, best[0] - 4), min(high, best[-1] + 5)
    return Evidence(
        source=index.source.id, start=index.tokens[first].start, end=index.tokens[last - 1].end, score=min(1.0, score)
    )

"""Whether what a statement tells was said at all, and close together: the last look, at the statement as a whole."""

from collections.abc import Sequence

from appliance.clinical.document import Finding, FindingKind
from appliance.grounding.content import MAX_PLACES, Carried, Place
from appliance.grounding.index import SourceIndex
from appliance.grounding.statement import Reading
from appliance.grounding.tables import tables

# Fewer things say too little about a statement: other rules judge them one by one.
import os
_FEWEST = int(os.environ.get("FEW","3"))
# Share of a statement's things that must stand in the sources, and in one stretch of them. Chosen on the tuning drafts,
# with the cost on human sentences beside it: docs/design/grounding.md.
import os
SAID_SHARE = float(os.environ.get("SAID","0.5"))
TOGETHER_SHARE = float(os.environ.get("TOG","0.34"))
# Some three turns of a visit.
STRETCH = 50


def check(reading: Reading, carried: Sequence[Carried], indexes: Sequence[SourceIndex]) -> list[Finding]:
    """Return a finding on the whole statement when too little of it was said, or nowhere in one stretch.

    Every word counts alike here: a model that invents builds on a name that was said ("the family is concerned about
    his cough and asks for a diagnosis"), so the name must not carry the rest.
    """
    things = _things(reading, carried, indexes)
    if len(things) < _FEWEST:
        return []
    said = sum(bool(places) for places in things)
    if said <= SAID_SHARE * len(things):
        wanted = f"{len(things) - said} of {len(things)} things it tells were not said"
    elif _most_together(things) < TOGETHER_SHARE * len(things):
        wanted = "what it tells was not said together"
    else:
        return []
    return [reading.finding(FindingKind.UNSUPPORTED, 0, len(reading.tokens), wanted)]


def _things(reading: Reading, carried: Sequence[Carried], indexes: Sequence[SourceIndex]) -> list[Sequence[Place]]:
    """Return the places of each word that tells something: those to be carried, and acts such as "agrees"."""
    things: list[Sequence[Place]] = [found.places for found in carried if found.unit.group != "heading"]
    taken = {at for found in carried for at in range(found.unit.first, found.unit.last)}
    for at, token in enumerate(reading.tokens):
        if at in taken or token.stem not in tables().acts:
            continue
        things.append(
            [(number, place) for number, index in enumerate(indexes) for place in index.places([f"w:{token.stem}"])[:MAX_PLACES]]
        )
    return things


def _most_together(things: Sequence[Sequence[Place]]) -> int:
    """Return how many of the things stand in the stretch of a source that has the most of them."""
    events = sorted((place, thing) for thing, places in enumerate(things) for place in places)
    inside: dict[int, int] = {}
    best = first = 0
    for place, thing in events:
        inside[thing] = inside.get(thing, 0) + 1
        while events[first][0][0] != place[0] or events[first][0][1] < place[1] - STRETCH:
            left = events[first][1]
            inside[left] -= 1
            if not inside[left]:
                del inside[left]
            first += 1
        best = max(best, len(inside))
    return best

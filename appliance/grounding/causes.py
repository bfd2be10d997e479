"""A cause needs somebody who names one where the thing is spoken of."""

from collections.abc import Sequence

from appliance.clinical.document import Finding, FindingKind
from appliance.grounding.content import Carried
from appliance.grounding.index import SourceIndex
from appliance.grounding.statement import Reading
from appliance.grounding.tokens import words

# "Results" alone are findings of a test.
_CLAIMED = frozenset(
    words(
        "due because caused causing causes resulted resulting contributing contributes contribute secondary led leading"
    )
)
_NAMED = frozenset(
    words(
        "because cause caused causes causing due from result results resulted resulting led lead leads make makes made"
        " making why reason related secondary trigger triggered triggers contribute contributes contributing cuz since"
        " so"
    )
)


def check(reading: Reading, carried: Sequence[Carried], indexes: Sequence[SourceIndex]) -> list[Finding]:
    """Return a finding on a cause when no turn that speaks of the statement's things names any."""
    claimed = next((at for at, token in enumerate(reading.tokens) if token.text in _CLAIMED), None)
    if claimed is None:
        return []
    turns = {
        (number, indexes[number].passage_at(at))
        for found in carried
        if found.unit.group != "heading"
        for number, at in found.places
    }
    if not turns or any(_names(indexes[number], passage) for number, passage in turns):
        return []
    return [reading.finding(FindingKind.UNSUPPORTED, claimed, claimed + 1, "nobody names a cause")]


def _names(index: SourceIndex, passage: int) -> bool:
    low, high = index.bounds(passage)
    return any(token.text in _NAMED for token in index.tokens[low:high])

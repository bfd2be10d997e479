"""How much of what a statement tells was said at all: the last look, at the statement as a whole."""

from collections.abc import Sequence

from appliance.clinical.document import Finding, FindingKind
from appliance.grounding.content import Carried
from appliance.grounding.index import SourceIndex
from appliance.grounding.statement import Reading
from appliance.grounding.tables import tables

# One thing says too little about a statement: other rules judge it.
_FEWEST = 2
# Share of a statement's things that must have been said. Chosen on the tuning drafts, with the cost on human sentences
# beside it: docs/design/grounding.md.
SAID_SHARE = 0.5
# "Normal" where somebody said "okay": an ordinary word that only a near meaning carries.
_NEAR_WORD = 0.5


def check(reading: Reading, carried: Sequence[Carried], indexes: Sequence[SourceIndex]) -> list[Finding]:
    """Return a finding on the whole statement when less than half of what it tells was said.

    Each word counts alike: a model that invents builds on a name that was said ("the family is concerned about the
    child's symptoms and asks for a diagnosis"), so the name must not carry the rest.
    """
    worth = [
        *(_worth(found, reading, indexes) for found in carried if found.unit.group != "heading"),
        *_acts(reading, carried, indexes),
    ]
    if len(worth) < _FEWEST or sum(worth) >= SAID_SHARE * len(worth):
        return []
    missing = sum(value < 1 for value in worth)
    return [
        reading.finding(
            FindingKind.UNSUPPORTED, 0, len(reading.tokens),
            f"of {len(worth)} things that it tells, {missing} were not said, or only in other words",
        )
    ]  # fmt: skip


def _worth(found: Carried, reading: Reading, indexes: Sequence[SourceIndex]) -> float:
    if not found.places:
        return 0.0
    own = reading.tokens[found.unit.first].stem
    if found.unit.strong or any(indexes[number].tokens[at].stem == own for number, at in found.places):
        return 1.0
    return _NEAR_WORD


def _acts(reading: Reading, carried: Sequence[Carried], indexes: Sequence[SourceIndex]) -> list[float]:
    """What the acts among the words of the frame are worth: "agrees" and "requires" tell something, "reports" not."""
    taken = {at for found in carried for at in range(found.unit.first, found.unit.last)}
    return [
        float(any(f"w:{token.stem}" in index.postings for index in indexes))
        for at, token in enumerate(reading.tokens)
        if at not in taken and token.stem in tables().acts
    ]

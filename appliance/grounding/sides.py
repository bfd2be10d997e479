"""Left, right and both: each side of a statement against what the sources say of the same part of the body."""

from bisect import bisect_left
from collections.abc import Sequence

from appliance.clinical.document import Finding, FindingKind
from appliance.grounding.content import Carried, Place
from appliance.grounding.context import closest
from appliance.grounding.index import SourceIndex
from appliance.grounding.statement import Reading
from appliance.grounding.tokens import Token, stem, words

_SIDES = {
    "left": {"left"}, "right": {"right"}, "lt": {"left"}, "rt": {"right"}, "bilateral": {"left", "right"},
    "bilaterally": {"left", "right"}, "leftward": {"left"}, "rightward": {"right"}, "lefthand": {"left"},
    "righthand": {"right"}, "rlq": {"right"}, "ruq": {"right"}, "llq": {"left"}, "luq": {"left"}, "rhf": {"right"},
    "rhm": {"right"}, "lhf": {"left"}, "lhm": {"left"}, "leftsided": {"left"}, "rightsided": {"right"},
}  # fmt: skip
_BOTH = frozenset({"both", "bilateral", "bilaterally", "each", "either"})
# "right" that is no side: all right, right now, that's right, right?
_NO_SIDE_BEFORE = frozenset(words("all that's is that alright so okay thats"))
_NO_SIDE_AFTER = frozenset(words("now away ? . , after before when then here okay so direction track"))
_WINDOW, _BESIDE, _FAR = 12, 3, 1_000_000
# Two places with opposite sides seldom both are meant: only the best counts.
_NEARLY = 0.95
# The plural of a part of which there are two means both.
_PAIRS = frozenset(
    words(
        "lungs breasts legs knees elbows eyes ears feet hands arms shoulders hips ankles wrists kidneys calves thighs"
    )
)


def _side(tokens: Sequence[Token], at: int, spoken: bool) -> str:
    """Return left, right, bilateral or nothing for a token."""
    text = tokens[at].text
    if text not in _SIDES:
        return ""
    if text in ("left", "right"):
        before = tokens[at - 1].text if at else ""
        after = tokens[at + 1].text if at + 1 < len(tokens) else "."
        if text == "right" and spoken and (before in _NO_SIDE_BEFORE or after in _NO_SIDE_AFTER - {".", ",", "?"}):
            return ""
        if (
            text == "right"
            and spoken
            and after in (".", ",", "?")
            and before in ("", ",", ".", "?", "yeah", "yes", "okay")
        ):
            return ""
        if text == "right" and after in ("now", "away", "after"):
            return ""
        if text == "left" and after in (
            "the",
            "home",
            "me",
            "him",
            "her",
            "my",
            "school",
            "work",
            "over",
            "against",
            "ama",
        ):
            return ""
        return text
    sides = _SIDES[text]
    return "bilateral" if len(sides) == 2 else next(iter(sides))


def sides_in(tokens: Sequence[Token], places: Sequence[int], spoken: bool) -> list[tuple[int, str]]:
    """Return (token, side) for those of the tokens that name a side."""
    return [(at, side) for at in places if (side := _side(tokens, at, spoken))]


def _source_sides(index: SourceIndex) -> dict[str, list[int]]:
    """Return the places of left, of right and of both in a source."""
    found: dict[str, list[int]] = {"left": [], "right": [], "bilateral": []}
    for at in index.places([f"w:{stem(word)}" for word in (*_SIDES, *_BOTH)]):
        side = "bilateral" if index.tokens[at].text in _BOTH else _side(index.tokens, at, True)
        if side:
            found[side].append(at)
    return found


def check(reading: Reading, carried: Sequence[Carried], indexes: Sequence[SourceIndex]) -> list[Finding]:
    """Return the sides of a statement that the sources do not say of the same part, with what they say instead."""
    sides = sides_in(reading.tokens, range(len(reading.tokens)), False)
    if not sides:
        return []
    findings = []
    source_sides = [_source_sides(index) for index in indexes]
    for at, side in sides:
        said = _said(reading, at, side, len({name for _, name in sides}) > 1, carried, indexes, source_sides)
        if not _agrees(reading, at, side, said, {name for _, name in sides}):
            findings.append(reading.finding(FindingKind.LATERALITY, at, at + 1, " and ".join(sorted(said - {side}))))
    return findings


def _said(
    reading: Reading, at: int, side: str, several: bool, carried: Sequence[Carried], indexes: Sequence[SourceIndex],
    source_sides: Sequence[dict[str, list[int]]],
) -> set[str]:  # fmt: skip
    """Return the sides that the sources say of what a side of the statement is said of."""
    if _handed(reading.tokens, at):
        return {
            name
            for index, found in zip(indexes, source_sides, strict=True)
            for name, places in found.items()
            if any(_handed(index.tokens, place) for place in places)
        }
    part = _part_of(carried, at)
    if part is None:
        return {name for found in source_sides for name, places in found.items() if places}
    resolved = _resolved(part, indexes, source_sides)
    # A statement on both sides of a part has one context for both: then every place of the part counts.
    places = part.places if several or side == "bilateral" else closest(part, carried, indexes, reading, _NEARLY)
    said = {resolved[place] for place in places if resolved[place]}
    if several:
        said |= {name for number, at in places for _, name in _near(indexes[number], source_sides[number], at)}
    said = said or {name for name in resolved.values() if name}
    if (
        side == "bilateral"
        and not said
        and any(indexes[number].tokens[place].text in _PAIRS for number, place in part.places)
    ):
        return {"bilateral"}  # "your lungs are clear" speaks of both
    return said


def _agrees(reading: Reading, at: int, side: str, said: set[str], stated: set[str]) -> bool:
    if _compared(reading, at) and not {"left", "right"} <= stated:
        return False  # nothing is worse than itself
    if side in said or (side == "bilateral" and {"left", "right"} <= said):
        return True
    # "Both knees, the right one is worse": then right is worse than left.
    return _compared(reading, at) and "bilateral" in said


def _compared(reading: Reading, at: int) -> bool:
    return at > 0 and reading.tokens[at - 1].text == "than"


def _handed(tokens: Sequence[Token], at: int) -> bool:
    """Whether a side names the hand that somebody writes with: right-handed, right hand dominant, RHM."""
    if tokens[at].text in ("rhm", "rhf", "lhm", "lhf"):
        return True
    following = [token.text for token in tokens[at + 1 : at + 5] if token.text != "-"]
    return following[:1] == ["handed"] or following[:2] in (["hand", "dominant"], ["handed", "dominant"])


def _resolved(
    part: Carried, indexes: Sequence[SourceIndex], source_sides: Sequence[dict[str, list[int]]]
) -> dict[Place, str]:
    """Say for each place of a part which side is meant there: the one beside it, near it, or of its last mention."""
    resolved: dict[Place, str] = {}
    for number in {number for number, _ in part.places}:
        last = ""
        own = sorted(at for source, at in part.places if source == number)
        index, sides = indexes[number], source_sides[number]
        passage = -1
        for at in own:
            same = passage == index.passage_at(at)
            passage = index.passage_at(at)
            near = _near(index, sides, at)
            if near and (near[0][0] <= _BESIDE or not (same and last)):
                last = near[0][1]
            resolved[number, at] = last
        following = next((resolved[number, at] for at in own if resolved[number, at]), "")
        resolved.update({(number, at): following for at in own if not resolved[number, at]})
    return resolved


def _near(index: SourceIndex, sides: dict[str, list[int]], at: int) -> list[tuple[float, str]]:
    """Return (distance, side) of each side that stands beside a place, or near it in the same turn; nearest first."""
    low, high = index.bounds(index.passage_at(at))
    found = []
    for name, places in sides.items():
        gap = _gap(places, at)
        if gap > _BESIDE:
            gap = _gap(places[bisect_left(places, low) : bisect_left(places, high)], at)
        if gap <= _WINDOW:
            found.append((gap, name))
    return sorted(found)


def _gap(places: Sequence[int], at: int) -> float:
    """How far the nearest of the sides stands; one before its part is nearer than one behind it."""
    right = bisect_left(places, at)
    before = at - places[right - 1] if right else _FAR
    return min(before, places[right] - at + 0.5 if right < len(places) else _FAR)


def _part_of(carried: Sequence[Carried], at: int) -> Carried | None:
    """Return the part of the body, or else the thing, that a side is said of: what follows it closely, or precedes."""
    for groups, reach in ((("anatomy",), 4), (("anatomy",), 8), (("clinical", "plain"), 4), (("heading",), 10)):
        after = [found for found in carried if 0 < found.unit.first - at <= reach and found.unit.group in groups]
        before = [found for found in carried if 0 < at - found.unit.last + 1 <= reach and found.unit.group in groups]
        for found in (*after[:1], *before[-1:]):
            if found.places:
                return found
    return None

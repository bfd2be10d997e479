"""Left, right and both: each side of a statement against what the sources say of the same part of the body."""

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
_WINDOW, _BESIDE = 12, 3


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
    findings = []
    sides = sides_in(reading.tokens, range(len(reading.tokens)), False)
    if not sides:
        return []
    source_sides = [_source_sides(index) for index in indexes]
    for at, side in sides:
        part = _part_of(carried, at)
        said: set[str] = set()
        if part is None:
            said = {name for found in source_sides for name, places in found.items() if places}
            ok = side in said or (side == "bilateral" and {"left", "right"} <= said)
        else:
            # A statement on both sides of a part has one context for both: then every place of the part counts.
            places = part.places if len({name for _, name in sides}) > 1 else closest(part, carried, indexes, reading)
            found = _gaps(places, source_sides)
            if not any(min(gaps.values()) <= _WINDOW for gaps in found):
                found = _gaps(part.places, source_sides)
            # A side right beside the part ("the right knee") outweighs one that only stands near it.
            window = _BESIDE if any(min(gaps.values()) <= _BESIDE for gaps in found) else _WINDOW
            said = {name for gaps in found for name, gap in gaps.items() if gap <= window}
            ok = any(gaps[side] <= window and gaps[side] == min(gaps.values()) for gaps in found)
            ok |= side == "bilateral" and {"left", "right"} <= said
        if not ok:
            findings.append(reading.finding(FindingKind.LATERALITY, at, at + 1, " and ".join(sorted(said - {side}))))
    return findings


def _gaps(places: Sequence[Place], source_sides: Sequence[dict[str, list[int]]]) -> list[dict[str, int]]:
    """Return, for each place of a part, how far each side stands from it."""
    return [{name: _gap(spots, place) for name, spots in source_sides[number].items()} for number, place in places]


def _gap(places: Sequence[int], at: int) -> int:
    return min((abs(place - at) for place in places), default=1_000_000)


def _part_of(carried: Sequence[Carried], at: int) -> Carried | None:
    """Return the part of the body, or else the thing, that a side is said of: what follows it closely, or precedes."""
    for groups in (("anatomy",), ("clinical", "plain")):
        after = [found for found in carried if 0 < found.unit.first - at <= 4 and found.unit.group in groups]
        before = [found for found in carried if 0 < at - found.unit.last + 1 <= 4 and found.unit.group in groups]
        for found in (*after[:1], *before[-1:]):
            if found.places:
                return found
    return None

"""From a code to the most specific billable one that a text supports, with a question for what it leaves open."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from appliance.coding.rules.context import Context
from appliance.coding.rules.titles import ASSUMED, SIDES, Asked, asked, named
from appliance.coding.rules.tree import CodeTree
from appliance.coding.suggestion import Entry
from appliance.grounding.tokens import stem

_MAX_DEPTH, _MAX_OPTIONS = 8, 6
# Below "other" a title counts when that many of its words are stated; that many codes are looked at.
_WORDS_BELOW, _MAX_BELOW = 2, 400
_SUBSEQUENT, _SEQUELA, _INITIAL = stem("subsequent"), stem("sequela"), stem("initial")
_HANDS = {"right": stem("dominant"), "left": stem("nondominant")}
_TRIMESTER = stem("trimester")


@dataclass(frozen=True, slots=True)
class Refined:
    """Where the descent ended.

    Args:
        entry: The code; not billable only where the text and the conventions give no way further.
        questions: What a coder has to decide.
    """

    entry: Entry
    questions: tuple[str, ...]


def refine(tree: CodeTree, code: str, around: Context) -> Refined | None:
    """Return the most specific code that a context supports; None when the table does not have the code.

    A code without detail ("unspecified", "without complications", no side) is left for a sibling that the text names,
    unless that way ends above every billable code: words that happen to stand by ("Diabetes, kidney function is
    normal") would take a code that a claim can carry away, and give none for it.
    """
    entry = tree.entry(code)
    if entry is None:
        return None
    above = tree.entry(entry.parent) if entry.parent else None
    if above is None or not _open(tree, entry):
        return _descended(tree, entry, [], around)
    siblings = tree.children(above.code)
    chosen = _choose(tree, siblings, around)
    if chosen is not None and chosen[1]:
        found = _descended(tree, chosen[0], [], around)
        if found.entry.billable or not entry.billable:
            return found
    elif not (above.parent or _default(tree.asks(entry), around)):
        return _descended(tree, entry, [], around)
    return _descended(tree, entry, _asked_of(tree, above, siblings, entry, around), around)


def _descended(tree: CodeTree, entry: Entry, questions: list[str], around: Context) -> Refined:
    for _ in range(_MAX_DEPTH):
        children = tree.children(entry.code)
        if not children:
            break
        chosen = _choose(tree, children, around)
        if chosen is None:
            if not entry.billable:
                questions += _options(tree, entry, children) or _listed(entry, [child.title for child in children])
            break
        below, stated = chosen
        if not stated:
            questions += _asked_of(tree, entry, children, below, around)
        entry = below
    return Refined(entry, tuple(dict.fromkeys(questions)))


def _open(tree: CodeTree, entry: Entry) -> bool:
    """Whether a code is one that a more detailed sibling would replace, or one of a side or an episode."""
    asks = tree.asks(entry)
    return asks.unspecified or bool(asks.absent) or bool((SIDES | {_INITIAL, _SUBSEQUENT, _SEQUELA}) & asks.all_stems)


def _told_apart(tree: CodeTree, children: Sequence[Entry]) -> list[tuple[Entry, Asked]]:
    """Return each child with what tells it from its siblings: words that all of them have ask for nothing.

    A title that adds no word to the one above ("Adverse effect of" under "Poisoning by, adverse effect of") is told
    apart by its whole wording.
    """
    found = [(child, tree.asks(child)) for child in children]
    if len(found) < 2:
        return found
    whole = [named(child.title) for child in children]
    # In every title, that of the unspecified one as well: "of right radius", "of unspecified radius".
    shared = frozenset.intersection(*whole)
    told = []
    for (child, asks), every in zip(found, whole, strict=True):
        if not asks.all_stems and not (asks.absent or asks.unspecified or asks.other):
            told.append((child, replace(asks, either=(frozenset(every - shared),))))
        else:
            told.append((child, replace(asks, either=tuple(one - shared for one in asks.either))))
    return told


def _choose(tree: CodeTree, children: Sequence[Entry], around: Context) -> tuple[Entry, bool] | None:
    """Return (child, whether the text states it); None when neither text nor conventions decide."""
    best: tuple[tuple[bool, float], Entry] | None = None
    default: tuple[tuple[int, bool, int], Entry] | None = None
    for child, asks in _told_apart(tree, children):
        if asks.absent and asks.absent <= around.held:
            continue
        if around.sides and (SIDES & asks.all_stems) and not _right_side(asks, around):
            continue
        score, stated = _fits(asks, around)
        if score is not None and asks.other:
            score -= 0.5  # "other" and "unspecified" of the same words: the text says no more
        if score is not None and (stated or not asks.unspecified) and (best is None or (stated, score) > best[0]):
            best = (stated, score), child
        # Of two for a silent record, the one that is without more: "without status migrainosus" before "with".
        rank = len(asks.absent), asks.unspecified, -len(tree.asks(child).all_stems)
        if _default(asks, around) and (default is None or rank > default[0]):
            default = rank, child
    if best is not None and (best[0][0] or default is None):
        return best[1], best[0][0]
    deep = _deeper(tree, children, around)
    if deep is not None:
        return deep, True
    if default is not None:
        return default[1], False
    return (children[0], True) if len(children) == 1 else None


def _deeper(tree: CodeTree, children: Sequence[Entry], around: Context) -> Entry | None:
    """Return the child below which a title is stated in full.

    "Obesity, class 2" stands under "Other obesity", "retinopathy" under "ophthalmic complications".
    """
    above = tree.entry(children[0].parent) if children and children[0].parent else None
    if above is None:
        return None
    best: tuple[int, Entry] | None = None
    for child in children:
        for entry in tree.below(child.code, _MAX_BELOW):
            asks = asked(entry.title, above.title)
            if asks.absent or asks.unspecified or asks.other:
                continue
            for wanted in asks.either:
                if len(wanted) >= _WORDS_BELOW and all(_held(one, around, wanted) for one in wanted):
                    best = (len(wanted), child) if best is None or len(wanted) > best[0] else best
    return best[1] if best else None


def _right_side(asks: Asked, around: Context) -> bool:
    return bool(asks.all_stems & around.sides)


def _fits(asks: Asked, around: Context) -> tuple[float | None, bool]:
    """Return (how much of the text a title answers to, whether the text says all of it); (None, False): it does not."""
    best: float | None = None
    best_stated = False
    for wanted in asks.either:
        missing = {one for one in wanted if not _held(one, around, wanted)}
        stated = bool(wanted) and not missing - _assumed(around) and bool(wanted - missing - ASSUMED)
        if missing - _assumed(around) or (not wanted and not asks.absent):
            continue
        denied = asks.absent and asks.absent <= around.denied
        score = len(wanted - missing) + 0.1 * len(missing) + (1.0 if asks.absent else 0.0)
        if best is None or score > best:
            best, best_stated = score, stated or bool(denied and not missing)
    return best, best_stated


def _assumed(around: Context) -> frozenset[str]:
    """What a record need not say. A side is taken as dominant when it is the right one (guideline I.C.6.a)."""
    return _of_episode(around) | frozenset(_HANDS[side] for side in around.sides if side in _HANDS)


def _of_episode(around: Context) -> frozenset[str]:
    if around.sequela:
        return frozenset({_SEQUELA})
    if around.later:
        return (ASSUMED - {_INITIAL}) | {_SUBSEQUENT}
    return ASSUMED


def _held(one: str, around: Context, wanted: frozenset[str]) -> bool:
    if one in SIDES:
        return one in around.sides or (one == "unilateral" and bool({"left", "right"} & around.sides))
    if one == _SUBSEQUENT:
        return around.later
    if one == _SEQUELA:
        return around.sequela
    # Said of another condition, "acute" is held where the title names that one as well.
    if any(course == one and noun in wanted for course, noun in around.courses):
        return True
    # A stem of a title and one of the text may differ in an ending that the stemmer keeps: diabet(ic), diabet(es).
    return one in around.held or (
        len(one) > 5 and any(one[:6] == held[:6] and abs(len(one) - len(held)) < 4 for held in around.held)
    )


def _default(asks: Asked, around: Context) -> bool:
    """Whether a title is for a record that is silent: unspecified, without, or what the guidelines assume."""
    silent = _assumed(around)
    left = [wanted for wanted in asks.either if not {one for one in wanted if not _held(one, around, wanted)} - silent]
    if not left:
        return False
    return asks.unspecified or bool(asks.absent) or any(wanted and wanted <= ASSUMED | silent for wanted in left)


def _asked_of(tree: CodeTree, above: Entry, children: Sequence[Entry], chosen: Entry, around: Context) -> list[str]:
    """Return the question that a choice by convention leaves, by what tells its siblings apart."""
    told = frozenset[str]().union(*(tree.asks(child).all_stems for child in children))
    if len(SIDES & told) > 1 and not around.sides:
        return [f"Which side: {above.title}? The text does not say."]
    if {_INITIAL, _SUBSEQUENT} & told or _SEQUELA in told:
        if around.later or around.sequela:
            return []
        return [f"Which episode of care: {above.title}? Taken as active treatment (initial encounter)."]
    if _TRIMESTER in told and _TRIMESTER not in around.held:
        return [f"Which trimester: {above.title}? The text does not say."]
    return _options(tree, above, [child for child in children if child.code != chosen.code])


def _options(tree: CodeTree, above: Entry, children: Sequence[Entry]) -> list[str]:
    named = [
        tree.asks(child).words for child in children if not (tree.asks(child).unspecified or tree.asks(child).other)
    ]
    return _listed(above, named)


def _listed(above: Entry, choices: Sequence[str]) -> list[str]:
    named = [one for one in dict.fromkeys(choices) if one]
    if not named:
        return []
    shown = "; ".join(one[:80] for one in named[:_MAX_OPTIONS])
    more = f"; or {len(named) - _MAX_OPTIONS} others" if len(named) > _MAX_OPTIONS else ""
    return [f"Is more known of {above.title}: {shown}{more}?"]

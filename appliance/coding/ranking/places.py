"""Where a text says what a candidate rests on: the words of a term or phrase, wherever they stand close together."""

from __future__ import annotations

from collections.abc import Iterator

from appliance.coding.ranking.candidates import FEATURES, Candidates
from appliance.coding.ranking.lexicon import Lexicon
from appliance.coding.ranking.reading import Reading

# Stems that lie between the first and the last word of one mention, at most, with them.
_REACH = 9
_MAX_PLACES = 8
_EXACT, _TELLING = 0.99, 0.3
_CHANCE, _IN_TITLES = FEATURES.index("chance"), FEATURES.index("in_titles")


def places(reading: Reading, lexicon: Lexicon, found: Candidates, at: int) -> tuple[tuple[int, int], ...]:
    """The mentions of one candidate, [start, end) each, in order; empty when neither term nor phrase speaks for it.

    A term that stands there whole is the evidence. Without one it is a phrase that mostly means the code or shares
    words with its titles; a phrase that merely tends to stand beside the code is none ("diabetes" for hypertension).
    Last comes what there is of a term.
    """
    phrase, term = int(found.phrase[at]), int(found.term[at])
    row = found.features[at]
    wanted: frozenset[str] = frozenset()
    whole = term >= 0 and reading.coverage[term] > _EXACT
    if not whole and phrase >= 0 and (row[_CHANCE] > _TELLING or row[_IN_TITLES] > 0):
        wanted = frozenset({reading.stems[reading.first[phrase]].text, reading.stems[reading.last[phrase]].text})
    if term >= 0 and not wanted:
        words = frozenset(lexicon.names[reading.terms[term]].partition("|")[2].split())
        first, last = int(reading.window_first[term]), int(reading.window_last[term])
        wanted = words & {each.text for each in reading.stems[first : last + 1]}
    spans = sorted(set(mentions(reading, wanted)))
    return tuple(spans[:_MAX_PLACES])


def mentions(reading: Reading, wanted: frozenset[str]) -> Iterator[tuple[int, int]]:
    """The shortest stretches, inside of a sentence, that hold every one of some stems."""
    seen: dict[str, int] = {}
    for at, each in enumerate(reading.stems):
        if each.text not in wanted:
            continue
        if seen and reading.sentence[max(seen.values())] != reading.sentence[at]:
            seen.clear()
        seen[each.text] = at
        first = min(seen.values())
        if len(seen) == len(wanted) and at - first < _REACH:
            yield reading.stems[first].start, max(each.end, reading.stems[first].end)
            seen.clear()

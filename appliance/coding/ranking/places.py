"""Where a text says what a candidate rests on: the words of a term or phrase, wherever they stand close together."""

from __future__ import annotations

from collections.abc import Iterator

from appliance.coding.ranking.candidates import Candidates
from appliance.coding.ranking.lexicon import Lexicon
from appliance.coding.ranking.reading import Reading

# Stems that lie between the first and the last word of one mention, at most, with them.
_REACH = 9
_MAX_PLACES = 8
_EXACT, _TELLING = 0.99, 0.3


def places(reading: Reading, lexicon: Lexicon, found: Candidates, at: int) -> tuple[tuple[int, int], ...]:
    """The mentions of one candidate, [start, end) each, in order; empty when neither term nor phrase speaks for it.

    A term that stands there whole is a mention, and so is a phrase that mostly means the code. When there is neither,
    the better of the two.
    """
    phrase, term = int(found.phrase[at]), int(found.term[at])
    whole = term >= 0 and reading.coverage[term] > _EXACT
    telling = phrase >= 0 and found.features[at, 0] > _TELLING
    wanted: list[frozenset[str]] = []
    if whole or (term >= 0 and phrase < 0):
        words = frozenset(lexicon.names[reading.terms[term]].partition("|")[2].split())
        first, last = int(reading.window_first[term]), int(reading.window_last[term])
        wanted.append(words & {each.text for each in reading.stems[first : last + 1]})
    if telling or (phrase >= 0 and not whole):
        wanted.append(frozenset({reading.stems[reading.first[phrase]].text, reading.stems[reading.last[phrase]].text}))
    spans = sorted({span for words in wanted for span in mentions(reading, words)})
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

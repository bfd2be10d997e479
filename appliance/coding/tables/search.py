"""Finding codes by words, and their likely successors: what a person looks up, not what suggestions are made of."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from appliance.coding.suggestion import Entry
from appliance.coding.tables.codes import PackedTable
from appliance.coding.tables.layout import normal

_WORD = re.compile(r"[a-z0-9]+(?:'[a-z]+)?")
_SEARCHED = ("inclusion_term", "includes")
MOST_WORDS = 16
"""Words of a query that are looked for; what stands behind them is not."""
# Words that codes of one category share or differ in without meaning anything for their likeness.
_EMPTY = frozenset(
    {"of", "the", "and", "or", "with", "without", "in", "to", "due", "by", "for", "other", "unspecified"}
)


def words_of(text: str) -> frozenset[str]:
    """The words of a text, in lower case."""
    return frozenset(_WORD.findall(text.casefold()))


def found_by_words(table: PackedTable, query: str, limit: int) -> list[Entry]:
    """Codes whose title or inclusion terms have all words of the query; billable ones and short titles first."""
    wanted = frozenset(list(dict.fromkeys(_WORD.findall(query.casefold())))[:MOST_WORDS])
    if not wanted:
        return []
    hits = []
    for entry in table.entries():
        texts = [entry.title, *(note.text for note in entry.notes if note.kind in _SEARCHED)]
        matching = [place for place, text in enumerate(texts) if _has(text, wanted)]
        if matching:
            hits.append((matching[0] > 0, not entry.billable, len(entry.title), entry.code, entry))
    return [hit[-1] for hit in sorted(hits, key=lambda hit: hit[:-1])[:limit]]


def looked_up(table: PackedTable, query: str, limit: int) -> list[Entry]:
    """The code that a query is, with or without its dot; else what its words find."""
    entry = table.lookup(query.strip())
    return [entry] if entry is not None else found_by_words(table, query, limit)


def _has(text: str, wanted: frozenset[str]) -> bool:
    # Most texts lack a word altogether, and looking for it costs a tenth of taking the text apart.
    plain = text.casefold()
    return all(word in plain for word in wanted) and wanted <= words_of(plain)


def likeness(one: str, other: str) -> float:
    """How alike two titles are, 0 to 1: shared words over all words (Jaccard)."""
    first, second = words_of(one) - _EMPTY, words_of(other) - _EMPTY
    return len(first & second) / len(first | second) if first | second else 0.0


def below(table: PackedTable, code: str) -> Iterator[Entry]:
    """Every code under a code, in the table's order."""
    for child in table.children(code):
        yield child
        yield from below(table, child.code)


def successors(table: PackedTable, code: str, title: str, limit: int = 5) -> list[Entry]:
    """Billable codes of a table that a code which died most likely became.

    A code that was divided: what now stands under it. One that was deleted: what stands in the nearest level above it
    that the table still has, the most alike by words; none that shares no word.

    Args:
        table: The new table.
        code: The code that died.
        title: Its title, in the old table or in the practice's words.
        limit: The most that are named.
    """
    if table.lookup(code) is not None:
        divided = [entry for entry in below(table, code) if entry.billable]
        return sorted(divided, key=lambda entry: _unlike(entry, title))[:limit]
    key = normal(code)
    for length in range(len(key) - 1, 2, -1):
        if table.lookup(key[:length]) is None:
            continue
        near = [entry for entry in _with_itself(table, key[:length]) if entry.billable]
        alike = [entry for entry in near if likeness(entry.title, title) > 0]
        if alike:
            return sorted(alike, key=lambda entry: _unlike(entry, title))[:limit]
    return []


def _with_itself(table: PackedTable, code: str) -> Iterable[Entry]:
    entry = table.lookup(code)
    return [*([entry] if entry is not None else []), *below(table, code)]


def _unlike(entry: Entry, title: str) -> tuple[float, str]:
    return -likeness(entry.title, title), entry.code

"""The terms by which a table's codes are found: titles, inclusion terms, an index that we wrote, parts of titles."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator
from enum import IntEnum
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from appliance.coding.ranking.terms import stem_texts
from appliance.coding.suggestion import CodeTable, Entry

_BRACKETS = re.compile(r"\[([^\]]*)\]|\(([^)]*)\)")
_PARTS = re.compile(r",|;| with | without | due to | in | not | and | or ")
_FIVE_OR_FEWER = 6
# A part of a title that stands in more codes than this names none of them ("left", "chronic").
_MAX_SHARED = 6
# Injuries and external causes: parts of their titles are body sites and circumstances.
_NO_PARTS = frozenset("STVWXY")


class Kind(IntEnum):
    """Where a term comes from."""

    TITLE = 0
    INCLUSION = 1
    INDEX = 2
    PART = 3


class Lexicon:
    """The codes of a table and the terms that name them; built in some seconds, then read only.

    Args:
        table: An ICD-10-CM table. Codes that only add a 7th character are left out: their titles repeat.
        more: Further codes that suggestions may be asked for (the bench: those of its set).
    """

    def __init__(self, table: CodeTable, more: tuple[str, ...] = ()) -> None:
        entries = {entry.code: entry for entry in table.entries() if len(entry.code.replace(".", "")) <= _FIVE_OR_FEWER}
        self.codes = tuple(sorted({*entries, *more}))
        self.place = {code: at for at, code in enumerate(self.codes)}
        self.categories, self.category = np.unique([code[:3] for code in self.codes], return_inverse=True)
        self.titles = tuple(_title(code, entries) for code in self.codes)
        lowered = [title.lower() for title in self.titles]
        self.vague = np.array([("unspecified" in each) + 2 * ("other" in each) for each in lowered])
        self.level = np.array([len(code.replace(".", "")) for code in self.codes])
        above = {entry.parent for entry in entries.values()}
        self.header = np.array([2 if code not in entries else int(code in above) for code in self.codes])
        self.chapter = np.array([ord(code[0]) - ord("A") for code in self.codes])
        rows = _unambiguous([*_titles(self, entries), *_index(self)])
        self._weigh(rows)
        self.bags = tuple(self._bag(code, entries) for code in self.codes)

    def _weigh(self, rows: list[tuple[tuple[str, ...], int, Kind, int]]) -> None:
        vocabulary: dict[str, int] = {}
        for words, *_ in rows:
            for word in words:
                vocabulary.setdefault(word, len(vocabulary))
        self.vocabulary = vocabulary
        self.code = np.array([row[1] for row in rows], np.int32)
        self.kind = np.array([row[2] for row in rows], np.int8)
        self.shared = np.array([row[3] for row in rows], np.int32)
        term = np.repeat(np.arange(len(rows), dtype=np.int32), [len(row[0]) for row in rows])
        number = np.array([vocabulary[word] for words, *_ in rows for word in words], np.int32)
        count = np.bincount(number, minlength=len(vocabulary))
        self.idf: NDArray[np.float64] = np.log(len(rows) / count)
        self.mass = np.bincount(term, self.idf[number], len(rows))
        order = np.argsort(number, kind="stable")
        self.postings = term[order]
        self.first = np.r_[0, np.cumsum(count)]
        # A stable name of a term, so that what was learned of it survives another table.
        self.names = tuple(f"{self.codes[row[1]]}|{' '.join(sorted(row[0]))}" for row in rows)

    def _bag(self, code: str, entries: dict[str, Entry]) -> frozenset[str]:
        words = {*stem_texts(self.titles[self.place[code]])}
        if code[:3] in self.place:
            words.update(stem_texts(self.titles[self.place[code[:3]]]))
        if code in entries:
            for text in _inclusions(entries[code]):
                words.update(stem_texts(text))
        return frozenset(words)

    def weight(self, stem: str) -> float:
        """How telling a stem is: its inverse document frequency among the terms; high for one that none has."""
        at = self.vocabulary.get(stem)
        return float(self.idf[at]) if at is not None else 9.0


def _title(code: str, entries: dict[str, Entry]) -> str:
    while code and code not in entries:
        code = code[:-1].rstrip(".")
    return entries[code].title if code else ""


def _inclusions(entry: Entry) -> Iterator[str]:
    return (note.text for note in entry.notes if note.kind in {"inclusion_term", "includes"})


def _titles(lexicon: Lexicon, entries: dict[str, Entry]) -> Iterator[tuple[tuple[str, ...], int, Kind]]:
    for code, entry in entries.items():
        if len(code) == 3 and not entry.billable:
            continue
        at, inclusions = lexicon.place[code], list(_inclusions(entry))
        yield _words(_BRACKETS.sub(" ", entry.title)), at, Kind.TITLE
        for text in inclusions:
            yield _words(_BRACKETS.sub(" ", text)), at, Kind.INCLUSION
        if code[0] in _NO_PARTS:
            continue
        for found in _BRACKETS.finditer(entry.title):
            inside = found.group(1) or found.group(2) or ""
            if len(inside) > 2:
                yield _words(inside), at, Kind.PART
        for text in (entry.title, *inclusions):
            whole = _BRACKETS.sub(" ", text).lower()
            for part in sorted({each.strip() for each in _PARTS.split(whole)} - {whole.strip()}):
                if len(part) > 5:
                    yield _words(part), at, Kind.PART


def _index(lexicon: Lexicon) -> Iterator[tuple[tuple[str, ...], int, Kind]]:
    for term, codes in written_index():
        for code in codes:
            if code in lexicon.place:
                yield _words(term), lexicon.place[code], Kind.INDEX


def written_index() -> Iterator[tuple[str, tuple[str, ...]]]:
    """The terms of the index that we wrote (index_*.json, a file for each group of chapters), with their codes."""
    for file in sorted(Path(__file__).parent.glob("index_*.json")):
        for term, codes in json.loads(file.read_text("ascii")).items():
            yield term, tuple(codes.split())


def _words(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(stem_texts(text)))


def _unambiguous(
    rows: list[tuple[tuple[str, ...], int, Kind]],
) -> list[tuple[tuple[str, ...], int, Kind, int]]:
    """Each term of a code once, with the number of codes that share it; parts of too many codes, or of a title, go."""
    codes: dict[frozenset[str], set[int]] = defaultdict(set)
    for words, code, _ in rows:
        codes[frozenset(words)].add(code)
    kept, seen = [], set()
    for words, code, kind in sorted((row for row in rows if row[0]), key=lambda row: (row[1], row[2])):
        key = frozenset(words)
        if (key, code, kind) in seen:
            continue
        if kind is Kind.PART and (
            len(codes[key]) > _MAX_SHARED or (key, code, Kind.TITLE) in seen or (key, code, Kind.INCLUSION) in seen
        ):
            continue
        seen.add((key, code, kind))
        kept.append((words, code, kind, len(codes[key])))
    return kept

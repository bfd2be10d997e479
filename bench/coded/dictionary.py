"""The usual baseline: the longest match of titles and inclusion terms, word by word, without anything learned."""

from __future__ import annotations

import re
from collections.abc import Iterable

from appliance.coding.suggestion import Entry

_WORD = re.compile(r"[a-z0-9]+")
_FILLER = re.compile(r"\[[^\]]*\]|\([^)]*\)|,? (?:unspecified|not elsewhere classified)\b|\bnos\b")


class Dictionary:
    """Words of a title or inclusion term, in order, to the first code that has them."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self._codes: dict[tuple[str, ...], str] = {}
        for entry in entries:
            # A 7th character repeats the title.
            if len(entry.code.replace(".", "")) == 7:
                continue
            for text in (entry.title, *(note.text for note in entry.notes if note.kind == "inclusion_term")):
                for written in (text, _FILLER.sub(" ", text.lower())):
                    words = tuple(_WORD.findall(written.lower()))
                    if words:
                        self._codes.setdefault(words, entry.code)
        self._longest = max(map(len, self._codes))

    def codes(self, text: str) -> set[str]:
        """The codes of a text."""
        words, found, at = _WORD.findall(text.lower()), set(), 0
        while at < len(words):
            for length in range(min(self._longest, len(words) - at), 0, -1):
                code = self._codes.get(tuple(words[at : at + length]))
                if code is not None:
                    found.add(code)
                    at += length - 1
                    break
            at += 1
        return found

"""Finds this program's own output in a note: what a machine said about a note never documents a visit.

A signed note into which a report was pasted is judged no more: which of its words a clinician meant cannot be told, and
taking some out would move the borders of sentences ("not" + report + "worsening"). So the answer is no level at all.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache

from appliance.coding.em_words import BLANK, RUN, traces

LEAST_FRAGMENT_CHARS = 40
"""A piece of our output of this length, cut anywhere and broken into any lines, is found. Shorter ones are single words
and figures that a clinician may have typed."""

# JSON, ours or another program's, pretty or compact: the end of a key, the end of a list or object, one behind another.
_JSON = re.compile(
    r"[A-Za-z_][\"\u201d]\s*:|[\"\u201d]\s*[\]}]|[}\]]\s*,?\s*[\]}{]|\{\s*[\"\u201c]"
    r"|[\w][\"\u201d]\s*,\s*[\"\u201c][a-z_]"
)
# The mark itself, its escape in ASCII JSON, and what a program without Unicode makes of it between words.
_MARK = re.compile(rf"{BLANK}|\\u2423|\w\?\w+\?\w|&#9251;|&#x2423;", re.IGNORECASE)
_WORD = re.compile(r"[a-z0-9]+")


@cache
def _traces() -> frozenset[tuple[str, ...]]:
    return traces()


def own_output(text: str) -> tuple[int, int] | None:
    """Return [start, end) of the first trace of our own output in a text; None when there is none."""
    # One for one, so that offsets hold: invisible characters become blanks of their own.
    plain = "".join(" " if unicodedata.category(c) == "Cf" else c for c in text)
    found = [hit.span() for pattern in (_MARK, _JSON) if (hit := pattern.search(plain)) is not None]
    if (run := _run(plain)) is not None:
        found.append(run)
    return min(found) if found else None


def _run(text: str) -> tuple[int, int] | None:
    folded = text.lower() if len(text.lower()) == len(text) else text
    words = [(hit.group(), hit.span()) for hit in _WORD.finditer(folded)]
    for at in range(len(words) - RUN + 1):
        if tuple(word for word, _ in words[at : at + RUN]) in _traces():
            return words[at][1][0], words[at + RUN - 1][1][1]
    return None

"""Finds this program's own output in a note: what a machine said about a note never documents a visit.

A signed note into which a report was pasted is judged no more: which of its words a clinician meant cannot be told, and
taking some out would move the borders of sentences ("not" + report + "worsening"). So the answer is no level at all.

A piece of our output is found when it has two words of it, wherever it was cut and however its lines were broken: text
carries the mark for each blank of a value, JSON an escape. One word or figure alone is what a clinician may have typed.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache

from appliance.coding.em_words import BLANK, RUN, traces

# JSON, ours or another program's, pretty or compact: the end of a key, the end of a list or object, one behind another.
_JSON = re.compile(
    r"[A-Za-z_][\"\u201d]\s*:|[\"\u201d]\s*[\]}]|[}\]]\s*,?\s*[\]}{]|\{\s*[\"\u201c]"
    r"|[\w][\"\u201d]\s*,\s*[\"\u201c][a-z_]"
)
# The mark itself, its escape in ASCII JSON, and what a program without Unicode makes of it between words; the blanks of
# our JSON (own_json.py).
_MARK = re.compile(rf"{BLANK}|\\u2423|\\u00(?:20|0a|0d|09)|\w\?\w+\?\w|&#9251;|&#x2423;", re.IGNORECASE)
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
    for at in range(len(words) - 1):
        for length in (2, RUN):
            run = words[at : at + length]
            if tuple(word for word, _ in run) in _traces():
                return run[0][1][0], run[-1][1][1]
    return None

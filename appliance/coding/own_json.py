"""JSON of suggestions, whose strings write each blank as an escape: the same to a program, and known again in a note.

Titles and quotes are what clinicians write, too. Pasted from our JSON into a note, two words of them are told from a
clinician's own by the escape between them (`em_own`); whoever parses the JSON sees a blank.
"""

from __future__ import annotations

import json
import re

_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
_BLANK = re.compile(r" |\\(.)")
_ESCAPED = {" ": "\\u0020", "\\n": "\\u000a", "\\r": "\\u000d", "\\t": "\\u0009"}


def dumped(document: object, *, indent: int | None = None) -> str:
    """A document as ASCII JSON. Raises TypeError, ValueError for what JSON cannot hold."""
    separators = (",", ":") if indent is None else None
    plain = json.dumps(document, indent=indent, ensure_ascii=True, allow_nan=False, separators=separators)
    return _STRING.sub(lambda string: _BLANK.sub(lambda one: _ESCAPED.get(one[0], one[0]), string[0]), plain)

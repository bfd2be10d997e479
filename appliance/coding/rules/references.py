"""Codes that a note names: "(N18.1-N18.6)", "(I50.-)", "in I11.- with any condition in I12.-"."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

_CODE = r"[A-TV-Z]\d[0-9A-Z](?:\.[0-9A-Z]{1,4})?"
_REFERENCE = re.compile(rf"\b(?P<first>{_CODE})(?P<dash>\.?-)?(?:(?<!-)-(?P<last>{_CODE})(?:\.?-)?)?")


@dataclass(frozen=True, slots=True)
class CodeRange:
    """Codes from `first` to `last`, with all below them.

    Args:
        first: Without the dot.
        last: Without the dot; the same as `first` for a single code.
    """

    first: str
    last: str

    def holds(self, code: str) -> bool:
        """Whether a code is one of them or stands below one."""
        plain = code.replace(".", "").upper()
        return self.first <= plain[: max(len(self.first), 3)] and plain[: len(self.last)] <= self.last

    @property
    def single(self) -> bool:
        """Whether it names one code (with what stands below it) and no range."""
        return self.first == self.last


@lru_cache(maxsize=50_000)
def references(text: str) -> tuple[CodeRange, ...]:
    """Return the codes and ranges that a note names, in order.

    "I11.-" is all below I11, "N18.1-N18.6" a range; "I51.4-I51.7, I51.89" is a range and a code.
    """
    found = []
    for match in _REFERENCE.finditer(text):
        first = match["first"].replace(".", "")
        last = match["last"].replace(".", "") if match["last"] else first
        found.append(CodeRange(first, max(first, last)))
    return tuple(found)


@lru_cache(maxsize=50_000)
def lines(text: str) -> tuple[tuple[str, tuple[CodeRange, ...]], ...]:
    """Return each line of a note that names codes, with its words before them."""
    found = []
    for line in text.splitlines():
        named = references(line)
        if named:
            found.append((line[: line.rfind("(")].strip() if "(" in line else line.strip(), named))
    return tuple(found)

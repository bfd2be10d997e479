"""The hint for a name that there is not: what was probably meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

_MOST_NAMED = 20


def nearest(seen: str, known: Iterable[str], instead: str) -> str:
    """What stands as a hint: the most similar of the known names, else `instead`."""
    near = difflib.get_close_matches(seen, list(known), n=1)
    return f"did you mean {near[0]}?" if near else instead


def listed(known: Iterable[str]) -> str:
    """Names for a hint, so many as one reads."""
    names = list(known)
    more = f", and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return (", ".join(names[:_MOST_NAMED]) or "none") + more

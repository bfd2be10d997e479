"""The hint for a name that there is not: what was probably meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

_MOST_NAMED = 20
# difflib's own bound of likeness, from 0 to 1.
_ALIKE = 0.6
# What was seen may stand whole in a longer name (L40S for NVIDIA L40S); with fewer characters it says little.
_PART_CHARACTERS = 3


def close(seen: str, known: Iterable[str], most: int = 1) -> list[str]:
    """The known names most like the one that was seen, the most similar first; capitals do not count."""
    wanted = seen.casefold()
    compared = difflib.SequenceMatcher(b=wanted)
    alike: list[tuple[float, str]] = []
    for name in known:
        folded = name.casefold()
        compared.set_seq1(folded)
        part = len(wanted) >= _PART_CHARACTERS and wanted in folded
        if part or (
            compared.real_quick_ratio() >= _ALIKE and compared.quick_ratio() >= _ALIKE and compared.ratio() >= _ALIKE
        ):
            alike.append((compared.ratio(), name))
    # Of names that are alike the first that was given stands first: sorting is stable.
    return [name for _, name in sorted(alike, key=lambda each: -each[0])[:most]]


def nearest(seen: str, known: Iterable[str], instead: str, *, most: int = 1) -> str:
    """What stands as a hint: the most similar of the known names, else `instead`."""
    near = close(seen, known, most)
    return f"did you mean {' or '.join(near)}?" if near else instead


def nearest_or_all(seen: str, known: Iterable[str], what: str, none: str = "none") -> str:
    """The hint where names are few enough to be shown: the most similar, else `WHAT: ` and all; `none`: if empty."""
    names = list(known)
    return nearest(seen, names, f"{what}: {listed(names) if names else none}")


def listed(known: Iterable[str]) -> str:
    """Names for a hint, so many as one reads."""
    names = list(known)
    more = f", and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return (", ".join(names[:_MOST_NAMED]) or "none") + more

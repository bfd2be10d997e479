"""The order of codes on a claim: the first is the principal or first-listed diagnosis. Pure.

A claim points from its services to diagnoses by their place (CMS-1500, item 24E), and which condition stands first is a
coder's decision (ICD-10-CM Official Guidelines, sections II to IV), not that of a confidence.
"""

from __future__ import annotations

from collections.abc import Sequence

from appliance.coding.tables.layout import normal
from appliance.problems import ProblemError


def in_order(order: Sequence[str], codes: Sequence[str]) -> list[str]:
    """Return codes, each once: first those that a coder has put into an order, the others behind as they stand."""
    there = dict.fromkeys(codes)
    return list(dict.fromkeys([*(code for code in order if code in there), *there]))


def kept_order(order: Sequence[str], before: str, after: str, codes: Sequence[str]) -> tuple[str, ...]:
    """Return what is left of a coder's order when one code counts instead of another, or no code more.

    Args:
        order: The coder's.
        before: The code that counted until now; empty: none.
        after: The code that counts in its place, and takes it; empty: none.
        codes: All that count now. One that ended to count loses its place: it comes back as a new one does, last.
    """
    takes = after if before in order and before not in codes and after not in order else ""
    places = [takes if code == before and takes else code for code in order]
    return tuple(code for code in places if code in codes)


def whole_order(given: Sequence[str], codes: Sequence[str]) -> tuple[str, ...]:
    """Return an order of all codes that count, as the table writes them. Raises ProblemError 422.

    Wrong are codes that do not count, codes named twice and codes left out. The problem names places of the list and
    numbers; a code says what somebody has.
    """
    known = {normal(code): code for code in codes}
    keys = [normal(code) for code in given]
    foreign = [at for at, key in enumerate(keys, 1) if key not in known]
    twice = [at for at, key in enumerate(keys, 1) if key in keys[: at - 1]]
    missing = len(known.keys() - set(keys))
    for code, title, places in (
        ("order-code-foreign", "A code of the order does not count", foreign),
        ("order-code-doubled", "A code stands in the order twice", twice),
    ):
        if places:
            raise ProblemError(
                422, code, title, f"place {places[0]} of the list: send every code of `accepted` once, and no other",
                parameter="codes", places=places,
            )  # fmt: skip
    if missing:
        raise ProblemError(
            422, "order-incomplete", "Codes are missing in the order",
            f"{missing} of {len(known)} codes that count are missing: send every code of `accepted` once",
            parameter="codes", missing=missing,
        )  # fmt: skip
    return tuple(known[key] for key in keys)

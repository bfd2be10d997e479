"""A disease that the history names and the assessment speaks of again, in fewer words: it is managed at this visit."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from appliance.coding.assertion import StatusReader
from appliance.coding.rules.titles import EMPTY, stems
from appliance.coding.suggestion import Assertion

# What coexists and is cared for is coded (ICD-10-CM Official Guidelines, section IV.J).
_MANAGED = frozenset({"assessment", "plan"})
# Chapters of diseases: an old symptom, injury or contact (R to Z) that is spoken of again may be another one.
_DISEASES = "ABCDEFGHIJKLMNOPQ"
QUESTION = "The history names it, and the assessment speaks of it in fewer words: is it the same, and cared for today?"


def spoken_of(reader: StatusReader, places: Iterable[tuple[int, int]]) -> list[frozenset[str]]:
    """Return the words of each place that the assessment or plan holds as present."""
    return [
        frozenset(stems(reader.text[start:end])) - EMPTY
        for start, end in sorted(set(places))
        if reader.section(start) in _MANAGED and reader.assertion(start, end) is Assertion.PRESENT
    ]


def managed(
    reader: StatusReader, code: str, places: Sequence[tuple[int, int]], spoken: Iterable[frozenset[str]]
) -> list[tuple[int, int]]:
    """Return the places of the history at which a disease stands that the assessment speaks of.

    Args:
        reader: The text.
        code: Of the disease.
        places: Where the text speaks of it.
        spoken: What `spoken_of` returned for everything found in the text.
    """
    if code[:1] not in _DISEASES:
        return []
    found = []
    for start, end in places:
        if reader.section(start) != "past_history" or reader.assertion(start, end) is not Assertion.HISTORICAL:
            continue
        words = [one for one in stems(reader.text[start:end]) if one not in EMPTY]
        # The last word names the thing ("iron deficiency anemia"); those before it say which.
        if words and any(words[-1] in each and each <= set(words) for each in spoken):
            found.append((start, end))
    return found

"""A note as E/M support reads it: statements with sections, and which of them document this encounter at all."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from appliance.coding.sections import segments

# Sections that tell what was before, of others, or what a list was filled with; none documents work of today.
BACKGROUND = frozenset(
    {
        "past_history", "surgical_history", "family_history", "social_history", "problem_list", "medications",
        "allergies",
        "immunizations", "review_of_systems", "pertinent_negatives", "return_precautions", "differential", "procedures",
    }
)  # fmt: skip
DECIDING = frozenset({"assessment", "plan", "instructions"})
"""Where problems are addressed and risk is taken."""

MAX_STATEMENT_CHARS = 2_000
"""A longer one is no sentence that a person wrote; it counts for nothing, and that is said."""

_COPIED = re.compile(
    r"\b(?:copied|carried|pulled|brought|cut and pasted|pasted) (?:forward|from)\b|\bcopy[- ]forward"
    r"|\b(?:from|per|see) (?:my |the |a )?(?:prior|previous|last|old|earlier) (?:visit |office |progress |clinic )?note"
    r"|\b(?:prior|previous|last|earlier) (?:visit|note|encounter|assessment|plan)\b[^.:\n]{0,40}:"
    r"|\bpreviously documented\b|\bnote (?:of|from|dated) \d",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Statement:
    """One sentence of the note.

    Args:
        start: Offset of its first character.
        end: Offset behind its last.
        section: Key of its section; empty when the note names none.
        text: The note between them.
        paragraph: Counts the paragraphs (a blank line ends one).
        heads: Whether it opens a line.
        copied: Whether the note says that it was taken from an earlier one.
    """

    start: int
    end: int
    section: str
    text: str
    paragraph: int
    heads: bool
    copied: bool = False


def statements(text: str) -> tuple[Statement, ...]:
    """Read the statements of a note, in order.

    Raises:
        ValueError: The note is longer than `appliance.clinical.source.MAX_SOURCE_CHARS`.
    """
    found: list[Statement] = []
    paragraph, behind, copied_in = 0, 0, -1
    for segment in segments(text):
        between = text[behind : segment.start]
        if re.search(r"\n[ \t\r]*\n", between):
            paragraph += 1
        words = text[segment.start : segment.end]
        # What follows "from the prior note" in one paragraph was copied with it. The header may carry the words.
        if _COPIED.search(between) or _COPIED.search(words):
            copied_in = paragraph
        line = text[text.rfind("\n", 0, segment.start) + 1 : segment.start]
        heads = not found or "\n" in between or re.fullmatch(r"[\s\-*\u2022\u00b7\d.)(#]*", line) is not None
        copied = copied_in == paragraph
        found.append(Statement(segment.start, segment.end, segment.section, words, paragraph, heads, copied))
        behind = segment.end
    return tuple(found)


def documenting(note: Iterable[Statement]) -> tuple[Statement, ...]:
    """Those that document work of this encounter: neither copied, nor in a section of background, nor endless."""
    return tuple(
        one for one in note if not one.copied and one.section not in BACKGROUND and len(one.text) <= MAX_STATEMENT_CHARS
    )


def deciding(note: Iterable[Statement]) -> tuple[Statement, ...]:
    """Those in which problems are addressed: the assessment, the plan; the whole of a note that has no sections."""
    held = documenting(note)
    placed = tuple(one for one in held if one.section in DECIDING)
    if placed or any(one.section for one in held):
        return placed
    return held

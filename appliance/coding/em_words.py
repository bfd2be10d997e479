"""Every sentence that E/M support prints, in one place, so that its own output can be told from a clinician's words."""

from __future__ import annotations

import re

BLANK = "\u2423"
"""Stands for each blank inside of a quote or value. No keyboard makes it and no note carries it."""

PHRASES = {
    "report": "E/M support report of visit type {visit} for service date {day}",
    "supports": "verdict: report supports code {code} for this signed text",
    "supports_less": "verdict: report supports less than claimed code {claimed} and reaches code {code} at most",
    "questions": "verdict: report questions every code for this signed text",
    "claim_kept": "verdict: report supports claimed code {claimed} and judges nothing beyond it",
    "by_time": "basis reached: clock alone reaches code {code} with {minutes}",
    "by_mdm": "basis reached: decision elements alone reach code {code} at grade {level}",
    "no_time": "basis missing: clock alone reaches no code here",
    "clock_never": "basis missing: clock never decides codes of this visit type",
    "no_mdm": "basis missing: decision elements alone reach no code here",
    "element": "element {element} reaches grade {level} in this report",
    "capped": "element {element} meets grade {level} of claimed code in this report",
    "fact": "offsets {span} quote {quote} counted as {kind} because {reason}",
    "fact_plain": "offsets {span} quote {quote} counted as {kind}",
    "uncounted": "offsets {span} quote {quote} left uncounted because {reason}",
    "question": "coder question: {question}",
    "missing_clock": "unmet for code {code}: clock stands at {seen} where rule names {wanted}",
    "missing_element":
        "unmet for code {code}: element {element} stands at grade {seen} where rule names grade {wanted}",
    "missing_two":
        "unmet for code {code}: any two elements must stand at that grade and only true work belongs into signed text",
    "own_output":
        "coder question: offsets {span} carry output of this program so no code is judged"
        " before it is removed and signed again",
    "other_family": "coder question: claimed code {claimed} belongs to no visit type named {visit}",
    "too_long": "coder question: {count} sentences are longer than this program reads and count for nothing",
    "no_sections": "coder question: no assessment heading was found so every line was read as one",
    "consultation": "coder question: Medicare accepts none of these consultation codes since {day}",
    "not_told":
        "coder question: claimed code {claimed} needs neither clock nor decision elements and no text can settle it",
}  # fmt: skip
"""By name. Placeholders carry values only through `marked`. Two words in a row of any of these are taken for our own,
except `ORDINARY` pairs; of those, four in a row.

They are worded so that no note has them: of 3,294 notes, dialogues and case reports none has such four words, and of
2,022 that were looked through for pairs none has a pair that is not ordinary.
"""

RUN = 4
"""Words in a row that give our own output away, however ordinary."""

ORDINARY = frozenset(
    tuple(pair.split())
    for pair in (
        "and count", "and judges", "and no", "and only", "and reaches", "and signed", "any two", "are longer", "as one",
        "at grade", "at most", "at that", "before it", "belongs to", "beyond it", "code for", "code here", "code in",
        "code is", "codes of", "count for", "counted as", "e m", "elements and", "every code", "every line", "for code",
        "for nothing", "for service", "for this", "found so", "grade and", "heading was", "in this", "is judged",
        "is removed", "it is", "less than", "line was", "longer than", "must stand", "no assessment", "no code",
        "no text", "no visit", "none of", "nothing beyond", "of these", "of this", "of visit", "output of", "read as",
        "reach code", "reads and", "removed and", "report of", "sentences are", "service date", "settle it",
        "signed again", "so every", "so no", "stand at", "stands at", "text can", "than this", "that grade",
        "this program", "this report", "this visit", "to no", "true work", "visit type", "was found", "was read",
    )
)  # fmt: skip
"""Pairs of our sentences that notes have (31 of them were seen), or that a clinician may well write."""

_PLACE = re.compile(r"\{\w+\}")
_TOKEN = re.compile(r"[a-z0-9]+")


def marked(value: object) -> str:
    """A value as reports write it, framed by the mark, which stands for its blanks too. Twice changes nothing."""
    return BLANK + BLANK.join(str(value).replace(BLANK, " ").split()) + BLANK


def phrase(name: str, **values: object) -> str:
    """One sentence of ours with its values marked."""
    return PHRASES[name].format(**{key: marked(value) for key, value in values.items()})


def tokens(text: str) -> list[str]:
    """Words and numbers in lower case; marks and line breaks count for nothing."""
    return _TOKEN.findall(text.casefold())


def traces() -> frozenset[tuple[str, ...]]:
    """What gives our sentences away, between the values (those carry the mark): `RUN` words, and telling pairs."""
    found: set[tuple[str, ...]] = set()
    for sentence in PHRASES.values():
        for piece in _PLACE.split(sentence):
            words = tokens(piece)
            for length in (2, RUN):
                found |= {tuple(words[at : at + length]) for at in range(len(words) - length + 1)}
    return frozenset(found - ORDINARY)

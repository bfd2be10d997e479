"""Codes that their own signs show: capitals and figures mixed as no measure, drug or gene mixes them."""

from __future__ import annotations

import re

from appliance.deid.lexicon import words

# "TW.57140", "BB-48379-H": letters joined to more figures than drugs in trials have ("MK-3475").
_JOINED = re.compile(r"[A-Z]{1,4}[-.]\d{5,9}(?:-[A-Z\d]{1,4})?|[A-Z]{2,5}\d{0,2}-\d{4,8}(?:-[A-Z\d]{1,4})?")
# "104-062": a range does not begin with a nought.
_PADDED = re.compile(r"0\d\d-\d{3}|\d{3}-0\d\d")
# A gene with its mutation, levels of the spine, a strength or a time with its unit.
_TERM = re.compile(
    r"(?:JAK|EGFR|BRAF|[KN]RAS|FLT|KIT|ALK|MET|MTHFR|RET|IDH|CYP|HLA|CALR|MPL|GATA|TP53|BRCA|PIK|FGFR|GLUT|SCN|COL"
    r"|DRB|DQB)\w*-?\w*"
    r"|G\d{1,2}P\d{1,4}|[ACGT]\d{2,6}[ACGT]|(?:[CTLS]\d{1,2}-?){2,}|\d+(?:\.\d+)?[A-Z]{1,5}|(?:COVID|SARS|H\dN\d|PCV|PPSV|MEN)\w*-?\w*|[A-Z]{1,3}-\d{4}",
)
_SIGNS = re.compile(r"[A-Z0-9]+(?:-[A-Z0-9]+){0,4}")
_LONG, _FIGURES = 7, 3
_KNOWN = words().clinical | words().vocabulary | words().ordinary | words().credentials


def is_code(value: str) -> bool:
    """Whether a run of capitals and figures stands for something: a device, a subject, a file.

    Args:
        value: The run, with its hyphens.
    """
    if _PADDED.fullmatch(value):
        return True
    if _TERM.fullmatch(value):
        return False
    if _JOINED.fullmatch(value):
        return True
    if not _SIGNS.fullmatch(value):
        return False
    figures = sum(sign.isdigit() for sign in value)
    letters = sum(sign.isalpha() for sign in value)
    if letters < 2 or figures < _FIGURES or letters + figures < _LONG:
        return False
    groups = value.split("-")
    if len(groups) > 1:
        mixed = any(not group.isdigit() and not group.isalpha() for group in groups)
        return mixed and (len(groups) > 2 or figures > _FIGURES)
    return (figures > _FIGURES and letters + figures > _LONG) or figures > _FIGURES + 1


def is_series(prefix: str) -> bool:
    """Whether capitals before a number are its first part ("HKC 258343"): no word, term or degree."""
    return len(prefix) > 2 and prefix.lower() not in _KNOWN


def is_dated(value: str) -> bool:
    """Whether three pairs of figures are a date in some order: 04-28-19, 28-04-19, 19-04-28."""
    first, second, third = (int(pair) for pair in value.split("-"))
    return any(
        1 <= month <= 12 and 1 <= day <= 31 for month, day in ((first, second), (second, first), (second, third))
    )


def is_round(value: str) -> bool:
    """Whether it counts something: 150000."""
    return value.isdigit() and value.endswith("000")


def is_ratio(value: str) -> bool:
    """Whether it is several short figures: 120/80-118/76, 1.2/3.4/5.6."""
    parts = re.split(r"[-–/._^ ]", value)
    if "/" in value and len(parts) == 2 and value.replace("/", "").isdigit():
        return max(map(len, parts)) < 5  # 1500/742
    return len(parts) > 2 and all(len(part) <= 3 for part in parts) and any(sign in value for sign in "/.")


def word_end(text: str, end: int) -> int:
    """Where the word ends that a pattern's bound may have cut: the rest of a long number is a number as well."""
    while 0 < end < len(text) and text[end - 1].isalnum() and text[end].isalnum():
        end += 1
    return end

"""Institutions by a form around them, whatever they are called: greetings on the telephone, "Drs. Alder and Oak"."""

from __future__ import annotations

import re
from collections.abc import Iterator

# Nobody's name: "thank you for calling back", "for calling us".
_NO_NAME = (
    r"(?:back|us|me|in|today|again|him|her|them|about|early|the (?:office|clinic|nurse|doctor|pharmacy|hospital|line))"
)
_PATTERNS = (
    re.compile(
        rf"\bfor calling\s+(?:the\s+)?(?P<place>(?!{_NO_NAME}\b)[\w.&'’-]+(?:\s+[\w.&'’-]+){{0,6}}?)"
        r"(?=\s*,?\s+(?:this is|my name|how (?:can|may)|i['’]m|you['’]ve|your call|if this|please|we)\b|\s*[.,!?\n]|$)",
        re.I,
    ),
    re.compile(
        r"\bDrs\.?\s+(?P<place>[A-Z][\w'’-]+(?:,\s[A-Z][\w'’-]+){0,3},?\s(?:and|&)\s[A-Z][\w'’-]+(?:\s(?:and|&)\s"
        r"(?:Associates|Partners|Colleagues))?)"
    ),
    re.compile(
        r"(?:\b|(?<=_))(?P<place>(?:villa|casa|residence|residencia|maison|convent of)\s+(?:st\.?|ste\.?|saint"
        r"|sainte|san"
        r"|santa|sao)\s+[^\W\d_]{3,20})\b",
        re.I,
    ),
)
_SIGNS = ("for calling", "drs", "villa", "casa", "residen", "maison", "convent")


def institution_forms(text: str) -> Iterator[tuple[int, int]]:
    """Places of such institutions."""
    low = text.lower()
    if any(sign in low for sign in _SIGNS):
        for pattern in _PATTERNS:
            for match in pattern.finditer(text):
                yield (match.start(), match.end()) if pattern is _PATTERNS[1] else match.span("place")

"""Marks of staff: initials of who did it ("Screened by KL", "TR, RN", "3/5/25 KL/mb") and names of users ("kvarga").

Two capitals are mostly a term of medicine, so they need a place where only somebody signs, and must not be a service,
a way of giving, a unit or a degree. A name of a user is a word in lower case that no list knows, made of an initial and
a surname of the lists or of the text, or one that stands where somebody is logged.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from appliance.deid.identifier import IdentifierKind
from appliance.deid.lexicon import around
from appliance.deid.reading import Reading
from appliance.deid.recognisers.base import LIKELY, POSSIBLE, Found, ReadingRecogniser
from appliance.deid.recognisers.known_words import KnownWords
from appliance.deid.recognisers.name_class import NameWords

_TWO = r"[A-Z]{2}"
_FEW = r"[A-Z]{2,3}"
_CLOSE = r"(?=[ \t]*(?:[.,;:)/\n]|$)|[ ](?:at|on)\b|[ ]+\d)"
_LETTERS = (
    r"(?:RN|LPN|LVN|CNA|PCT|RPh|PharmD|CPhT|RRT|CRT|MSW|LCSW|PA-C|CRNA|DPT|PTA|COTA|SLP|RDMS|RDCS|RVT|RPSGT|EMT(?:-P)?"
    r"|MLS|(?:CT|MT|SCT|MLT|HT)[ ]?\(ASCP\)|RT[ ]?\(R\))"
)
_MARK = re.compile(r"(?<![A-Za-z])[A-Z]{2,3}(?![A-Za-z])")
_PATTERNS = tuple(
    re.compile(pattern, re.M)
    for pattern in (
        rf"(?<![\w/.&-])(?P<one>{_FEW}),?[ ]{_LETTERS}(?=[ \t]*(?:[.,;)\n]|$)|[ ]+\d)",
        # letters that mean other things as well sign only behind a pause
        rf"(?:[.!?\d][ ]+|[-–—~/][ ]?|\bby[ ])(?P<one>{_FEW}),?[ ](?:MD|DO|NP|PT|OT|MA|RD|RT)(?=[ \t]*(?:[.;)\n]|$))",
        rf"\b(?i:by|initials?|init)[:]?[ ](?:(?i:init|initials)[ ])?(?P<one>{_TWO})(?:/(?P<other>{_TWO}))?{_CLOSE}",
        rf"\b(?i:verified|(?:re)?screened|(?:re|double[ -])?checked|dispensed|collected|coll|drawn|scanned|hook-?up"
        rf"|scored|transcribed|typed|witnessed|initialed|signed|cosigned|locked|recorded|entered|wasted|proofed|keyed|filed"
        rf"|compounded|filled|labell?ed|packed|screener|scribe|sitter|transcriptionist|typist|technologist"
        rf"|technician|tech|staff)[:]?[ ](?P<one>{_TWO})(?:/(?P<other>{_TWO}))?(?=[ \t]*(?:[.,;)\n]|$))",
        rf"\d[\w/:.-]*[ ]+(?P<one>{_TWO})[/:](?P<other>{_TWO}|[a-z]{{2}})\.?[ \t]*$",
        rf"[.!?][ ]+(?P<one>{_TWO})\s*\Z",
        rf"\b(?i:pharmacist|nurse|rn|resident|midwife|phlebotomist|phleb|crna|coder|interpreter|cc|accessioned|received"
        rf"|plated|resulted|read|interpreted|prepared|reported)[:]?[ ](?P<one>{_TWO})(?=[ \t]*(?:[.,;)\n]|$))",
        rf"(?<!\d)(?:[01]?\d|2[0-3]):?[0-5]\d[ ]+(?P<one>{_TWO})\.?[ \t]*$",
        rf"[.!?)\w][ ]*[-–—~/]{{1,3}}[ ]?(?P<one>{_TWO})[ \t]*$",
        rf"\b(?i:notified|called|phoned|paged|reported)\b[^.\n]{{0,60}},[ ](?P<one>{_TWO})(?=\.?[ \t]*$|\.[ ])",
        rf"\b(?i:source|index|re|regarding)[:]?[ ](?:(?i:patient|pt)[ ])?(?P<one>{_TWO})(?=[ \t]*(?:[.,;)\n]|$)|[ ]\()",
        rf"\b(?i:patient|pt|subject|participant|client)(?:[ ][A-Z])?[ ]\((?P<one>{_FEW})\)",
    )
)
# With full stops: behind a dash that signs, and before a birth date or a number.
_DOTTED = re.compile(
    r"(?:\b(?i:in|for|on|of|re|pt|patient|with|and)[:]?[ ](?P<one>[A-Z]\.[ ]?[A-Z]\.?)"
    r"(?=,?[ ]\(?(?:DOB|D\.O\.B|MRN|born)\b)"
    r"|[.!?\n][ ]?[-–—]{1,2}[ ]?(?P<other>[A-Z]\.[ ]?[A-Z]\.?)(?=[ \t]*$))",
    re.M,
)
# Two names in capitals before letters of a profession.
_SHOUTED = re.compile(rf"(?<![\w-])(?P<one>[A-Z]{{3,15}})[ ](?P<other>[A-Z]{{3,15}}),?[ ](?:{_LETTERS}|MD|DO|NP)(?!\w)")
_KEPT = around("staff.kept")
# Who is logged stands behind these, alone at the end of a line, or in brackets.
_LOGGED = re.compile(
    r"(?:\b(?:by|user|id|clinician|provider|author|tech|technologist|transcriptionist|typist|scribe|signed|reviewer"
    r"|operator|says|initials)[:=]?[ ]|[.!?;|][ ]+|\n|\()$",
    re.I,
)
_ACCOUNT = re.compile(
    r"\b(?:account|mailbox|password|session|profile|credentials)[ ](?:of|for)[ ]$|\blogged in as[ ]$", re.I
)
_USER = re.compile(r"(?<![\w@./-])[a-z]{4,20}(?:\d{1,3})?(?![\w@/-]|\.\w|['’])")
_MIXED = re.compile(r"(?<![\w@./-])[A-Z](?P<surname>[A-Z][a-z]{3,15})(?![\w@/-])")
_SHORTEST_SURNAME = 4


class StaffMarkRecogniser(ReadingRecogniser):
    """Initials of staff and names of users, in texts that have capitals."""

    kinds = (IdentifierKind.NAME,)

    def __init__(self, classes: NameWords) -> None:
        super().__init__()
        self._lists = lists = classes.words
        self._known = KnownWords(lists)
        self._surnames = frozenset(
            word for word in lists.surnames | lists.surname_words if len(word) >= _SHORTEST_SURNAME
        )
        self._names = classes.name_words
        self._never = classes.name_words | lists.not_a_name
        self._terms = _KEPT | lists.credentials | lists.vocabulary | lists.clinical | lists.titles

    def find(self, reading: Reading) -> Iterator[Found]:
        """Spans of initials, each by itself, and of names of users."""
        if not reading.capitals:
            return
        text = reading.text
        marked = any(match.group().lower() not in _KEPT for match in _MARK.finditer(text))
        for pattern in _PATTERNS if marked else ():
            terms = _KEPT if pattern is _PATTERNS[0] else self._terms
            for match in pattern.finditer(text):
                marks = [name for name in ("one", "other") if match.groupdict().get(name)]
                if any(match[name].lower() not in terms for name in marks):
                    for name in marks:
                        yield Found(match.start(name), match.end(name), IdentifierKind.NAME, POSSIBLE)
        for match in _DOTTED.finditer(text) if "." in text else ():
            yield Found(*match.span(str(match.lastgroup)), IdentifierKind.NAME, LIKELY)
        for match in _SHOUTED.finditer(text):
            if all(self._could_be(match[name].lower()) for name in ("one", "other")):
                yield Found(match.start("one"), match.end("other"), IdentifierKind.NAME, LIKELY)
        for match in _MIXED.finditer(text):  # KVarga
            if match["surname"].lower() in self._lists.surnames:
                yield Found(match.start(), match.end(), IdentifierKind.NAME, LIKELY)
        if not reading.spoken:
            yield from self._users(reading)

    def _could_be(self, low: str) -> bool:
        return low not in self._terms and (low in self._names or not self._known.known(low))

    def _users(self, reading: Reading) -> Iterator[Found]:
        text = reading.text
        named: set[str] | None = None
        for match in _USER.finditer(text):
            low = match.group().rstrip("0123456789")
            surname = low[1:] in self._surnames
            known = self._known.known(low)
            if known and not (surname and self._is_form(low)):
                continue
            if named is None:
                named = {word.low for word in reading.words if word.capital and len(word.text) >= _SHORTEST_SURNAME}
            logged = _LOGGED.search(text, max(0, match.start() - 20), match.start()) and self._closes(text, match.end())
            made = not known and (surname or low[1:] in named or low[:-1] in named)
            logged = logged and len(low) > _SHORTEST_SURNAME
            if made or logged or _ACCOUNT.search(text, max(0, match.start() - 20), match.start()):
                yield Found(match.start(), match.end(), IdentifierKind.NAME, LIKELY if made else POSSIBLE)

    def _is_form(self, low: str) -> bool:
        """Whether no list has a word as it is: "madams" is known by "madam" alone."""
        return low not in self._lists.ordinary and low not in self._lists.vocabulary and low not in self._never

    def _closes(self, text: str, end: int) -> bool:
        return text[end : end + 1] in ("", ".", ",", ";", ")", "\n", "|")

"""Codes that say themselves what they are: "SUBJ-1140", "MD-50213", "APRN.CNP.011223", and those behind a heading
("BACTERIOLOGY BC24-101:")."""

from __future__ import annotations

import re
from collections.abc import Iterator

from appliance.deid.identifier import IdentifierKind
from appliance.deid.lexicon import around
from appliance.deid.reading import Reading
from appliance.deid.recognisers.base import LIKELY, Found, ReadingRecogniser

# Letters of a profession glued to a number, or joined to it by a hyphen or a full stop.
_LICENCE = re.compile(r"[A-Z]{2,5}(?:\.[A-Z]{2,5}){0,2}[-.#]?(?!(?:19|20)\d\d(?!\d))[A-Z]?\d{4,9}(?![\w%]|[.,/]\d)")
_SUBJECT = re.compile(r"[A-Za-z]{2,10}(?:-[A-Z0-9]{1,6})?[-_#]\d{3,9}(?:-\d{1,6})?(?![\w%]|[.,/]\d)")
# A line of capitals that ends in a code and a colon; terms with figures ("VITAMIN B12:") have fewer of them.
_HEADING = re.compile(
    r"^[A-Z][A-Z/&-]{2,20}(?:[ ][A-Z/&-]{2,20}){0,3}[ ]"
    r"(?P<code>(?=(?:\S{0,12}?\d){4})(?=[^:\s]*[A-Z])[A-Z0-9]+(?:-[A-Z0-9]+){0,4})"
    r"(?=:(?:\s|$))",
    re.M,
)
# Behind somebody's initials: "proband A.V. (P-7187)".
_INITIALED = re.compile(r"[A-Z]\.[A-Z]\.(?<![\w.]....)(?:[A-Z]\.)?[ ]\((?P<code>[A-Z]{1,3}-?\d{3,6}|\d{3}-\d{3,4})\)")
# National insurance numbers and driving licences of Britain have letters at their end.
_BRITISH = re.compile(
    r"[A-Z9]{2}(?<![\w-]..)(?:[ ]?\d{2}){3}[ ]?[A-D](?!\w)"
    r"|[A-Z9]{5}(?<![\w-].....)[ ]?\d{6}[ ]?[A-Z9]{2}\d?[A-Z0-9]{2,3}(?!\w)"
)
_NO_CODE = frozenset(("", " ", ",", "\n", ":", ";", ")"))  # between a word and what is no part of it
_PROFESSIONS, _SUBJECTS = around("marked_codes.professions"), around("marked_codes.subjects")


class MarkedCodeRecogniser(ReadingRecogniser):
    """Numbers of licences, of subjects and of documents, by their own letters or the heading before them."""

    kinds = (IdentifierKind.LICENCE, IdentifierKind.OTHER, IdentifierKind.RECORD)

    def find(self, reading: Reading) -> Iterator[Found]:
        """Looks at words in capitals, and at lines that begin with several."""
        text = reading.text
        for word in reading.words:
            if not word.capital or word.behind[:1] in _NO_CODE:
                continue
            if word.low in _PROFESSIONS and word.text.isupper():
                licence = _LICENCE.match(text, word.start)
                if licence:
                    yield Found(licence.start(), licence.end(), IdentifierKind.LICENCE, LIKELY)
            elif word.low in _SUBJECTS and word.capital:
                subject = _SUBJECT.match(text, word.start)
                if subject:
                    yield Found(subject.start(), subject.end(), IdentifierKind.OTHER, LIKELY)
        for british in _BRITISH.finditer(text):
            yield Found(british.start(), british.end(), IdentifierKind.LICENCE, LIKELY)
        for initials in _INITIALED.finditer(text):
            yield Found(initials.start("code"), initials.end("code"), IdentifierKind.OTHER, LIKELY)
        for heading in _HEADING.finditer(text):
            yield Found(heading.start("code"), heading.end("code"), IdentifierKind.RECORD, LIKELY)

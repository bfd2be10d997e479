"""Initials that close a note ("Refills sent. K.P.") and those that stand for a patient ("pt KP rec 44120", "(KP)").

With full stops between them letters are hardly a term where a line ends behind a pause; without, two capitals are,
so they need the number of a record beside them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from appliance.deid.identifier import IdentifierKind
from appliance.deid.lexicon import around
from appliance.deid.reading import Reading
from appliance.deid.recognisers.base import LIKELY, Found, ReadingRecogniser

_DOTTED = r"(?P<one>[A-Z]\.[ ]?[A-Z](?:\.[ ]?[A-Z])?)"
_LINE_ENDS = r"\.?[ \t]*$"
_PLAIN = r"(?P<one>[A-Z]{2,3})"
_NUMBER = r"(?:[A-Z]{0,3}-?\d[\d-]{4,})"
_SIGNING = re.compile(
    rf"(?:[.!?)\"”\d][ ]{{1,2}}|[-–—~/][ ]?|^[ \t]*|\b(?i:transcribed|typed|dictated|entered|signed|cosigned|initialed"
    rf"|recorded|witnessed|reviewed|proofed|verified|checked|scribed|filed|scanned|faxed|taken|cb|callback)[:]?[ ])"
    rf"{_DOTTED}{_LINE_ENDS}",
    re.M,
)
# Who did it, with more behind: "typed K.P. / job 4410".
_DID = re.compile(
    rf"\b(?i:transcribed|typed|dictated|cosigned|initialed|proofed|scribed|keyed)[:]?[ ]{_DOTTED}\.?(?=[ ]?[/,;|(-])"
)
_RECORDED = re.compile(
    rf"(?:\b(?i:patient|pt|subject|client|participant|resident|donor|recipient|member|case|bed|slot)[.:]?[ ]"
    rf"(?:[#]?\d{{1,3}}[:.)]?[ ])?|^[ \t]*(?:\d{{1,2}}[.):][ ])?){_PLAIN}"
    rf"[,:]?[ ](?:\(?(?i:recs?|records?|mrn|mr[ ]?#|acct|chart|dob|unit[ ]no|id[ ]?#?)[.:#]?[ ]?\d|\({_NUMBER}\))",
    re.M,
)
_CODED = re.compile(
    r"\b(?i:patient|pt|subject|participant|client|case|enrollee|volunteer|proband|donor)[ ](?:(?i:no|id)\.?[ ]|#)?"
    rf"[A-Z]{{0,6}}-?\d[\w-]{{2,20}}[ ]\({_PLAIN}\)"
)
# Written with full stops as often as names are: degrees, ways of giving, times, countries.
_ABBREVIATED = frozenset(
    re.split(
        r"\|",
        "md|do|rn|np|pa|am|pm|us|usa|uk|iv|im|po|pr|sc|sl|bid|tid|qid|prn|qd|qhs|hs|npo|"
        "od|os|ou|dds|phd|er|cc|ac|pc|pt|ot|ma|ba",
    )
)
_TERMS = around("staff.kept") | {"id", "mrn", "dob", "ssn", "rx", "po", "sn", "acc", "ref", "fin", "csn", "npi", "dea"}


class InitialsRecogniser(ReadingRecogniser):
    """Initials of whoever signs and of patients, in texts that have capitals."""

    kinds = (IdentifierKind.NAME,)

    def find(self, reading: Reading) -> Iterator[Found]:
        """Spans from the first letter to the last."""
        text = reading.text
        if not reading.capitals:
            return
        for pattern in (_SIGNING, _DID):
            for match in pattern.finditer(text):
                if pattern is _DID or re.sub(r"[^A-Z]", "", match["one"]).lower() not in _ABBREVIATED:
                    yield Found(match.start("one"), match.end("one"), IdentifierKind.NAME, LIKELY)
        for pattern in (_RECORDED, _CODED):
            for match in pattern.finditer(text):
                if match["one"].lower() not in _TERMS or pattern is _CODED:
                    yield Found(match.start("one"), match.end("one"), IdentifierKind.NAME, LIKELY)

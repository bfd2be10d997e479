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
# Who they are behind: "sib J.G.", "mother P.H.", "Dict: C.M."; there letters that mean something else count as well.
_WHO_BEFORE = re.compile(
    r"\b(?:proband|mother|father|sib(?:ling)?|brother|sister|husband|wife|spouse|son|daughter|twin|index|carrier|aunt"
    r"|uncle|cousin|partner|dict|trans|admin|giver|given by|ok['’]?d|okayed|approved|reader|author|init(?:ials?)?"
    r"|screening|enrolled|consented|withdrawn|screened|randomi[sz]ed|staff|tech|nurse|rn|md|resident|client|pt|patient"
    r"|student|baby|infant|mom|dad|friend|roommate|caller|recipient|donor|scrub|circ(?:ulator)?|bed ?\d{1,3}"
    r"|room ?\d{1,3})[.:]?[ ]$"
    r"|\d[ ]\($",
    re.I,
)
_LETTERS = re.compile(r"(?<![\w./&-])(?P<one>[A-Z]\.[ ]?[A-Z]\.?+(?:[ ]?[A-Z]\.)?+)(?![\w/&-])")
_THING = re.compile(
    r"[ ][A-Z][a-z]|[ ](?:drain|scan|exam|team|consult|room|visit|clinic|tube|line|study|report|number|card"
    r"|unit|service|lab|test)s?\b"
)
# Before an age with a sex, and before a record's number in brackets: "LNN, 5y", "STK 61F", "RHEUM. BAT (97750152)".
_AGED = re.compile(r"(?:[.:;,\d][ ]|^)(?P<one>[A-Z]{2,3}),?[ ]\d{1,3}[ ]?(?:y|yo|y/o|yrs?|[MF])(?![\w/])", re.M)
_BRACKETED = re.compile(r"(?:[.:;][ ]|^)(?P<one>[A-Z]{2,3})[ ]\((?=[A-Z]{0,3}-?\d)[A-Z\d-]{6,14}\)", re.M)
# Where a form asks for them, before a long number or a bleep: "init JGS,", "for MSN 404721484", "SH bleep 0101".
_ASKED = re.compile(
    r"\b(?i:init(?:ial)?s?)[:]?[ ](?P<one>[A-Z]{2,3})(?=[,;.)\n]|[ ][a-z/])"
    r"|\b(?i:for|of|on|re|recipient|donor|patient|pt)[:]?[ ](?P<two>[A-Z]{2,3}),?[ ](?=[A-Z]{0,3}\d[\d-]{5,})"
    r"|(?:[.:;)][ ]|^)(?P<three>[A-Z]{2,3})[ ](?=(?i:case|bleep|pager|beeper)[ ]?#?[A-Z]{0,3}\d)",
    re.M,
)
# At the end of a line that a date opens: who gave it.
_LINE = re.compile(
    r"^[ \t]*(?:\d{1,2}/\d{1,2}|[A-Z][a-z]{2}[ ]\d{1,2})\b[^\n]{4,80}[ ]{2,}(?P<one>[A-Z]{2})[ \t]*$", re.M
)
_PROFESSION = re.compile(
    r"\b(?:PharmD|RPh|CPhT|RN|LPN|CNA|CRNA|SW|LCSW|DPT|SLP|RDMS|RRT|MA)[:]?[ ](?P<one>[A-Z]{2})"
    r"(?=[ ]*(?:[.;)\n]|$))"
)
# Written with full stops as often as names are: degrees, ways of giving, times, countries.
_ABBREVIATED = frozenset(
    re.split(
        r"\|",
        "md|do|rn|np|pa|am|pm|us|usa|uk|iv|im|po|pr|sc|sl|bid|tid|qid|prn|qd|qhs|hs|npo|"
        "od|os|ou|dds|phd|er|cc|ac|pc|pt|ot|ma|ba",
    )
)
# Written with full stops as well, where nothing says that somebody stands there.
_ALSO = frozenset(
    re.split(
        r"\|",
        "bs|ms|jd|rph|dpm|dvm|dc|lpn|cna|ssn|dob|mrn|ps|nb|va|hmo|ppo|aka|dba|ad|bc|ce"
        "|fob|soap|ivf|tv|dj|cd|dvd|abc|gi|gu|ent|icu|ed|or|id|hiv|aids|tb|uti|cva|mi|ekg|eeg|mri|ct|cpr|iq|iep|pe",
    )
)
_PLACES = frozenset(
    ["la", "ny", "nyc", "dc", "sd", "nc", "sc", "nj", "nm", "nh", "ri", "wv", "bc", "pei", "ca", "dr", "pr", "eu", "un"]
)
_LOOK = 16  # characters looked at before letters
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
        for match in _LETTERS.finditer(text) if "." in text else ():
            low = re.sub(r"[. ]", "", match["one"]).lower()
            if low in _ABBREVIATED or low in _PLACES:
                continue
            who = _WHO_BEFORE.search(text, max(0, match.start() - _LOOK), match.start())
            alone = " " not in match["one"] and low not in _ALSO | _TERMS and not _THING.match(text, match.end())
            if who or alone:
                yield Found(*match.span("one"), IdentifierKind.NAME, LIKELY)
        for pattern in (_AGED, _BRACKETED, _LINE, _PROFESSION):
            for match in pattern.finditer(text) if pattern is not _LINE or "  " in text else ():
                low = match["one"].lower()
                if low not in _TERMS and low not in _ABBREVIATED | _ALSO | _PLACES:
                    yield Found(*match.span("one"), IdentifierKind.NAME, LIKELY)
        for match in _ASKED.finditer(text):
            one = str(match.lastgroup)
            if match[one].lower() not in _TERMS | _ABBREVIATED | _ALSO | _PLACES:
                yield Found(*match.span(one), IdentifierKind.NAME, LIKELY)
        for pattern in (_RECORDED, _CODED):
            for match in pattern.finditer(text):
                if match["one"].lower() not in _TERMS or pattern is _CODED:
                    yield Found(match.start("one"), match.end("one"), IdentifierKind.NAME, LIKELY)

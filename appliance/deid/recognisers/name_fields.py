"""Names by the field they fill: behind a label in capitals, a time slot, "summary for", before a record's number.

What stands in such a place need only be able to be a name: on a list of names, surnames that are words included, or
in no list and in no form of medicine.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from appliance.deid.identifier import IdentifierKind
from appliance.deid.lexicon import around
from appliance.deid.reading import Reading
from appliance.deid.recognisers.base import LIKELY, Found, ReadingRecogniser
from appliance.deid.recognisers.known_words import KnownWords, is_name_cased
from appliance.deid.recognisers.name_class import PARTICLES, STATES_AND_COUNTRIES, NameWords, Weight
from appliance.deid.recognisers.name_position import RELATIVE

_PROPER = r"[^\W\d_a-z][^\W\d_A-Z]{1,24}(?:['’-][^\W\d_]{1,24})?"
_SHOUTED = r"[^\W\d_a-z]{2,24}(?:['’-][^\W\d_a-z]{1,24})?"
_LOW_PARTICLE = r"(?:v[ao]n|de[rnl]?|d[aio]|dos|la|ter|ten|zu[mr]?|bin|ibn|al|el|af|av|ap|an|na|y)"
_PARTICLE = r"(?:[Vv][ao]n|[Dd]e[rnl]?|[Tt]e[rn]|[Bb]i[nt]|[Ii]bn|El|Al|Abu|Ben|Mac|Nic|Zu[mr]?|Ap)"
_LETTERS = r"(?:MD|DO|RN|NP|PA(?:-C)?|PT|OT|LPN|CNA|MA|RPh|PharmD|LCSW|LISW|LMFT|LPC|MSW|PhD|PsyD|SLP|RD|RT)"
_FIELD_WORDS = (
    r"(?:SIGNED|PARENT|GUARDIAN|GUARANTOR|WITNESS|SUBSCRIBER|INSURED|CAREGIVER|MOTHER|FATHER|SPOUSE|PATIENT|CLIENT"
    r"|RESIDENT|PROVIDER|PRESCRIBER|PHYSICIAN|SURGEON|ATTENDING|EMPLOYEE|CALLER|CONTACT|MEMBER|HOLDER|CARDHOLDER)"
)
_ENDS = r"(?=[ \t]*(?:$|[|,;/(]|\d|\+\d))"
_PATTERNS = tuple(
    re.compile(pattern, re.M)
    for pattern in (
        rf"\b(?i:{_FIELD_WORDS})[:]?[ ]{{1,2}}(?P<name>(?:[A-Z]\.[ ]?){{1,3}}(?:{_LOW_PARTICLE}[ ]){{0,2}}{_PROPER})",
        # initials before a particle and a surname, wherever they stand
        rf"(?<![\w.])(?P<name>(?:[A-Z]\.[ ]?){{1,3}}(?:{_LOW_PARTICLE}[ ]){{1,3}}{_PROPER})",
        rf"(?:^|[\n;])[ \t]*(?:[01]?\d|2[0-3]):[0-5]\d(?:[ ]?[AaPp][Mm]?)?[ ]{{1,3}}"
        rf"(?P<name>{_PROPER})[ ][-–—:/][ ]",
        r"\b(?i:summary|report|sheet|consent|chart|records?|orders?|plan|form|letter|handoff|sbar|labs|note|results?)"
        rf"[ ](?i:for|on|re)[ ](?P<name>{_PROPER})(?=,?[ ](?i:(?:rm|room|bed|unit)[ ]?#?\d|mrn\b|dob\b))",
        rf"(?:[:;][ ]|^[ \t]*|\|[ ]?)(?P<name>{_PROPER}(?:[ ]{_PROPER})?),"
        rf"[ ](?:(?i:mrn|rec|acct)[:#]?[ ])?(?=\d{{6,10}}\b)",
        # who signs: the end of a line behind a full stop, with letters
        rf"[.!?\d][ ](?P<name>{_PROPER}(?:[ ]{_PROPER})?),?[ ]"
        rf"{_LETTERS}(?:,?[ ]F[A-Z]{{2,4}}|,?[ ]M[PBS][AHS])?\.?[ \t]*$",
        rf"[.!?)][ \n][ ]?[-–—~]{{1,2}}[ ]?(?P<name>{_PROPER}[ ](?:{_PARTICLE}[ ]){{1,3}}{_PROPER})"
        rf"(?=,[ ]{_LETTERS}|\.?[ \t]*$)",
        rf"[.!?\d][ \n]{{1,2}}(?P<name>(?:{_SHOUTED}[ ]){{1,2}}{_SHOUTED})\s*\Z",
        # a particle with a capital makes a surname of what stands behind it
        rf"\b(?:[Cc]alled|[Pp]aged|[Tt]o|[Uu]nder|[Bb]y|[Ww]ith|w/|d/w|[Pp]er|[Ff]or|c/o)[ ]"
        rf"(?P<name>(?:El|Al|Abu|Ben|Bin|Ibn|Mac|Nic)"
        rf"[ ](?:[a-z]{{2,3}}[ ])?{_PROPER})(?=[ ](?:by|at|on|for|re|from|who)\b|[ \t]*(?:$|[.,;:)/(]))",
        rf"\b(?:Dr|Mr|Mrs|Ms|Miss|Prof|Dra|Sra|Srta|Det|Sgt)\.?[ ]"
        rf"(?P<name>(?:(?:{_PARTICLE}|{_LOW_PARTICLE}|[Hh]et)[ ]){{1,3}}{_PROPER})",
        rf"\b(?:Dra|Sra|Srta|Det|Sgt|Ofc|Atty|Insp|Cpl|Lt|LISW|LMSW|LMFT|LMHC|LPCC?|LSW|BCBA|RDN|Frau|Herr|Mme)\.?"
        rf"[ ](?P<name>{_PROPER})",
        rf"(?<![\w,-] )(?P<name>{_PROPER},[ ]{_PROPER})(?=,?[ ]\d{{1,3}}[ ]?(?:yo|y/o|yrs?|y|[MF])\b)",
        rf"(?:\d|\b[Cc]all):[ ](?P<name>{_PROPER})(?=[ ](?:from|at|@)[ ][A-Z])",
        rf"\b(?:appt|appointment|visit|f/u|fu|eval)[ ](?:w/[ ]?|with[ ])?"
        rf"(?P<name>{_PROPER})(?=[ ](?:@[ ]?)?\d{{1,2}}[/:]\d)",
        rf"[.!?)\w][ \n]{{1,2}}[-–—~]{{1,2}}[ ](?P<name>{_PROPER}),(?=[ ](?:for|on behalf of)[ ])",
    )
)
# In texts of capitals alone as well.
_IN_CAPITALS = tuple(
    re.compile(pattern, re.M)
    for pattern in (
        rf"\b{_FIELD_WORDS}[:]?[ ]{{1,2}}(?P<name>(?:{_SHOUTED}[ ]){{1,3}}{_SHOUTED}){_ENDS}",
        rf"\b{_FIELD_WORDS}[:]?[ ]{{1,2}}(?P<name>(?:[A-Z]\.[ ]?){{1,3}}(?:{_LOW_PARTICLE}[ ]){{0,2}}"
        rf"(?:{_SHOUTED}|{_PROPER}))",
        rf"(?<![\w.])(?P<name>{_SHOUTED}[ ]"
        rf"(?:(?:VAN|VON|DER|DEN|DEL|DELLA|BIN|IBN|ABU|DOS|TER|TEN)[ ]){{1,2}}{_SHOUTED})",
    )
)
# Here only somebody stands, whatever the word: "(Dr Frost)", "hospitalist Snow at 0310".
_ANYBODY = tuple(
    re.compile(pattern, re.M)
    for pattern in (
        rf"\((?:Dr|NP|PA|RN|Mr|Mrs|Ms)\.?[ ](?P<name>{_PROPER})\)",
        r"\b(?i:[a-z]{4,14}(?:gist|tist|cist|list|trist)|victim|suspect|deputy|detective|nurse|resident|intern|fellow"
        rf"|chaplain|supervisor|sitter)[ ](?P<name>{_PROPER})(?=[ ]at[ ]\d)",
        rf"\b(?:my|his|her|our|their)[ ]{RELATIVE}[ ](?P<name>{_PROPER})(?=[ ](?:says|said|told|wants|thinks|takes|gave"
        r"|has|had|is|was|can|did|called|calls|asked|drove|came|helps)\b)",
        r"\A(?:Hi|Hello|Hey|Dear|Good (?:morning|afternoon|evening))\b[^.!?\n]{0,40}[,.!]?[ ](?:[Ii]ts|[Ii]t['’]s"
        rf"|[Tt]his is|I['’]m)[ ](?P<name>(?!\w{{3,6}}day\b){_PROPER})(?=[.!]|,?[ ](?:from|calling|again|here)\b)",
        rf"\b(?:trae|traen|trajo|lleva|llev[óo]|acompaña|vio)[ ]a[ ](?P<name>{_PROPER})",
        r"\b(?i:summary|report|handoff|sbar)[ ]for[ ]"
        rf"(?P<name>{_PROPER})(?=,[ ](?i:(?:rm|room|bed)[ ]?#?\d|mrn\b|dob\b))",
    )
)
# A given name and any word behind it, closed: "leader Rosa Winter."
_FULL = re.compile(
    r"\b(?:leader|facilitator|instructor|mentor|organizer|coach|teacher|counselor|sponsor|chaplain|cousin|aunt|uncle"
    rf"|niece|nephew|neighbou?r|roommate)[ ](?P<name>(?P<given>{_PROPER})[ ]{_PROPER})(?=[ ](?:in|of|at)[ ]|[.,;)\n]|$)"
)
_KEY = re.compile(
    r"(?:^|[;&?,\s])(?i:name|user|login|author|owner|uname|provider|nurse)=(?P<name>[a-z][a-z._-]{3,30}\d{0,3})"
    r"(?=[;&,\s\"]|$)",
    re.M,
)


class NameFieldRecogniser(ReadingRecogniser):
    """Names that fill a field of a form, a schedule or a signature."""

    kinds = (IdentifierKind.NAME,)

    def __init__(self, classes: NameWords) -> None:
        super().__init__()
        self._classes = classes
        self._lists = lists = classes.words
        self._known = KnownWords(lists)
        self._plain = (
            STATES_AND_COUNTRIES | (lists.nations - classes.name_words) | lists.structures | lists.relatives
            | lists.titles | lists.credentials | around("roles.people") | around("roles.not_behind")
        )  # fmt: skip

    def find(self, reading: Reading) -> Iterator[Found]:
        """Spans of such names, without labels, titles and letters; texts without capitals have none."""
        text = reading.text
        for pattern in (*_IN_CAPITALS, *(_PATTERNS if reading.capitals else ())):
            for match in pattern.finditer(text):
                if self._named(match["name"]):
                    yield _found(match)
        if not reading.capitals:
            return
        for pattern in _ANYBODY:
            for match in pattern.finditer(text):
                if match["name"].lower() not in self._plain or match["name"].lower() in self._lists.surname_words:
                    yield _found(match)
        for match in _FULL.finditer(text):
            if self._classes.weight(match["given"].lower()) >= Weight.UNKNOWN and self._named(match["given"]):
                yield _found(match)
        for match in _KEY.finditer(text):
            if not self._known.known(match["name"].rstrip("0123456789")):
                yield _found(match)

    def _named(self, name: str) -> bool:
        """Whether each of its words can be a name's, and it is not capitals that are words alone."""
        parts = [part for part in re.split(r"[ .,]+", name) if len(part) > 1]
        words = [part for part in parts if part[0].isupper() and (part.isupper() or is_name_cased(part))]
        named = bool(words) and all(self._could_be(part.lower(), initials="." in name) for part in words)
        return named and (not name.isupper() or any(self._classes.weight(w.lower()) >= Weight.UNKNOWN for w in words))

    def _could_be(self, low: str, *, initials: bool) -> bool:
        if low in self._plain or (low in self._lists.always_clinical and not initials):
            return False
        return low in self._classes.name_words or low in PARTICLES or not self._known.known(low)


def _found(match: re.Match[str]) -> Found:
    return Found(match.start("name"), match.end("name"), IdentifierKind.NAME, LIKELY)

"""Names in the slots that clinical shorthand has for people: behind a bed, a heading of a log, letters of a profession.

"bed 4 Marsh - CIWA 14", "INR log: Bean 2/25 2.4", "CNM Sanders", "Phoned Fox by micro", "new last name now Wood (was
Pike)". A slot says that somebody stands there, so surnames that are words count, and words of no list.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from appliance.deid.identifier import IdentifierKind
from appliance.deid.lexicon import around
from appliance.deid.reading import LETTERED, Reading
from appliance.deid.recognisers.base import LIKELY, Found, ReadingRecogniser
from appliance.deid.recognisers.by_word import WordRule, WordRules
from appliance.deid.recognisers.known_words import KnownWords, is_name_cased
from appliance.deid.recognisers.name_class import STATES_AND_COUNTRIES, NameWords, Weight

_ONE = r"[^\W\d_a-z][^\W\d_]{1,24}(?:['’-][^\W\d_]{1,24}){0,2}"
_PARTICLE = r"(?:(?:[Vv][ao]n|[Dd]e[rnl]?|[Tt]e[rn]|[Bb]in|[Ii]bn|[Ee]l|[Aa]l|Abu|Mac|Nic|[Ll]a|an|na)[ ]){0,2}"
_NAME = rf"(?P<name>(?:[A-Z]\.[ ]?){{0,2}}{_PARTICLE}{_ONE}(?:[ ](?:[A-Z]\.?[ ])?{_ONE}){{0,2}})"
_SURNAME = rf"(?P<name>{_PARTICLE}{_ONE})"
_PAUSE = r"(?=[ \t]*(?:[.,;:)/|\n]|$))"
_DONE = (
    r"(?=[ ](?:[a-z]{3,12}(?:ed|ing)|will|to|at|in|is|was|has|had|for|from|on|re|who|with|says|told|said|saw|gave|took"
    r"|wrote|came|left|here|covering|per|and|or|w/|x|@|cb|\(?\d{1,4}\b)(?![\w'’-])"
    r"|[ \t]*(?:[.,;:)/|\n]|$))"
)
_DATE = r"(?:\d{1,2}[/.-]\d{1,2}(?:[/.-]\d{2,4})?|\d{4}-\d\d-\d\d)"
_ABOUT = r"(?:by|re|regarding|about|at|w/|with|for|from|who|back|and|x ?\d|twice|again|cell|home|today|this|@)"
_LETTERS = re.compile(rf"(?<![\w-])(?:{'|'.join(sorted(around('slots.letters'))).upper()})[:]?[ ]{_NAME}{_DONE}")
_ROLE = re.compile(
    rf"(?<![\w-])(?i:{'|'.join(sorted(around('slots.roles')))}|guardian ad litem|house sup(?:ervisor)?|charge rn"
    rf"|on[- ]?call|case mgr)[:]?[ ]{_NAME}{_DONE}"
)
_TOLD = re.compile(
    rf"\b(?:{'|'.join(sorted(word.capitalize() for word in around('slots.told')))}|s/w|S/w|T/c|d/w|D/w|w/)[ ]{_NAME}"
    rf"(?=[ ]{_ABOUT}(?!\w)|[ \t]*(?:[.,;)/\n]|$)|[ ]\(|[ ]\d)"
)
_OF = re.compile(
    rf"\b(?i:{'|'.join(sorted(around('slots.of')))})[ ]of[ ]{_NAME}(?=[ ](?:called|calling|notified|at|on|by|who)\b"
    rf"|[ \t]*(?:[.,;:)(\n]|$))"
)
_WILL = re.compile(
    rf"\b(?:paged|consulted|notified|called|contacted|aware|involved|following),[ ]{_SURNAME}"
    r"(?=[ ](?:will|to|recommends?|recs|is|at|on|called|returned|agrees|says|saw)\b)"
)
# A heading that somebody's turn, record or visit ends, with its date: "Wound care 5/23: Marsh, L heel".
_HEADING = re.compile(
    rf"(?:^|[\n|][ \t]*)(?:[A-Za-z/&'’-]{{2,16}}[ ]){{0,4}}(?i:{'|'.join(sorted(around('slots.headings')))})"
    rf"(?:[ ]{_DATE})?:[ ](?:(?i:case|pt|patient|bed|rm|room|#)[ ]?#?\d{{1,4}}[A-D]?[,:]?[ ])?{_NAME}"
    rf"(?=,?[ ](?:\(?\d|[LR]\b|{_DATE}|(?i:mrn|dob|pt|is|was|has)\b)|,[ ]|[ ]?[-–—;(]|\.?[ \t]*(?:\n|$))"
)
_BED = re.compile(
    r"(?<![\w-])(?i:bed|room|rm|bay|pod|chair|slot|or|case|station|bld|cell|cabin|apt bed|table)[ ]?#?\d{1,4}[A-Da-d]?"
    rf"[ ]?[-–—:,=]?[ ]?(?P<name>(?:[A-Z]\.[ ]?[A-Z]\.?(?![\w ]*[a-z])"
    rf"|(?:[A-Z]\.[ ]?){{0,2}}{_PARTICLE}{_ONE}(?:,?[ ]{_PARTICLE}{_ONE}){{0,2}}))"
    r"(?=[ ]?(?:[-–—:(=]|,[ ](?!\w+,)|\d{1,3}[ ]?(?:y|yo|[MF])\b)"
    r"|[ ](?:post|s/p|home|POD|day|is|was|needs|wants|has|trop|labs?|d/c|dc|to|for|with|w/|on)\b)"
)
_RENAMED = re.compile(
    rf"(?P<name>{_ONE})[ ]\((?:was|formerly|n[eé]e|fka|f/k/a|previously|prev|maiden(?: name)?|prior|ex|old name)[.:]?"
    rf"[ ](?P<other>{_ONE})\)"
)
_MAIDEN = re.compile(
    r"(?<![\w-])(?:(?i:maiden|married|last|sur|family|legal|former|birth|new|prior|previous)[ ]?names?"
    r"(?:[ ]?[:=]|(?:[ ](?:is|was|now|will be|changed|to|back|then|on file|used to be)){1,3})?"
    rf"|n[ée]e|fka|formerly known as)[ ](?P<name>{_ONE})"
    r"(?=[ ](?:now|but|and|then|before|on|in|at|not)\b|[ \t]*(?:[.,;)(\n]|$))"
)
_SHOUTED = re.compile(
    r"(?:\A|[.!?:\n][ ]{0,2})"
    r"(?P<name>[A-Z]{2,20}(?:['-][A-Z]{2,20})?(?:[ ][A-Z]\.?)?[ ][A-Z]{2,20}(?:['-][A-Z]{2,20})?)"
    r"(?=,?[ ](?:IS|WAS)[ ](?:AN?|NOW)[ ]|,?[ ](?:AN?[ ])?\d{1,3}[ ]?(?:Y/?O|YR|YEAR|-YEAR|M\b|F\b))"
)
_CLIENT = re.compile(
    r"\b(?:(?:[Oo]ur|[Mm]y|[Yy]our|[Tt]he)[ ](?:above[- ]named[ ])?)?(?:[Cc]lient|[Pp]laintiff|[Dd]ecedent|[Cc]laimant"
    r"|[Ii]nsured|[Dd]efendant|[Ee]mployee|[Ss]tudent|[Ii]nmate|[Dd]onor)[:,]?[ ]"
    r"(?P<name>[A-Z]{2,20}(?:[ ][A-Z]\.?)?[ ][A-Z]{2,20}(?:-[A-Z]{2,20})?)(?=[,.;(/\n]|[ ](?:[a-z(]|DOB|MRN|\d)|$)"
)
# One surname in capitals behind who somebody is, with a number: "inmate LONG, # C-65973".
_INMATE = re.compile(
    r"\b(?i:client|claimant|inmate|detainee|prisoner|arrestee|soldier)[:,]?[ ](?P<name>[A-Z]{3,20}),[ ]#?[ ]?\w?-?\d"
)
_FORM = re.compile(
    r"(?:^|[\n|;,\t]|[ ]{2})[ ]?(?i:first|last|middle|given|family|preferred|goes by|nick ?name)(?:[ _](?i:name))?"
    r"[ ]?[:=][ ]{0,3}(?P<name>[^\W\d_][^\W\d_]{1,24}(?:['’-][^\W\d_]{1,24})?)(?=[ \t]{2,}|[ \t]*(?:[\n|;,]|$)"
    r"|[ ](?:MI|M\.I\.|Middle|Last|First|DOB|Suffix)\b)"
)
# An author's letters or name with a typist's, behind the end of a note: "Diallo/GL", "AR/AH", "Lake/Mutua".
_SLASHED = re.compile(
    rf"(?:[.!?),;:][ ]{{1,2}}|^|\n|[-–—][ ])(?P<name>[A-Z]{{2,3}}|{_ONE})/(?P<other>[A-Za-z]{{2,3}}|{_ONE})"
    r"(?=[ ]*(?:$|\n|[DT]:[ ]?\d|\d{1,2}[/-]\d{1,2}[/-]\d\d|[.;][ \n]|\.$|DD:|TD:|job\b))"
)
_ENDING = re.compile(r"(?:\d|[a-z)])\.[ ](?P<name>[^\W\d_a-z][^\W\d_A-Z]{2,20}-[^\W\d_a-z][^\W\d_A-Z]{2,20})\.?\s*\Z")

_RULES = WordRules(
    WordRule(f"slots.{signs}", pattern, pattern, before, behind, capital)
    for pattern, signs, before, behind, capital in (
        (_LETTERS, "letters", 1, 80, True),
        (_INMATE, "clients", 2, 40, False),
        (_ROLE, "roles", 10, 80, False),
        (_ROLE, "roles_behind", 18, 80, False),
        (_TOLD, "told", 2, 80, False),
        (_OF, "of", 2, 90, False),
        (_WILL, "paged", 1, 60, False),
        (_HEADING, "headings", 60, 90, False),
        (_BED, "beds", 1, 70, False),
        (_RENAMED, "renamed", 40, 30, False),
        (_MAIDEN, "names", 12, 70, False),
        (_MAIDEN, "renamed", 1, 40, False),
        (_CLIENT, "clients", 20, 60, False),
        (_FORM, "forms", 4, 50, False),
    )
)
_COMPOUND_FIRST, _COMPOUND_LAST = around("slots.compound_first"), around("slots.compound_last")
_COMMA_LETTER = re.compile(
    rf"(?<![\w,] )(?<![\w'’-])(?P<name>{_PARTICLE}{_ONE},[ ][A-Z]\.(?:[ ]?[A-Z]\.)?)"
    r"(?=[ ]?(?:[;:,.(\n]|$)|[ ](?:\d|[a-z]))"
)
_CAPITAL_PARTICLES = frozenset(("Mac", "Nic", "El", "Al", "Abu", "Van", "Von", "De", "Bin", "Ibn", "La", "Le"))
_SHORTEST_SHOUTED = 4
_DOTTED = re.compile(r"[A-Z]\.[ ]?[A-Z]\.?")
# With what a text needs at all before such a pattern is tried, and how far before its end one is tried.
_TEXT_RULES = (
    (_SLASHED, re.compile(r"/[A-Z]"), 0),
    (_ENDING, re.compile(r"-"), 80),
    (_COMMA_LETTER, re.compile(r", [A-Z]\."), 0),
)
_NAMES_OF_TITLES = frozenset(("judge", "bishop", "major", "dean", "pope", "king", "knight", "sergeant", "marshall"))


class NameSlotRecogniser(ReadingRecogniser):
    """Names where shorthand puts people, in texts that have capitals."""

    kinds = (IdentifierKind.NAME,)

    def __init__(self, classes: NameWords) -> None:
        super().__init__()
        self._classes = classes
        lists = self._lists = classes.words
        self._known = KnownWords(lists)
        self._never = STATES_AND_COUNTRIES | lists.nations | lists.relatives | lists.credentials | lists.structures
        self._never = (self._never | lists.titles | around("roles.people") | around("slots.not")) - _NAMES_OF_TITLES
        self._surnames = lists.surname_words | lists.surnames | _NAMES_OF_TITLES
        self._terms = around("staff.kept")

    def find(self, reading: Reading) -> Iterator[Found]:
        """Spans of such names, without their labels."""
        text = reading.text
        if not reading.words:
            return
        for match in _SHOUTED.finditer(text):
            if any(self._is_name(part) for part in re.split(r"[ .]+", match["name"]) if len(part) > 1):
                yield Found(*match.span("name"), IdentifierKind.NAME, LIKELY)
        if not reading.capitals:
            return
        for pattern, match in _RULES.find(reading):
            yield from self._of(pattern, match)
        for pattern, sign, longest in _TEXT_RULES:
            if sign.search(text):
                for match in pattern.finditer(text, max(0, len(text) - longest) if longest else 0):
                    yield from self._of(pattern, match)

    def _of(self, pattern: re.Pattern[str], match: re.Match[str]) -> Iterator[Found]:
        start = match.start("name")
        if pattern is _SLASHED:
            if self._sign(match["name"], match["other"]):
                yield Found(*match.span("name"), IdentifierKind.NAME, LIKELY)
                yield Found(*match.span("other"), IdentifierKind.NAME, LIKELY)
        elif pattern is _RENAMED:
            if any(self._could_be(match[one]) for one in ("name", "other")):
                yield Found(*match.span("name"), IdentifierKind.NAME, LIKELY)
                yield Found(*match.span("other"), IdentifierKind.NAME, LIKELY)
        elif pattern is _CLIENT:
            if any(self._is_name(part) for part in match["name"].split()):
                yield Found(*match.span("name"), IdentifierKind.NAME, LIKELY)
        elif pattern is _INMATE:
            yield Found(*match.span("name"), IdentifierKind.NAME, LIKELY)
        elif pattern is _COMMA_LETTER:
            surname = match["name"].rsplit(",", 1)[0].split(" ")[-1]
            if self._could_be(surname) and surname.lower() not in LETTERED:
                yield Found(*match.span("name"), IdentifierKind.NAME, LIKELY)
        elif pattern is _BED and _DOTTED.fullmatch(match["name"]):
            yield Found(*match.span("name"), IdentifierKind.NAME, LIKELY)
        elif end := self._named(match["name"], whole=pattern in (_HEADING, _BED)):
            yield Found(start, start + end, IdentifierKind.NAME, LIKELY)

    def _named(self, name: str, *, whole: bool) -> int:
        """How many characters are a name; 0 when the first word can be none, or with `whole` any of them."""
        pair = name.lower().split(" ")
        if len(pair) == 2 and pair[0] in _COMPOUND_FIRST and pair[1] in _COMPOUND_LAST:
            return len(name)
        end = 0
        for part in re.finditer(r"[^\s,]+", name):
            word = part.group()
            small = word[0].islower() or len(word.rstrip(".")) < 2 or "." in word or word in _CAPITAL_PARTICLES
            if not small and not self._could_be(word):
                return 0 if whole else end
            if not small:
                end = part.end()
        return end

    def _could_be(self, word: str) -> bool:
        """Whether a word with a capital is on a list of names, or on none and in no form of medicine."""
        low = word.lower().replace("’", "'").removesuffix("'s")
        if low in self._never or (word.isupper() and not self._is_shouted(low)):
            return False
        if not word.isupper() and not is_name_cased(word):
            return False
        if low in self._lists.always_clinical and low not in self._surnames:
            return False
        if low in self._classes.name_words or low in self._surnames or self._classes.weight(low) > Weight.UNKNOWN:
            return True
        return not self._known.known(low) or any(part in self._surnames for part in low.split("-"))

    def _is_shouted(self, low: str) -> bool:
        """Whether a word in capitals is a surname rather than an abbreviation or a heading."""
        if len(low) < _SHORTEST_SHOUTED or low in self._lists.vocabulary or low in self._terms:
            return False
        return low in self._surnames or low in self._lists.given or not self._known.known(low)

    def _is_name(self, word: str) -> bool:
        low = word.lower()
        return self._classes.weight(low) > Weight.WORD_SURNAME and low not in self._never

    def _sign(self, *parts: str) -> bool:
        """Whether letters or words may sign together: no units, ways of giving or degrees, no words of no name."""
        letters = [len(part) < 4 and (part.isupper() or part.islower()) for part in parts]
        named = [part for part, short in zip(parts, letters, strict=True) if not short]
        terms = [part.lower() in self._terms | self._lists.credentials for part in parts]
        return all(self._could_be(part) for part in named) and not (all(terms) if not named else any(terms))

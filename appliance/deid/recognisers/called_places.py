"""Institutions that no word for their kind tells: homes that are called by trees, "The Pavilion at", schools that
somebody names, hospitals by their short names, shops and unions with numbers."""

from __future__ import annotations

import re
from collections.abc import Iterator

from appliance.deid.lexicon import around
from appliance.deid.reading import Reading
from appliance.deid.recognisers.by_word import WordRule, WordRules
from appliance.deid.recognisers.institution_heads import STOPS, TOWARDS
from appliance.deid.recognisers.name_class import STATES_AND_COUNTRIES, NameWords, Weight

_CAPITAL = r"[A-Z][\w'’-]+"
_LOW = r"[a-z][a-z'’-]+"
_HEADS = around("called_places.homes")
_HOMES = "|".join(sorted(_HEADS, key=len, reverse=True))
_AT_HOME = re.compile(
    rf"(?P<place>(?:[Tt]he\s)?(?:{_CAPITAL}\s){{0,2}}(?i:{_HOMES})\s(?:at|of|on)\s(?:[Tt]he\s)?{_CAPITAL}"
    rf"(?:\s(?:&|of|and)?\s?{_CAPITAL}){{0,2}})"
)
_AT_HOME_SAID = re.compile(
    rf"\b(?P<place>the\s(?:{_LOW}\s)?(?:{_HOMES})\sat\s(?:the\s)?(?P<first>{_LOW})(?:\s(?P<second>{_LOW}))?)"
)
# "At whispering pines": behind a preposition, whatever the words before a home's are; trees also cause allergies.
_HOME_SAID = re.compile(
    r"(?<!llergic )(?<!ensitive )(?<!llergy )\b(?:at|to|from|near|through)\s"
    rf"(?P<place>the\s(?:{'|'.join(sorted(around('called_places.several')))})"
    rf"|(?P<first>{_LOW})\s(?:(?P<second>{_LOW})\s)?(?:{_HOMES}))(?!['’\w])",
    re.I,
)
_KIND = (
    r"(?:day ?care|pre-?school|nursing home|school|church|temple|pharmacy|clinic|hospital|gym|salon|company|plant|store"
    r"|shop|restaurant|employer|agency|shelter|facility|place|practice|camp|academy|bank|program)"
)
_CALLED = re.compile(
    rf"\b{_KIND}(?:['’]s|\s(?:is|was|that['’]s|it['’]s))?\s(?:called|named)\s(?:uh\s|um\s|the\s)?"
    rf"(?P<words>[\w&'’-]+(?:\s[\w&'’-]+){{0,3}})",
    re.I,
)
_IS = re.compile(
    rf"\b(?:day ?care|pre-?school|nursing home|pharmacy|church|temple)(?:['’]s|\s(?:is|was))\s(?:the\s)?"
    rf"(?P<words>{_LOW}(?:\s{_LOW}){{1,2}})(?=\s*(?:[.,;?!\n]|$))"
)
_NICKNAME = re.compile(
    r"\b(?:at|to|from|by|@|through|in)\s(?:the\s)?(?P<place>(?i:good sam|mass gen(?:eral)?|st\.? joe['’]?s"
    r"|st\.? jude['’]?s"
    r"|dana[ -]farber|beth israel|(?:md|m\.d\.|m d) anderson|sloan[ -]kettering|johns hopkins|mount sinai|mt\.? sinai"
    r"|barnes[ -]jewish|cedars(?:[ -]sinai)?|cleveland clinic|brigham(?: and women['’]?s)?|hopkins|geisinger|bellevue"
    r"|mgh|bwh|bidmc|ucsf|ucla|ucsd|ohsu|upmc|nyu|chla|msk(?:cc)?|mdacc|umass|vcu|musc|uams|uihc"
    r"|penn|presby|vandy|mayo)|HUP|CHOP|RUSH|CHOA|CHKD)(?![\w'’-]|\s(?:abdo\w*|scan|protocol|score|criteria))",
)
# Somebody was cared for at initials that are no ward's and no kind's.
_INITIALS = re.compile(
    r"\b(?:seen|admitted|treated|born|surger(?:y|ies)|caths?|stent\w*|hospitali[sz]ed|hospitali[sz]ation|transferr?(?:ed)?"
    r"|records|chemo|delivered|was|evaluat\w+|followed|admission|stay|discharged|workup|residency|fellowship|employed)"
    r"\s(?:at|@|from)\s(?P<initials>[A-Z]{3,5})(?!\w|[-/&'])"
)
_CHAIN = re.compile(
    rf"\b(?P<place>(?:{_CAPITAL}[ ]){{0,2}}{_CAPITAL}[ ]?(?:[Pp]harmacy[ ])?"
    r"(?:\#[ ]?|(?:[Ss]tore|[Nn]o\.?)[ ]\#?)"
    r"\d{2,6})(?!\w|[.,]\d)"
)
_LOCAL = re.compile(
    rf"\b(?P<place>(?:(?:(?:{_CAPITAL}|[A-Z]{{2,6}})\s){{1,3}}(?:Local|(?<=VFW )Post|(?<=Legion )Post|(?<=Elks )Lodge"
    r"|(?<=Moose )Lodge)\s(?:No\.?\s?|\#\s?)?\d{2,5}|Local\s(?:No\.?\s?|\#\s?)?\d{3,5}))"
    r"(?![\w%]|[.,]\d|\s?(?i:mg|cc|ml)\b)"
)
_SCHOOL = re.compile(
    r"\b(?i:school|students?|attend(?:s|ed|ing)?|grade[rs]?|junior|senior|freshman|sophomore|coach|principal|teacher"
    rf"|teaches|plays|football|soccer|at|to|from|nurse)\b[ ,:]{{1,2}}(?:\w+[ ,]{{1,2}}){{0,3}}?"
    rf"(?P<place>(?:{_CAPITAL}\s){{1,3}}(?:HS|JHS|MS|ES|Elem\.?))(?!\w)"
)
_SCHOOL_SAID = re.compile(
    rf"\b(?:goes to|go to|going to|went to|attends?|at|from|in)\s(?P<place>(?P<first>{_LOW})\s(?:{_LOW}\s)?"
    r"(?:middle|high|elementary|prep))(?=\s*(?:[.,;?!\n]|$)|\s(?:and|but|so|in|on|this|last|for|where|he|she|they|i)\b)"
)
_NUMBERED_SCHOOL = re.compile(
    r"\b(?i:school|attends?|student|teacher|kindergarten|grader?)\b[ ,:]{1,3}(?:\w+[ ,:]){0,2}?"
    r"(?P<place>(?:P\.?S\.?|[IMJ]\.?S\.?)\s?\#?\d{1,3})(?!\w)"
)
# A practice by a short word for what it treats, behind what names it: "f/u w/ Alder Ortho".
_PRACTICE = re.compile(
    rf"(?:\b(?:with|at|to|from|by|see|sees)\s|\bw/\s?)(?P<place>(?P<first>{_CAPITAL})\s(?:{_CAPITAL}\s)?"
    r"(?:Ortho|Cards|Derm|Neuro|Heme|Onc|Peds|ENT|Pulm|Rheum|Endo|Nephro|GI|Uro|Surg))(?!\w)"
)
# "Former coal miner, Alder Energy": behind a trade that somebody had, two capitals and more.
_FORMER = re.compile(
    r"\b(?i:retired|former)\s(?:(?!smoker|drinker|user|alcoholic|athlete)[a-z-]{3,15}\s){0,2}(?!smoker|drinker|user|alcoholic"
    rf"|athlete)[a-z-]{{4,15}},\s(?P<place>(?P<first>{_CAPITAL})(?:\s(?:&|of|and)?\s?{_CAPITAL}){{1,3}})(?=\s*[,.;\n]|\s*$)"
)
_STATE_COLLEGE = re.compile(
    rf"\b(?:at|to|from|for|attends?)\s(?P<place>(?P<first>{_LOW})\s(?:state|tech|poly))(?!['’\w]|\s(?:of|law|aid|board|park))",
    re.I,
)
_ENDS = around("called_places.ends")
_BEFORE_STATE = STATES_AND_COUNTRIES | {"penn", "cal", "boise", "fresno", "wichita", "kent", "virginia", "caltech"}
_BY_FIRST = frozenset((_SCHOOL_SAID, _PRACTICE, _FORMER))
_RULES = WordRules(
    WordRule(f"called_places.{signs}", pattern, pattern, before, behind, capital)
    for pattern, signs, before, behind, capital in (
        (_AT_HOME, "homes", 50, 50, False),
        (_AT_HOME_SAID, "homes", 24, 50, False),
        (_HOME_SAID, "homes", 50, 2, False),
        (_HOME_SAID, "several", 14, 2, False),
        (_CALLED, "called", 34, 50, False),
        (_IS, "kinds", 2, 50, False),
        (_NICKNAME, "nicknames", 14, 24, False),
        (_CHAIN, "chains", 24, 24, True),
        (_LOCAL, "locals", 50, 14, True),
        (_SCHOOL, "schools", 70, 2, True),
        (_SCHOOL_SAID, "schools_said", 40, 14, False),
        (_NUMBERED_SCHOOL, "school", 2, 40, False),
        (_PRACTICE, "practices", 50, 2, True),
        (_FORMER, "former", 2, 100, False),
        (_STATE_COLLEGE, "colleges", 30, 10, False),
    )
)
_CARE, _WARDS = around("called_places.care"), around("called_places.wards")


def called_places(reading: Reading, classes: NameWords) -> Iterator[tuple[int, int]]:
    """Places of such institutions.

    Args:
        reading: The text.
        classes: Says which words may be part of a name in lower case.
    """
    for pattern, match in _RULES.find(reading):
        if pattern is _CALLED or pattern is _IS:
            words = _kept(match["words"])
            if words and not (pattern is _IS and (len(words) < len(match["words"]) or not words.endswith("s"))):
                yield match.start("words"), match.start("words") + len(words)
        elif pattern is _AT_HOME_SAID:
            if match["first"] in STOPS or match["first"] in _ENDS:
                continue
            second = match["second"] or ""
            further = second in _HEADS or classes.weight(second) >= Weight.WORD_SURNAME
            yield match.start("place"), match.end("second" if second and further else "first")
        elif pattern is _HOME_SAID:
            first = (match["first"] or "").lower()
            if not (first in STOPS or first in TOWARDS or first in _ENDS or (match["second"] or "").lower() in STOPS):
                yield match.span("place")
        elif pattern is _STATE_COLLEGE:
            if match["first"].lower() in _BEFORE_STATE:
                yield match.span("place")
        elif pattern in _BY_FIRST:
            low = match["first"].lower()
            weight = classes.weight(low)
            clinical = low in STOPS if pattern is _SCHOOL_SAID else low in classes.words.eponyms
            if (weight >= Weight.UNKNOWN or low in classes.words.places) and not clinical:
                yield match.span("place")
        else:
            yield match.span("place")
    for word in reading.words:
        if word.low in _CARE and (cared := _INITIALS.match(reading.text, word.start)):
            low = cared["initials"].lower()
            if classes.weight(low) == Weight.UNKNOWN and not (low in classes.words.vocabulary or low in _WARDS):
                yield cared.span("initials")


def _kept(words: str) -> str:
    """The words before the first that goes on with the sentence."""
    end = 0
    for match in re.finditer(r"[\w&'’-]+", words):
        if match.group().lower() in STOPS or match.group().lower() in _ENDS:
            break
        end = match.end()
    return words[:end]

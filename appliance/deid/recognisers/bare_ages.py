"""Ages over 89 by what stands on both sides of the number alone: "94 w/ dementia", "she just hit 97", "her 98th".

Each number is looked at once; where its clause measures something, it is no age.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from appliance.deid.recognisers.old_ages import OLD, SAID_AGE, SIGN

MEASURED = re.compile(
    r"\b(?:sats?|satting|desats?|saturation|spo2|o2|oxygen|hr|heart|rate|pulse|temp(?:erature)?|tmax|fever|bp|map"
    r"|pressure"
    r"|systolic|diastolic|resp\w*|rr|wt|weight\w*|weighs|ht|height|glucose|sugars?|bg|fsbs|fsbg|cbg|accu-?chek|levels?"
    r"|score\w*|dose|mg|units|sodium|chloride|ldl|hdl|plt|platelets|iq|flow|flexion|extension|abduction|rom|goal|target"
    r"|infusion|drip|pump|volume|output|intake|gfr|egfr|creatinine|percentile|a1c|inr|(?<!&)(?-i:Na|Cl"
    r"|P|R|T)(?=[ :]))\b[^.;\n]{0,40}$",
    re.I,
)
"""Behind these words, in their clause, a number is what was measured: "sats per Varga, 97"."""
_METER = re.compile(
    r"[^.;\n]{0,24}\b(?:pulse ox\w*|oximeter|monitor|room air|sats?|meter|scales?|cuff|thermometer|treadmill)\b", re.I
)
_KIN = (
    r"(?:(?:grand|great[- ]?grand|step)?(?:mother|father|ma|pa|mom|mum|dad|parents?)(?:[- ]in[- ]law)?|mum|mummy"
    r"|momma|papa"
    r"|nana|nan|gran|granny|grampa|gramps|abuel[ao]|oma|opa|sister|brother|aunt(?:ie)?|uncle|cousin|husband|wife|spouse"
    r"|partner|neighbou?r|friend|twin|roommate)"
)
_WHO = (
    rf"(?:he|she|who|they|i|you|{_KIN}|(?-i:[Pp]t|PATIENT)|patient|resident|client|lady|gentleman|gent|woman|man"
    rf"|female|male"
    r"|fem|veteran|widow(?:er)?|caller|decedent|participant|mo|fa)"
)
_ONLY = r"(?:now|already|almost|nearly|just|about|only|like|also|currently|actually|finally|both|still|recently|over)"
_SPRY = (
    r"(?:spry|healthy|frail|young|robust|active|sharp|vigorous|remarkable|feisty|sprightly|independent|pleasant"
    r"|delightful"
    r"|lovely|elderly|fit|vivacious|cantankerous|ripe old|grand old|hale)"
)
_ENDS = (
    r"(?=\s*(?:[,;.!?)\n](?!\d)|$)|\s?[&—–]|\s-\s|\s(?:and|but|so|who|with|w/o?|years|yrs|y/?o|lives|living|last"
    r"|this|next"
    r"|in\s(?:the\s(?:spring|summer|fall|autumn|winter)|a\s|[A-Z][a-z]|jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov"
    r"|dec)|come"
    r"|on\s(?:her|his|their|mon|tues|wednes|thurs|fri|satur|sun|christmas|the)|going\son|found|fell|c/o|s/p|h/o|p/?w"
    r"|hx|pmh"
    r"|admitted|presents?|from|has|had|is|was|uses|walks|still|never|family|she|he|now|today|yesterday|dnr|bib)\b"
    r"|\sw/)"
)
# With what a sick or old person is, not what somebody does while a value is taken.
_WITH = (
    r"(?=\s(?:w/\s?|with\s|c/o\s|s/p\s|h/o\s|p/?w\s|hx\s|pmh\s|bib)(?!exert|ambul|walk|activ|rest\b|exerc|movem"
    r"|stand|sitt"
    r"|o2|oxygen|room|ra\b|nc\b|speak|talk|deep|\d))"
)
_OPENS = r"(?:^|\n|[\]:>|•]\s?|[.?!]\s)"
_MIDDLE = r"(?:early|mid|middle|late|upper|low)"


def _rule(before: str, behind: str = "", value: str = SAID_AGE) -> tuple[re.Pattern[str], re.Pattern[str]]:
    return re.compile(rf"{before}$", re.I), re.compile(rf"{value}{behind}", re.I)


_FIGURE = SAID_AGE.replace("(?P<age>", "(?P<age>(?=[91])")
_ORDINAL = (
    rf"(?P<age>{OLD}(?:st|nd|rd|th)|ninetieth|ninety[- ](?:first|second|third|fourth|fifth|sixth|seventh|eighth|ninth)"
    r"|(?:one )?hundredth|hundred and \w{3,7})(?![- ]?(?:percentile|centile|%|day|dose|visit|session|week|street"
    r"|st\b|ave|grade"
    r"|floor|rib)\b)"
)
_RULES = (
    # Behind somebody: "fem 97, fall", "pt 94 w/ dementia", "he's 94 & confused", "a spry 96".
    _rule(
        rf"\b(?:females?|males?|fem|woman|man|gent|gentleman|lady|(?-i:[Pp]t)|patient|resident|client|caller|driver"
        rf"|{_KIN})"
        r"[ ,:]{1,2}",
        _ENDS,
        _FIGURE,
    ),
    _rule(
        rf"\b{_WHO}(?:['’]?s|['’]re|['’]m|\sis|\sare|\swas|\sam|['’]d have been|\swould (?:be"
        rf"|have been))\s(?:{_ONLY}\s){{0,2}}",
        _ENDS,
    ),
    _rule(rf"\b(?:an?|is|was|very|quite|remarkably|the)\s{_SPRY},?\s(?:age\s(?:of\s)?)?", _ENDS),
    # At the beginning of a line or a turn: "94 w/ dementia", "ninety two and never had surgery".
    _rule(_OPENS, _WITH),
    _rule(
        r"(?:^|\n|\]\s?|:\s)(?:(?:oh|well|um|uh|i['’]m|she['’]s|he['’]s)[\s,]{1,2}){0,3}",
        r"(?=,?\s(?:and|but|years|going\son|come|next|this|last|in\s\w+|can you)\b)",
        SAID_AGE.replace("(?P<age>", "(?P<age>(?=[a-z])"),
    ),
    _rule(
        r"\bhow old\b[^\n]{0,24}\?\s*(?:[A-Za-z][\w .]{0,16}:|\[\w{1,16}\])\s*(?:(?:oh|well|um|uh|i['’]m|about|just"
        r"|only)"
        r"[\s,]{1,2}){0,3}",
    ),
    _rule(
        r"\b(?:bed|rm|room|bay)\s?\w{1,4}[:,]?\s(?:(?:mr|mrs|ms"
        r"|miss)\.?\s)?(?-i:[A-Z][\w'’-]+)(?:\s(?-i:[A-Z][\w'’-]*))?,\s",
        r"(?=\s*[,;.)\n])",
    ),
    _rule(r"\bb\.?\s?(?:18|19)\d\d,\s", r"(?=\s*[,;.)])"),
    # Somebody reaches it.
    _rule(
        rf"\b{_WHO}(?:['’]ll|['’]s|['’]d)?\s(?:(?:{_ONLY}|has|had|have|will|would|is|are|about to|going to|gonna|did"
        rf"|be)\s)"
        r"{0,4}(?:hits?|hitting|made|makes?|making|reach(?:ed|es)|saw|sees|turn(?:ed|s|ing)?|cross(?:ed|es)|passed"
        r"|crack(?:ed|s)"
        r"|cleared|completed|got to|lived to)\s(?:to\s)?(?:the\s)?(?:big\s|age\s(?:of\s)?)?",
        _ENDS,
    ),
    _rule(
        r"\b(?:closing in on|coming up on|knocking on|(?:just|a year|two years|months) shy of|north of|well past"
        r"|pushing"
        r"|about to be|fast approaching|rapidly approaching|the ripe old age of|at the age of)\s",
    ),
    _rule(
        r"\b(?:died|dec(?:eased|['’]?d)|passed(?: away)?|expired|d\.|dec\.|†)\s?(?:(?:at|@|age)\s?)?",
        value=rf"(?P<age>{OLD})(?![\w%/°]|[.,:]\d)",
    ),
    # What somebody still does, or is no longer offered.
    _rule(
        r"\b(?:no|not|never|still|without|declin\w+|refus\w+|defer\w*|candidate|aggressive|alone|oldest|youngest"
        r"|independent\w*|driving|working|living|lives|drives|golfs|surviv\w+|unlikely|futile"
        r"|pointless)\b[^.;\n]{0,50}\s"
        r"(?:at|@)\s",
        r"(?=\s*(?:[.,;)\n!?](?!\d)|$)|\s(?:and|with|w/|so|family|she|he|years)\b)",
    ),
    _rule(
        r"\b(?:celebrat\w+|toast\w*|party for|cards? for|cake for|turn\w*|for|balloons for|mark\w*|after|before"
        r"|since)\s"
        rf"(?:(?:his|her|their|my|your)\s|{_KIN}['’]s\s)",
        r"",
        _ORDINAL,
    ),
    _rule(
        rf"\b(?:his|her|their|my|your|{_KIN}['’]s)\s", r"(?=\s(?:is|was)\s(?:in|on|next|this|last|coming)\b)", _ORDINAL
    ),
    _rule(
        r"\b(?:parents?|sisters?|brothers?|siblings?|twins|couple|grandparents?|both|wife"
        r"|husband)\b[^.;\n\d]{0,30}\d{2,3}\s?"
        r"(?:and|&|,|/)\s?(?:and\s)?",
        r"(?=\s*(?:[.,;)\n]|$))",
        _FIGURE,
    ),
)
_GLUED = re.compile(rf"(?P<age>{OLD})\s?y/?o?(?-i:[MF])\b", re.I)
_SEXED = re.compile(rf"(?P<age>{OLD})(?:{_WITH}|(?=\s(?:fell|found)))", re.I)
_DECADE = re.compile(
    rf"\b(?P<age>(?:tenth|eleventh|twelfth|1[0-2]th)\s+decade)\b(?!\s+of\s+the)|\b(?:{_WHO}"
    rf"|age[ds]?)\b[^.;\n\d]{{0,24}}?\s"
    rf"(?:in|into)\s(?:the\s|(?:his|her|their|my|your)\s)?(?P<tens>{_MIDDLE}[\s-]+(?:to[- ]{_MIDDLE}[\s-])?"
    r"(?:90['’]?s|nineties))(?!\w)|\b(?P<old>a\scentury\sold|(?:past|over|nearly|almost)\sa\scentury(?=\sold)\sold)\b"
    r"|\bthe\sbig\s(?P<big>nine[- ]oh|9[- ][0o]|one[- ]oh[- ]oh|1[- ]0[- ]0|nine[- ](?:one|two|three|four|five|six"
    r"|seven|eight"
    r"|nine))\b",
    re.I,
)
_DECADE_SIGNS = ("decade", "90s", "90's", "90’s", "nineties", "century", "the big")
_HUNDRED = re.compile(r"\b(?:a|one)\s$", re.I)
_ANY = re.compile(rf"{SAID_AGE}|{_ORDINAL.replace('?P<age>', '?:')}|{OLD}(?=\sof\b|\s?y)", re.I)
_BEFORE, _BEHIND = 90, 50  # characters around a number that are read


def bare_ages(text: str) -> Iterator[tuple[int, int]]:
    """Places of such ages."""
    low = text.lower()
    if any(sign in low for sign in _DECADE_SIGNS):
        for match in _DECADE.finditer(text):
            if not MEASURED.search(text, max(0, match.start() - _BEFORE), match.start(str(match.lastgroup))):
                yield match.span(str(match.lastgroup))
    for sign in SIGN.finditer(text):
        at = sign.start()
        if at and text[at - 1].isalnum():
            sexed = text[at - 1] in "FM" and not text[max(0, at - 2) : at - 1].isalnum() and _SEXED.match(text, at)
            if sexed:
                yield sexed.span("age")
            continue
        word = _HUNDRED.search(text, max(0, at - 4), at) if text[at] in "Hh" else None
        at = word.start() if word else at
        start, end = max(0, at - _BEFORE), min(len(text), at + _BEHIND)
        if not _ANY.match(text, at):
            continue
        if glued := _GLUED.match(text, at):
            yield glued.span("age")
        for before, value in _RULES:
            found = value.match(text, at, end)
            if found is None or not before.search(text, start, at) or _METER.match(text, found.end()):
                continue
            if MEASURED.search(text, start, at):
                break
            yield found.span("age")

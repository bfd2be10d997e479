"""Days of a month without a year, "3/14", which are written like scales, ratios and fractions."""

from __future__ import annotations

import re
from collections.abc import Iterator

from appliance.deid.identifier import IdentifierKind
from appliance.deid.recognisers.base import LIKELY, Found

_SLASHED = re.compile(
    r"(?<!\d)(?P<date>(?P<m>\d{1,2})/(?P<d>\d{1,2}))(?![\w/%]|[.]\d|\s*(?:mg|ml|strength|pain|power|motor|murmur"
    r"|systolic|sem|holosystolic|in severity|on (?:the|a) (?:pain )?scale|out of))",
    re.I,
)
# What stands before a day.
_BEFORE = re.compile(
    r"(?:\b(?:on|since|from|until|till|by|before|after|dated?|dob|born|due|of|started|edd|edc|placed|removed"
    r"|mon|tues?|wed|thu|thurs?|fri|sat|sun|(?:mon|tues|wednes|thurs|fri|satur|sun)day|out|pulled|done|resulted|called"
    r"|starting|begun|ended|ending|through|visit|seen|scheduled for|appt|appointment|lmp|last|admitted|discharged"
    r"|surgery|d/c|f/u|to|between|cxr|cx|bcx|ucx|us|u/s|kub|tte|tee|pfts?|eeg|emg|admit|dc|d/c['’]?d|surg|rx['’]?d"
    r"|finished|completed|back|in ed|re-?check(?:ed)?|prep|procedure|re-?bill(?:ed)?|bill(?:ed)?|thru|hooked up|nights?"
    r"|week|refill(?:ed)?|fill(?:ed)?|given|sent|mailed|faxed|exp(?:ires|ired|iration)?|eff|next|return|rtc"
    r"|rtw|follow-?up|post-?op|pre-?op|transferred|transfer|injection|vaccine|dx'?d|diagnosed|onset|injury|doi|dos"
    r"|fell|fall|cath|scope|colonoscopy|egd|delivery|delivered|arrived|departed|died|expired|read|reviewed|picked up"
    r"|dropped off|cancel(?:led)?|resched(?:uled)?|reschedule|changed|cleaning|crown|filling|extraction|consult"
    r"|eval(?:uation)?|session|treatment|cycle|chemo|infusion|implanted|ordered|verified|approved|denied|authorized"
    r"|came|went|presented|returned|stopped|started|restarted|took|moved|quit|adm|disch|submitted|paid|posted"
    r"|printed|created|revised|and|effective|labs?|note|imaging|mri|ct|x-?rays?|echo|ekg|ecg"
    r"|biopsy|collected|drawn|signed|updated)"
    r"|^|\n|\(|;|[a-z]:)[.,]?[ \t]{0,3}(?:(?:on|for|is|was|mon\w{0,5},?)[ \t]{1,3}|:[ \t]{0,3})?$",
    re.I,
)
_NEAR = 24  # characters in which the words before a day are looked for
# Without a word before it: a day that no scale has, and nothing counted behind it.
_DAY_BARE = re.compile(
    r"(?<![\w/.,-])(?P<date>(?P<m>\d{1,2})/(?P<d>\d{1,2}))(?![\w/%-]|[.]\d|\s*(?:mg|mcg|ml|mm|cm|inch|in\b|\""
    r"|strength|pain|power|motor|murmur|lymph|nodes?|cores?|positive|negative|weeks?|beats?|points?|questions?|joints?"
    r"|on (?:the|a)|out of|systolic|diastolic|leads?|beds?|teeth|episodes?|times))"
)
# Two days of a stay or a night, and a day with the time of day behind it.
_DAYS = re.compile(
    r"(?<![\w/.,-])(?P<date>(?P<m>\d{1,2})/(?P<d>\d{1,2})\s?(?:-|–|to|thru"
    r"|through)\s?(?P<m2>\d{1,2})/(?P<d2>\d{1,2}))(?![\w/%-]|[.]\d)"
)
_DAY_TIME = re.compile(
    r"(?<![\w/.,-])(?P<date>(?P<m>\d{1,2})/(?P<d>\d{1,2}))(?=(?:\s+(?:at|@)|,)?\s+(?:[01]\d"
    r"|2[0-3])[:.]?[0-5]\d(?![\d/%]|\.\d|\s?(?:mg|ml|cc|units?|mcg|cal))"
    r"|(?:\s+(?:at|@)|,)?\s+(?:1[0-2]|[1-9])(?::[0-5]\d)?\s?[ap]\.?m?\b)"
)
# A value behind a day: "A1c 3/3 7.9", "BP log: 10/2 128/80".
_DAY_VALUE = re.compile(
    r"(?<![\w/.,-])(?P<date>(?P<m>\d{1,2})/(?P<d>\d{1,2}))(?=:?\s+(?:\d{2,3}/\d{2,3}(?![\d/])|\d{1,3}\.\d{1,2}(?!\d"
    r"|\.\d)"
    r"|\d{2,3}\s?(?:lbs?|kg)\b))"
)
# The day before the month: a nought before the month makes it no ratio, "adm. 30/09".
_DAY_MONTH = re.compile(r"(?<![\w/.,-])(?P<date>(?:1[3-9]|2\d|3[01])/0[1-9])(?![\w/%-]|[.]\d)")
_SCALE = re.compile(
    r"\b(?:pain|scale|strength|severity|score|scores|rated?|rating|motor|power|apgars?|gcs"
    r"|murmur|reflex(?:es)?|grade|pulses|dtrs?|level|intensity|acuity|vision|phq\S*|gad\S*|mmse|moca|slums"
    r"|bishop|braden|norton|morse|audit|dast|acs|nihss|wells|epworth|ess|katz|nottingham|cha2?ds\S*|ratio)\b",
    re.I,
)
# Several days in a row: "missed 4/8 & 3/24"; one that is known to be a day makes the others days.
_LINKED = r"\s?(?:,\s?(?:and\s|&\s?|or\s)?|&|\+|\band\b|\bor\b)\s?"
_ROW = re.compile(
    rf"(?<![\w/.,-])\d{{1,2}}/\d{{1,2}}(?:{_LINKED}\d{{1,2}}/\d{{1,2}}){{1,8}}(?![\w/%-]|[.]\d|\s*(?:mg|mcg|ml|mm|cm"
    r"|strength|pain|power|motor|murmur|systolic|on (?:the|a)|out of|throughout|in (?:all|the|both|upper|lower)))"
)
_OF_ROW = re.compile(r"(?P<date>(?P<m>\d{1,2})/(?P<d>\d{1,2}))")
# A place of care before a day: "seen at Alder Clinic 3/2, cortisol 2.1".
_SEEN_AT = re.compile(
    r"\b(?:(?:seen|evaluated|visit(?:ed)?|admitted|treated|referred|hospitalized|here|appointment)\s+(?:at|in|by|to"
    r"|with)"
    r"\s[^.;:\n/\d]{2,50}|(?:associates|clinic|center|centre|hospital|urgent care|er|ed|icu|pharmacy|practice|office"
    r"|group|partners|physicians|specialists|laboratory|labcorp|pcp|snf|rehab))[ ,(]{1,2}$",
    re.I,
)
# What was arranged or done, with whom or when on that day: "appt w/ ortho 5/10", "extubated 0900 7/4", "call b4 7/1".
_ARRANGED = re.compile(
    r"\b(?:appts?|appointments?|sched(?:uled)?|booked|rebooked|visit|f/?u|follow-?up|consult|recheck|r/s)\s"
    r"(?:w/\s?)?[^.;:\n/\d]{2,40}\s$|\b(?:b4|bef|prior to|no later than|as of|w/e|wk of)\s$",
    re.I,
)
_AT_TIME = re.compile(r"(?<![\d/.:])(?:[01]\d|2[0-3]):?[0-5]\d\s(?:on\s)?$")
_CLOSED = re.compile(r"\s*(?:[.,;)\n]|$)|\s(?:at|@|per|w/|with|and|by)\s", re.I)
_SENTENCE = re.compile(r"[.;!?]\s|\n")


def days(text: str) -> Iterator[Found]:
    """Days that the words before, a time behind, a second day or their own form show to be days."""
    for match in _SLASHED.finditer(text):
        shown = _BEFORE.search(text, max(0, match.start() - _NEAR), match.start()) or (
            _SEEN_AT.search(text, max(0, match.start() - 70), match.start())
        )
        if shown and _is_day(match, text):
            yield _found(match)
    for row in _ROW.finditer(text):
        yield from _in_row(row, text)
    for match in _DAY_MONTH.finditer(text):
        if _BEFORE.search(text, max(0, match.start() - _NEAR), match.start()):
            yield _found(match)
    for pattern in (_DAYS, _DAY_TIME, _DAY_VALUE):
        for match in pattern.finditer(text):
            real = _is_real(match["m"], match["d"]) and (pattern is not _DAYS or _is_real(match["m2"], match["d2"]))
            if real and not _SCALE.search(text, max(0, match.start() - 25), match.start()):
                yield _found(match)
    for match in _DAY_BARE.finditer(text):
        if _is_day(match, text) and (_is_bare_day(match, text) or _is_arranged(match, text)):
            yield _found(match)


def _in_row(row: re.Match[str], text: str) -> Iterator[Found]:
    """The days of a row, when one of them is past every scale or stands where a day stands."""
    parts = list(_OF_ROW.finditer(text, row.start(), row.end()))
    shown = _BEFORE.search(text, max(0, row.start() - _NEAR), row.start()) is not None
    near = _SENTENCE.split(text[max(0, row.start() - 40) : row.start()])[-1]
    near += " " + _SENTENCE.split(text[row.end() : row.end() + 25])[0]
    if not all(_is_real(part["m"], part["d"]) for part in parts) or _SCALE.search(near):
        return
    # 4/5, 5/5 are strengths: a row of scores has one end, which no month passes.
    scored = all(int(part["d"]) in (4, 5, 6, 10) and int(part["m"]) <= int(part["d"]) for part in parts)
    if not scored and (shown or any(int(part["d"]) > 12 for part in parts)):
        yield from map(_found, parts)


def _found(match: re.Match[str]) -> Found:
    return Found(match.start("date"), match.end("date"), IdentifierKind.DATE, LIKELY)


def _is_day(match: re.Match[str], text: str) -> bool:
    month, day = int(match["m"]), int(match["d"])
    if not (1 <= month <= 12 and 1 <= day <= 31):
        return False
    # Another sentence's score says nothing about this one: "LMP 3/5. Bishop score 8".
    near = _SENTENCE.split(text[max(0, match.start() - 40) : match.start("date")])[-1]
    near += _SENTENCE.split(text[match.start("date") : match.end() + 25])[0]
    scaled = day in (4, 5, 6, 10) and month <= day
    return not (scaled and _SCALE.search(near))


def _is_real(month: str, day: str) -> bool:
    return 1 <= int(month) <= 12 and 1 <= int(day) <= 31


def _is_arranged(match: re.Match[str], text: str) -> bool:
    """Whether something is arranged for "5/10" or was done at an hour of it; a scale's end needs more than the hour."""
    if not _CLOSED.match(text, match.end()):
        return False
    if _ARRANGED.search(text, max(0, match.start() - 60), match.start()):
        return True
    month, day = int(match["m"]), int(match["d"])
    timed = _AT_TIME.search(text, max(0, match.start() - 12), match.start())
    return timed is not None and month != day and not (day in (4, 5, 6, 10) and month < day)


def _is_bare_day(match: re.Match[str], text: str) -> bool:
    """Whether "11/14" is a day although no word says so: past every scale and ratio, or with a colon or a nought."""
    day, month = int(match["d"]), int(match["m"])
    near = text[max(0, match.start() - 40) : match.end() + 25]
    if _SCALE.search(near) or month == day:
        return False
    padded = match["m"].startswith("0") or match["d"].startswith("0")
    opens = text[max(0, match.start() - 2) : match.start()].strip() in ("", ".", ";", ",")
    noted = text[match.end() : match.end() + 2] in (": ", ":\n", " -", " –", " —") and opens
    return padded or noted or day > 12

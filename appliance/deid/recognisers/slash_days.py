"""Days of a month written "3/14" without a year, by the word before them and by what no score has.

Scores, strengths, fractions and settings have the same form, so each figure needs a reason: a first part greater than
its second, a day past every scale, or a word before it behind which days stand.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from appliance.deid.lexicon import around

_SLASH = re.compile(r"/(?<=\d/)(?=\d)")
_SLASHED = re.compile(
    r"(?<![\w/.,-])(?P<m>0?[1-9]|[12]\d|3[01])/(?P<d>0?[1-9]|[12]\d|3[01])(?:-(?P<last>[12]\d|3[01]|0?[1-9]))?"
    r"(?![\w/%-]|[.]\d|[ ]?(?:mg|mcg|ml|mm|cm|inch|in\b|\"|units?|x\b))"
)
# The word before, over what joins a day to it.
_BEFORE = re.compile(
    r"(?:^|(?<=[\s(/,;&+]))(?P<word>[A-Za-z][A-Za-z0-9'’]*(?:/[A-Za-z]{1,3})?(?:-[A-Za-z]+)?)[.:,]?"
    r"(?:[ ](?:on|for|was|is|dated|of|to|w/|from|until|til|thru|through|by))?[ (:@–-]{1,3}$"
)
_WEEKDAY = re.compile(r"\b(?:mon|tue|tues|wed|thu|thur|thurs|fri|sat|sun)(?:day|nesday|sday|rsday|urday)?,?[ ]$", re.I)
_LAST = re.compile(
    r"\b(?:last|next|prior|previous|since|time of \w+)[ ][\w:,]{2,16}[ ]$|\b(?:[01]\d|2[0-3]):?[0-5]\d,?[ ]$", re.I
)
# A sentence of its own.
_ALONE = re.compile(r"[.;][ ]$")
# Where it was, or with whom: "at Alder Works 3/8". Scales have names as well, so that one alone shows nothing.
_WHERE = re.compile(
    r"\b(?:at|in|from|with|w/|by|to)[ ](?:[A-Z][\w'’&.-]*[ ]){1,4}$"
    r"|\b(?:[Gg]iven|[Hh]ad|[Rr]eceived|[Ss]tarted|[Ss]topped|[Hh]eld)[ ][\w-]{3,16}[ ]$"
)
_CLOSED = re.compile(
    r"\s*(?:[.,;:)?!\n]|$)|\s?[&|]|\s(?:at|@|per|w/|with|and|by|for|if|in|to|but|then|re|from|via|because|so|or|neg"
    r"|pos|nl|wnl"
    r"|normal|showed|shows|[01]\d[0-5]\d|\d{1,2}:\d\d|[A-Z][a-z]+|CPT)\b|\s-|\s\d{1,2}\s?mm\b"
)
_SCALED = re.compile(
    r"\b(?:pain|scale|strength|severity|scores?|scored|rated?|rating|motor|power|apgars?|gcs|murmur|reflex(?:es)?"
    r"|grade|graded"
    r"|pulses|dtrs?|intensity|acuity|vision|va|od|os|ou|iop|phq\S*|gad\S*|mmse|moca|slums|bishop|braden|norton|morse"
    r"|audit"
    r"|dast|nihss|nas|finnegan|wells|cha2?ds\S*|cows|ciwa\S*|ratio|suboxone|bipap|cpap|peep|ipap|epap|pip|ps"
    r"|settings?|cm ?h2o"
    r"|epworth|katz|gds|mrs|timi|mallampati|glasgow|borg|vas|nrs|bristol|criteria|points?|questions?|correct|leads"
    r"|teeth"
    r"|nodes?|cores?|bottles|sem|holosystolic|systolic|beats|lift|stairs|nights?|days?/|stage|gleason|kps|ecog|cups?"
    r"|meals?"
    r"|tabs?|tablets?|pills?|pack|mile|of (?:the|his|her|my)|effaced|station|dilated|swan|pa|pcwp|rvsp|art|nibp|abp)\b",
    re.I,
)
_FRACTIONS = frozenset(((1, 2), (1, 3), (2, 3), (1, 4), (3, 4), (1, 5), (1, 8)))
_ALWAYS = (24, 7)
_ENDS_OF_SCALES = (4, 5, 6, 10)
_COUNTED = around("slash_days.counted")
_WORDS = around("slash_days.before")
_DONE = re.compile(r"[a-z]{3,}(?:ed|ing)|[a-z]{1,5}['’]d", re.I)
_LINK = re.compile(r"\s?(?:,|and|&|\+|or)\s?")
_UPPER_ONLY = frozenset(("or", "us", "it", "pt", "ot", "st"))
_SENTENCE = re.compile(r"[.;!?]\s|\n")
_BACK, _ON = 40, 25  # characters around a day in which a scale is named


def slash_days(text: str) -> Iterator[tuple[int, int]]:
    """Places of such days."""
    end = 0  # of the day before, to which "and 15/7" belongs
    for slash in _SLASH.finditer(text):
        at = slash.start()
        match = _SLASHED.match(text, at - 2 if at > 1 and text[at - 2].isdigit() else at - 1)
        if match is None:
            continue
        first, second = int(match["m"]), int(match["d"])
        if min(first, second) > 12 or (first, second) == _ALWAYS:
            continue
        before = text[max(0, match.start() - _BACK) : match.start()]
        near = _SENTENCE.split(before)[-1] + " " + _SENTENCE.split(text[match.end() : match.end() + _ON])[0]
        if _SCALED.search(near):
            continue
        closed = _CLOSED.match(text, match.end()) is not None
        linked = end > 0 and _LINK.fullmatch(text, end, match.start())
        if linked or _stands(before, first, second, closed=closed):
            end = match.end()
            yield match.span()


def _stands(before: str, first: int, second: int, *, closed: bool) -> bool:
    """Whether a day stands there, by its figures and the word before it."""
    scored = second in _ENDS_OF_SCALES and first <= second
    fraction = (first, second) in _FRACTIONS
    if closed and not scored and not fraction and first != second and _ALONE.search(before):
        return True
    if _WEEKDAY.search(before) or (closed and _LAST.search(before)):
        return True
    word = _BEFORE.search(before)
    low = word["word"].lower() if word else ""
    if word and low in _UPPER_ONLY and not word["word"].isupper():
        return False
    if low in _WORDS:
        return closed or not (fraction or scored)
    if not closed or low in _COUNTED or fraction:
        return False
    if _DONE.fullmatch(low):
        return not scored and first != second
    if _WHERE.search(before):
        return not scored
    # No score and no fraction is greater than its whole; between two names for a place the word says nothing.
    return second < first <= 12 and bool(word) and second > 1

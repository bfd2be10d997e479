"""What a name shows about the number behind it: an age over 89, or the licence of somebody with a degree.

It runs when the names are found, because no pattern knows them: "A. Varga, 97." holds an age, "Sodium, 97." none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from appliance.deid.identifier import Identifier, IdentifierKind
from appliance.deid.recognisers.bare_ages import MEASURED
from appliance.deid.recognisers.base import LIKELY
from appliance.deid.recognisers.old_ages import AGE, OLD, SAID_AGE, SIGN, SPELT

_CLOSES = (
    r"(?=\s*(?:[.,;)!?\n]|$)|\s?[-–—/]|\s(?:and|but|so|who|with|w/?|now|today|this|next|lives|living|retired|years?"
    r"|on\s"
    r"(?:her|his|their|mon|tues|wednes|thurs|fri|satur|sun))\b)"
)
_IS = (
    r",?\s(?:who\s)?(?:is|was|turns|turned|turning|just turned|is turning|will be|would be|will turn|now|aged|herself"
    r"|himself)(?:\s(?:now|already|almost|nearly|just|about|only|like|also|turning|aged)){0,2}\s"
)
_SEX = r"(?=\s?(?:[MF]|y/?o?)\b(?!/\d))"
_AGES = tuple(
    re.compile(pattern, re.I)
    for pattern in (
        rf"(?:['’]s\s|{_IS}){SAID_AGE}{_CLOSES}",
        rf"(?:,\s|\s?\(\s?|\s[-–—]\s)(?:(?:now|age|aged)\s)?(?P<age>{OLD}){_SEX}",
        rf"(?:,\s|\s?\(\s?|\s[-–—]\s)(?:(?:now|herself|himself)\s)?{SAID_AGE}{_CLOSES}",
        rf"\s(?P<age>{SPELT}){_CLOSES}",
        rf"\s(?P<age>{OLD}){_SEX}",
    )
)
_LISTED = re.compile(rf"\s{AGE}{_CLOSES}", re.I)
# Who opens a line or a slot has an age without a comma: "Bed 4: Ada Alder 94 CHF".
_OPENED = re.compile(rf"\s{AGE}(?=\s[A-Za-z])", re.I)
_OPENS = re.compile(r"(?:^|\n|[:;|>•]\s?|\b(?:rm|room|bed|case)\s?#?\w{1,4}[ ,:-]{1,3})$", re.I)
_GENERATION = re.compile(r",?[ ](?:Jr|Sr|II|III|IV)\b\.?|(?<=[ ](?:Jr|Sr))\.")
# The ages of a household stand behind the names alone: "siblings: Ada 94, Ruth 91".
_HOUSEHOLD = re.compile(
    r"\b(?:siblings?|sibs?|sisters?|brothers?|spouse|husband|wife|partner|parents?|mother|father|mom|dad|aunts?|uncles?"
    r"|family|household|lives with|lives w/|grand(?:mother|father|ma|pa|parents)|ages?)\b[^.\n]{0,60}$",
    re.I,
)
_BEFORE = 60  # characters before a name in which it is said what the number is

_DEGREE = (
    r"(?:RN|LPN|LVN|CNA|NP|FNP|APRN|CRNA|MD|DO|MBBS|PA|PA-C|PT|DPT|PTA|OT|OTR(?:/L)?|COTA|SLP|RPh|PharmD|LCSW|LMSW"
    r"|MSW|LMFT"
    r"|LPC|PsyD|PhD|DDS|DMD|DPM|OD|DC|RRT|RT|EMT(?:-P)?|CNM|LMT|RD|DVM|AuD|CCC-A|CCC-SLP|BCBA|LAc|LMHC|LCPC|CNS|CNP"
    r"|ARNP|DNP|RDN|CST|CPhT|RDMS|ATC|CHW|CMA|RVT)"
)
_DEGREE_BEFORE = re.compile(rf"(?<![\w-]){_DEGREE}[ ,]{{1,2}}$")
_LICENCE = re.compile(
    rf"(?P<degree>,?[ ](?:{_DEGREE}[ ,]{{0,2}}){{1,4}})?[ ,]{{0,2}}(?<=[ ,])[(]?"
    r"(?i:(?:lic(?:en[sc]e)?|no|nr)\.?[ ]?)?#?[ ]?"
    r"(?P<code>(?:[A-Z]{1,4}[-. ]?\d{3,10}|\d{5,10})(?:[-.][A-Z\d]{1,4})?)(?=[ ]*(?:[.,;)\n]|$)(?!\d)|[ ][a-z])"
)
# Letters with figures in brackets: a record or a subject, "Ada Alder (P-7187)".
_CODE = re.compile(r"\.?[ ]?[(\[][ ]?#?(?P<code>[A-Z]{1,4}-?\d{3,8}|\d{3,4}-\d{3,4})[ ]?[)\]]")
_MEASURE = re.compile(r"[ ](?:mg|mcg|ml|units?|steps|dollars|kcal|[ap]m)\b")


def beside_names(text: str, found: Sequence[Identifier]) -> Iterator[Identifier]:
    """What stands behind the names of a text.

    Args:
        text: The text.
        found: Its identifiers, by start.
    """
    old = SIGN.search(text)
    for name in found:
        if name.kind is IdentifierKind.NAME:
            if old:
                yield from _ages(text, name)
            yield from _licences(text, name)
            if code := _CODE.match(text, name.end):
                yield Identifier(*code.span("code"), IdentifierKind.RECORD, beside_names.__name__, LIKELY)


def _ages(text: str, name: Identifier) -> Iterator[Identifier]:
    generation = _GENERATION.match(text, name.end)
    end = generation.end() if generation else name.end
    match = next((match for pattern in _AGES if (match := pattern.match(text, end))), None)
    start = max(0, name.start - _BEFORE)
    if match is None and _HOUSEHOLD.search(text, start, name.start):
        match = _LISTED.match(text, end)
    if (
        match is None
        and " " in text[name.start : name.end]
        and _OPENS.search(text, max(0, name.start - 16), name.start)
    ):
        match = _OPENED.match(text, end)
    if match is not None and not MEASURED.search(text, start, name.start):
        yield Identifier(*match.span("age"), IdentifierKind.AGE, beside_names.__name__, LIKELY)


def _licences(text: str, name: Identifier) -> Iterator[Identifier]:
    end = name.end
    if text[end : end + 1].isdigit():  # the letter of the number was taken for an initial
        end = max(name.start, text.rfind(" ", name.start, end))
    match = _LICENCE.match(text, end)
    if match is None or _MEASURE.match(text, match.end()):
        return
    inside = _DEGREE_BEFORE.search(text[name.start : end] + " ")
    if match["degree"] or inside or _DEGREE_BEFORE.search(text, max(0, name.start - 8), name.start):
        yield Identifier(*match.span("code"), IdentifierKind.LICENCE, beside_names.__name__, LIKELY)

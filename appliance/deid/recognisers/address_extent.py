"""How far an address reaches: what belongs to a street that was found, before it (floor, house) and behind it."""

from __future__ import annotations

import re

from appliance.deid.lexicon import around
from appliance.deid.recognisers.name_class import STATES_AND_COUNTRIES

# "Springfield Tel 217-555-0199": a town has no label of a number in it, whose first digits look like a postal code.
_FIELD = rf"(?i:{'|'.join(sorted(around('address_extent.fields')))})\b(?![ -]Aviv)"
_NAME = rf"(?!{_FIELD})[^\W\d_a-z][\w'’.-]{{1,30}}"
_TOWN = rf"{_NAME}(?:[ -](?:(?:de|la|del|do|da|na|upon|am|of|the|sur|les)[ -])?{_NAME}){{0,3}}"
# The list has one word each; those of several words stand here.
COUNTRY = (
    r"(?:New Zealand|New Caledonia|United Kingdom|United States(?: of America)?|South Africa|Hong Kong|Czech Republic"
    r"|Faroe Islands|Sri Lanka|Costa Rica|El Salvador|Puerto Rico|South Korea|Northern Ireland|(?:North|South|East"
    r"|West)"
    r" [A-Z][a-z]+|England|Scotland|Wales|"
    + "|".join(sorted(word for word in STATES_AND_COUNTRIES if len(word) > 3 and word.isalpha()))
    + r")"
)
_STATE = r"(?:[A-Z]{2,3}|[A-Z]{1,2}\.[A-Z]\.)"
_CODE = r"(?:[A-Z]{1,2}-)?(?:\d{5}-\d{3,4}|\d{2,4}-\d{3}|\d{3}\s\d{2}|\d{4}\s?[A-Z]{2}|\d{4,6})(?![\w%]|[.,]\d)"
_BRITISH = (
    r"(?:[A-Z]{1,2}\d[A-Z\d]?\s\d[A-Z]{2}|[A-Z]\d[A-Z]\s?\d[A-Z]\d"
    r"|[ACDEFHKNPRTVWXY]\d[\dW]\s?(?=[A-Z]*\d)[A-Z\d]{4})(?!\w)"
)
_UNIT = (
    r"(?:#\s?\w{1,6}|(?:apt|apartment|suite|ste|unit|floor|fl|room|rm|bldg|building|lot|space|spc|trailer|trlr|apto|ap"
    r"|depto|piso|puerta|whg|wohnung|stiege|flat|door|phase|stage|sector|block|bte|bo[iî]te|int)\b\.?\s?#?\s?\w{1,6}"
    r"|\d{1,2}\s?[º°ª]\s?\w{1,4}\b\.?|\d{1,2}\.\s?(?:tv|th|mf|sal|og|stock)\b"
    r"|\d{1,2}(?:st|nd|rd|th)\s(?:cross|main|block|stage|phase|floor)\b)"
)
# To the next part: a comma or a line, whose quoting marks belong to neither.
_NEXT = r"[ \t]*(?:[,\n][ \t>|?]{0,6}){1,3}"
_BEHIND = tuple(
    re.compile(pattern)
    for pattern in (
        rf"[ \t]*[,\n–-]?\s{{0,6}}(?i:{_UNIT})(?!\w)",
        # A stair or a flat behind a house number, "31 A 5", "15 B", "221-II".
        r"(?<=\d)(?:[ ][A-Z](?:[ ]\d{1,3})?(?=\s*[,;\n]|\s*$)|\s?[/-]\s?(?:[IVX]{1,4}|\d{1,4})[A-Za-z]?(?![\w%]))",
        rf"(?:{_NEXT}|\s-\s){_CODE}\s{_TOWN}",
        rf"{_NEXT}{_TOWN}\s*,?\s{{0,6}}(?:{_BRITISH}|(?:NSW|VIC|QLD|SA|WA|TAS|ACT|NT)\s\d{{4}})",
        rf"(?:{_NEXT}|\s){_TOWN}\s*[,\n]?\s{{0,6}}(?i:{COUNTRY})\b(?:\s\(\w+\))?(?:,?\s+{_CODE})?",
        rf"{_NEXT}{_TOWN}\s*[,\n]?\s{{0,6}}(?:(?:{_STATE}|\d{{1,2}}),?\s{{1,6}})?{_CODE}",
        rf"{_NEXT}(?i:{COUNTRY})\b(?:,?\s+{_CODE})?",
        rf"\s*,?\s*{_BRITISH}",
        # Without a comma, behind a flat, at the end of a line: "Apt. 4 Alder Creek".
        rf"(?<=\d)[ ]{_TOWN}(?=\s*(?:[.;\n]|$))",
        r"[ ](?:(?i:north|south|east|west)bound|[NSEW]B)\b",
        r"[ ,]{1,2}(?:(?:near|at|by|just past)\s)?(?i:exit|mile(?:\s?(?:marker|post))?|mm|mp)\s#?\d{1,4}[A-Z]?\b",
    )
)
_NUMBERED = re.compile(r",\s(?:n[º°.]?\s?)?\d{1,5}[A-Za-z]?(?=\s*[,;\n-])")
_HOUSES = r"(?:House|Cottage|Rectory|Vicarage|Farm|Lodge|Hall|Villa|Barn|Mill|Manor|Grange|Apartments?|Towers?|Court)"
_BEFORE = re.compile(
    r"(?<![\w.,/-])(?:(?:\d{1,2}(?:st|nd|rd|th)\s(?i:floor|fl)|(?i:level|floor|flat|unit|suite|apt|apartment|ste|room"
    r"|blk"
    rf"|block)\.?\s\#?[\w-]{{1,5}}|(?:c/o\s)?(?:[Tt]he\s)?(?:{_NAME}\s){{1,3}}{_HOUSES}),?\s{{1,2}}"
    r"|\d{1,6}(?:\s?[½¼¾]|[A-Z])?,?[ ]|(?i:unit|flat|apt)\s\d{1,4}/)+$"
)
_REACH = 90  # characters before a street in which its floor or house is named
_PARTS = 6  # of an address behind its street


def widened(text: str, start: int, end: int) -> tuple[int, int]:
    """Return the span of a street with what belongs to it on both sides; it never gets smaller.

    Args:
        text: The text.
        start: Offset of the street.
        end: Offset behind it.
    """
    before = _BEFORE.search(text, max(0, start - _REACH), start)
    if before:
        start = before.start()
    if not any(sign.isdigit() for sign in text[start:end]) and (number := _NUMBERED.match(text, end)):
        end = number.end()
    for _ in range(_PARTS):
        behind = next((match for pattern in _BEHIND if (match := pattern.match(text, end))), None)
        if behind is None:
            break
        end = behind.end()
    return start, end

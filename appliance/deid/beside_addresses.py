"""What belongs to an address that was found in pieces: the town and region on the next lines, and postal codes.

It runs when all is found, because only then its parts are known: each recogniser finds some of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from appliance.deid.identifier import Identifier, IdentifierKind
from appliance.deid.recognisers.address_extent import COUNTRY
from appliance.deid.recognisers.base import LIKELY
from appliance.deid.recognisers.name_class import STATES_AND_COUNTRIES

# Blanks, a comma or a line with its quoting marks; a region's letters or an empty field ("nan") may stand between.
_NEXT = r"[ \t]*(?:[,\n][ \t>|?*]{0,6}){0,3}"
_REGION = r"(?:[A-Z]{2,3}|nan)"
_BETWEEN = re.compile(
    rf"{_NEXT}(?:{_REGION}(?=[ ,\n])[ ]?{_NEXT})?|[ ](?:u|v|ve|na|nad|pod|am|an der|of|de|la|upon)[ ]"
)
_LONGEST = 24
_UNIT = re.compile(r"(?:apt|apartment|suite|ste|unit|floor|flat|lot|bldg)\b", re.I)
_CODE = r"(?:\d{5}(?:-\d{3,4})?|\d{2}-\d{3}|\d{3}[ ]\d{2}|\d{4}-\d{3}|\d{4}[ ][A-Z]{2})"
# A country closes an address; the number behind it is of the post.
_COUNTRY_CODE = re.compile(
    rf"(?<![\w-])(?i:{COUNTRY})(?:[ ]\([^()\n]{{1,12}}\))?,?[ ](?P<code>{_CODE}|\d{{4,6}})"
    r"(?=[ \t]*(?:[,.;?!)\n]|$)|[ ](?:for|and)\b)"
)
_LINE = r"[ \t]*[,\n][ \t,\n>|?*]{0,12}"
_TOWN = r"[^\W\d_](?:[^\W\d_]|['’.∆-]){0,30}(?:[ -](?:[^\W\d_]|['’.()∆-]){1,30}){0,5}?"
# What closes an address behind its street and flat, whatever its town is called.
_TAIL = re.compile(
    rf"(?:{_LINE}|(?<=\d)[ ]){_TOWN}{_NEXT}[ ]?(?:{_REGION}{_NEXT}[ ]?)?"
    rf"(?:(?i:{COUNTRY})(?:[ ]\([^()\n]{{1,12}}\))?(?:[ ]{_CODE}\b)?|{_CODE}|nan)(?![\w%/]|[.,:-]\d)"
    rf"|{_NEXT}[ ]?(?:{_REGION}{_NEXT}[ ]?)?(?:{_CODE}|nan(?:\n[ ]{{1,8}}\d{{3}}(?=\n|$))?)(?![\w%/]|[.,:-]\d)"
    rf"|[ ]?,[ ](?i:{COUNTRY})(?=[ ]*(?:[.;?\n]|$))"
)
# Before a flat: the street and its numbers, whatever it is called.
_HEAD = re.compile(
    r"(?<![\w.,/-])(?:\d{1,6}\s)?(?:[^\W\d_](?:[^\W\d_]|['’.-]){0,30}[ ]){1,4}\d{1,5}[A-Za-z]?\.?"
    r"(?:[ ](?:(?:van|de|von|la)[ ])?[^\W\d_a-z]\w{1,20}){0,3}[ ]?[\s,>|?]{0,8}$"
)
# Before a house number: a street's name of no list, where an address begins.
_NAMED = re.compile(
    r"(?:\b(?:[Aa]t|[Tt]o|[Ii]n|(?:[Aa]ddress|[Ss]ame|[Nn]ow|[Oo]n)(?:[ ](?:is|with|to))?)[ ]?:?[ ]|\n[ \t]{0,4})"
    r"(?P<street>(?:\d{1,6}[ ])?(?=[^a-z]|\d)(?:[^\W\d_](?:[^\W\d_]|['’.-]){0,30}[ ]){1,4}(?:\d{1,5}[ ])?)$"
)
# "2613 avenida praia 1 suite 463": a house number and a street before the number of a flat.
_FLAT = re.compile(r"\d{1,5}[A-Za-z]?[ ](?i:apt|apartment|suite|ste|unit)\b")
_BEFORE_FLAT = re.compile(r"(?<![\w.,/-])\d{2,6}[ ](?:[^\W\d_](?:[^\W\d_]|['’.-]){0,30}[ ]){1,4}$")
_CAPS_TOWN = re.compile(r"[ ][A-Z]{3,}(?:[ ][A-Z]{2,})?(?![\w'’-])")
_ENDS_IN_UNIT = re.compile(r"(?i:apt|apartment|suite|ste|unit)\.?[ ]#?\w{1,6}$")
_BEFORE = 90  # characters before a flat in which its street is looked for
_BEHIND_TOWN = re.compile(rf"[ ](?P<code>{_CODE})(?=[ ]*(?:[,.;?!)\n]|$)|[ ](?:in|and|for|to|is|was|near)\b)(?![.,]\d)")
# The halves of a British postcode.
_OUTWARD, _INWARD = re.compile(r"(?<!\w)[A-Z]{1,2}\d[A-Z\d]?$"), re.compile(r"[ ]\d[A-Z]{2}(?!\w)")
_PARTS = (IdentifierKind.NAME, IdentifierKind.PLACE, IdentifierKind.ADDRESS, IdentifierKind.OTHER)
"""What a street of no list may have been taken for."""
_YEAR = re.compile(r"(?:19|20)\d\d$")
_REACH = 240  # characters behind a street within which its country stands


def beside_addresses(text: str, found: Sequence[Identifier]) -> Iterator[Identifier]:
    """Spans that join the pieces of addresses and reach over what stands between and behind them.

    Args:
        text: The text.
        found: Its identifiers, by start.
    """
    for at, one in enumerate(found):
        if one.kind is IdentifierKind.ADDRESS:
            start, end = _begun(text, found, at), _joined(text, found, at)
            if (start, end) != (one.start, one.end):
                yield Identifier(start, end, IdentifierKind.ADDRESS, beside_addresses.__name__, LIKELY)
            yield from _countries(text, end)
        elif one.kind is IdentifierKind.PLACE and text[one.start].isupper():
            code = _BEHIND_TOWN.match(text, one.end)
            if code:
                yield Identifier(*code.span("code"), IdentifierKind.PLACE, beside_addresses.__name__, LIKELY)


def _begun(text: str, found: Sequence[Identifier], at: int) -> int:
    """Where an address begins: at the street before its flat, at the other street of a crossing."""
    one = found[at]
    if _UNIT.match(text, one.start) and (head := _HEAD.search(text, max(0, one.start - _BEFORE), one.start)):
        return head.start()
    if _FLAT.match(text, one.start) and (street := _BEFORE_FLAT.search(text, max(0, one.start - _BEFORE), one.start)):
        return street.start()
    named = _NAMED.search(text, max(0, one.start - _BEFORE), one.start) if text[one.start].isdigit() else None
    if named and all(item.kind in _PARTS for item in _reaching(found, at, named.start("street"))):
        return named.start("street")
    before = found[at - 1] if at else None
    crosses = before is not None and before.kind is IdentifierKind.NAME and text[before.end : one.start] == " and "
    if before is not None and crosses and text[one.start].isalpha() and " " not in text[before.start : before.end]:
        return before.start
    return one.start


def _reaching(found: Sequence[Identifier], at: int, start: int) -> Iterator[Identifier]:
    """The identifiers before one that reach behind an offset."""
    while at and found[at - 1].end > start:
        at -= 1
        yield found[at]


def _joined(text: str, found: Sequence[Identifier], at: int) -> int:
    end = found[at].end
    for other in found[at + 1 :]:
        gap = text[end : other.start]
        if len(gap) > _LONGEST or not _belongs(text, gap, other):
            break
        end = other.end
    if _ENDS_IN_UNIT.search(text, found[at].start, end) and (town := _CAPS_TOWN.match(text, end)):
        return town.end()
    inward = _INWARD.match(text, end) if _OUTWARD.search(text, found[at].start, end) else None
    tail = inward or _TAIL.match(text, end)
    return tail.end() if tail else end


def _belongs(text: str, gap: str, other: Identifier) -> bool:
    if other.kind is IdentifierKind.ADDRESS:
        return bool(_UNIT.match(text, other.start)) and bool(_BETWEEN.fullmatch(gap.replace(".", "")))
    if gap == " " and other.kind is IdentifierKind.NAME:
        return text[other.start : other.end].rsplit(" ", 1)[-1].lower() in STATES_AND_COUNTRIES
    return other.kind is IdentifierKind.PLACE and bool(_BETWEEN.fullmatch(gap))


def _countries(text: str, end: int) -> Iterator[Identifier]:
    for match in _COUNTRY_CODE.finditer(text, end, end + _REACH):
        if not _YEAR.match(match["code"]):
            yield Identifier(*match.span("code"), IdentifierKind.PLACE, beside_addresses.__name__, LIKELY)

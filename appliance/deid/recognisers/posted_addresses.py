"""Addresses by the postal code that closes them: whatever street and town are called, their order tells them.

Forms of postal codes and of lines: Universal Postal Union, "Postal addressing systems"; USPS Publication 28.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from appliance.deid.identifier import IdentifierKind as Kind
from appliance.deid.reading import Reading
from appliance.deid.recognisers.base import CERTAIN, LIKELY, Found

_CANADIAN = r"[ABCEGHJ-NPRSTVXY]\d[A-Z]\s?\d[A-Z]\d"
_BRITISH = r"[A-Z]{1,2}\d[A-Z\d]?\s\d[A-Z]{2}"
_IRISH = r"[ACDEFHKNPRTVWXY]\d[\dW]\s?[A-Z\d]{4}"
_POST = re.compile(
    rf"(?<![\w.,/$-])(?:\d{{4,6}}(?:-\d{{4}})?|{_CANADIAN}|{_BRITISH}|{_IRISH})(?![\w%/]|[.,:-]\d)"
    r"|(?<=[^\W\d_]-)\d{6}(?![\w-])"
)
_LOW_POST = re.compile(_POST.pattern, re.I)
# Codes before the town, as the continent writes them.
_CONTINENTAL = re.compile(
    r"(?<![\w.,/$-])(?:[A-Z]{1,2}-)?(?:\d{4}\s?[A-Z]{2}|\d{2}-\d{3}|\d{3}\s\d{2}|\d{5}-?\d{3}|\d{4,6})(?![\w%/]|[.:-]\d)"
)
_WORD = r"[^\W\d_](?:[^\W\d_]|['’.-]){0,30}"
_NAME = rf"(?=[^a-z\W]|[dlo]['’]){_WORD}"
_UNIT = (
    r"(?i:(?:flat|studio|unit|apt|apartment|suite|ste|level|lot|room|floor|shop|villa|door|h\.\s?no|house no|plot)\b\.?"
    r"\s?#?\s?[\w/-]{1,7})"
)
_NUMBER = r"(?:No\.?\s?)?\d{1,6}[A-Za-z]?(?:[/-]\d{1,4}[A-Za-z]?)?"
_NEXT = r"\s*[,\n][ \t\n>|?*]{0,12}"
_HOUSE = rf"(?:{_UNIT}(?:{_NEXT}|\s)(?:{_NUMBER}(?:{_NEXT}|\s))?|{_NUMBER}(?:{_NEXT}|\s))"
_ROUTE = r"(?:RD\s\d{1,3})"
_REGION = (
    r"(?P<region>[A-Z]{2,4}|Queensland|Victoria|Tasmania|New South Wales|(?:South|Western) Australia|Ontario|Quebec"
    r"|Alberta|Manitoba|Saskatchewan|Nova Scotia|British Columbia|New Brunswick|Co\.\s[A-Z][a-z]+)"
)
_PARTICLE = r"(?:de|del|della|delle|di|da|do|dos|du|des|la|le|las|los|y|e|van|der|den|aan|na|nad|pod|sur|sous)"
_NAMES = rf"(?:{_PARTICLE}\s){{0,2}}{_NAME}(?:[ -](?:{_PARTICLE}[ ]){{0,2}}{_NAME}){{0,4}}"
# Behind the street: its number, and a flat by whatever word ("37 Interior 4", "Nr. 25 Bl. 8  Sc. 4 Ap. 2").
_BEHIND = (
    r"(?P<number>,?\s(?:[Nn]r\.?\s|č\.\s?p\.\s)?\d{1,5}[A-Za-z]?(?:[/-]\d{1,4})?\.?)"
    r"(?:,?\s{1,2}(?:[^\W\d_]{2,12}\.?\s)?\d{1,4}(?![\w-])){0,4}"
)
_LINES = re.compile(
    rf"(?<![\w.,/-])(?P<place>(?P<house>{_HOUSE})?(?P<street>{_NAMES})(?:{_BEHIND})?(?:,?\s{_UNIT})?\s?{_NEXT}"
    rf"(?:{_ROUTE}{_NEXT})?(?P<town>{_NAMES}(?:\s(?:los|las)\s\w+)?)(?:(?:{_NEXT}|\s){_REGION})?)(?:{_NEXT}|\s|-)$"
)
_KINDS = re.compile(
    r"(?:Aleea|Strada|Bulevardul|[SȘ]oseaua|Intrarea|Drumul|Calea|Calle|Callej[oó]n|Avenida|Rambla|Paseo|Plaza|Via"
    r"|Viale|Corso|Piazza|Rua|Travessa|Rue|Boulevard|Avenue|Place|Chemin)\s",
    re.I,
)
# In lower case: a region that is no word of English, or nothing but the code behind a flat.
_LOW_REGION = (
    r"(?P<region>a[kz]|c[at]|dc|fl|ga|ia|il|k[sy]|m[bdinost]|n[bcdhjmsvy]|ri|s[cdk]|t[nx]|ut|v[at]|w[aivy]|pr|qc|bc"
    r"|nsw|vic|qld|tas)"
)
_LOW_LINES = re.compile(
    rf"(?<![\w.,/-])(?P<place>{_HOUSE}(?P<street>{_WORD}(?:[ ]{_WORD}){{0,3}})(?:,?\s{_UNIT})?{_NEXT}"
    rf"(?P<town>{_WORD}(?:[ -]{_WORD}){{0,2}}?)(?:(?:{_NEXT}|\s){_LOW_REGION})?)(?:{_NEXT}|\s|-)$"
)
_STREET_BEFORE = re.compile(
    rf"(?<![\w.,/-])(?P<place>(?P<house>{_NUMBER},?\s)?"
    rf"(?P<street>(?:[^\W\d_]{{2,12}}\.?\s)?{_NAMES}(?:\s[^\W\d_]{{2,12}})?)(?:{_BEHIND})?(?:{_NEXT}{_NAMES})?){_NEXT}$"
)
_TOWN_BEHIND = re.compile(rf"(?:{_NEXT}|\s){_NAMES}(?:\s\([A-Z]{{2}}\)|\s/\s[A-Z]{{2}}\b)?")
# A town in lower case before a code of five figures: "in barra de carrasco 15000 in its third year".
_LOW_TOWN = re.compile(
    rf"(?<=\sin\s)(?P<town>{_WORD}(?:[ ](?:{_PARTICLE}[ ])?{_WORD}){{0,2}})[ ]\d{{5}}(?=\s*(?:[,.;\n]|$)|\sin\b)"
)
_YEAR = re.compile(r"(?:19|20)\d\d$")
_STREET_WORD = re.compile(
    r"\b(?:street|avenue|road|lane|drive|court|way|place|square|terrace|close|crescent|grove|mews|walk|rise|row|parade"
    r"|esplanade|highway|parkway|boulevard|circle|trail|st|ave|rd|ln|dr|ct|pl|nagar|marg|ganj|chowk|path|colony|vihar)\.?$",
    re.I,
)
_LONGEST_PARTICLE = 3  # letters
_REACH = 150  # characters before a postal code in which its address begins


def posted_addresses(reading: Reading, is_plain: Callable[[str], bool]) -> Iterator[Found]:
    """Spans of addresses of two lines or more with their postal code.

    Args:
        reading: The text.
        is_plain: Whether a word (lower case) is one of English or medicine, so that it names no street or town.
    """
    text = reading.text
    codes, lines = (_POST, _LINES) if reading.capitals else (_LOW_POST, _LOW_LINES)
    for code in codes.finditer(text):
        match = lines.search(text, max(0, code.start() - _REACH), code.start())
        if match and _is_address(match, code.group(), is_plain):
            yield Found(match.start("place"), code.end(), Kind.ADDRESS, CERTAIN if match["region"] else LIKELY)
    for match in _LOW_TOWN.finditer(text) if not reading.capitals else ():
        words = [word for word in match["town"].split(" ") if len(word) > _LONGEST_PARTICLE]
        if words and not any(map(is_plain, words)):
            yield Found(*match.span(), Kind.PLACE, LIKELY)
    for code in _CONTINENTAL.finditer(text) if reading.capitals else ():
        street = _STREET_BEFORE.search(text, max(0, code.start() - _REACH), code.start())
        town = street and _TOWN_BEHIND.match(text, code.end())
        if street and town and (street["house"] or street["number"]) and _is_continental(street, town, is_plain):
            yield Found(street.start("place"), town.end(), Kind.ADDRESS, LIKELY)


def _is_address(match: re.Match[str], code: str, is_plain: Callable[[str], bool]) -> bool:
    """Whether names stand in an address's order: "Give 20 Lantus Units, Recheck Glucose 1400" has none."""
    if match.re is _LINES and not (match["house"] or match["number"] or _KINDS.match(match["street"])):
        return False
    bare = code.isdigit() and len(code) == 4 and not match["region"]
    if bare and (_YEAR.match(code) or not _STREET_WORD.search(match["street"])):
        return False
    if match.re is _LOW_LINES and code.isdigit() and not match["region"]:
        return False
    if match["region"] and not code.isdigit():
        return True
    if match["region"] and _STREET_WORD.search(match["street"]):
        return True
    return _is_named(f"{match['street']} {match['town']}", is_plain)


def _is_continental(street: re.Match[str], town: re.Match[str], is_plain: Callable[[str], bool]) -> bool:
    return _is_named(street["street"], is_plain) and _is_named(town.group().strip(" ,\n>|?*"), is_plain)


def _is_named(text: str, is_plain: Callable[[str], bool]) -> bool:
    words = re.split(r"[\s-]+", text)
    return any(len(word) > 2 and not is_plain(word.lower().strip(".,()'’")) for word in words)

"""Streets of any language by what leads to them ("lives at 255 hersnapvej 18"), corners, and ships' post offices.

No list and no ending knows these streets, so words before and numbers beside them have to say it. Military addresses:
USPS Publication 28, section 225.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from appliance.deid.identifier import IdentifierKind as Kind
from appliance.deid.reading import Reading
from appliance.deid.recognisers.base import LIKELY, Found
from appliance.deid.recognisers.by_word import WordRule, WordRules

_WORD = r"[^\W\d_](?:[^\W\d_]|['’.-]){0,30}"
_NAME = rf"(?=[^a-z]){_WORD}"
_PARTICLES = frozenset(
    ("de", "del", "della", "des", "di", "da", "do", "dos", "du", "la", "las", "le", "les", "los", "el", "van", "der")
).union(("den", "von", "zu", "zum", "zur", "na", "nad", "pod", "the", "of", "and", "st", "san", "y", "i"))
_NUMBER = r"\d{1,5}[A-Za-z]?(?![\w%/]|[.,:-]\d)"
_ENDS = (
    r"(?=\s*(?:[,;?!)\n]|$)|\.(?:\s|$)|\s(?:[Aa]pt|APT|[Ss]uite|[Ss]te|[Uu]nit|[Ff]loor|[Ff]lat|[Ss]tr?|for|in|please"
    r"|last|tonight|after|near|and|by|today|tomorrow)\b)"
)
_LEADS = (
    r"(?i:liv(?:es?|ed|ing)|resid(?:es?|ed|ing)|moved|located|address(?:es)?|sen[dt]|deliver(?:ed)?|mail(?:ed)?"
    r"|forward(?:ed)?|meet|drop(?:s|ped)?[ ](?:\w+[ ])?off|return|arrived|office|restaurant|station|stop|taxi|picked"
    r"|enters?|side)"
)
_LINK = r"(?:[ ][\w.'’-]{1,20}){0,7}?(?::|[ ](?:at|to|on|is|of))\s{1,6}(?!(?:at|to|on|in|of|is|the)\s)"
_LED = re.compile(
    rf"\b{_LEADS}{_LINK}(?P<place>"
    rf"(?P<house>\d{{1,6}}[A-Za-z]?\s)?(?:\d{{1,5}}\s)?(?:{_NAME}\sand\s)?"
    rf"(?P<words>{_WORD}(?:[ ]{_WORD}){{0,4}}?)\s(?P<number>{_NUMBER})\.?"
    rf"|\d{{1,6}}[A-Za-z]?\s\d{{1,5}}[A-Za-z]?\s(?P<named>{_WORD}(?:[ ]{_WORD}){{0,3}})){_ENDS}"
)
_STREET = (
    rf"(?:\d{{1,5}}\s)?(?:(?i:ul|os|al|av|bd)\.\s)?{_WORD}(?:\s(?!and\b){_WORD}){{0,4}}?(?:\s\d{{1,5}}[A-Za-z]?\b\.?)?"
    r"(?:\s(?:[Ss]tr?|[Aa]ve|[Rr]d)\b\.?)?"
)
_CORNER = re.compile(
    rf"\b(?P<place>(?i:(?:the[ ])?(?:corner|intersection)[ ]of[ ])(?P<one>{_STREET})\s(?:and|&)\s"
    rf"(?P<two>(?:\d{{1,5}}\s)?(?:[a-z]{{2,3}}[ ])?{_NAME}(?:[ ]{_NAME}){{0,3}}))"
)
_SHIP = re.compile(
    rf"\b(?:USS|USNS|USNV|USCGC|uss|usns|usnv|uscgc)\s{_WORD}(?:\s{_WORD}){{0,2}}\s*[,\n]?\s*"
    r"(?i:[AFD]PO,?\sA[AEP]\s\d{5}(?:-\d{4})?)(?!\w)"
)
_RUE = re.compile(
    rf"(?:(?<![\w.,/-])\d{{1,6}}\s){{0,2}}(?i:rue\s(?:de\sla\s|de\s|du\s|des\s|d['’]){_WORD})(?:\s{_NAME})?(?:\s{_NUMBER})?"
)
# A common noun or a rank stands between in Hungarian: "Árpád fejedelem útja 3.".
_HUNGARIAN = re.compile(
    rf"(?:(?<![\w.,/-])\d{{1,6}}\s)?(?P<place>{_NAME}(?:[ ]{_WORD}){{0,2}}[ ]"
    rf"(?:utca|utcája|útja|út|tér|tere|körút|sétány|köz)\s{_NUMBER}\.?)"
)
_RULES = WordRules(
    (
        WordRule("led_streets.leads", Kind.ADDRESS, _LED, 0, 150),
        WordRule("led_streets.corners", Kind.ADDRESS, _CORNER, 5, 120),
        WordRule("led_streets.rue", Kind.ADDRESS, _RUE, 14, 60),
        WordRule("led_streets.hungarian", Kind.ADDRESS, _HUNGARIAN, 70, 12),
        WordRule("led_streets.ships", Kind.ADDRESS, _SHIP, 0, 90),
    )
)
_YEAR = re.compile(r"(?:19|20)\d\d$")


def led_streets(reading: Reading, is_plain: Callable[[str], bool]) -> Iterator[Found]:
    """Spans of such addresses.

    Args:
        reading: The text.
        is_plain: Whether a word (lower case) is one of English or medicine, so that it names no street.
    """
    for _, match in _RULES.find(reading):
        if match.re is _LED and not _is_street(match, is_plain):
            continue
        if match.re is _CORNER and not any(_is_named(match[part], is_plain) for part in ("one", "two")):
            continue
        yield Found(*match.span("place" if "place" in match.re.groupindex else 0), Kind.ADDRESS, LIKELY)


def _is_street(match: re.Match[str], is_plain: Callable[[str], bool]) -> bool:
    """Whether a number stands beside a name: "lives at home with Ana 3" and "moved to Boston 2019" hold no street."""
    if match["number"] and not match["house"] and _YEAR.match(match["number"]):
        return False
    return _is_named(match["words"] or match["named"], is_plain)


def _is_named(text: str, is_plain: Callable[[str], bool]) -> bool:
    """Whether a street's words hold a name, and in lower case no other word of English."""
    words = [word for word in re.split(r"[\s-]+", text) if word.lower().rstrip(".") not in _PARTICLES]
    lows = [word.lower().strip(".'’") for word in words if word[0].isalpha()]
    if any(word.islower() and len(low) > 1 and is_plain(low) for word, low in zip(words, lows, strict=False)):
        return False
    return any(len(low) > 2 and not is_plain(low) for low in lows)

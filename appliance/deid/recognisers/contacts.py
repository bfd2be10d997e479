"""E-mail, URL, IP, social media, phone and fax, as written and as spoken."""

from __future__ import annotations

import re
from collections.abc import Iterator

from appliance.deid.identifier import IdentifierKind
from appliance.deid.reading import Reading
from appliance.deid.recognisers.base import CERTAIN, LIKELY, Found, ReadingRecogniser
from appliance.deid.recognisers.by_letter import by_letter

# A list of ours, not the public suffix list: that one would have to be fetched. A name behind @ needs no known ending.
_TLD = (
    "com|org|net|edu|gov|mil|info|biz|io|co|us|uk|ca|au|de|fr|it|es|nl|ch|at|eu|in|jp|cn|br|mx|ru|se|no|dk|fi|pl|pt|ie"
    "|nz|za|health|care|clinic|doctor|hospital|med|medical|pharmacy|dental|app|dev|me|tv|xyz|online|site|tech|cloud|ai"
)
_EMAIL = re.compile(
    r"[\w.+%'’-]{1,64}(?:@|\s@\s|\s?[(\[]at[)\]]\s?)(?:[\w-]{1,63}\s?(?:\.|\(dot\)|\[dot\])\s?){1,5}[a-z]{2,18}\b", re.I
)
_SPOKEN_WORD = r"[a-z0-9][a-z0-9'’-]{0,29}"
_SPOKEN_EMAIL = re.compile(
    rf"\b{_SPOKEN_WORD}(?:(?:\s?(?:\.|-|_)\s?|\s+(?:dot|underscore|dash|hyphen|period)\s+){_SPOKEN_WORD}){{0,4}}"
    rf"(?:\s+\d{{1,4}}|(?:\s+(?:zero|one|two|three|four|five|six|seven|eight|nine)){{1,5}})?"
    rf"\s+at\s+{_SPOKEN_WORD}(?:\s{_SPOKEN_WORD}){{0,2}}?(?:(?:\s+(?:dot|period)\s+|\.)[a-z]{{2,14}}){{0,2}}"
    rf"(?:\s+(?:dot|period)\s+(?:{_TLD})|\.(?:com|org|net|edu|gov))\b",
    re.I,
)
_SPOKEN_EMAIL_SIGNS = ("dot", "period", ".com", ".org", ".net", ".edu", ".gov")
# Letters said one by one, and what follows "my email is": several words may be one name there.
_SPELT_EMAIL = re.compile(
    rf"(?<![\w'’])(?:(?:[a-z0-9]\s+){{2,30}}(?:{_SPOKEN_WORD}\s+){{0,2}}?"
    rf"|(?<=\bis )(?:{_SPOKEN_WORD}\s+){{1,6}}?|(?<=\bcase )(?:{_SPOKEN_WORD}\s+){{1,6}}?"
    rf"|(?<=['’]s )(?:{_SPOKEN_WORD}\s+){{1,6}}?|(?<=mail me at )(?:{_SPOKEN_WORD}\s+){{1,6}}?)"
    rf"at\s+(?:sign\s+)?{_SPOKEN_WORD}(?:\s+{_SPOKEN_WORD})?(?:\s+(?:dot|period)\s+[a-z]{{2,14}}){{1,3}}\b",
    re.I,
)
# Before a provider that everybody knows, all words that are no function words are the name of the box.
_PROVIDED_EMAIL = re.compile(
    rf"(?<![\w'’])(?:(?!(?:is|it|its|it's|my|me|e-?mail|address|to|the|at|on|and|a|s|i|that|that's|you|can|send"
    rf"|reach|mail|case"
    rf"|lower|for|or|use|uses|have|has)\b){_SPOKEN_WORD}\s+){{1,6}}at\s+(?:sign\s+)?(?:gmail|g mail|yahoo"
    rf"|hotmail|hot mail|outlook|out look"
    r"|i ?cloud|aol|a o l|comcast|verizon|proton ?mail|msn|live|att)(?:\s+dot\s+|\s?\.\s?)[a-z]{2,4}\b",
    re.I,
)
_URL = re.compile(
    r"\b(?:https?|ftp)://[^\s<>\"]{1,2000}|\bwww\.[^\s<>\"]{1,500}"
    rf"|(?<![\w@.-])(?:[a-z0-9](?:[a-z0-9-]{{0,62}})\.){{1,5}}(?:{_TLD})(?:/[^\s<>\"']{{0,500}})?(?![\w.-]*@)(?!\w)",
    re.I,
)
_HAS_DOMAIN = re.compile(r"\.[^\W\d_]")
# With a path behind it, any ending makes an address.
_PATH = re.compile(r"(?<![\w@.-])(?:[a-z0-9-]{1,63}\.){0,3}[a-z0-9-]{4,63}\.[a-z]{2,3}/\w[\w./?=&%~-]{2,500}", re.I)
_HAS_PATH = re.compile(r"[a-z0-9]\.[a-z]{2,3}/\w")
_SPOKEN_URL = re.compile(
    rf"\b(?:www|w w w|triple w|double u double u double u)(?:\s+dot\s+|\s?\.\s?){_SPOKEN_WORD}"
    rf"(?:(?:\s+dot\s+|\s?\.\s?){_SPOKEN_WORD}){{0,3}}(?:\s+slash\s+{_SPOKEN_WORD}){{0,3}}"
    rf"|\b{_SPOKEN_WORD}(?:\s+dot\s+{_SPOKEN_WORD}){{0,2}}\s+dot\s+(?:com|org|net|edu|gov|io|health|us)\b"
    rf"(?:\s+slash\s+{_SPOKEN_WORD}){{0,3}}",
    re.I,
)
_IPV6 = re.compile(
    r"(?<![\w:])(?:[0-9a-f]{1,4}:){2,7}(?::?[0-9a-f]{1,4}){1,6}(?:%\w{1,16})?(?!\w|:[\w:])"
    r"|(?<![\w:])::(?:[0-9a-f]{1,4}:){0,5}[0-9a-f]{1,4}(?!\w|:[\w:])",
    re.I,
)
_IPV6_SHORT = re.compile(
    r"(?<![\w:])(?:[0-9a-f]{1,4}:){1,6}:(?:[0-9a-f]{1,4}:){0,5}[0-9a-f]{1,4}(?:%\w{1,16})?(?!\w|:[\w:])", re.I
)
_IPV4 = re.compile(
    r"(?<![\w.])(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:/\d{1,2}|:\d{2,5})?(?![\w]|\.\d)"
)
_HANDLE = re.compile(rf"(?<![\w@./])@(?=[\w.]*[a-z])[\w.]{{2,40}}(?<!\.)(?!\w)(?!\s?\.\s?(?:{_TLD})\b)", re.I)
_NETWORKS = (
    r"facebook|instagram|insta|twitter|tik ?tok|snapchat|snap|linked ?in|telegram|signal|whats ?app|skype|discord"
    r"|youtube|reddit|pinterest|venmo|cash ?app|wechat|threads|bluesky|mastodon|social media|gamertag|psn"
    r"|twitch|tumblr|xbox(?: live)?|steam|onlyfans|zelle|paypal|tinder"
)
_SHORT_NETWORKS = r"(?-i:IG)|(?-i:FB)|(?-i:[fF])b(?=\s?:)|(?-i:[iİıI])g(?=\s?:)"
_NETWORK = rf"(?:{by_letter(_NETWORKS)}|{_SHORT_NETWORKS})"
_ANY_NETWORK = re.compile(
    rf"\b(?:{by_letter(_NETWORKS + '|handle|user ?name|screen ?name')}|{_SHORT_NETWORKS})\b", re.I
)
_ACCOUNT_OF = re.compile(
    rf"\b{_NETWORK}(?:\s+(?:account|handle|user ?name|user|profile|name|id|page|tag|under|is"
    rf"|as|at|by|i ?['’]m|i am|me|he ?['’]s|she ?['’]s|:|=|@)){{1,4}}\s*[:=]?\s*"
    rf"(?P<handle>@?[\w.-]{{3,40}}\w(?:\s(?:underscore|dot|dash|hyphen"
    rf"|period)\s\w{{1,30}}){{0,4}}(?:#\d{{2,6}})?)|\b{_NETWORK}\s*[:=]\s*(?P<second>@?[\w.-]{{3,40}}\w(?:#\d{{2,6}})?)"
    rf"|\b{_NETWORK}\s+(?P<fourth>@?(?=[\w.-]{{0,40}}[a-z])(?=[\w.-]{{0,40}}\d)[\w.-]{{4,40}}(?:#\d{{2,6}})?(?!\w))"
    rf"|\b{_NETWORK}\s+(?P<fifth>[\w.-]{{3,40}}#\d{{2,6}})(?!\w)"
    rf"|\b(?:handle|user ?name|screen ?name)(?:\s+is"
    rf"|\s*[:=])?\s*[:=]?\s*(?P<third>@?(?=[\w.-]*[\d_@])[\w.-]{{3,40}}\w)",
    re.I,
)
_PHONE = re.compile(
    r"(?<![\w.-])(?<!\d/)(?:"
    r"(?:\+?1[-.\s–]{0,2})?(?:\(\d{3}\)|\d{3})[-.\s–/]{0,3}\d{3}[-.\s–]{0,3}\d{4}"
    r"|\+\d{1,3}[-.\s–]?(?:\(0?\d{1,4}\)|\d{1,5})(?:[-.\s–/]?\d{2,5}){1,5}"
    r"|\(\d{2,3}\)[-.\s]?\d{3,4}[-.\s–]?\d{3,5}"
    r"|0\d{2,4}[-.\s–/]\d{3,4}[-.\s–]?\d{3,4}"
    r"|(?-i:1?-?8(?:00|33|44|55|66|77|88)-[A-Z]{3,7}(?:-[A-Z]{1,4})?)"
    r")(?:\s*(?:,\s*)?(?:x|ext\.?|extension|#)\s*\d{1,6})?(?![\w]|[-.]\d)",
    re.I,
)
_SHORT = re.compile(
    r"(?<![\w.-])(?<!\d[/.:])\d{3}[-.–\s]\d{4}(?:\s*(?:x|ext\.?|extension)\s*\d{1,6})?(?![\w%]|[-./]\d)"
)
_CALLING = re.compile(
    r"\b(?:call(?:ed|ing)?|phone|telephone|tel|cell|mobile|pager|page|beeper|fax|contact|reach(?:ed)?|number|text|dial"
    r"|ph|home|work|voicemail|line|landline|hotline)\b[^\d\n]{0,40}$",
    re.I,
)
_UNIT = re.compile(r"\s*(?:mg|mcg|ml|g|kg|units?|iu|cal|kcal|calories|steps|cells|hz|cc|meq|mmol|ng|copies|k)\b", re.I)
_FAX = re.compile(r"\b(?:fax(?:ed)?|facsimile|fx)\b[^\d\n]{0,40}$|\bF:\s*\(?$", re.I)
_EXTENSION = re.compile(
    r"\b(?:ext\.?|extension|pager|beeper)\s*(?:is|number|no\.?|#|:){0,2}\s*(?P<value>#?\d{3,6})\b", re.I
)


class ContactRecogniser(ReadingRecogniser):
    """Ways to reach somebody."""

    kinds = (
        IdentifierKind.EMAIL, IdentifierKind.URL, IdentifierKind.IP, IdentifierKind.SOCIAL, IdentifierKind.PHONE,
        IdentifierKind.FAX,
    )  # fmt: skip

    def find(self, reading: Reading) -> Iterator[Found]:
        """Searches with one pattern a kind; a pattern runs only where the text has the sign that it needs."""
        text = reading.text
        low = text.lower()
        if "@" in text or "(at)" in low or "[at]" in low:
            yield from _all(_EMAIL, text, IdentifierKind.EMAIL)
            yield from _all(_HANDLE, text, IdentifierKind.SOCIAL)
        if " at " in low:
            if any(sign in low for sign in _SPOKEN_EMAIL_SIGNS):
                yield from _all(_SPOKEN_EMAIL, text, IdentifierKind.EMAIL)
            if " dot " in low:
                yield from _all(_SPELT_EMAIL, text, IdentifierKind.EMAIL)
                yield from _all(_PROVIDED_EMAIL, text, IdentifierKind.EMAIL)
        if _HAS_DOMAIN.search(text) or "://" in text or "www." in low:
            yield from _all(_URL, text, IdentifierKind.URL)
        if " dot " in low or "w w w" in low or "www" in low:
            yield from _all(_SPOKEN_URL, text, IdentifierKind.URL)
        yield from _all(_IPV4, text, IdentifierKind.IP)
        if ":" in text:
            yield from (
                found for found in _all(_IPV6, text, IdentifierKind.IP) if _is_address(text[found.start : found.end])
            )
        if "::" in text:
            yield from _all(_IPV6_SHORT, text, IdentifierKind.IP)
        if _HAS_PATH.search(low):
            yield from _all(_PATH, text, IdentifierKind.URL)
        if _ANY_NETWORK.search(text):
            yield from self._accounts(text)
        yield from self._phones(text)

    def _accounts(self, text: str) -> Iterator[Found]:
        for match in _ACCOUNT_OF.finditer(text):
            name = str(match.lastgroup)
            yield Found(match.start(name), match.end(name), IdentifierKind.SOCIAL, LIKELY)

    def _phones(self, text: str) -> Iterator[Found]:
        for match in _PHONE.finditer(text):
            yield Found(match.start(), match.end(), _phone_or_fax(text, match.start()), LIKELY)
        for match in _SHORT.finditer(text):
            called = _CALLING.search(text, max(0, match.start() - 60), match.start())
            # 555-1234 is a number to call; 500-1000 is a range.
            first, last = match.group()[:3], match.group()[4:8]
            shaped = match.group()[3] in "-." and not last.endswith("00") and first not in ("100", "200", "000")
            if (called or shaped) and not _UNIT.match(text, match.end()):
                yield Found(match.start(), match.end(), _phone_or_fax(text, match.start()), LIKELY)
        for match in _EXTENSION.finditer(text):
            yield Found(match.start("value"), match.end("value"), IdentifierKind.PHONE, LIKELY)


def _all(pattern: re.Pattern[str], text: str, kind: IdentifierKind) -> Iterator[Found]:
    for match in pattern.finditer(text):
        yield Found(match.start(), match.start() + len(match.group().rstrip(".,;:!?)'’")), kind, CERTAIN)


def _is_address(value: str) -> bool:
    """Whether it is IPv6 and no time of day: 10:30:15 has digits alone and at most three parts."""
    parts = value.split(":")
    return len(parts) == 8 or "::" in value or any(not part.isdigit() for part in parts)


def _phone_or_fax(text: str, start: int) -> IdentifierKind:
    return IdentifierKind.FAX if _FAX.search(text, max(0, start - 50), start) else IdentifierKind.PHONE

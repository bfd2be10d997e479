"""Names in social networks that look like words or names: "my name there is the real alder", "Snapchat alder_oak"."""

from __future__ import annotations

import re
from collections.abc import Iterator

from appliance.deid.identifier import IdentifierKind
from appliance.deid.reading import Reading
from appliance.deid.recognisers.base import LIKELY, Found, ReadingRecogniser
from appliance.deid.recognisers.by_letter import by_letter
from appliance.deid.recognisers.name_class import NameWords, Weight

_NETWORK = re.compile(
    r"\b(?:"
    + by_letter(
        r"facebook|face book|instagram|insta ?gram|insta|twitter|tik ?tok|snap ?chat|snap|linked ?in|telegram"
        r"|whats ?app"
        r"|skype|discord|you ?tube|reddit|pinterest|venmo|cash ?app|we ?chat|threads|blue ?sky|mastodon|twitch|tumblr"
        r"|only ?fans"
        r"|strava|peloton|duolingo|xbox(?: live)?|play ?station|gamer ?tag|my ?space"
        r"|(?:my|his|her|their|your)\s+(?:handle|user ?name|screen ?name)"
    )
    + r"|(?-i:IG)|(?-i:FB))\b",
    re.I,
)
# Between the network and the name: "account is", "my name there is", "under", "as".
_LINK = re.compile(
    r"(?:['’]s)?(?:[\s:(]+(?:my|his|her|their|our|your|user ?name|screen ?name|name|handle|account|profile|page|id"
    r"|channel|group|is|was"
    r"|it's|it is|that's|there|on there|under|as|at|by|called|named|goes by|i'm|i am|he's|she's|they're|look me up"
    r"|look up"
    r"|find me|follow me|follow|search|search for|uh|um|and it's|and it is|and my name is|and i'm|where i'm|where she's"
    r"|where he's|(?:of|for)\s(?:the\s)?[a-z]{2,12}(?=:))(?=[\s:,(]|$)){0,7}[\s:(]+",
    re.I,
)
_NAMES_IT = re.compile(r"\b(?:name|handle|user ?name|is|as|under|called|named|by|i'm|it's|he's|she's)\b", re.I)
_WRITTEN = re.compile(r"@?(?=[\w.-]*\w[_.-]\w|[\w.-]*[a-z]\d)[\w.-]{3,40}\w", re.I)
_NUMBER = (
    r"(?:zero|oh|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen"
    r"|seventeen"
    r"|eighteen|nineteen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|hundred|\d{1,4})"
)
_STOP = (
    r"(?:with|and|or|if|because|like|for|to|so|that|but|on|at|where|who|she|he|i|they|we|you|is|was|has|have|had"
    r"|when|it"
    r"|in|from|about|all|please|okay|thanks|a|an|my|his|her|your|our|their|videos?|posts?|messages?|pictures?"
    r"|photos?|group"
    r"|live|account|says|said|posted|saying|can|will|would|did|does|do|n't|not|just|every|now|too|yesterday|today)"
)
_SAID = re.compile(
    rf"(?:the\s+(?:real|official|one and only)\s+)?(?:at\s+)?(?!{_STOP}\b)[a-z0-9]['\w’]{{0,30}}"
    rf"(?:\s+(?:(?:underscore|under score|dot|dash|hyphen"
    rf"|period)\s+)?(?!{_STOP}\b)[a-z0-9]['\w’]{{0,30}}){{0,6}}(?:\s+underscore)?",
    re.I,
)
# The patterns run only where the text has one of these.
_SIGNS = (
    "face", "insta", "twitter", "tik", "snap", "linked", "telegram", "whats", "skype", "discord", "tube", "reddit",
    "u/", "dm", "follow", "tweet", "online",
    "pinterest", "venmo", "cash", "chat", "threads", "sky", "mastodon", "twitch", "tumblr", "fans", "xbox", "play",
    "gamer", "strava", "peloton", "duolingo",
    "my space", "myspace", "ig", "fb", "handle", "user", "screen",
)  # fmt: skip
_REDDIT = re.compile(r"(?<![\w/])/?u/[\w.-]{2,30}\w")
# A name joined by underscores is hardly anything else, written or spoken; not a key ("member_id": 5) nor a slot
# ("{street_name}").
_UNDERSCORED = re.compile(
    r"(?<![\w@./\\\"'{<-])@?(?=\w{0,30}[a-z])[A-Za-z][A-Za-z0-9]{1,29}(?:_[A-Za-z0-9]{1,30}){1,4}\b(?![\"']?\s?[:=(\[])"
)
_SPEAKERS = frozenset(("patient", "guest", "doctor", "family", "nurse", "clinician", "speaker"))
_UNDERSCORE_SAID = re.compile(
    r"(?:\bat\s+)?\b[a-z0-9][\w'’]{0,30}(?:\s+(?:underscore|under score)\s+[a-z0-9][\w'’]{0,30}){1,4}", re.I
)
# The network stands behind the name: "i'm ... on insta", "posts as ... on Reddit".
_BEFORE_IT = re.compile(
    r"\b(?:i'm|i am|he's|she's|look(?:ing)? for|look up|find (?:me|him|her) (?:as|at|under)|search(?: for)?|posts? as"
    r"|posted as|goes by|known as|under|called|named|user|messaged?|dm|add|follows?|tagged|by)\s+"
    r"(?P<name>(?:(?!on\b|in\b|over\b)@?[\w.'-]{1,30}\s+){1,6}?)(?:over\s+)?(?:on|in|at|via)\s+$",
    re.I,
)
_ONLINE = re.compile(
    r"\b"
    + by_letter(
        r"dm|follows?|following|messaged by|tweets? (?:from|by)|posts? (?:from|by)|handle|screen ?name|user ?name"
        r"|online as|follow me at|dm me at|user"
    )
    + r"\s*(?:is|:|as|at)?\s+(?P<name>@?(?=\w*(?:[\d_]|\.\w))[a-z][\w.]{2,40}\w)",
    re.I,
)
# In brackets or a list before its network, "Ada (adav on Twitter)", and behind a word for it alone, "@ handle adav".
_ASIDE = re.compile(r"[(:,;][ ]?(?P<name>@?[\w.'-]{4,30})[ ](?:over[ ])?on[ ]$")
_SAID_TO_BE = re.compile(r"@[ ]?(?:handle|name|user)[: ]{1,2}(?P<name>[\w.]{4,40}\w)", re.I)
# Two words joined by "dot" without the end of an address: a name that somebody chose.
_DOTTED = re.compile(
    r"(?<!\bat )\b(?!(?:a|the|my|this|that|red|black|blue|white|one|polka|no|small|little"
    r"|point)\b)(?P<first>[a-z]{3,20})"
    r"\s(?:dot|underscore)\s(?!(?:com|org|net|gov|edu|io|us|phrase|pattern|plot|product|on|in|at|the|is)\b)"
    r"(?P<last>[a-z]{2,20})\b(?!\s(?:at|dot)\b)",
    re.I,
)
# A name with figures at its end that no list has, where somebody is reached or followed: "to record at ada.varga7".
_FIGURED = re.compile(r"(?<=[a-z])\d{1,4}(?![\w@/%]|[.-]\w)")
_REACHED = re.compile(
    r"\b(?:at|via|under|as|to|from|by|on|user|follow(?:s|ing)?|message[sd]?|tag(?:s|ged)?|posts?|streams?)[ ]"
    r"(?P<name>@?(?P<first>[a-z]{2,24})(?:[._-](?P<last>[a-z]{2,24}))?)$"
)
_SHORTEST_CHOSEN = 6  # letters without a point; shorter ones are mostly terms: "il6", "wk12"
_FIGURE = re.compile(rf"{_NUMBER}$", re.I)
_JOINER = re.compile(r"\b(?:underscore|under score|dot|dash|hyphen|period)\b", re.I)
_COUNTED = re.compile(rf"\b{_NUMBER}$", re.I)


class HandleRecogniser(ReadingRecogniser):
    """Names in social networks, written or spoken."""

    kinds = (IdentifierKind.SOCIAL,)

    def __init__(self, classes: NameWords) -> None:
        super().__init__()
        self._classes = classes

    def find(self, reading: Reading) -> Iterator[Found]:
        """What follows a network, as far as it looks like a name that somebody chose."""
        text = reading.text
        low = text.lower()
        if "_" in text:
            for match in _UNDERSCORED.finditer(text):
                if not _SPEAKERS & set(match.group().lower().split("_")):
                    yield Found(match.start(), match.end(), IdentifierKind.SOCIAL, LIKELY)
        if "underscore" in low or "under score" in low:
            for match in _UNDERSCORE_SAID.finditer(text):
                yield Found(match.start(), match.end(), IdentifierKind.SOCIAL, LIKELY)
        if " dot " in low:
            for match in _DOTTED.finditer(text):
                parts = (match["first"].lower(), match["last"].lower())
                named = any(self._classes.weight(part) >= Weight.UNKNOWN for part in parts)
                if named and not any(_FIGURE.match(part) for part in parts):
                    yield Found(match.start(), match.end(), IdentifierKind.SOCIAL, LIKELY)
        yield from self._figured(text)
        if not any(sign in low for sign in _SIGNS):
            return
        for match in _ONLINE.finditer(text):
            yield Found(match.start("name"), match.end("name"), IdentifierKind.SOCIAL, LIKELY)
        for match in _SAID_TO_BE.finditer(text) if "@" in text else ():
            yield Found(match.start("name"), match.end("name"), IdentifierKind.SOCIAL, LIKELY)
        for match in _REDDIT.finditer(text):
            yield Found(match.start(), match.end(), IdentifierKind.SOCIAL, LIKELY)
        for network in _NETWORK.finditer(text):
            behind = _BEFORE_IT.search(text, max(0, network.start() - 90), network.start())
            name = behind["name"].strip() if behind else ""
            if behind and name and (_WRITTEN.fullmatch(name) or self._chosen(name, named=True)):
                yield Found(behind.start("name"), behind.start("name") + len(name), IdentifierKind.SOCIAL, LIKELY)
            aside = _ASIDE.search(text, max(0, network.start() - 44), network.start())
            if aside and (_WRITTEN.fullmatch(aside["name"]) or self._chosen(aside["name"], named=False)):
                yield Found(aside.start("name"), aside.end("name"), IdentifierKind.SOCIAL, LIKELY)
            link = _LINK.match(text, network.end())
            if not link:
                continue
            written = _WRITTEN.match(text, link.end())
            if written:
                yield Found(written.start(), written.end(), IdentifierKind.SOCIAL, LIKELY)
                continue
            said = _SAID.match(text, link.end())
            if said and self._chosen(said.group(), named=bool(_NAMES_IT.search(link.group()))):
                yield Found(said.start(), said.end(), IdentifierKind.SOCIAL, LIKELY)

    def _figured(self, text: str) -> Iterator[Found]:
        for figures in _FIGURED.finditer(text):
            name = _REACHED.search(text, max(0, figures.start() - 60), figures.start())
            if not name or (not name["last"] and len(name["first"]) < _SHORTEST_CHOSEN):
                continue
            if any(self._classes.weight(part) >= Weight.UNKNOWN for part in (name["first"], name["last"]) if part):
                yield Found(name.start("name"), figures.end(), IdentifierKind.SOCIAL, LIKELY)

    def _chosen(self, said: str, *, named: bool) -> bool:
        """Whether words are a chosen name: joined by "underscore", or counted, or holding a name or a word of no"
        " list."""
        if _JOINER.search(said):
            return True
        weights = [self._classes.weight(word) for word in said.lower().split()]
        if any(weight in (Weight.UNKNOWN, Weight.SURNAME, Weight.GIVEN) for weight in weights):
            return True
        counted, named_so = bool(_COUNTED.search(said)), any(weight > Weight.UNKNOWN for weight in weights)
        return (counted and named_so) or (named and (counted or named_so))

"""Plates, addresses in the web, codes and secrets in forms that need the words around them to be told from others."""

from __future__ import annotations

import re
from collections.abc import Iterator

from appliance.deid.identifier import IdentifierKind as Kind
from appliance.deid.reading import Reading
from appliance.deid.recognisers.base import LIKELY, Found, ReadingRecogniser
from appliance.deid.recognisers.by_word import WordRule, WordRules

_FIGURE = r"(?:zero|oh|one|two|three|four|five|six|seven|eight|nine)"
_MORE = r"(?:ten|eleven|twelve|\w{3,5}teen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|double|triple)"
_NATO = (
    r"(?:alpha|alfa|bravo|charlie|delta|echo|foxtrot|golf|hotel|india|juliett?|kilo|lima|mike|november|oscar|papa"
    r"|quebec"
    r"|romeo|sierra|tango|uniform|victor|whiskey|x-?ray|yankee|zulu)"
)
_SIGN = rf"(?:{_FIGURE}|{_MORE}|{_NATO}|[a-z](?!['’\w])|\d{{1,4}}(?!\w))"


def _said(fewest: int) -> str:
    """Figures, letters and words for letters that are said one by one, `fewest` of them behind the first."""
    return (
        rf"(?P<value>{_SIGN}(?:[ ,-]{{1,2}}(?:(?:dash|hyphen|slash|space|dot)\s)?{_SIGN}){{{fewest},15}}"
        r"(?:\s(?:pound|star|hash))?)(?!['’\w])"
    )


_IS = (
    r"(?:['’]s|\s(?:number|no|code|is|was|are|it['’]s|its|to get in|ref|id|on the \w+|for the \w+|with|starts with"
    r"|ends in|uh|um|the)|[:,])"
)
_BODY = r"(?i:sedan|car|truck|pickup|van|suv|vehicle|motorcycle|scooter|trailer|boat|hull|rv|moped|auto)"
_MAKE = (
    r"(?i:honda|toyota|ford|chevy|chevrolet|subaru|nissan|kia|hyundai|dodge|jeep|mazda|bmw|audi|volkswagen|vw|volvo|gmc"
    r"|lexus|buick|tesla|ram|civic|corolla|tacoma|camry|accord|f-?150|silverado)"
)
_PLATE = r"(?P<value>(?=[A-Z0-9 -]{0,11}\d)(?=[A-Z0-9 -]{0,11}[A-Z])[A-Z0-9]{1,4}(?:[- ][A-Z0-9]{1,5}){0,3})(?![\w-])"
# A plate by its form alone, where only a vehicle has it.
_STRICT = (
    r"(?P<value>(?:[A-Z]{3}[- ]?\d{3,4}|\d{3}[- ]?[A-Z]{3}|\d[A-Z]{3}\d{3}|[A-Z]{2}\d{2}[ -]?[A-Z]{3}"
    r"|[A-Z]{1,3}\d{1,3}-[A-Z\d]{3}"
    r"|\d{1,3}[- ][A-Z]\d[A-Z\d]{1,2}|\d[A-Z]{2,3}\d{3,4}|[A-Z]{3}\d{2}[A-Z]|\d{2,3}-?[A-Z]\d{2,3}))(?![\w-])"
)
_COLOUR = (
    r"(?i:black|white|silver|gr[ae]y|red|blue|green|gold|tan|beige|brown|maroon|orange|yellow|dark|light|purple|bronze)"
)
_TLDS = (
    r"(?:com|org|net|edu|gov|io|co|us|uk|ca|au|de|fr|info|biz|me|app|dev|health|care|clinic|farm|shop|store|blog|page"
    r"|site"
    r"|online|house|photography|photos|link|live|life|team|studio|family|community|church|school|academy|world|today"
    r"|news"
    r"|space|website|club|zone|email|chat|social|help|support|systems|solutions|services|center|fitness|dental|vet"
    r"|pet|art"
    r"|design|media|video|tube|music|band|pub|bar|cafe|pizza|kitchen|garden|land|homes|rent|tours|travel|games|fun"
    r"|xyz|top)"
)
_WRITTEN: tuple[tuple[str, Kind, str], ...] = (
    (
        "plates",
        Kind.VEHICLE,
        rf"\b(?i:reg(?:istration)?|plates?|tags?|hull)\.?(?:[ ](?i:no|nr|number|is"
        rf"|was))?\.?[ ]?[:#]?[ ]{_PLATE}",
    ),
    # A further plate, one for a place to park, of a boat or an ambulance, and behind a colour and a model.
    ("plates", Kind.VEHICLE, rf"\b(?i:plates?|tags?)[ :][A-Z0-9 -]{{4,10}}(?:[ ](?i:and|&|or)|,)[ ]{_STRICT}"),
    (
        "boats",
        Kind.VEHICLE,
        rf"\b(?i:plates?|tags?|sticker|decal|tail|unit|rig|medic)(?:[ /](?i:unit|no\.?|number|is|for[ ](?:the[ ]"
        rf"|my[ ]|our[ ])?"
        rf"[a-z]{{3,9}})){{0,3}}[ :]{{1,2}}\#?{_STRICT}",
    ),
    (
        "boats",
        Kind.VEHICLE,
        rf"\b(?i:tail|sticker|decal)(?:[ ](?i:no|nr|number|is))?\.?[ ]?[:#]?[ ]{_PLATE}",
    ),
    (
        "colours",
        Kind.VEHICLE,
        rf"\b{_COLOUR}[ ](?:\d{{4}}[ ])?(?:[A-Z][A-Za-z-]+[ ]?){{1,2}}[,(]?[ ]?(?:[A-Z]{{2}}[ ])?{_STRICT}",
    ),
    ("bodies", Kind.VEHICLE, rf"\b(?:{_BODY}|{_MAKE})[ ]?[,(]{{1,2}}[ ]?(?:[A-Z]{{2}}[ ])?{_PLATE}"),
    # The end of a plate behind its label, and a plate behind its state.
    (
        "plates",
        Kind.VEHICLE,
        r"\b(?i:plates?|tags?|vin)[ ](?i:(?:partial|ends?|ending)[ ]?(?:in|with)?)[ ]?:?[ ]?"
        r"(?P<value>(?=[A-Z]*\d)[A-Z\d]{3,8})(?!\w)",
    ),
    ("bodies", Kind.VEHICLE, rf"\b(?:{_BODY}|{_MAKE})[ ][A-Z]{{2}}[ ]{_PLATE}"),
    (
        "bodies",
        Kind.VEHICLE,
        rf"\b(?i:parked|towed|drives|driving)[ ](?:(?i:a|the|his|her)[ ])?(?:{_BODY}"
        rf"|{_MAKE})[ ]{_PLATE}",
    ),
    (
        "doors",
        Kind.OTHER,
        r"\b(?i:lock ?box|key ?pad|key ?box|gate|door|alarm|garage|entry|access|security"
        r"|safe)(?:[ ](?i:code|word|passcode|pin|combo|is|no))"
        r"{0,3}[ ]?[:#]?[ ]?(?P<value>(?=\S{0,20}\d)[\w-]{3,20}[#*]?)(?!\w|[.,]\d|%|[ ]?(?:mg|mm|cm|min))",
    ),
    (
        "secrets",
        Kind.OTHER,
        r"\b(?i:pass ?word|pass ?code|security word|passphrase|user ?name|login|log-?in"
        r"|screen ?name|user ?id)(?:[ ](?i:is|was))?[ ]?[:=][ ]?"
        r"(?P<value>[^\s,;]{4,40}[^\s,;.)])",
    ),
    (
        "badges",
        Kind.OTHER,
        r"\b(?i:lock ?er|wrist ?band|bed tag|badge|(?:help|service) ?desk|folio|ticket|report no|ref(?:erence)?|folder"
        r"|token|session|donor)\.?(?:[ ](?i:number|no|id|is))?\.?"
        r"[ ]?[:#]?[ ]?(?P<value>(?=[A-Za-z/-]{0,6}\d)[A-Za-z]{0,5}[-/ ]?\d[\w/-]{2,24}(?:[ ]?-[ ]?\w{2,8})*)(?![\w%]"
        r"|[.]\d)",
    ),
    (
        "licences",
        Kind.LICENCE,
        r"\b(?i:licen[sc]e|lic|placard|permit|passport|certificate|cert|d\.?l\.?"
        r"|oper\.? lic)\.?(?:[ ](?i:number|no|nr|is))?\.?[ ]?[:#]?[ ]"
        r"(?P<value>[A-Z]{1,3}[ ](?:(?:\d{2,5}[ -]){2,4}\d{1,5}|(?:\d{2,4}[ -]){0,3}\d{3,9}))(?!\w)",
    ),
    (
        "plans",
        Kind.PLAN,
        r"\b(?i:rx ?bin|rx ?pcn|pcn|rx ?grp|rx ?group|payer id|health card|hcn|medicare no|ihi"
        r"|sub id|member id)\.?[ ]?[:#]?[ ]?"
        r"(?P<value>(?:[A-Z]{3,12}(?![a-z])|\d{4,6})(?:[ -]\w{2,5}){0,5}(?:/\d)?)(?!\w)",
    ),
    (
        "pages",
        Kind.URL,
        rf"\b(?i:website|site|web ?page|page|link|url|visit|blog|online|hosted|posted|form|photos"
        rf"|portal)\b[^\n.@]{{0,25}}?[ ,:]"
        rf"(?P<value>(?:[\w-]{{1,63}}\.){{1,4}}(?:{_TLDS}|[a-z]{{2,14}}(?=/))(?:/[\w./?=&%#~-]{{0,300}}\w)?)(?![\w@])",
    ),
    (
        "networks",
        Kind.SOCIAL,
        r"\b(?i:skype|messenger|be ?real|strava|steam|x|threads|signal|line|viber|kik|clubhouse"
        r"|bluesky|goodreads|peloton|duolingo|gamertag"
        r"|gamer tag)[ ](?:(?i:account|handle|user ?name|name|id|user"
        r"|profile)[ ]?)(?i:is[ ]?)?[:=]?[ ]?(?P<value>@?[\w.:-]{2,40}\w(?:[ ][A-Z][\w.]{1,30})?)",
    ),
    (
        "networks",
        Kind.SOCIAL,
        r"\b(?i:skype|messenger|be ?real|strava|steam|kik|viber"
        r"|gamertag)[ ]?:[ ]?(?P<value>@?[\w.:-]{3,40}\w)",
    ),
    (
        "names",
        Kind.SOCIAL,
        r"(?i:user ?name|handle|plays|posts|streams|tweets)[ ](?i:on[ ]\w+[ ]?:"
        r"|as)[ ](?P<value>@?[A-Z]\w*[A-Z_\d]\w*)",
    ),
    (
        "confirmed",
        Kind.OTHER,
        r"\b(?i:confirmation|booking|activation|invitation|invite|pairing|verification|voucher|registration"
        r"|enrollment|redemption|pickup|locator|(?:access|reference|referral|record) code)"
        r"(?:[ ](?i:code|number|no\.?|id|pin))?"
        r"[ ]?(?i:is[ ])?[:#]?[ ]?(?P<value>(?=[A-Z]*\d)(?=\d*[A-Z])[A-Z0-9]{4,12})(?![\w-])",
    ),
    (
        "tagged",
        Kind.OTHER,
        r"\b(?i:tagged|labell?ed|marked|stamped|bar ?coded|numbered|catalogu?ed"
        r"|(?:filed|logged|stored|archived|registered)[ ](?:as|under))(?:[ ](?i:as|with|no|number|id))?[.:]?[ ]#?"
        r"(?P<value>(?!(?:19|20)\d\d(?!\d))[A-Z]{0,4}-?\d{4,9}(?:-[A-Z\d]{1,4})?)"
        r"(?![\w%/-]|[.,]\d|[ ]?(?:mg|m[lL]|mcg|units?|cells|cc|IU|steps|hours|hrs)\b)",
    ),
    (
        "implants",
        Kind.DEVICE,
        r"\b(?i:hearing aids?|implants?|leads?|lenses|pumps?)[ ](?i:R|L|RA|RV|LV|OD|OS|right"
        r"|left):?[ ](?P<value>[A-Z\d][\w.-]*\d[\w.-]{2,20})",
    ),
)
_NETS = (
    r"(?:insta|instagram|snap|snap ?chat|tik ?tok|twitter|facebook|you ?tube|twitch|reddit|handle|gamer ?tag|discord"
    r"|strava|venmo"
    r"|pinterest|threads|bluesky|telegram|user ?name|screen ?name|channel|gamer name)"
)
_CHOSEN = (
    r"(?:(?!(?:with|and|or|but|so|if|because|when|where|who|on|in|for|to|full|down|private|public|open|hacked|locked"
    r"|not|always"
    r"|just|blowing|how|what|where|that|which|all|really|pretty|very|still|now|probably|usually|getting|been|being|gone"
    r"|everything|everyone|stupid|boring|addicting|it|is|was|he|she|we|they|you)\b)[a-z0-9][a-z0-9'’]{0,20})"
)
_NO_TIME = r"(?![\w%]|[.,/]\d|[ ]?(?:min|minutes?|hours?|hrs?|days?|weeks?|am|pm|air|x)\b)"
_OCTET = rf"(?:(?:{_FIGURE}|{_MORE}|hundred|\d{{1,3}})(?:[ -](?:{_FIGURE}|{_MORE}|hundred|and)){{0,4}})"
# States with few words stand before the plate of a vehicle that is told.
_REGION = (
    r"ohio|texas|california|florida|new york|new jersey|georgia|michigan|illinois|virginia|nevada|arizona|oregon|utah"
    r"|washington|colorado|kansas|iowa|maine|vermont|maryland|indiana|kentucky|tennessee|alabama|missouri|minnesota"
    r"|wisconsin|pennsylvania|massachusetts|connecticut|delaware|idaho|montana|nebraska|oklahoma|louisiana|arkansas"
    r"|north carolina|south carolina|mississippi|west virginia|new mexico"
)
_SPOKEN: tuple[tuple[str, Kind, str], ...] = (
    ("plates", Kind.VEHICLE, rf"\b(?:plates?|tags?|license plate|licence plate|v ?i ?n)(?:{_IS}){{0,4}}\s{_said(2)}"),
    ("bodies", Kind.VEHICLE, rf"\b(?:{_MAKE}|{_BODY})(?:\s(?:with|plates?|tag|the|it['’]s))*\s{_said(4)}"),
    (
        "doors_said",
        Kind.OTHER,
        rf"\b(?:(?:gate|door|keypad|alarm|garage|entry|access|security|lockbox"
        rf"|lock box)(?:\s?code)?|(?:the )?code to get in|pass ?code|pin(?:\snumber)?"
        rf"|confirmation|reference|ticket|badge|case|trial|claim|interpreter|agent|employee|operator|docket"
        rf"|incident)(?:{_IS}){{0,4}}\s{_said(2)}",
    ),
    (
        "bodies_said",
        Kind.VEHICLE,
        rf"\b(?:{_BODY}|{_MAKE})"
        rf"(?:\s(?:[a-z]{{3,10}}\s){{0,3}}?(?:was|is|had|has|says|said|reads|starts with|started with|with)"
        rf"|\s(?:{_REGION}))+(?:\s(?:plates?|tag|the|it|was|uh|um|like))*\s{_said(4)}",
    ),
    ("beds", Kind.OTHER, rf"\b(?:room|rm|bed)\.?\s?\#?(?P<value>\d{{1,4}}[ -]?[a-h]|(?<=m )\d{{3,4}}){_NO_TIME}"),
    (
        "beds",
        Kind.OTHER,
        rf"\b(?:room|rm)\.?\s?\#?\d{{1,4}}[ -]?[a-h]?[ ,/]{{1,3}}bed\s(?P<value>\d{{1,2}}[a-h]?){_NO_TIME}",
    ),
    (
        "pages_said",
        Kind.IP,
        rf"\b(?P<value>{_OCTET}(?:\sdot\s{_OCTET}){{3}})(?!['’\w])",
    ),
    ("rooms", Kind.OTHER, rf"(?<!ing )(?<!ncy )(?<!the )(?<!\ba )\broom\s{_said(1)}"),
    (
        "secrets",
        Kind.OTHER,
        rf"\b(?:pass ?word|user ?name|login)(?:\s(?:for|to|on)\s(?:the"
        rf"|my)\s\w+)?(?:{_IS}){{1,3}}\s(?P<value>[a-z]\w{{2,20}}(?:\s{_SIGN}){{1,8}})(?!['’\w])",
    ),
    (
        "plans_said",
        Kind.PLAN,
        rf"\b(?:claim|policy|group|member|subscriber|card|plan)(?:\s(?:id|number"
        rf"|no))?(?:{_IS}){{1,4}}\s{_said(3)}",
    ),
    (
        "licences",
        Kind.LICENCE,
        rf"\b(?:passport|placard|licen[sc]e|d\s?e\s?a|n\s?p\s?i"
        rf"|permit)(?:{_IS}){{0,4}}\s{_said(4)}",
    ),
    (
        "networks_said",
        Kind.SOCIAL,
        rf"\b(?:my|his|her|their|our)\s(?:x\s)?{_NETS}(?:\s(?:name|handle|account|channel"
        rf"|profile|tag|user ?name))?(?:['’]s|\s(?:is|it['’]s))\s"
        rf"(?:(?:under|at|just|called|literally|actually|simply"
        rf"|like)\s){{0,2}}(?P<value>{_CHOSEN}(?:\s{_CHOSEN}){{0,4}})",
    ),
    (
        "networks_said",
        Kind.SOCIAL,
        rf"\b(?:follow|find|add|look)\s(?:me|him|her|us)(?:\sup)?(?:\sat|\sas"
        rf"|\sunder)?\s(?P<value>{_CHOSEN}(?:\s{_CHOSEN}){{0,3}}?)"
        rf"\s(?:on|over on)\s{_NETS}",
    ),
    (
        "networks_said",
        Kind.SOCIAL,
        rf"\b(?:it['’]s|i['’]m|is|as|under)\s(?P<value>(?:{_CHOSEN}\s){{1,3}}(?:underscore"
        rf"|dash|dot)(?:\s{_CHOSEN}){{1,4}}?)\s(?:on|at)\s{_NETS}",
    ),
    (
        "pages_said",
        Kind.URL,
        rf"\b(?:go to|go on|website(?:['’]s| is)?|site(?:['’]s| is)?|look (?:it )?up(?: at)?"
        rf"|type in|it['’]s|link is|form is(?: at)?|page is(?: at)?|visit|at)\s"
        rf"(?P<value>(?:www\s|w w w\s)?(?:dot\s)?(?:(?!at\b|is\b|the\b)[a-z0-9]{{1,20}}\s){{1,4}}(?:(?:dot|dash"
        rf"|slash)\s(?:[a-z0-9]{{1,20}}\s){{1,3}}?){{0,3}}dot\s"
        rf"(?:{_TLDS}|i\so|u\ss|u\sk)(?:\sslash\s[a-z0-9]{{1,20}}){{0,3}})(?!\w)",
    ),
)
_ANYWHERE = (
    (
        Kind.URL,
        re.compile(
            r"(?<![\w@.-])(?P<value>(?:bit\.ly|t\.co|goo\.gl|tinyurl\.com|is\.gd|ow\.ly|youtu\.be"
            r"|forms\.gle|g\.co|fb\.me|wa\.me|t\.me)/[\w/-]{2,80})"
        ),
        "/",
    ),
    (
        Kind.URL,
        re.compile(
            r"\b(?P<value>(?:sftp|ftps|ssh|smb|rtsp|wss?|mailto|sip"
            r"|s3)://?[^\s<>\"]{3,300}[^\s<>\".,;)])"
        ),
        "://",
    ),
    (Kind.RECORD, re.compile(r"(?P<value>\*\d{7,14}\*)"), "*"),
)
_MEASURE = re.compile(
    r"\s?(?:mg|milligrams?|units?|percent|%|over|degrees?|times|days?|weeks?|hours?|minutes?"
    r"|pounds?|point)\b",
    re.I,
)
"""What is counted behind a run of figures: it is a dose or a measure then, no code."""
_BEFORE, _BEHIND = 60, 90  # characters around a sign that are read
_RULES = WordRules(
    WordRule(f"loose_codes.{signs}", kind, re.compile(pattern, flags), _BEFORE, _BEHIND)
    for rules, flags in ((_WRITTEN, re.NOFLAG), (_SPOKEN, re.IGNORECASE))
    for signs, kind, pattern in rules
)


class LooseCodeRecogniser(ReadingRecogniser):
    """Codes, plates and addresses of the web behind the words that say what they are."""

    kinds = (
        Kind.VEHICLE, Kind.OTHER, Kind.LICENCE, Kind.PLAN, Kind.URL, Kind.SOCIAL, Kind.DEVICE, Kind.RECORD,
        Kind.IP,
    )  # fmt: skip

    def find(self, reading: Reading) -> Iterator[Found]:
        """Runs the patterns of a word around it."""
        text = reading.text
        for kind, pattern, sign in _ANYWHERE:
            for match in pattern.finditer(text) if sign in text else ():
                yield Found(match.start("value"), match.end("value"), kind, LIKELY)
        for kind, match in _RULES.find(reading):
            if not _MEASURE.match(text, match.end("value")):
                yield Found(match.start("value"), match.end("value"), kind, LIKELY)

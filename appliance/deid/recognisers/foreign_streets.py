"""Streets, boxes and postal codes as other countries write them: the street's word, then its number, or none at all.

Street words are those of postal guides (Universal Postal Union, "Postal addressing systems"); endings are joined to the
name in the Germanic, Nordic and Finnish languages and stand before it in the Romance and Slavic ones.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from appliance.deid.identifier import IdentifierKind as Kind
from appliance.deid.reading import Reading
from appliance.deid.recognisers.base import CERTAIN, LIKELY, Found
from appliance.deid.recognisers.by_word import WordRule, WordRules, whole

_NAME = r"[^\W\d_a-z][\w'’.-]{0,30}"
_PARTICLE = (
    r"(?:(?:de|del|della|delle|dello|dei|degli|di|da|do|dos|das|du|des|la|las|le|les|los|el|al|y|e|i|van|der|den|von|zu|zum"
    r"|zur"
    r"|na|nad|pod|bana|of|the|an|aux?)\s|[dl]['’])"
)
_NAMES = rf"{_PARTICLE}{{0,3}}{_NAME}(?:[ -]{_PARTICLE}{{0,2}}{_NAME}){{0,3}}"
_NUMBER = (
    r"(?:(?:No|Nr|nr|no|n)\.?\s?[º°]?\s?|[#º°]\s?|č\.?\s?p\.?\s?)?\d{1,5}(?:\s?(?:bis|ter|[A-Za-z]))?(?![\w%]|[.,]\d)"
    r"(?:\s?[/-]\s?(?:\d{1,4}|[IVX]{1,4})[A-Za-z]?(?!\w))?"
)
# Joined to a name, or a word of its own behind one ("Karl Johans gate").
_ENDINGS = (
    r"straße|strasse|straat|str\.|gasse|weg|platz|allee|ufer|damm|chaussee|stieg|steig|graben|brücke|markt|berg|laan"
    r"|gracht"
    r"|singel|plein|dreef|steenweg|steeg|kade|hove|baan|wei|gatan|gata|vägen|väg|vej|vejen|gade|gaden|stræde|veien|vei"
    r"|gate|gata|gaten|torget|torv|katu|kuja|tie|polku|kuja|väylä|vegur|stræti|braut|utca|útja?|körút|tér|rkp\.|kapu"
    r"|ulica|ulice|cesta|náměstí|třída|nábřeží|trg|mnt|puiestee|iela|gatvė|sokak|sokağı|caddesi|cad\.|odos|tvollen|tún"
)
_JOINED = re.compile(
    rf"(?<![\w-])(?P<words>(?:{_NAME}[ ]){{0,3}}(?:{_NAME[:-7]}[\w'’-]{{1,30}}(?:{_ENDINGS})"
    rf"|{_NAME}[ ](?i:{_ENDINGS})))"
    rf"\s{_NUMBER}"
)
_BEFORE = (
    r"(?:Calle|C/|Avenida|Av\.|Avda\.?|Paseo|Plaza|Ronda|Camino|Carrer|Carrera|Cra\.?|Calzada|Travesía|R[uú]a|Travessa"
    r"|Largo|Praça|Alameda|Estrada|Via|Viale|Vicolo|Piazza|Piazzale|Corso|Strada|Rue|rue|Boulevard|Bd|Bulevardul|Calea"
    r"|Chaussée|Quai|[Uu]l\.|[Uu]lica|[Oo]s\.|Osiedle|Aleja|Aleje|Trg|Cesta|Am|Im|An\s(?:der|den|dem)|Auf\s(?:der|dem)"
    r"|In\s(?:der|den)|Zum|Zur|Unter\sden|Hinter\sder|Nieuwe|Oude|Jalan|Jl\.|Lorong|Soi|Leoforos|Odos|Prospekt|Λεωφόρος"
    r"|Οδός)"
)
_PREFIXED = re.compile(rf"(?<!\w)(?P<words>{_BEFORE}\s{_NAMES}),?\s{_NUMBER}")
_COUNTED = re.compile(
    rf"(?<![\w.,/-])\d{{1,4}}(?:\s?(?:bis|ter|[A-Z]))?,?\s(?i:rue|avenue|boulevard|allée|chemin|impasse|quai|cours|place"
    rf"|passage|sentier|ruelle|square|montée|rang|côte|via|calle|jalan|soi|sráid)\s(?P<words>{_NAMES})",
)
_POSTAL = (
    r"(?:[A-Z]{1,2}-)?(?:\d{5}-\d{3}|\d{4}-\d{3}|\d{2}-\d{3}|\d{3}\s\d{2}|\d{4}\s?[A-Z]{2}|\d{4,5})(?![\w%]|[.,]\d)"
)
_TOWN = rf"{_NAME}(?:[ -]{_NAME}){{0,2}}"
# Whatever the street is called, its number, a postal code and a town behind it make an address.
_LINE = re.compile(
    rf"(?<![\w-])(?P<words>{_NAMES}),?\s{_NUMBER}[^\n,]{{0,12}}(?:,\s[^\n,]{{1,14}})?\s?[,\n-]\s{{0,4}}{_POSTAL}\s"
    rf"(?P<town>{_TOWN})"
)
_POSTAL_TOWN = re.compile(rf"(?:[,;:|-]\s|\n\s{{0,4}}|^)(?P<place>(?P<code>{_POSTAL})\s(?P<town>{_TOWN}))")
_TOWN_POSTAL = re.compile(
    rf"(?:(?<=[,;:\n]\s)|(?<=\sin\s)|(?<=\sfrom\s))(?P<place>(?P<town>{_NAME}(?:[ -]{_PARTICLE}?{_NAME}){{0,3}})\s"
    rf"(?P<code>\d{{3}}-\d{{4}}|\d{{4}}-\d{{3}}|\d{{3}}\s\d{{2}}|\d{{4,6}}))(?=\s*(?:[,;.\n]|$)|\sin\b)"
)
_REGION = re.compile(rf"(?<!\w)(?P<place>(?:{_TOWN}),?\s(?:NSW|VIC|QLD|TAS|ACT|(?:SA|WA|NT)(?=\s\d))\s\d{{4}})(?!\w)")
_EIRCODE = re.compile(r"[ACDEFHKNPRTVWXY]\d[\dW]\s(?<!\w....)(?=[A-Z]*\d)(?=\d*[A-Z])[AC-FHKNPRTV-Y\d]{4}(?!\w)")
_DUBLIN = re.compile(r"\bDublin\s\d{1,2}W?(?!\w|[.,]\d)")
_CODE_LABEL = re.compile(
    r"\b(?:PLZ|Postleitzahl|C\.?P\.?|CAP|CEP|PSČ|postnummer|postcode|post code|code postal|c[oó]digo postal|pin code)"
    r"\s*[:#]?\s*(?P<place>(?:[A-Z]{1,2}-)?\d{5}(?:-\d{3})?|\d{2}-\d{3}|\d{3}\s?\d{2,3})(?![\w%]|[.,]\d)",
    re.I,
)
_BOXES = re.compile(
    r"\b(?:Postfach|Postbus|Postboks|Apartado(?:\s(?:de\s[Cc]orreos|[Pp]ostal|[Aa]éreo))?|Casilla|Caixa\s[Pp]ostal"
    r"|[Cc]ase\s[Pp]ostale|[Cc]asella\s[Pp]ostale|Private\sBag|Locked\sBag|GPO\sBox|Poste\s[Rr]estante"
    r"|BP(?=\s\d{2,5}\s?[,\n]\s?\d{5}))\s(?:No\.?\s?)?[A-Z]?\d{1,5}(?:\s\d{2,3}){0,3}(?!\w)"
)
# "Plot 18, Block C, Sector 62": each part counted, from the door outwards.
_PARTS = re.compile(
    r"(?<!\w)(?:Flat|Plot|House|Block|Blk|Door|Villa|Shop|H\.?\s?No\.?|Qtr)\.?\s(?:No\.?\s?)?#?[\w/-]{1,6},?\s"
    rf"(?:(?:(?:Block|Sector|Phase|Road|Street|Lane|Flat|Floor|Cross|Main|Lorong|Ward|Gali|Gully|Pocket|Khand|Mohalla|Stage|Wing|Zone)\s\w{{1,4}}|(?:{_NAME}\s){{0,3}}"
    rf"(?:Apartments?|House|Road|Society|Colony|Nagar|Enclave|Towers?|Residency|Lorong\s\d{{1,3}}"
    rf"|(?:St|Street|Ave|Avenue|Rd|Central|Drive|Cres)\s\d{{1,3}}))\b,?\s?"
    rf"(?:#\d{{2}}-\d{{1,4}})?){{1,4}}"
)
_BLOCKS = re.compile(
    rf"(?<![\w-])\d{{1,2}}-?chome(?:[- ]\d{{1,3}}){{0,2}}(?:[ ,]+{_NAME}){{0,3}}"
    rf"|(?<!\w)\d{{1,4}}/\d{{1,4}}\sSoi\s(?:{_NAME}\s?){{1,2}}\d{{0,3}}"
)
# Rarer street words of English (USPS Publication 28, British and Australian ones), and streets without any.
_RARE_WORDS = (
    r"(?:Gulch|Trace|Wharf|Quay|Parade|Promenade|Wynd|Brae|Rise|Croft|Drove|Strand|Vale|Dene|Gate|Mead|Fold|Yard|Bank"
    r"|Lea"
    r"|Chase|Cross|Crossroads?|Extension|Ford|Forge|Gardens?|Harbor|Haven|Islands?|Isle|Junction|Keys?|Lake|Mall|Mills?"
    r"|Motorway|Mountain|Neck|Orchard|Oval|Overpass|Parks?|Pines?|Plains?|Ports?|Prairie|Radial|Ranch|Rapids?|Rest"
    r"|River"
    r"|Shoals?|Shores?|Springs?|Station|Stravenue|Stream|Summit|Throughway|Tunnel|Union|Valleys?|Viaduct|Villages?"
    r"|Ville"
    r"|Wells?|Bypass|Brook|Burg|Camp|Canyon|Cape|Causeway|Cliffs?|Club|Corners?|Course|Curve|Dale|Dam|Divide|Estates?"
    r"|Falls|Ferry|Fields?|Flats?|Forest|Fort|Freeway|Glens?|Greens?|Groves?|Inlet|Lights?|Locks?|Loaf|Mission|Passage"
    r"|Pike|Ramp|Skyway|Squares?|Trafficway|Views?|Vista|Hollow|Bend|Spur|Close|Mews|Cove|Street|Avenue|Road|Lane|Drive"
    r"|Court|St|Ave|Rd|Ln|Dr|Ct|Blvd|Trl|Cir|Pde|Cres|Tce|Cct|Crt)"
)
_RARE = re.compile(
    rf"(?<![\w.,/-])(?:\d{{1,4}}/)?\d{{1,6}}\s?[½¼¾A-Z]?,?\s(?:[NSEW]{{1,2}}\.?\s)?(?P<words>(?:{_NAME}\s){{1,3}}){_RARE_WORDS}\b\.?"
    r"(?=\s*(?:[,;.\n#]|$)|\s(?:#|Apt|Unit|Ste|Suite|in|and|near|was|is)\b)"
)
_SURE_END = re.compile(
    r"(?:Gulch|Wharf|Quay|Wynd|Croft|Mews|Parade|Promenade|Causeway|Bypass|Street|Avenue|Road|Lane|Blvd|Pde|Cres|Tce)\.?$"
)  # hardly anything else behind a number and a name that is a word
_THE = re.compile(rf"(?<![\w.,/-])\d{{1,4}},?\sThe\s(?P<words>{_NAME}(?:\s{_NAME})?)(?=\s*[,\n])")
_OTHER = re.compile(
    rf"(?<![\w.,/-])(?:\d{{2,6}}\s[NSEW]{{1,2}}\.\s{_NAME}(?=\s*[,;.\n]|\s*$)"
    rf"|\d{{2,5}}\s(?:block|Block|blk)\s(?:of\s)?(?:[NSEW]{{1,2}}\.?\s)?{_NAME}(?:\s{_NAME}){{0,2}}"
    rf"|(?:County|Forest|Ranch|Farm|State|Township|Private|Cty|Co)\.?\s(?:Rd|Road|Route|Rte|Hwy"
    rf"|Highway)\.?\s\d{{1,5}}[A-Z]?\b"
    rf"|(?:RR|HC)\s?\d{{1,3}},?\sStn\.?\s{_NAME}"
    rf"|(?:{_NAME}\s){{1,3}}(?:Motel|Inn|Hotel|Lodge|Hostel|Shelter|Suites),?\s(?:room|rm|unit|Room|Rm"
    rf"|\#)\.?\s?\w{{1,5}}"
    rf"|(?:Carrera|Cra\.?|Calle|Cl\.?|Kr\.?|Diagonal|Transversal)\s\d{{1,3}}[A-Z]?\s(?:bis\s)?(?:\#|No\.?"
    rf"|N[º°])\s?\d{{1,3}}[A-Z]?"
    rf"\s?-\s?\d{{1,3}}"
    rf"|(?<=[a-z]\s){_NAME}\s&\s\d{{1,3}}(?:st|nd|rd|th)\b|(?<=[a-z]\s)\d{{1,3}}(?:st|nd|rd|th)\s&\s{_NAME})"
)
_CROSSING = rf"(?:{_NAME}(?:\s{_NAME})?|\d{{1,3}}(?:st|nd|rd|th)|[NSEW]\.?\s\d{{1,3}}(?:st|nd|rd|th))"
_CORNER = re.compile(rf"\b(?:intersection|corner)\s(?:of\s)?(?P<place>{_CROSSING}\s(?:and|&)\s{_CROSSING})")
# Characters before and behind a word of a list that are read, and whether it has a capital.
_RULES = WordRules(
    WordRule(f"foreign_streets.{signs}", Kind.ADDRESS, pattern, before, behind, capital)
    for pattern, signs, before, behind, capital in (
        (_PREFIXED, "before", 2, 130, False),
        (_COUNTED, "behind_number", 12, 130, False),
        (_RARE, "rare", 110, 24, True),
        (_THE, "the", 8, 70, True),
        (_CODE_LABEL, "labels", 8, 40, False),
        (_BOXES, "boxes", 2, 50, True),
        (_PARTS, "parts", 2, 160, True),
        (_BLOCKS, "blocks", 12, 100, False),
        (_OTHER, "other", 110, 90, False),
        (_CORNER, "corners", 2, 140, False),
        (_DUBLIN, "dublin", 2, 12, False),
    )
)
_PLACES = frozenset((_CODE_LABEL, _DUBLIN))
_ENDS = tuple(_ENDINGS.replace("\\.", "").replace("útja?", "útja|útj").split("|"))
_OF_ENDS = frozenset(_ENDS)
# What stands between a street's name and its number.
_NUMBER_NEXT = re.compile(r"\.?\s(?:[NnČč#º°]|\d)")
_POSTAL_SIGN = re.compile(r"\d\d(?:\d\d|\d\s(?:\d\d|[A-Z]{2})(?!\d)|-\d{3})")
_CORNERED = re.compile(r"[a-z]\s(?:&|\S{1,31}\s&)\s")
_LINE_REACH, _TOWN_REACH = 170, 100  # characters of an address before a postal code and of towns on both sides


def foreign_streets(reading: Reading, is_plain: Callable[[str], bool]) -> Iterator[Found]:
    """Spans of such addresses and postal codes; patterns run around words and codes that can begin or end one.

    Args:
        reading: The text.
        is_plain: Whether a word (lower case) is one of English or medicine, so that it names no street or town.
    """
    text = reading.text
    for _, match in _RULES.find(reading):
        yield from _judged(match, is_plain)
    for word in reading.words:
        ends = word.low in _OF_ENDS or (word.capital and word.low.endswith(_ENDS))
        if ends and _NUMBER_NEXT.match(text, word.end):
            yield from _around(_JOINED, text, word.start - 100, word.end + 30, is_plain)
    for code in _POSTAL_SIGN.finditer(text):
        yield from _around(_LINE, text, code.start() - _LINE_REACH, code.end() + _TOWN_REACH, is_plain)
        yield from _towns(text, code.start() - _TOWN_REACH, code.end() + _TOWN_REACH, is_plain)
    for match in _EIRCODE.finditer(text):
        yield Found(match.start(), match.end(), Kind.PLACE, LIKELY)
    for sign in _CORNERED.finditer(text) if " & " in text else ():
        yield from _around(_OTHER, text, sign.start() - 2, sign.end() + 40, is_plain)


def _around(
    pattern: re.Pattern[str], text: str, start: int, end: int, is_plain: Callable[[str], bool]
) -> Iterator[Found]:
    for match in whole(pattern, text, start, end):
        yield from _judged(match, is_plain)


def _judged(match: re.Match[str], is_plain: Callable[[str], bool]) -> Iterator[Found]:
    """A match as a find, unless every word of its name is plain."""
    pattern = match.re
    if pattern in _PLACES:
        yield Found(match.start(match.lastgroup or 0), match.end(match.lastgroup or 0), Kind.PLACE, LIKELY)
        return
    if "words" in pattern.groupindex:
        names = [word.lower().rstrip(".,") for word in re.split(r"[\s-]+", match["words"]) if len(word) > 2]
        if all(map(is_plain, names)) and not (pattern is _RARE and _SURE_END.search(match.group())):
            return
    name = "place" if "place" in pattern.groupindex else 0
    yield Found(match.start(name), match.end(name), Kind.ADDRESS, CERTAIN if pattern is _LINE else LIKELY)


def _towns(text: str, start: int, end: int, is_plain: Callable[[str], bool]) -> Iterator[Found]:
    """Postal codes with their towns, in either order."""
    for match in whole(_REGION, text, start, end):
        yield Found(match.start("place"), match.end("place"), Kind.PLACE, LIKELY)
    for pattern in (_POSTAL_TOWN, _TOWN_POSTAL):
        for match in whole(pattern, text, start, end):
            year = re.fullmatch(r"(?:19|20)\d\d", match["code"])
            town = re.split(r"[\s-]", match["town"])[0].lower().rstrip(".,")
            if not year and len(town) > 2 and not is_plain(town):
                yield Found(match.start("place"), match.end("place"), Kind.PLACE, LIKELY)

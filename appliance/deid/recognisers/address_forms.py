"""Forms of addresses beside the American street: boxes, routes, parks, corners, other countries', spoken ones."""

from __future__ import annotations

import re
from collections.abc import Iterator

from appliance.deid.identifier import IdentifierKind
from appliance.deid.recognisers.base import CERTAIN, LIKELY, Found
from appliance.deid.recognisers.by_letter import by_letter
from appliance.deid.recognisers.name_class import STATES_AND_COUNTRIES

_NUMBER_WORD = (
    r"(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen"
    r"|eighteen|nineteen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|hundred|thousand|oh|zero)"
)
_SPOKEN = rf"(?:{_NUMBER_WORD}(?:[\s-]+{_NUMBER_WORD}){{0,6}})"
_NOT_A_STREET = (
    r"(?:mg|ml|or|of|to|and|hours?|days?|weeks?|minutes?|years?|months?|miles?|feet|a|an|the|in|on|at|by|down|up|for"
    r"|from|with|is|was|were|are|it|that|this|i|you|he|she|we|they|my|your|his|her|along|off|over|near|across|old|more"
    r"|less|times|people|blocks?|lanes?|cars?|no|same|right|wrong|long|second|dirt|main|what|which|one|gravel"
    r"|bumpy|busy)"
)
_DIRECTION = r"(?:(?:north|south|east|west|northeast|northwest|southeast|southwest|[ns][ew]?|[ew])\.?\s+)"
# "Sixty nine second boulevard": streets are numbered.
_ORDINAL = (
    r"(?:(?:twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|hundred)[\s-]+)?(?:first|second|third|fourth|fifth"
    r"|sixth|seventh|eighth|ninth|tenth|eleventh|twelfth|[a-z]{3,6}teenth|[a-z]{3,6}tieth)"
)
_NAME = r"[^\W\d_a-z][\w'’.-]{1,25}"
_CITY = rf"(?:\s*[,\n]?\s*(?:[A-Z]{{1,2}}-)?\d{{4,6}}\s+{_NAME}(?:\s{_NAME}){{0,2}})?"
_UNIT = rf"(?:\s*,?\s*(?:apartment|apt|unit|suite|lot|number)\.?\s+#?(?:{_SPOKEN}|\d\w{{0,4}}|[a-z])(?:\s[a-z])?\b)?"
_ALSO = r"(?:drive|court|way|place|circle|trail|square|loop|terrace|parkway|ridge|crossing|alley|plaza)"
_SURE = r"(?:street|avenue|boulevard|lane|road|highway|parkway|terrace|turnpike|crescent|expressway|freeway|broadway)"
_PARK = (
    r"(?:Estates|Mobile Home (?:Park|Estates|Village)|(?:Trailer|RV) (?:Park|Court)|Apartments?|Apts|Towers|Acres"
    r"|Condominiums?|Condos|Townhomes|Villas)"
)

_NO_STREET_NAME = (
    r"(?:own|exam|treadmill|level|its|their|our|good|any|every|some|each|another|other|first|last|all|hard|bad|common|only|best|easy"
    r"|either|get|keep"
    r"|half|part|great|big|small|new|slow|fast|every|well|work|take|go|see|make|find|food|air|memory|state|federal"
    r"|supreme|tennis|basketball|appeals|family|superior|district|traffic|drug|test|sex|blood|urge|vicious|inner"
    r"|high|low"
    r"|long|short|whole|day|night|rough|better|worse|different|certain|such|there|then|just|really|kind|be|been|do"
    r"|have|had|put|trial|municipal|juvenile|probate|moot|full|open|closed|airway|whose|home|on|off|vas|nature|bike"
    r"|hiking"
    r"|walking|running)"
)

_CASED: tuple[tuple[tuple[str, ...], str], ...] = (
    (
        # A side of the town and the number of a street, without a word for streets: "1190 E 9th".
        (" n", " s", " e", " w"),
        r"(?<![\w.,/-])\d{1,6}\s(?:[NSEW]{1,2}\.?|North|South|East|West)\s\d{1,3}(?:st|nd|rd|th)(?![\w-])",
    ),
    (
        ("highway", "hwy", "route", "rte", "road", "rd", " fm ", " cr ", " sr "),
        r"\b\d{1,6}\s+(?:[NSEW]{1,2}\.?\s+)?(?:(?:US|U\.S\.|State|County|Old|Interstate|Farm[ -]to[ -]Market|FM|CR|SR)["
        r" -]){0,2}(?:Highway|Hwy\.?|Route|Rte\.?|Road|Rd\.?|FM|CR|SR)\s+\d{1,4}[A-Z]?\b(?:\s+(?:North|South"
        r"|East|West|[NSEW])\b)?",
    ),
    (
        (" of ", " de "),
        rf"\b\d{{1,6}}\s+(?:Avenue|Court|Street|Lane|Place|Plaza)\s+(?:of|de)\s+(?:the\s+|las?\s+"
        rf"|los\s+)?{_NAME}(?:\s{_NAME})?",
    ),
    (
        ("straße", "strasse", "str.", "gasse", "weg ", "platz", "allee", "laan", "straat", "gatan", "vej"),
        rf"(?<!\w){_NAME}(?:[ -]{_NAME}){{0,2}}?[ -]?(?:straße|strasse|str\.|gasse|weg|platz|allee|laan|straat"
        rf"|gatan|vej)"
        rf"\s\d{{1,4}}[a-z]?\b{_CITY}",
    ),
    (
        ("rue ", "avenue", "av.", "boulevard", " bd ", "place", "allée", "chemin", "impasse", "quai", "cours", "route"),
        rf"(?<!\w)\d{{1,4}}(?:\s?bis)?,?\s+(?:rue|avenue|av\.|boulevard|bd|place|allée|chemin|impasse|quai"
        rf"|cours|route)\s"
        rf"(?:(?:de|du|des|la|le|les|aux?)\s|[dl]['’]){{0,3}}{_NAME}(?:[\s-]{_NAME}){{0,3}}{_CITY}",
    ),
    (
        (
            "via",
            "piazza",
            "corso",
            "calle",
            "c/",
            "avenida",
            "av.",
            "avda",
            "plaza",
            "paseo",
            "carrera",
            "cra",
            "rua",
            "calzada",
            "ul.",
            "ulica",
            "camino",
        ),
        r"(?<!\w)(?:Via|Viale|Piazza|Corso|Calle|C/|Avenida|Av\.|Avda\.?|Plaza|Paseo|Carrera|Cra\.?|Rua|Calzada"
        r"|Ul\.|ul\.|Ulica|Camino)"
        rf"\s(?:(?:de|del|della|di|la|las|los|do|da|dos)\s){{0,3}}{_NAME}(?:\s(?:(?:de|y"
        rf"|del)\s)?{_NAME}){{0,3}},?\s(?:#|No\.?\s?|n\.?\s?[º°]\s?)?"
        rf"\d{{1,5}}[A-Za-z]?\b(?:\s?-\s?\d{{1,4}})?(?:,\s?(?:Col\.|Colonia|Apto\.?|Depto\.?|Piso"
        rf"|Bairro)\s{_NAME}(?:\s{_NAME}){{0,2}})?{_CITY}",
    ),
    (
        ("flat", "unit", "lot ", "space", "trailer", "slip", "apt", "apartment"),
        rf"\b(?:Flat|Unit|Lot|Space|Trailer|Slip|Apt\.?|Apartment)\s#?\d{{1,4}}[A-Z]?,?\s+(?:on\s+"
        rf"|at\s+)?(?:\d{{1,4}}\s+)?(?:{_NAME}\s+){{1,3}}"
        rf"(?:{_PARK}|House|Court|Road|Street|Lane|Avenue|Drive|Park|Rd|St|Ave|Ln"
        rf"|Dr)\b\.?(?:,\s+(?:\d{{1,4}}\s+)?(?:{_NAME}\s+){{1,3}}(?:Road|Street|Lane|Avenue|Drive)\b)?",
    ),
    (
        (
            "estates",
            "park",
            "court",
            "apartments",
            "apts",
            "towers",
            "acres",
            "condo",
            "townhomes",
            "villas",
            "apartment",
        ),
        rf"(?<!\w)(?:{_NAME}\s+){{1,3}}{_PARK}\b(?:,?\s+(?:Lot|Space|Unit|Trailer|Apt\.?|Apartment|Building"
        rf"|Bldg\.?|#)\s?#?\d{{1,4}}[A-Z]?\b)?",
    ),
    (
        ("corner of",),
        rf"\b[Cc]orner of\s+(?:{_NAME}\s+){{1,3}}(?:and|&)\s+{_NAME}(?:\s+{_NAME}){{0,2}}",
    ),
)
_ANY_CASE = (
    rf"\b(?:P\.?\s?O\.?\s*Box|POB|Post\s+Office\s+Box)\s*(?:number\s+|no\.?\s*)?#?\s*(?:\d{{1,7}}|{_SPOKEN})\b",
    rf"\b(?:R\.?\s?R\.?|HC|(?:(?:Rural|Star|County|State)\s)?(?:Route|Rte?\.?)|RFD)\s?#?\s?(?:\d{{1,3}}|{_NUMBER_WORD}),?\s+Box\s+#?(?:\d{{1,5}}[A-Z]?"
    rf"|{_SPOKEN})\b",
    rf"\b{_SPOKEN}[\s-]+{_DIRECTION}?(?:{_ORDINAL}\s+|(?:(?!{_NOT_A_STREET}\b"
    rf"|{_NUMBER_WORD}\b)[a-z'-]+\s+){{1,2}}?)(?:{_ALSO}"
    rf"|{_SURE})\b{_UNIT}",
    # Streets called after somebody have three words: "martin luther king terrace".
    rf"\b{_NUMBER_WORD}[\s-]+{_SPOKEN}[\s-]+{_DIRECTION}?(?:(?!{_NOT_A_STREET}\b|{_NUMBER_WORD}\b)[a-z'-]+\s+){{3}}{_SURE}"
    rf"\b{_UNIT}",
    rf"(?<![\w.,/-])\d{{1,6}},?\s+{_DIRECTION}?(?:(?!{_NOT_A_STREET}\b)[a-z'-]+\s+){{1,3}}?{_SURE}\b{_UNIT}",
)
_ON = re.compile(
    rf"\b(?:over on|up on|off of|out on|down on|lives? on|living on|house on|place on|up off|down off)\s+"
    rf"(?P<street>{_DIRECTION}?(?:(?!{_NOT_A_STREET}\b)[a-z'-]+\s+){{1,2}}?(?:{_SURE}|drive|court|circle)\b)",
    re.I,
)
# A street without a number: "on Alder Lane", "off alder court".
_ON_STREET = re.compile(
    rf"\b(?:on|off|onto|near|along|at|down|up|from|to)\s+(?P<street>{_DIRECTION}?(?:old\s)?"
    rf"(?:(?!{_NOT_A_STREET}\b|{_NO_STREET_NAME}\b)"
    rf"[a-z][a-z'’-]{{2,20}}\s+){{1,2}}?(?:{_SURE}|drive|court|circle|way|trail)\b)(?!\s+(?:of|from|back|home"
    rf"|to get)\b)",
    re.I,
)
_ZIP_SPOKEN = re.compile(
    rf"\b(?:zip|postal)(?:\s*code)?(?:\s*(?:is|was|'s|:"
    rf"|,)){{0,2}}\s+(?P<zip>(?:{_NUMBER_WORD}[\s,-]+){{2,4}}{_NUMBER_WORD})\b",
    re.I,
)
# "Dayton OH 45402": the comma is left out on envelopes.
_TOWN = re.compile(
    rf"(?<!\w)(?P<place>{_NAME}(?:\s{_NAME}){{0,2}}\s(?:A[KLRZ]|C[AOT]|D[CE]|FL|GA|HI|I[ADLN]|K[SY]|LA|M[ADEINOST]"
    rf"|N[CDEHJMVY]"
    r"|O[HKR]|P[AR]|RI|S[CD]|T[NX]|UT|V[AT]|W[AIVY])\s\d{5}(?:-\d{4})?)(?![\w-])"
)
_RESIDENT = re.compile(rf"\b(?:[Rr]esident|[Nn]ative) of (?P<place>{_NAME}(?:\s{_NAME}){{0,2}})")
_POSTCODE = re.compile(
    r"\b(?:[A-Z]{1,2}\d[A-Z\d]?\s\d(?!CM|MM|ML|MG)[ABD-HJLNP-UW-Z]{2}|[ABCEGHJ-NPRSTVXY]\d[A-Z]\s\d[A-Z]\d)\b"
)
_STREET_WORD = re.compile(rf"\b{by_letter(_SURE[3:-1] + '|' + _ALSO[3:-1])}\b", re.I)
_AROUND = 90  # characters before a street word in which its number may stand
_CASED_PATTERNS = tuple((signs, re.compile(pattern)) for signs, pattern in _CASED)
_BOXES = tuple(re.compile(pattern, re.I) for pattern in _ANY_CASE[:2])
_SPOKEN_STREETS = tuple(re.compile(pattern, re.I) for pattern in _ANY_CASE[2:])


def address_forms(text: str) -> Iterator[Found]:
    """Spans of addresses and postal codes. A pattern runs only where the text has a sign that it needs."""
    low = text.lower()
    for signs, pattern in _CASED_PATTERNS:
        if any(sign in low for sign in signs):
            for match in pattern.finditer(text):
                yield Found(match.start(), match.end(), IdentifierKind.ADDRESS, CERTAIN)
    if "box" in low or "pob" in low:
        for pattern in _BOXES:
            for match in pattern.finditer(text):
                yield Found(match.start(), match.end(), IdentifierKind.ADDRESS, LIKELY)
    for street in _STREET_WORD.finditer(text):
        start, end = max(0, street.start() - _AROUND), street.end() + _AROUND // 2
        for pattern in _SPOKEN_STREETS:
            for match in pattern.finditer(text, start, end):
                yield Found(match.start(), match.end(), IdentifierKind.ADDRESS, LIKELY)
        for pattern in (_ON, _ON_STREET):
            for match in pattern.finditer(text, start, end):
                yield Found(match.start("street"), match.end("street"), IdentifierKind.ADDRESS, LIKELY)
    if "zip" in low or "postal" in low:
        for match in _ZIP_SPOKEN.finditer(text):
            yield Found(match.start("zip"), match.end("zip"), IdentifierKind.PLACE, LIKELY)
    for match in _TOWN.finditer(text):
        yield Found(match.start("place"), match.end("place"), IdentifierKind.PLACE, CERTAIN)
    for match in _RESIDENT.finditer(text):
        if match["place"].lower() not in STATES_AND_COUNTRIES:
            yield Found(match.start("place"), match.end("place"), IdentifierKind.PLACE, LIKELY)
    for match in _POSTCODE.finditer(text):
        yield Found(match.start(), match.end(), IdentifierKind.PLACE, LIKELY)

"""Street addresses, postal boxes, ZIP codes, and cities."""

from __future__ import annotations

import re
from collections.abc import Iterator

from appliance.deid.identifier import IdentifierKind
from appliance.deid.lexicon import Words, around
from appliance.deid.reading import Reading, Word
from appliance.deid.recognisers.address_extent import widened
from appliance.deid.recognisers.address_forms import address_forms
from appliance.deid.recognisers.base import CERTAIN, LIKELY, Found, ReadingRecogniser
from appliance.deid.recognisers.by_letter import by_letter
from appliance.deid.recognisers.foreign_streets import foreign_streets
from appliance.deid.recognisers.name_class import STATES_AND_COUNTRIES
from appliance.deid.recognisers.roads import roads
from appliance.deid.recognisers.spoken_addresses import spoken_addresses
from appliance.deid.recognisers.street_forms import streets

_STATES = (
    "Alabama|Alaska|Arizona|Arkansas|California|Colorado|Connecticut|Delaware|Florida"
    "|Georgia|Hawaii|Idaho|Illinois|Indiana|Iowa"
    "|Kansas|Kentucky|Louisiana|Maine|Maryland|Massachusetts|Michigan|Minnesota|Mississippi"
    "|Missouri|Montana|Nebraska|Nevada"
    "|New Hampshire|New Jersey|New Mexico|New York|North Carolina|North Dakota|Ohio|Oklahoma"
    "|Oregon|Pennsylvania|Rhode Island"
    "|South Carolina|South Dakota|Tennessee|Texas|Utah|Vermont|Virginia|Washington|West"
    " Virginia|Wisconsin|Wyoming|District of Columbia"
    "|Puerto Rico|Ontario|Quebec|British Columbia|Alberta"
)
_POSTAL = (
    "AL|AK|AZ|AR|CA|CO|CT|DE|FL|GA|HI|ID|IL|IN|IA|KS|KY|LA|ME|MD|MA|MI|MN|MS|MO|MT|NE|NV|NH"
    "|NJ|NM|NY|NC|ND|OH|OK|OR|PA|RI|SC|SD"
    "|TN|TX|UT|VT|VA|WA|WV|WI|WY|DC|PR|ON|QC|BC|AB"
)
# Street words that are hardly anything else behind a number, and those that are ("drive", "court", "CT").
_STREET = (
    "street|avenue|boulevard|lane|road|parkway|highway|terrace|turnpike|crescent|expressway"
    "|freeway|cul-de-sac|broadway|esplanade"
)
_STREET_ALSO = (
    "drive|court|way|place|circle|trail|square|loop|alley|plaza|row|path|pike|crossing|run"
    "|ridge|bend|cove|crest|glen|grove|hill|hollow|knoll"
    "|landing|manor|meadows?|pass|point|view|vista|walk|heights|commons|close|mews|gardens?"
    "|green|route|fork|spur|bluff|creek"
)
_STREET_SHORT = "st|ave|av|blvd|ln|rd|pkwy|hwy|ter|terr|dr|ct|pl|cir|trl|sq|tpke|expy|fwy|rte"
_DIRECTION = (
    r"(?:(?:N|S|E|W|NE|NW|SE|SW|North|South|East|West|Northeast|Northwest|Southeast|Southwest"
    r"|north|south|east|west)\.?\s+)"
)
_UNIT = (
    r"(?:\s*,?\s*(?:[Aa]pt|[Aa]partment|[Ss]uite|[Ss]te|[Uu]nit|[Ff]loor|[Ff]l|[Rr]oom|[Rr]m"
    r"|[Bb]ldg|[Bb]uilding|[Ll]ot|[Tt]rlr|[Tt]railer|[Ss]pc|[Ss]pace|#)\.?\s*#?\s*[\w-]{1,6})"
)
_NAMES = r"(?:[A-Z][\w'.’-]{0,25}|\d{1,3}(?:st|nd|rd|th)|of|the|de|la|del)"
_LOCALITY = (
    rf"(?:\s*[,\n]\s*(?:[A-Z][\w.'’-]+\s?){{1,3}})?(?:\s*,?\s*(?:{_STATES}"
    rf"|(?:{_POSTAL})\b))?(?:\s*,?\s*\d{{5}}(?:-\d{{4}})?(?!\d))?"
)
_STREET_ADDRESS = re.compile(
    rf"(?<![\w.,/-])\d{{1,6}}[A-Za-z]?(?:[-/]\d{{1,5}})?,?\s+(?!of\s)(?i:{_DIRECTION})?(?:{_NAMES}\s+"
    rf"){{1,5}}?(?i:{_STREET}|{_STREET_ALSO}|{_STREET_SHORT})\b\.?"
    rf"(?:\s+(?:N|S|E|W|NE|NW|SE|SW)\b\.?)?{_UNIT}{{0,2}}{_LOCALITY}"
)
_FUNCTION = (
    r"(?:mg|ml|or|of|to|and|hours?|days?|weeks?|minutes?|years?|months?|miles?|feet|a|an|the"
    r"|in|on|at|by|down|up|for|from|with|is|was|were|are|it|that|this"
    r"|i|you|he|she|we|they|my|your|his|her|along|off|over|near|across|old|more|less|times|people|blocks?|lanes?|cars?)"
)
_NUMBER_WORD = (
    r"(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen"
    r"|fifteen|sixteen|seventeen|eighteen|nineteen|twenty"
    r"|thirty|forty|fifty|sixty|seventy|eighty|ninety|hundred|thousand|oh|zero)"
)
_LIVES = re.compile(
    rf"\b{by_letter('live[sd]?|living|resid(?:e|es|ed|ing)|address|located|moved|stay(?:s|ing)?|home')}(?:\s+(?:is|at|on|to|over|address|now|currently)|\s*:){{1,3}}\s*"
    rf"(?P<address>(?:\d{{1,6}}"
    rf"|(?:{_NUMBER_WORD}[\s-]+){{1,7}})?\s*{_DIRECTION}?(?:(?!{_FUNCTION}\b|same\b|our\b"
    rf"|friend)[\w'.-]+\s+){{1,4}}?(?:{_STREET}|{_STREET_ALSO}"
    rf"|{_STREET_SHORT})\b)(?!\s+(?:from|by|up|back|home|to))",
    re.I,
)
_STREET_ALONE = re.compile(
    r"(?<=[a-z,] )(?:[A-Z][\w'’-]{1,20}\s+){1,2}(?:Street|Avenue|Boulevard|Lane|Road|Parkway"
    r"|Highway|Ave|Blvd|Rd|Hwy|Pkwy)\b\.?"
)
_FOREIGN = re.compile(
    r"(?<![\w.,/-])\d{3,6}(?:\s\d{1,5})?\s+(?:[^\W\d_a-z][\w'’.-]{0,30}\s+(?:(?:de|do|da|du"
    r"|la|el|ul|u|tér|den|van)\.?\s+)?){1,5}(?:u\.\s|tér\s)?\d{1,5}[A-Za-z]?\.?(?=\s*[,\n|]"
    r"|\s+(?:Apt|Suite)|\s*$)" + _UNIT + r"?"
)
_SHOUTED = re.compile(r"\b(?:CT|DR|PL|ST)$")
_BOX = re.compile(r"\bP\.?\s?O\.?\s*Box\s*#?\s*\d{1,7}\b" + _LOCALITY, re.I)
_ROOM = re.compile(
    r"\b" + by_letter("apt|apartment|suite|ste") + r"\b\.?\s*(?:number\s+|no\.?\s*|#\s*)?(?=[\w-]*\d)[\w-]{1,6}\b", re.I
)
# The lines below a street, when they end in a postal code.
_REST = re.compile(
    r"(?:[ \t]*[,\n|][ \t]*(?:(?:Apt|Suite|Unit|Floor)\.? \w{1,5}"
    r"|[^\W\d_][^\W\d_.'’-]{0,25}(?:[ -][^\W\d_][^\W\d_.'’-]{0,25}){0,3})){0,5}(?:[ \t]*[,\n"
    r"|][ \t]*|[ \t]+){1,3}\d{4,6}(?:-\d{3,4})?(?![\w-])"
)
_MILITARY = re.compile(
    r"\b(?:PSC|Unit|CMR)\s\d{1,5},?\s+Box\s\d{1,5}(?:\s*[,\n]?\s*[AFD]PO,?\s+A[AEP]\s+\d{5}(?:-\d{4})?)?", re.I
)
_ONE = r"(?:zero|oh|one|two|three|four|five|six|seven|eight|nine)"
_PAIR = (
    rf"(?:(?:ten|eleven|twelve|\w{{3,5}}teen|(?:twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety)(?:[- ]{_ONE})?)"
    rf"|{_ONE}(?: hundred)?)"
)
# Read out, perhaps by another speaker than the one who asks for it: "the zip code\n[caller] six one three four four".
_ZIP_SAID = re.compile(
    r"\b(?:zip|z i p|postal)(?:\s?code)?\b[^\n\[\]]{0,40}?\s*"
    r"(?:(?:\n\s*)?(?:\[[^\]\n]{1,24}\]|\n[a-z][a-z .]{1,24}:))?\s*"
    r"(?:(?:um|uh|sure|yes|yeah|yep|ok|okay|oh(?=,)|so|it's|its|it is|that's|is|the|well)[\s,.]+){0,4}"
    rf"(?P<zip>(?:{_ONE}[\s,-]+){{4}}{_ONE}|{_ONE}[\s,-]+{_PAIR}[\s,-]+{_PAIR}(?:[\s,-]+{_PAIR}){{0,2}}"
    rf"|{_PAIR}[\s,-]+{_PAIR}[\s,-]+{_PAIR}|\d(?:[ -]\d){{4}})(?!\w)",
    re.I,
)
_ZIP = re.compile(
    rf"\b{by_letter('zip|postal')}(?:\s*code)?(?:\s*(?:is|:|=|of|#)){{0,2}}\s*(?P<zip>\d{{3,6}}(?:[-"
    rf" ]\d{{2,4}})?|[A-Z]\d[A-Z]\s?\d[A-Z]\d)(?!\d)",
    re.I,
)
_FIVE = re.compile(r"\d(?<![\w-].)\d{4}(?P<more>-\d{4})?(?![\w-])")
_STATE_BEFORE = re.compile(rf"(?:{_STATES}|\b(?:{_POSTAL}))\.?,?$", re.I)
_LONGEST_STATE = 24  # characters, with the marks behind it
_CITY_STATE = re.compile(
    rf"(?<![\w-])(?P<city>(?:(?:St|Ft"
    rf"|Mt)\.\s)?[A-Z][a-z'’-]{{1,30}}(?:\s[A-Z][a-z'’-]{{1,30}}){{0,2}}),\s*(?:{_STATES}"
    rf"|(?:{_POSTAL})\b)(?:,?\s+\d{{5}}(?:-\d{{4}})?)?(?!\w)"
)
_COUNTY = re.compile(
    r"\b(?:[A-Z][a-z'’-]{1,30}\s){1,2}(?:County|Parish|Township|Borough"
    r"|Precinct)\b(?!\s+(?:Hospital|Medical|General|Health))"
)
_DIRECTIONS = around("addresses.directions")
_NEAR = around("addresses.near")
_MOVES = around("addresses.moves")
_SCALES = around("addresses.scales")
_ORGANISMS = around("addresses.organisms")
_OF_ORGANISMS = around("addresses.of_organisms")


class AddressRecogniser(ReadingRecogniser):
    """Where somebody lives."""

    kinds = (IdentifierKind.ADDRESS, IdentifierKind.PLACE)

    def __init__(self, words: Words) -> None:
        super().__init__()
        self._words = words
        self._first = {
            place.split(" ")[0] for place in words.places | words.ordinary_places | words.large_places if " " in place
        }
        self._several = frozenset(place for place in words.places | words.large_places if " " in place)
        self._plain = words.ordinary | words.vocabulary | words.clinical | words.not_a_name | words.heads

    def find(self, reading: Reading) -> Iterator[Found]:
        """Addresses as far as they reach, then cities by the list of places and by what stands around them."""
        for found in self._streets(reading):
            if found.kind is IdentifierKind.ADDRESS:
                start, end = widened(reading.text, found.start, found.end)
                yield Found(start, end, found.kind, found.confidence)
            else:
                yield found
        yield from self._cities(reading)

    def _streets(self, reading: Reading) -> Iterator[Found]:
        text = reading.text
        yield from foreign_streets(reading, self._is_plain)
        for start, end in spoken_addresses(reading):
            yield Found(start, end, IdentifierKind.ADDRESS, LIKELY)
        for pattern in (_STREET_ADDRESS, _BOX, _STREET_ALONE, _FOREIGN, _ROOM, _MILITARY):
            for match in pattern.finditer(text):
                if pattern is _FOREIGN and not self._is_street(match.group()):
                    continue
                if _SHOUTED.search(match.group()) and "-" in match.group().split()[0]:
                    continue  # LOINC 4548-4, SNOMED CT
                rest = _REST.match(text, match.end())
                sure = CERTAIN if pattern in (_STREET_ADDRESS, _BOX) else LIKELY
                yield Found(match.start(), rest.end() if rest else match.end(), IdentifierKind.ADDRESS, sure)
        for match in _LIVES.finditer(text):
            yield Found(match.start("address"), match.end("address"), IdentifierKind.ADDRESS, LIKELY)
        yield from address_forms(text)
        yield from roads(reading)
        for start, end in streets(text):
            yield Found(start, end, IdentifierKind.ADDRESS, LIKELY)
        if "zip" in text or "postal" in text or "z i p" in text:
            for match in _ZIP_SAID.finditer(text):
                yield Found(match.start("zip"), match.end("zip"), IdentifierKind.PLACE, LIKELY)
        for start, end in self._postal_codes(text):
            yield Found(start, end, IdentifierKind.PLACE, CERTAIN)
        for match in _COUNTY.finditer(text):
            yield Found(match.start(), match.end(), IdentifierKind.PLACE, LIKELY)
        for match in _CITY_STATE.finditer(text):
            city = match["city"].lower()
            # Smith, MD is a doctor; Rockville, MD is a town.
            degree = match.group()[match.end("city") - match.start() :].strip(" ,").lower() in self._words.credentials
            listed = (
                city in self._words.places or city in self._words.ordinary_places or city in self._words.large_places
            )
            if (listed or not degree) and city.split()[-1] not in self._words.titles | self._words.credentials:
                yield Found(match.start(), match.end(), IdentifierKind.PLACE, LIKELY)

    @staticmethod
    def _postal_codes(text: str) -> Iterator[tuple[int, int]]:
        """Places of postal codes: behind a word for them, behind a state, with four figures more."""
        yield from (match.span("zip") for match in _ZIP.finditer(text))
        for match in _FIVE.finditer(text):
            start = end = match.start()
            while end and text[end - 1].isspace():
                end -= 1
            behind_state = end < start and _STATE_BEFORE.search(text, max(0, end - _LONGEST_STATE), end)
            if behind_state or match["more"]:
                yield match.span()

    def _cities(self, reading: Reading) -> Iterator[Found]:
        words = reading.words
        known = self._words
        for at, word in enumerate(words):
            if word.low in self._first:
                end = self._longest(words, at)
                if end and self._is_place(words, at, end) and not self._clinical(words, end):
                    yield Found(word.start, words[end].end, IdentifierKind.PLACE, LIKELY)
                    continue
            if word.low in STATES_AND_COUNTRIES or word.low in _DIRECTIONS:
                continue
            if word.low in known.large_places or word.low in known.places:
                if (word.capital or word.low in known.large_places or self._moved(words, at)) and not self._clinical(
                    words, at
                ):
                    yield Found(word.start, word.end, IdentifierKind.PLACE, LIKELY)
            elif word.low in known.ordinary_places and at:
                near = words[at - 1].low in _NEAR and word.gap == " "
                if (
                    near
                    and self._moved(words, at)
                    and word.low not in known.not_a_name
                    and not self._clinical(words, at)
                ):
                    yield Found(word.start, word.end, IdentifierKind.PLACE, LIKELY)

    def _is_plain(self, low: str) -> bool:
        """Whether a word, or what it is the plural of, is one of English or of medicine."""
        return low in self._plain or low.removesuffix("s") in self._plain

    def _is_street(self, text: str) -> bool:
        """Whether "number, names, number" is a street: no word is clinical, the number is no year."""
        number, *rest = text.lower().split()
        year = len(number) == 4 and number[:2] in ("19", "20")
        return not year and not any(word in self._words.clinical or word in self._words.heads for word in rest)

    def _is_place(self, words: list[Word], at: int, end: int) -> bool:
        """Whether a place of several words stands like one: "High level" and "high point" do not."""
        if all(word.capital for word in words[at : end + 1]):
            return True
        name = " ".join(word.low for word in words[at : end + 1])
        return name in self._words.large_places or (not words[at].capital and self._moved(words, at))

    def _longest(self, words: list[Word], at: int) -> int | None:
        name = words[at].low
        found = None
        for end in range(at + 1, min(at + 4, len(words))):
            gap = words[end].gap
            if gap not in (" ", ". ", "\n", "  "):
                break
            name = f"{name}{'. ' if gap == '. ' else ' '}{words[end].low}"
            if name in self._several:
                found = end
        return found

    def _moved(self, words: list[Word], at: int) -> bool:
        """Whether the words before say that somebody lives, goes or comes there."""
        before = [word.low for word in words[max(0, at - 8) : at]]
        return bool(before) and before[-1] in _NEAR | {"county"} and any(word in _MOVES for word in before)

    def _clinical(self, words: list[Word], at: int) -> bool:
        """Whether a place names a scale, a virus or the like: "Vancouver and Toronto protocols", "Coxsackie B"."""
        behind = words[at + 1 : at + 2]
        named = words[at + 1 : at + 3]  # "Cincinnati stroke scale"
        if words[at].low in self._words.eponyms and len(named) == 2 and named[1].low in _SCALES:
            return all(word.gap == " " for word in named)
        if behind and behind[0].low in ("and", "or"):
            behind = words[at + 1 : at + 4]
        if words[at].low in _ORGANISMS and behind and behind[0].low in _OF_ORGANISMS:
            return True
        return any(word.low in _SCALES or word.low in self._words.heads for word in behind) or (
            words[at].low in self._words.always_clinical
        )

"""What belongs to a find beside it: double surnames and initials of a name, the head of an institution behind its
town, the word for a street, a spoken ZIP code.

It runs at finds alone, when they have been joined, so it costs little, and it may trust what was found.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from appliance.deid.identifier import Identifier, IdentifierKind
from appliance.deid.lexicon import around
from appliance.deid.recognisers.known_words import KnownWords
from appliance.deid.recognisers.name_class import NameWords, Weight

_PROPER = (
    r"(?:children['’]?s|women['’]?s|memorial|general|regional|community|county|city|state|baptist|methodist"
    r"|presbyterian"
    r"|lutheran|mercy|university|veterans|va|valley|medical|family|eye|heart|cancer|surgical)"
)
_HEAD = re.compile(
    rf"(?:[ ]{_PROPER}){{0,3}}[ ](?:hospital|medical (?:center|centre)|health (?:center|system)|clinic|pharmacy"
    r"|assisted living|memory care|senior living|nursing (?:home|center)|rehab center|surgery center|urgent care"
    rf"|infirmary|cancer center|eye center|high school|community college)(?![\w'’-])"
    # alone only where the sentence ends or a place follows
    rf"|[ ](?:memorial|regional|general|community)(?=[ ]?(?:[.,;?!\n]|$)|[ ](?:in|over|out|down|up)[ ]|[ ]and[ ])"
    r"|[ ](?-i:Drugs)(?![\w:'’-])"
    r"|[ ](?-i:VA|VAMC)(?![\w:'’-]|[ ]\d)|[ ](?-i:va)(?=[ ]?(?:[.,;?!\n]|$))"
    # kinds that are words of medicine as well, where the name ends or somebody does something there
    r"|[ ](?-i:Drug|Dental|General|Optical|Imaging|Dialysis|Hospice|Manor|Rehab|Ortho|Radiology|Surgical|Labs?)"
    r"(?=[ ]?(?:[.,;?!)\n]|$)|[ ](?:if|at|in|on|and|by|who|will|has|had|is|was|called|faxed|sent|says|said|lobby"
    r"|cafeteria|campus|parking|front|main)\b)",
    re.I,
)
# Beside a name of an institution: the rest of its town ("Truth or Consequences Clinic"), what opens it ("Old Mill").
_OPENS = re.compile(
    r"(?<![\w'’-])(?:Old|New|Great|Little|Big|Upper|Lower|North|South|East|West|Mount|Mt\.?|Lake|Fort|Ft\.?|Port|Cape|San"
    r"|Santa|Los|Las|La|El|Saint|St\.?|Ste\.?|Glen|Rock|Two|Three|Twin|Blue|Red|White|Green|Black|Golden|Silver) $"
)
_TOWN_OR = re.compile(r"(?<![\w'’-])[A-Z][a-z]+ or $")
# Partners of a firm: "Alder, Varga & Associates", "Marsh & Sons".
_PARTNERS = re.compile(
    r"(?:,? [A-Z][\w'’-]+){0,2},? (?:&|and) (?:[A-Z][\w'’-]+,? )?"
    r"(?:Associates|Assoc\.?|Partners|Sons|Daughters|Brothers|Bros\.?|Company|Co\.?|LLP|LLC|PLLC|PC|PA)(?![\w'’-])"
    r"|(?:,? [A-Z][\w'’-]+){0,2},? (?:&|and) [A-Z][\w'’-]+(?=,? (?:LLP|LLC|PLLC|PC|PA|Inc)\b)",
    re.I,
)
# A home or a school called by a saint; a branch by its number or its street: "St. Aldric Home", "Alder Drug on Marsh".
_SAINTS_HOME = re.compile(
    r"[ ](?:Home|House|Manor|Villa|Hall|Court|Place|Village|Parish|School|Academy|Residence)(?!\w)"
)
_BRANCH = re.compile(
    r"(?:[ ](?:No\.?|\#|[Ss]tore)[ ]?\d{1,5}(?!\w))|[ ]on[ ](?!January|February|March|April|May|June|July|August|Septem"
    r"|Octo|Novem|Decem|Mon|Tue|Wed|Thu|Fri|Sat|Sun|Day|Coumadin)[A-Z][a-z]+(?:[ ][A-Z][a-z]+){0,2}"
    r"(?=[ ]?(?:[.,;)\n]|$)|[ ][a-z])"
)
_SAINT_FIRST = re.compile(r"(?:St\.?|Ste\.?|Saint|Sainte|San|Santa|Our Lady)[ ]")
_SHOP = re.compile(r"(?:Drugs?|Pharmacy|Apothecary|Market|Mart|-Rx|Rx|Store|Clinic|Diner|Cafe)$")
_PARTNERS_SAID = re.compile(
    r"(?: [a-z][a-z'’-]+)? and (?:associates|partners|sons|daughters|brothers|company)(?![\w'’-])"
)
_HOLY = re.compile(r"(?<![\w.])(?:st\.?|ste\.?|saint|sainte)[ ]$", re.I)
_BODY = r"(?:City|Town|County|Village|Township|Borough|Diocese|Archdiocese|Port)"
_BODY_OF, _BODY_ALONE = re.compile(rf"(?<!\w){_BODY} of $"), re.compile(_BODY)
_STREET = re.compile(r"[ ](?:street|avenue|boulevard|lane|road|parkway|terrace|turnpike|highway)(?![\w'’-])", re.I)
_STREET_TOO = re.compile(
    r"[ ](?:trail|trl|way|drive|court|circle|loop|alley|path)(?![\w'’-])"
    r"(?![ ](?:back|to|too|more|over|of|from|home)\b)",
    re.I,
)
# A street's own word behind one that is part of its name, "490 LOWER RIDGE RD", and units behind it.
_SHORT = (
    r"(?:st|dr|ct|pl|cir|ln|trl|ave?|rd|blvd|ter|pkwy|hwy|street|avenue|road|drive|lane|court|circle|way|trail"
    r"|place|terrace)"
)
_UNITS = r"(?:[ ,]{1,2}(?:apt|unit|suite|ste|fl|floor|rm|room|bldg|lot|trlr|spc)\.?[ ]?\#?[ ]?[\dA-Z]{1,5}\b){1,3}"
_AGAIN = re.compile(
    rf"[ ]{_SHORT}\b\.?(?![ ](?-i:(?!Apt|Unit|Suite|Ste|Fl|Lot|Trlr|Bldg)[A-Z][a-z]))(?:{_UNITS})?", re.I
)
_MORE_UNITS = re.compile(rf"{_UNITS}|,[ ]\d{{1,5}}[A-Z]?(?=,[ ][A-Z])", re.I)
_SHORT_STREET = re.compile(rf"[ ]{_SHORT}\b\.?(?=\s*(?:[.,;)\n]|$)|[ ][a-z])", re.I)
_NTH = (
    r"(?:\d{1,3}(?:st|nd|rd|th)|first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|eleventh|twelfth"
    r"|\w{3,5}teenth|twentieth)"
)
_TREES = (
    r"(?-i:Main|Oak|Elm|Maple|Cedar|Pine|Walnut|Chestnut|Spruce|Birch|Ash|Willow|Poplar|Locust|Cherry|Magnolia"
    r"|Juniper|Laurel"
    r"|Hickory|Park|Lake|River|Church|Market|Water|Mill|Broad|Front|High|Center|Central|Spring|Union|State|Grand"
    r"|Washington"
    r"|Jefferson|Lincoln|Madison|Adams|Jackson|Franklin)"
)
_CORNER = re.compile(
    rf"(?:[ ](?-i:[A-Z][a-z]{{2,12}}))?[ ](?:and|&|/|at)[ ](?:{_NTH}|{_TREES})(?:[ ]{_SHORT})?"
    r"(?![\w'’-])(?![ ](?:floor|grade|time|day|visit|dose"
    rf"|trimester|of))",
    re.I,
)
_CORNERED = re.compile(
    r"\b(?:on|by|at|near|past|off|corner of|intersection of|pharmacy|store|cvs|walgreens|stop|station)[ ](?:the[ ])?"
    r"(?:corner of[ ])?$",
    re.I,
)
_MAIL_BEGINS = re.compile(
    r"(?:[:?,\n][ ]?|\b(?:to|is|it['’]s|its|that['’]s|email|address|at|log to)[ ])(?P<word>(?!the\b|my\b|your\b|yes\b"
    r"|yeah\b|uh\b|um\b|sure\b|okay\b|it\b|is\b|at\b|just\b|like\b|www\b)[a-z][a-z'’-]{2,20})[ ]$"
)
_URL_ENDS = re.compile(r"[ ][a-z]{2,15}(?=[ ]*(?:[.,?\n]|$))")
_TOWARDS = re.compile(
    r"\b(?:dorm|on|around|along|down|up|off|onto|near|across|past|at|corner of|end of)[ ](?:old[ ]|the[ ])?$", re.I
)
_FIGURE = r"(?:zero|oh|one|two|three|four|five|six|seven|eight|nine)"
_ZIP = re.compile(
    rf"[ ]{{1,2}}(?P<code>\d{{5}}(?:-\d{{4}})?)(?![\d-])(?![ ](?:mg|mcg|ml|units?|steps|cells|iu)\b)"
    rf"|[ ,]{{1,2}}(?P<zip>{_FIGURE}(?:[ ,]{{1,2}}{_FIGURE}){{4}})(?![ ,]{{1,2}}{_FIGURE}\b)(?!['’\w])",
    re.I,
)

_PART = r"[^\W\d_]+(?:['’-][^\W\d_]+)*"
_WORD_BEFORE = re.compile(rf"(?<![\w'’.-])(?P<word>{_PART})[ ]$")
_WORD_BEHIND = re.compile(rf"[ ](?P<word>{_PART})(?![\w'’-])")
_COMMA_SAID = re.compile(rf"(?<![\w'’-])(?P<word>{_PART})[ ]comma[ ]$", re.I)
# Words that end a name where the text pauses, or a number of somebody follows.
_SURNAME_BEHIND = re.compile(
    r"[ ](?P<words>[^\W\d_a-z][^\W\d_]{1,20}(?:[ ][^\W\d_a-z][^\W\d_]{2,20})??)"
    r"(?=[ ]?[,.;:)(\n](?!\w)|[ ]?$|[ ][-–—(]|[ ](?:is|was|has|had|will|said|says|states|denies|reports|called|wants)\b"
    r"|[ ](?:NPI|DOB|MRN|SSN|ID|Ph|Tel|\d{2,3}[ ]?(?:y|yo|y/o|[MF])\b|\d{2,3} ))"
)
_IRISH = re.compile(r"[OD]['’][A-Z][A-Za-z]{2}")
_INITIAL = re.compile(r" (?:[A-Za-z]\.|(?![aiAI])[A-Za-z]) ")
# Between the parts of a name: "Saoirse Mac" an "Bhaird"; initials before one that has a particle.
_BETWEEN = re.compile(
    r" (?:(?:Mac|Nic|an|na|de|del|della|di|da|do|dos|du|van|von|der|den|ter|ten|te|el|al|bin|ibn|abu|zu[mr]?|af|av|ap"
    r"|la|le|het|El|Al|De|Van|Von|Bin|Abu) ){1,3}"
)
_LETTERS = re.compile(r"[A-Z](?:\. ?[A-Z]){0,2}")
_LETTERED_NAME = re.compile(r"[A-Z]\. ?[A-Za-z]{2}")
_INTRODUCED = re.compile(r"\b(?:this is|i['’]m|i am|it['’]s|name is|doctor|dr\.?|nurse|signed|signed by)[ ]$", re.I)
_THEN_SAYS = re.compile(
    r"[ ](?:dictating|calling|here|speaking|from|with|at|signing|covering|over|on call)\b|[ ]?(?:[.,;?!\n\[]|$)"
)
_LAST_FIRST_SAID = re.compile(r"\b(?:is|on|for|about|patient|named|pt|of|it['’]s)[ ]$")
_RECORD_FOLLOWS = re.compile(
    r"[ ](?:birthday|birth|date of birth|d ?o ?b|born|medical|record|chart|m ?r ?n|number|from|in (?:room|bed)|room)\b"
    r"|[ ]?(?:[.,;?!\n\[]|$)"
)
_WHO_BEFORE = re.compile(r"(?::[ ]|\b(?:dr|nurse|provider|name|patient|pt|ms|mrs|miss|witness)\.?[ ])$", re.I)
_MONTHS = frozenset(("april", "may", "june", "august"))
_COMPOUND_FIRST, _COMPOUND_LAST = around("slots.compound_first"), around("slots.compound_last")
"""Two words that make a surname of several nations of North America: Two Bulls, Red Cloud."""
_LOOK = 40  # characters looked at on both sides
_SHORTEST = 3


class FoundExtents:
    """Widens finds over what belongs to them, and joins those that are one.

    Args:
        classes: Says which words may be part of a name.
    """

    def __init__(self, classes: NameWords) -> None:
        self._classes = classes
        self._known = KnownWords(classes.words)
        lists = classes.words
        self._no_surname = lists.titles | lists.relatives | lists.credentials
        self._things = (
            lists.places | lists.large_places | lists.structures | lists.signs | lists.nations
            | around("facilities.kinds") | around("facilities.always_plain") | around("slots.not")
            | around("roles.people") | around("staff.kept")
            | around("name_class.states_and_countries")
        )  # fmt: skip
        self._surnames = (lists.surnames | lists.surname_words) - self._no_surname

    def widened(self, text: str, found: Sequence[Identifier]) -> tuple[Identifier, ...]:
        """The identifiers by start, none overlapping; none gets smaller.

        Args:
            text: The text.
            found: Its identifiers, by start, none overlapping.
        """
        joined: list[Identifier] = []
        for at, item in enumerate(found):
            low = joined[-1].end if joined else 0
            high = found[at + 1].start if at + 1 < len(found) else len(text)
            if joined and item.start < low:  # the one before reaches into it
                joined[-1] = replace(joined[-1], end=max(low, item.end))
                continue
            wide = self._wide(text, item, low, high)
            if joined and (one := self._one(text, joined[-1], wide)):
                joined[-1] = one
                continue
            joined.append(wide)
        return tuple(joined)

    def _wide(self, text: str, item: Identifier, low: int, high: int) -> Identifier:
        """One find with what stands beside it, between two offsets."""
        if item.kind is IdentifierKind.NAME:
            item = self._named(text, item, low, high)
        if item.kind in (IdentifierKind.NAME, IdentifierKind.PLACE, IdentifierKind.ADDRESS, IdentifierKind.FACILITY):
            corner = _CORNER.match(text, item.end, high)
            if corner and _CORNERED.search(text, max(low, item.start - _LOOK), item.start):
                return replace(item, end=corner.end(), kind=IdentifierKind.ADDRESS)
        if item.kind in (IdentifierKind.NAME, IdentifierKind.PLACE, IdentifierKind.FACILITY):
            item = self._headed(text, item, low, high)
        if item.kind is IdentifierKind.ADDRESS:
            again = text[item.end - 1].isalpha() and _AGAIN.match(text, item.end, high)
            item = replace(item, end=again.end()) if again else item
            units = _MORE_UNITS.match(text, item.end)
            item = replace(item, end=units.end()) if units else item
        if item.kind in (IdentifierKind.EMAIL, IdentifierKind.URL) and " dot " in text[item.start : item.end]:
            begins = _MAIL_BEGINS.search(text, max(low, item.start - _LOOK), item.start)
            item = replace(item, start=begins.start("word")) if begins else item
        if item.kind is IdentifierKind.URL and " slash " in text[item.start : item.end]:
            ends = _URL_ENDS.match(text, item.end, high)
            item = replace(item, end=ends.end()) if ends else item
        if item.kind in (IdentifierKind.PLACE, IdentifierKind.ADDRESS):
            code = _ZIP.match(text, item.end)
            if code:
                item = replace(item, end=code.end())
        return item

    def _headed(self, text: str, item: Identifier, low: int, high: int) -> Identifier:
        """With the word for an institution or a street behind it."""
        before = text[max(low, item.start - _LOOK) : item.start]
        partners = _PARTNERS.match(text, item.end) if text[item.start].isupper() else None
        if partners is None and text[item.start].islower():
            partners = _PARTNERS_SAID.match(text, item.end)
        if partners and text[item.end - 1].isalpha():
            return replace(item, end=partners.end(), kind=IdentifierKind.FACILITY)
        if item.kind is not IdentifierKind.NAME and (opens := _OPENS.search(before) or _TOWN_OR.search(before)):
            item = replace(item, start=item.start - len(before) + opens.start())
            before = before[: opens.start()]
        home = _SAINTS_HOME.match(text, item.end) if _SAINT_FIRST.match(text, item.start, item.end) else None
        if home:
            return replace(item, end=home.end(), kind=IdentifierKind.FACILITY)
        branch = _BRANCH.match(text, item.end) if _SHOP.search(text, item.start, item.end) else None
        if branch:
            return replace(item, end=branch.end(), kind=IdentifierKind.FACILITY)
        ofs = _BODY_OF.search(before)
        if ofs and item.kind is IdentifierKind.PLACE:
            item = replace(item, start=item.start - len(before) + ofs.start(), kind=IdentifierKind.FACILITY)
        head = _HEAD.match(text, item.end, high)
        saint = _HOLY.search(before)
        if saint and item.kind is IdentifierKind.NAME:
            item = replace(item, start=item.start - len(before) + saint.start())
        if head and text[item.end - 1].isalpha():
            return replace(item, end=head.end(), kind=IdentifierKind.FACILITY)
        towards = _TOWARDS.search(before)
        street = _STREET.match(text, item.end, high) or (
            towards and (_STREET_TOO.match(text, item.end, high) or _SHORT_STREET.match(text, item.end, high))
        )
        if street and text[item.end - 1].isalpha():
            return replace(item, end=street.end(), kind=IdentifierKind.ADDRESS)
        return item

    def _named(self, text: str, item: Identifier, low: int, high: int) -> Identifier:
        """A name with its double surname, or with the surname that is said before or behind it."""
        value = text[item.start : item.end]
        before = text[max(low, item.start - _LOOK) : item.start]
        comma = _COMMA_SAID.search(before)
        if comma and self._could_be(comma["word"].lower()):
            return replace(item, start=item.start - len(before) + comma.start())
        word = _WORD_BEFORE.search(before)
        if word and value[0].isalpha() and self._is_before(text, item, word["word"], before[: word.start()]):
            item = replace(item, start=item.start - len(before) + word.start())
        surname = _SURNAME_BEHIND.match(text, item.end) if value[0].isupper() else None
        if surname and surname.end("words") <= high and value.isalpha() and self._closes_name(value, surname["words"]):
            item = replace(item, end=surname.end("words"))
        behind = _WORD_BEHIND.match(text, item.end, high)
        if behind and value[-1].isalpha() and self._is_behind(text, value, behind, before):
            item = replace(item, end=behind.end())
        return item

    def _is_before(self, text: str, item: Identifier, word: str, before: str) -> bool:
        value, low = text[item.start : item.end], word.lower()
        if len(word) < _SHORTEST or not self._could_be(low):
            return False
        if word[0].isupper() and value[0].isupper():
            same = word.isupper() == (value.isupper() and len(value) > 1)
            return same and (("-" in word and self._is_double(low)) or self._strange(low))
        said = word.islower() and value.islower() and value.isalpha() and self._is_given(value)
        surname = low in self._surnames or self._classes.weight(low) >= Weight.SURNAME
        return bool(said and surname and _LAST_FIRST_SAID.search(before) and _RECORD_FOLLOWS.match(text, item.end))

    def _is_behind(self, text: str, value: str, behind: re.Match[str], before: str) -> bool:
        word, low = behind["word"], behind["word"].lower()
        if not self._could_be(low):
            return False
        if _IRISH.match(word) and value[0].isupper():
            return self._classes.weight(low) >= Weight.UNKNOWN
        if "-" in word and word[0].isupper() and value[0].isupper():
            last = word.rsplit("-", 1)[1]
            return last[0].isupper() and len(last) >= _SHORTEST and self._is_double(low)
        said = word.islower() and value.islower() and value.isalpha() and self._is_given(value)
        return bool(
            said and low in self._surnames and _INTRODUCED.search(before) and _THEN_SAYS.match(text, behind.end())
        )

    def _closes_name(self, value: str, words: str) -> bool:
        """Whether a given name goes on with words that only a surname can be there, in the same case."""
        parts = words.split(" ")
        if value.isupper() != words.isupper() or self._classes.weight(value.lower()) != Weight.GIVEN:
            return False
        low = [part.lower() for part in parts]
        if len(low) == 2:
            return low[0] in _COMPOUND_FIRST and low[1] in _COMPOUND_LAST
        return self._could_be(low[0]) and not self._is_thing(low[0])

    def _is_thing(self, low: str) -> bool:
        """Whether a word behind a given name is a heading, a drug, a place or what is done."""
        return (
            low in self._things or low in self._classes.words.clinical or low.endswith(("ing", "ed", "s"))
            or low in self._classes.words.heads
        )  # fmt: skip

    def _is_double(self, low: str) -> bool:
        """Whether the last part of a word with hyphens can be a surname."""
        last = low.rsplit("-", 1)[1]
        return last in self._surnames or self._strange(last)

    def _strange(self, low: str) -> bool:
        return self._classes.weight(low) == Weight.UNKNOWN and not self._known.known(low)

    def _could_be(self, low: str) -> bool:
        return low not in self._no_surname and low not in self._classes.fixed_terms

    def _is_given(self, value: str) -> bool:
        return self._classes.weight(value) in (Weight.GIVEN, Weight.WORD_GIVEN)

    def _one(self, text: str, one: Identifier, other: Identifier) -> Identifier | None:
        """Two finds beside each other as one, where they are one."""
        between = text[one.end : other.start]
        first, second = text[one.start : one.end], text[other.start : other.end]
        if one.kind is IdentifierKind.ADDRESS and other.kind in (IdentifierKind.PLACE, IdentifierKind.ADDRESS):
            return replace(one, end=other.end) if between == " " and first[0].isdigit() else None
        if between == " of " and other.kind is IdentifierKind.PLACE and _BODY_ALONE.fullmatch(first):
            return replace(one, end=other.end, kind=IdentifierKind.FACILITY)
        if one.kind is IdentifierKind.NAME and other.kind in (IdentifierKind.EMAIL, IdentifierKind.URL):
            # The first words of a spoken address were taken for somebody.
            return replace(other, start=one.start) if between == " " and " dot " in second else None
        if other.kind is not IdentifierKind.NAME:
            return None
        if one.kind is IdentifierKind.NAME and (first[0].isupper() == second[0].isupper()):
            if _BETWEEN.fullmatch(between) or (between == ". " and _LETTERS.fullmatch(first)):
                return replace(one, end=other.end)
            if between == " " and first.isalpha() and _LETTERED_NAME.match(second) and self._is_given(first.lower()):
                return replace(one, end=other.end)
            beside = between == " " and any(sign in second for sign in "-'’") and first.isalpha()
            return replace(one, end=other.end) if beside or _INITIAL.fullmatch(between) else None
        month = one.kind is IdentifierKind.DATE and first.lower() in _MONTHS and between == " "
        if month and _WHO_BEFORE.search(text, max(0, one.start - _LOOK), one.start):
            return replace(one, end=other.end, kind=IdentifierKind.NAME)
        return None

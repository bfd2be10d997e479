"""Institutions and employers by what they are called and where they stand: "at St. Anne's", "works for Alder Foods"."""

from __future__ import annotations

import re
from collections.abc import Iterator

from appliance.deid.identifier import IdentifierKind
from appliance.deid.lexicon import around
from appliance.deid.reading import Reading, Word
from appliance.deid.recognisers.base import LIKELY, Found, ReadingRecogniser
from appliance.deid.recognisers.called_places import called_places
from appliance.deid.recognisers.institution_forms import institution_forms
from appliance.deid.recognisers.institution_heads import (
    EMPLOYERS,
    HOLY,
    HOLY_FIRST,
    LIKELY_FIRST,
    STOPS,
    SURE,
    SURE_FIRST,
    TOWARDS,
)
from appliance.deid.recognisers.institution_heads import LIKELY as LIKELY_HEAD
from appliance.deid.recognisers.name_class import NameWords, Weight

_KINDS = around("facilities.kinds")
_PROPER = around("facilities.proper")
_LINKS = frozenset(("of", "and", "the", "for", "de", "la", "du", "at"))
_ABBREVIATED = frozenset(("st", "mt", "ft", "ste"))
_ARTICLES = frozenset(("a", "an"))
_PARTS_OF = frozenset(
    ("lot", "front", "outside", "lobby", "entrance", "cafeteria", "campus", "board", "steps", "employee")
)
_REACH = 6  # words before a head
_AGAIN = ("  ", "\t", "|", ":", "\n", "@", "(")
_RUN = (
    r"(?:[Dd]['’])?[A-Z0-9][\w&'’-]*(?:(?:[ \t]+(?:of|and|&|the|for|de|la)[ \t]+|[ \t]+|,[ \t]+(?=Inc\b|LLC\b|Ltd\b))"
    r"(?:[Dd]['’])?[A-Z][\w&'’-]*){0,5}"
)
# Where an employer stands, whatever it is called; the first group begins with any trade.
_EMPLOYED = re.compile(
    r"(?i:[a-z]+\s+(?:as\s+an?\s+)?(?:(?!up\b|out\b)[a-z-]{2,15}\s+){0,3}?(?:at|for|by|@)"
    r"|(?:co-?workers?|colleagues?|boss|friends from work|retired|laid off|fired|furloughed|suspended|out of work"
    r"|off work|leave|retirement|pension|paycheck|disability|insurance|benefits)\s+(?:at|from|through|with)|owns"
    r"|owner of|owned|runs|manages|founded)"
    rf"\s+(?i:the\s+)?(?P<place>{_RUN})"
)
_SAID = re.compile(
    r"[a-z]+\s+(?:off\s+)?(?:[a-z]{2,12}\s+){0,3}?(?:at|for|by|from)\s+(?:the\s+)?"
    r"(?P<place>(?:[b-hj-z]\s){0,2}[a-z][a-z'’-]{1,25}(?:\s(?:and\s)?[a-z][a-z'’-]{1,25}){0,3})"
)
_TRADES = around("institutions.trades")
_SAYS = around("institutions.says")
# Behind "at" several capitals are an institution, as are those that somebody is sent to.
_AT = around("institutions.at")
_AT_RUN = re.compile(
    r"(?i:at|(?:discharged|transferred|sent|admitted|referred)\s+(?:to|from|by)|resident\s+of|(?:lives|resides"
    r"|residing)\s+(?:at|in))"
    r"\s+(?P<place>(?:the\s+|The\s+)?(?:[A-Z][\w&'’-]+)(?:\s+(?:of\s+|and\s+"
    r"|&\s+)?[A-Z][\w&'’-]+){1,4})(?!\.?\s?[,/]?\s?\d)"
)
_FIELD = re.compile(
    r"(?<![\w-])(?i:employer(?:['’]s)?(?:\s+name)?|employed\s+by|workplace|place\s+of\s+(?:work|employment)"
    r"|company(?:\s+name)?|school(?:\s+name)?|church|congregation"
    r"|(?:referring|sending|receiving|transferring|outside)\s+(?:facility|hospital)"
    r"|(?P<loose>(?-i:cc)|osh|copy(?:\s+to)?|copies(?:\s+to)?|to|from|shelter|day\s?care|group\s+home|hospital|clinic"
    r"|practice|site|lab)"
    r"|facility(?:\s+name)?|pharmacy(?:\s+name)?|nursing\s+home|agency)\s*[:=]\s*"
    r"(?P<place>[^\W_][^\n|;,:()]{1,60}?)(?=\s{2,}|\s*(?:[\n|;,:()]|\.\s|\.$|$))"
)
_FIELDS = around("institutions.fields")
_SAINTS = around("institutions.saints")
_SAINT = re.compile(
    r"(?:(?i:st|ste|mt)\.?|(?i:saint|sainte|mount)|Our Lady of(?: the)?)"
    r"\s(?P<name>[^\W\d_][\w-]{2,20})(?P<own>['’]s)?(?:\s(?:of|the)\s[A-Z][\w-]+)?"
)
_NOT_A_SAINT = around("institutions.not_a_saint")
_OF_KIND = (
    r"(?:hospitals?|medical\s+center|clinic|institute|center|health|college|church|schools?|bank|diocese|archdiocese"
    r"|university|pharmacy)"
)
_OF = re.compile(rf"{_OF_KIND}\s+of\s+(?P<of>[^\W\d_][\w'’-]+)", re.I)
_OF_FIRST = around("institutions.of_first")
_BEFORE_OF = re.compile(
    r"(?:\b(?:university|children['’]?s|women['’]?s|general|community|memorial|veterans|county|heart|cancer|surgery"
    r"|eye|kidney|regional|baptist|first|united|medical)\s+){1,3}$",
    re.I,
)
_SIDES = frozenset(
    ("right", "left", "upper", "lower", "bilateral", "proximal", "distal", "mid", "anterior", "posterior")
)
_NOBODY = frozenset(("self", "none", "unknown", "retired", "disabled", "student", "unemployed", "same", "other", "na"))
_LEGAL_FORM = re.compile(r",?[ ](?:PLLC|LLC|LLP|Inc|Ltd|Corp|PC|PA|P\.C\.|P\.A\.)(?![\w])")
# "His employer (Alder Freight)", "letter to employer Alder Freight".
_EMPLOYER = re.compile(rf"(?i:employer|emp)(?i:['’]s\s+name)?\s*(?:[(,:-]|is\b|was\b|named\b)?\s*(?P<place>{_RUN})")
_NO_NAME = (
    around("facilities.always_plain") | around("landmarks.plain") | around("slots.not") | around("said_slots.not")
)
_NOT_OF = around("institutions.not_of")


class InstitutionRecogniser(ReadingRecogniser):
    """Institutions, and employers, which identify whom they employ (45 CFR 164.514(b)(2)(i))."""

    kinds = (IdentifierKind.FACILITY,)

    def __init__(self, classes: NameWords) -> None:
        super().__init__()
        self._classes = classes
        self._words = classes.words
        self._nouns = self._words.ordinary - self._words.not_a_name
        self._places = self._words.places | self._words.ordinary_places | self._words.large_places

    def find(self, reading: Reading) -> Iterator[Found]:
        """By heads, then by saints, by "of", and by the positions of employers."""
        for start, end in self._spans(reading):
            yield Found(start, end, IdentifierKind.FACILITY, LIKELY)

    def _spans(self, reading: Reading) -> Iterator[tuple[int, int]]:
        text = reading.text
        yield from institution_forms(text)
        yield from called_places(reading, self._classes)
        for at, word in enumerate(reading.words):
            low = word.low
            if low in SURE_FIRST and (match := SURE.match(text, word.start)):
                yield from self._named(reading, at, match, sure=True)
            elif low in LIKELY_FIRST and (match := LIKELY_HEAD.match(text, word.start)):
                yield from self._named(reading, at, match, sure=False)
            if low in _OF_FIRST and (match := _OF.match(text, word.start)) and self._of(match["of"]):
                kind = _BEFORE_OF.search(text, max(0, word.start - 60), word.start)
                yield (kind.start() if kind else word.start), _of_end(text, match)
            before = reading.words[at - 1].low if at and word.gap == " " else ""
            if low in _SAINTS and (match := _SAINT.match(text, word.start)) and self._saint(text, match, before):
                yield match.span()
            holy = HOLY.match(text, word.start) if low in HOLY_FIRST else None
            if holy and (before in TOWARDS or before == "church"):
                yield holy.span()
            yield from self._positioned(reading, word)
            # "A riveter at alder works": somebody or something of an institution, whatever the trade is called.
            if word.behind.startswith(" at ") and at and reading.words[at - 1].low in _ARTICLES:
                said = _SAID.match(text, word.start)
                if said and (end := self._said(said["place"])):
                    yield said.start("place"), said.start("place") + end

    def _positioned(self, reading: Reading, word: Word) -> Iterator[tuple[int, int]]:
        """Institutions by what stands before them, from that word on."""
        text, low = reading.text, word.low
        if low in _TRADES and (match := _EMPLOYED.match(text, word.start)) and self._employs(match["place"]):
            yield match.span("place")
        if low in _SAYS and (match := _SAID.match(text, word.start)) and (end := self._said(match["place"])):
            yield match.start("place"), match.start("place") + end
        employer = _EMPLOYER.match(text, word.start) if low in ("employer", "emp") else None
        if employer and self._employs(employer["place"]):
            yield employer.span("place")
        field = _FIELD.match(text, word.start) if low in _FIELDS else None
        if field and self._fills(field["place"], loose=bool(field["loose"])):
            yield field.span("place")
        stands = _AT_RUN.match(text, word.start) if low in _AT and reading.capitals else None
        if stands and self._stands(stands["place"]):
            yield stands.span("place")

    def _named(self, reading: Reading, at: int, head: re.Match[str], *, sure: bool) -> Iterator[tuple[int, int]]:
        first = self._first(reading, at, head, sure=sure) if at else None
        if first is not None:
            form = _LEGAL_FORM.match(reading.text, head.end())
            yield first, form.end() if form else head.end()

    def _fills(self, place: str, *, loose: bool) -> bool:
        """Whether what a field holds is a name: not "retired", "none"."""
        low = re.findall(r"[^\W\d_][\w'’-]*", place.lower())
        if low and low[0] in _NOBODY:
            return False
        if loose and (len(low) < 2 or not place[0].isupper() or low[0] in self._words.titles):
            return False
        return bool(low) and (
            not all(self._ordinary(word) for word in low) or (not loose and len(low) > 1 and place.istitle())
        )

    def _first(self, reading: Reading, at: int, head: re.Match[str], *, sure: bool) -> int | None:
        """Where the name before a head begins; None when the words before it name nothing."""
        words = reading.words
        if not words[at].capital:
            return self._first_lower(words, at, sure=sure)
        first, named, listed = at, False, False
        for index in range(at - 1, max(-1, at - 1 - _REACH), -1):
            word, gap = words[index], words[index + 1].gap
            if gap not in (" ", "-", " & ", "  & ") and not (gap == ". " and word.low in _ABBREVIATED):
                break
            if any(letter.isupper() for letter in word.text):
                if word.opens and word.low in self._words.not_a_name and not listed:
                    break
                if word.low in self._words.titles or word.low in self._words.credentials or word.low in TOWARDS:
                    break
                first = index
                plain = self._plain(word.low)
                named = named or not plain
                listed = listed or (not plain and self._listed(word.low))
            elif word.low not in _LINKS or word.low == "at":
                break
        if first == at or not named:
            return None
        anchored = self._anchored(words, first)
        # A word of every day that opens a sentence may be a verb: "Continue Home Care".
        alone = sure and reading.capitals and (listed or not words[first].opens)
        if not anchored and not alone:
            return None
        if words[first].opens and not listed and "\n" in words[first].gap and not sure:
            return None  # a heading: "Recreational Drugs"
        if not sure and not self._closes(reading.text, head.end()):
            return None
        return words[first].start

    def _first_lower(self, words: list[Word], at: int, *, sure: bool) -> int | None:
        """In lower case a name stands behind a preposition without an article, and one word of it is no plain word."""
        named = strong = everyday = False
        for index in range(at - 1, max(-1, at - 6), -1):
            word = words[index]
            if words[index + 1].gap not in (" ", ". ", "-", " & "):
                return None
            if word.low in TOWARDS or word.low == "for":
                stands = named or (everyday and word.low in ("at", "from"))
                return words[index + 1].start if stands else None
            if word.low == "the" and index and words[index - 1].low in TOWARDS | {"for"}:
                return words[index + 1].start if strong else None  # "at the clinic" names none
            if word.low == "of" and index and words[index - 1].low in _PARTS_OF:
                return words[index + 1].start if named else None  # "in the parking lot of"
            if (word.low in STOPS and word.low != "and") or word.low in self._words.relatives:
                return None
            named = named or self._names(word.low, sure=sure)
            everyday = everyday or (sure and self._everyday(word.low))
            strong = strong or (self._names(word.low, sure=False) and word.low not in _PROPER)
        return None

    def _names(self, low: str, *, sure: bool) -> bool:
        if self._plain(low):
            return False
        weight = self._classes.weight(low)
        if low in self._places or weight == Weight.UNKNOWN or weight >= Weight.SURNAME:
            return True
        return low in _PROPER or (sure and weight > Weight.UNKNOWN)

    def _everyday(self, low: str) -> bool:
        """Whether a word of every day may name an institution where no article stands: "at little acorns daycare"."""
        return len(low) > 3 and low not in _NO_NAME and not self._plain(low) and low in self._nouns

    def _plain(self, low: str) -> bool:
        return low in _KINDS or low in self._words.heads or low in _LINKS or low in self._words.clinical

    def _listed(self, low: str) -> bool:
        return low in self._places or self._classes.weight(low) >= Weight.UNKNOWN

    def _ordinary(self, low: str) -> bool:
        return self._classes.weight(low) <= Weight.ORDINARY and low not in self._places

    def _anchored(self, words: list[Word], first: int) -> bool:
        """Whether an institution can begin here: behind "at", a label, a credential, at the start of a field."""
        if not first:
            return False
        before, gap = words[first - 1], words[first].gap
        if gap == " ":
            return before.low in TOWARDS or (
                before.low in ("for", "with", "the", "and", "of") and before.text.islower()
            )
        return (gap.strip(" ") == "," and before.low in self._words.credentials) or any(sign in gap for sign in _AGAIN)

    def _closes(self, text: str, end: int) -> bool:
        """Whether the name ends with its head: "Illicit Drug Use" and "General Surgery" go on."""
        rest = text[end : end + 24]
        after = re.match(r" ([A-Za-z'’-]+)", rest)
        return after is None or (
            after[1].islower() and after[1] not in self._words.heads and not rest.startswith(" use")
        )

    def _saint(self, text: str, match: re.Match[str], before: str) -> bool:
        name = match["name"]
        after = re.match(r"\s([a-zA-Z]+)", text[match.end() : match.end() + 20])
        if (after and after[1].lower() in _NOT_A_SAINT) or name.lower() in STOPS:
            return False
        if before not in TOWARDS and before not in ("over", "the") and not (match["own"] and name[0].isupper()):
            return False
        return name[0].isupper() or self._classes.weight(name) > Weight.ORDINARY

    def _of(self, word: str) -> bool:
        low = word.lower()
        if low in _NOT_OF or low in STOPS:
            return False
        return word[0].isupper() or low in self._places or self._classes.weight(low) >= Weight.UNKNOWN

    def _stands(self, place: str) -> bool:
        """Whether a run of capitals names something: a word of it is no word of medicine or of every day."""
        low = [word.lower().removesuffix("'s") for word in re.split(r"[\s&]+", place)]
        if low[0] in _SIDES or any(word in self._words.titles or word in self._words.relatives for word in low):
            return False
        if low[-1] in self._words.heads or any(
            word in self._words.always_clinical or word in self._words.eponyms for word in low
        ):
            return False
        return any(self._listed(word) and word not in self._words.clinical for word in low if len(word) > 2)

    def _employs(self, place: str) -> bool:
        first = re.split(r"[\s'’]", place, maxsplit=1)[0].lower()
        known = self._words
        if place.isupper() and len(place) < 5 and " " not in place:
            return False  # "working with PT"
        if first in known.not_a_name or first in known.titles or first in known.relatives or first in known.clinical:
            return " " in place and first not in STOPS and not (first in known.titles or first in known.relatives)
        return not first.isdigit()

    def _said(self, place: str) -> int:
        """How many characters of a run of words in lower case are the employer; 0 when none is."""
        end, named = 0, False
        for match in re.finditer(r"[a-z'’-]+", place):
            low = match.group().removesuffix("'s")
            if low in STOPS and low != "and":
                break
            if low in self._words.relatives or low in self._words.titles or low in self._words.clinical:
                break
            weight = self._classes.weight(low)
            if weight == Weight.UNKNOWN or weight >= Weight.SURNAME or low in self._places or low in EMPLOYERS:
                named, end = True, match.end()
            elif named and weight > Weight.UNKNOWN:
                end = match.end()
        return end if named else 0


def _of_end(text: str, match: re.Match[str]) -> int:
    """Behind the name of a town of up to three words, when it is written with capitals as they are."""
    if not match["of"][0].isupper() or match["of"].isupper():
        return match.end()
    more = re.match(r"(?: (?:of |the )?[A-Z][a-z'’-]+){0,2}", text[match.end() : match.end() + 50])
    return match.end() + (more.end() if more else 0)
